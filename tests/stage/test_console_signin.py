"""Signing in as an attacker meets it: the first start, guessing, forged forms, borrowed sessions, proxies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import psycopg
import pytest

from commands import Run
from edges import NOW, VAULT, serving
from yutang import config, users
from yutang.web.guesses import DEVICE

PASSWORD = "一句没有人会猜到的话"
FIRST = {"name": "wang", "title": "王", "password": PASSWORD, "again": PASSWORD}
WRONG = {"name": "wang", "password": "not the password"}


class Clock:
    now = NOW


@pytest.fixture
def far(url: str) -> Iterator[str]:
    """A server that others reach too."""
    with serving(url, local=False, clock=lambda: Clock.now) as address:
        yield address
    Clock.now = NOW


@contextmanager
def browser(base: str, **headers: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base, timeout=30, headers={"Origin": base} | headers) as one:
        yield one


def sign_in(one: httpx.Client, **fields: Any) -> httpx.Response:
    return one.post("/login", data={"name": "wang", "password": PASSWORD} | fields)


def deeds(conn: psycopg.Connection) -> list[tuple[str, str, str]]:
    return [(d.by, d.act, d.object) for d in users.deeds(conn)]


@pytest.fixture
def wang(conn: psycopg.Connection) -> users.User:
    return users.add(conn, NOW, "wang", "王", "administrator", PASSWORD)


def test_set_up_sign_in_see_what_is_missing_and_sign_out(base: str, conn: psycopg.Connection) -> None:
    with browser(base) as first, browser(base) as other:
        assert first.get("/settings/users").status_code == 200, "whoever sits at the machine, until somebody is set up"
        assert first.get("/login").headers["location"] == "/setup"
        wrong = first.post("/setup", data=FIRST | {"again": "x"})
        assert (wrong.status_code, 'value="wang"' in wrong.text) == (422, True)
        assert first.post("/setup", data=FIRST).headers["location"] == "/"
        assert first.get("/settings/users").status_code == 200
        assert other.get("/settings/users").status_code == 401, "from now on everybody signs in"
        assert other.post("/setup", data=FIRST | {"name": "li"}).status_code == 422
        assert other.get("/setup").headers["location"] == "/login"
        users.add(conn, NOW, "zhao", "赵", "analyst", PASSWORD)
        assert sign_in(other, name="zhao", to="/segments").headers["location"] == "/segments"
        refused = other.get("/settings/users")
        assert refused.status_code == 403
        assert "您的角色是分析" in unescape(refused.text)
        assert "管理员" in refused.text
        assert other.post("/logout").status_code == 303
        assert other.get("/").status_code == 401
    assert ("zhao", "sign_out", "user/zhao") in deeds(conn)


def test_two_who_set_up_at_once_make_one_administrator(base: str, conn: psycopg.Connection) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make(n: int) -> int:
        with browser(base) as one:
            return one.post("/setup", data=FIRST | {"name": f"u{n}"}).status_code

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(make, range(6))) == [303] + [422] * 5
    assert len(users.every(conn)) == 1


def test_from_elsewhere_the_first_administrator_needs_the_key(far: str, conn: psycopg.Connection) -> None:
    with browser(far) as one:
        assert one.get("/settings/users").status_code == 401
        assert one.post("/setup", data=FIRST | {"key": "guess"}).status_code == 422
        assert one.post("/setup", data=FIRST | {"key": VAULT.api_key}).status_code == 303
        assert one.get("/settings/users").status_code == 200
    assert users.any_user(conn)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
        {"Origin": "https://crm.example.com"},
        {"Referer": "https://crm.example.com/persons"},
        {"Referer": "http://[half"},
    ],
)
def test_whoever_asks_through_something_else_is_not_the_machine(base: str, headers: dict[str, str]) -> None:
    assert httpx.get(f"{base}/settings/users").status_code == 200
    assert httpx.get(f"{base}/settings/users", headers=headers).status_code == 401
    assert httpx.get(f"{base}/metrics", headers=headers).status_code == 401
    made = httpx.post(f"{base}/setup", data=FIRST, headers={"Sec-Fetch-Site": "same-origin"} | headers)
    assert made.status_code == 422, "the key is asked for"


def test_with_another_public_address_nobody_is_the_machine(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(config.PUBLIC_URL.name, "https://crm.example.com")
    assert httpx.get(f"{base}/settings/users").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "://"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "BASE"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "BASE"}, 303),
    ],
)
@pytest.mark.usefixtures("wang")
def test_forms_of_other_sites_are_refused(far: str, headers: dict[str, str], status: int) -> None:
    with httpx.Client(base_url=far) as one:
        one.post("/login", data={"name": "wang", "password": PASSWORD}, headers={"Origin": far})
        said = {name: value.replace("BASE", far) for name, value in headers.items()}
        assert one.post("/me/sign-out", headers=said).status_code == status
        assert one.post("/login", data=WRONG, headers=said).status_code == (422 if status == 303 else 403)


@pytest.mark.usefixtures("wang")
def test_on_the_lan_and_behind_a_proxy_our_own_pages_are_ours(far: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lan = {"Host": "192.168.1.5:8420", "Origin": "http://192.168.1.5:8420"}
    with httpx.Client(base_url=far) as one:
        made = one.post("/login", data={"name": "wang", "password": PASSWORD}, headers=lan)
        assert made.status_code == 303
        assert "secure" not in made.headers["set-cookie"].lower()
    monkeypatch.setenv(config.PUBLIC_URL.name, "https://crm.example.com/")
    proxied = {"Origin": "https://crm.example.com"}
    with httpx.Client(base_url=far) as one:
        assert one.post("/login", data=WRONG, headers=lan | {"Origin": "https://192.168.1.5"}).status_code == 403
        made = one.post("/login", data={"name": "wang", "password": PASSWORD}, headers=proxied)
        cookies = made.headers.get_list("set-cookie")
        (session,) = [cookie for cookie in cookies if cookie.startswith("__Host-console=")]
        for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/;"):
            assert word.lower() in f"{session};".lower()
        assert "domain" not in session.lower()
        token = session.partition("=")[2].partition(";")[0]
        assert httpx.get(f"{far}/me", headers={"Cookie": f"__Host-console={token}"}).status_code == 200
        assert httpx.get(f"{far}/me", headers={"Cookie": f"console={token}"}).status_code == 401, (
            "a neighbour may set this"
        )


@pytest.mark.parametrize(
    "to",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n", "evil", "javascript:alert(1)", "/" + "x" * 600],
)  # fmt: skip
@pytest.mark.usefixtures("wang")
def test_signing_in_leads_to_pages_of_ours_alone(far: str, to: str) -> None:
    with browser(far) as one:
        assert sign_in(one, to=to).headers["location"] == "/"
        assert sign_in(one, to="/segments?sort=size").headers["location"] == "/segments?sort=size"


@pytest.mark.usefixtures("wang")
def test_a_session_of_before_is_not_carried_over(far: str, conn: psycopg.Connection) -> None:
    with browser(far) as one:
        one.cookies.set("console", "chosen-by-somebody-else")
        first = sign_in(one).cookies["console"]
        assert first != "chosen-by-somebody-else"
        again = sign_in(one).cookies["console"]
        assert again != first
    assert httpx.get(f"{far}/me", headers={"Cookie": f"console={first}"}).status_code == 401
    assert len(users.open_sessions(conn, NOW, "wang")) == 1


@pytest.mark.usefixtures("wang")
def test_guessing_from_one_address_ends_and_is_written_down(far: str, conn: psycopg.Connection) -> None:
    with browser(far) as one:
        codes = [one.post("/login", data=WRONG | {"name": f"n{n}" if n % 2 else "wang"}).status_code for n in range(12)]
        assert codes == [422] * 10 + [429] * 2
        blocked = sign_in(one)
        assert blocked.status_code == 429, "the right one would tell the guesser that it is right"
        assert 'value="wang"' in blocked.text
    told = deeds(conn)
    assert told.count(("nobody", "sign_in_failed", "user/wang")) == 5
    assert ("nobody", "sign_in_blocked", "user/?") in told
    assert len(told) == 10, "what is blocked fills no log"
    assert "n1" not in str(users.deeds(conn)), "what was typed may be a password"
    Clock.now = NOW + timedelta(minutes=11)
    with browser(far) as one:
        assert sign_in(one).status_code == 303


@pytest.mark.usefixtures("wang")
def test_who_is_given_another_password_need_not_wait(far: str, conn: psycopg.Connection, yutang: Run) -> None:
    """By the administrator of the server; who changes his own gets no new tries at somebody else's."""
    with browser(far) as one:
        for _ in range(11):
            one.post("/login", data=WRONG)
        assert sign_in(one).status_code == 429
        users.note(conn, NOW + timedelta(seconds=1), "wang", "user_password", "user/wang")
        assert sign_in(one).status_code == 429
        yutang("user", "password", "wang", "--password-stdin", typed="another battery staple\n")
        assert one.post("/login", data=WRONG | {"password": "another battery staple"}).status_code == 303


@pytest.mark.usefixtures("wang")
def test_a_right_password_in_between_gives_no_new_tries(far: str, conn: psycopg.Connection) -> None:
    users.add(conn, NOW, "eve", "", "analyst", PASSWORD)
    codes = []
    for n in range(14):
        with browser(far) as stranger:
            codes.append(stranger.post("/login", data=WRONG).status_code)
        with browser(far) as stranger:
            if n % 3 == 0:
                sign_in(stranger, name="eve")
    assert codes == [422] * 10 + [429] * 4


@pytest.mark.usefixtures("wang")
def test_many_tries_at_once_are_no_more_than_one_after_another(far: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def guess(_: int) -> int:
        with browser(far) as one:
            return one.post("/login", data=WRONG).status_code

    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(guess, range(30))).count(429) == 20


@pytest.mark.usefixtures("wang")
def test_strangers_cannot_keep_out_who_has_signed_in_here_before(far: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(config.PUBLIC_URL.name, far)
    with browser(far) as mine:
        assert sign_in(mine).status_code == 303
        assert mine.post("/logout").status_code == 303
        codes = []
        for n in range(60):
            with browser(far, **{"X-Forwarded-For": f"203.0.113.{n}"}) as stranger:
                codes.append(stranger.post("/login", data=WRONG).status_code)
        assert codes == [422] * 50 + [429] * 10, "from wherever they come"
        with browser(far, **{"X-Forwarded-For": "198.51.100.7"}) as fresh:
            assert sign_in(fresh).status_code == 429
            fresh.cookies.set(DEVICE, mine.cookies[DEVICE][:-1] + "0", path="/login")
            assert sign_in(fresh).status_code == 429, "nobody makes himself known"
        assert sign_in(mine).status_code == 303
        with browser(far, **{"X-Forwarded-For": "198.51.100.8"}) as fresh:
            fresh.cookies.set(DEVICE, mine.cookies[DEVICE], path="/login")
            assert sign_in(fresh, name="li").status_code == 422, "a known browser is known for its own name"


@pytest.mark.usefixtures("wang")
def test_one_who_guesses_has_as_many_tries_as_networks(far: str) -> None:
    """Whoever has one address of IPv6 has a whole network; and what a client says before the proxy does not count."""
    for ahead in ("", "203.0.113.1, "):
        codes = []
        for n in range(12):
            with browser(far, **{"X-Forwarded-For": f"{ahead}2001:db8:0:{len(ahead)}::{n:x}"}) as stranger:
                codes.append(stranger.post("/login", data=WRONG | {"name": f"n{n}"}).status_code)
        assert codes == [422] * 10 + [429] * 2


@pytest.mark.usefixtures("wang")
def test_who_is_closed_is_out_at_once(far: str, conn: psycopg.Connection) -> None:
    users.add(conn, NOW, "li", "", "operator", PASSWORD)
    with browser(far) as one:
        sign_in(one, name="li")
        assert one.get("/me").status_code == 200
        users.close(conn, NOW, "li")
        assert one.get("/me").status_code == 401
        assert sign_in(one, name="li").status_code == 422, "and is told no more than anybody"


@pytest.mark.usefixtures("wang")
def test_a_key_opens_the_pages_without_a_session(far: str) -> None:
    auth = ("anybody", VAULT.key_of("robot"))
    assert httpx.get(f"{far}/settings/users", auth=auth).status_code == 200
    assert httpx.post(f"{far}/settings/users/wang/sign-out", auth=auth).status_code == 403, (
        "browsers send it by themselves"
    )
    bearer = {"Authorization": f"Bearer {VAULT.key_of('robot')}"}
    assert httpx.post(f"{far}/settings/users/wang/sign-out", headers=bearer).status_code == 303
    assert httpx.get(f"{far}/settings/users", headers={"Authorization": "Bearer robot.00"}).status_code == 401
