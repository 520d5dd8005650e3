"""Signing in to the console through the city's login pages, and the sidebar beside a chat: over HTTP from end to end."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha1
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest

from cities import VAULT
from edges import serving
from wecoms import Mirror, mirrored
from yutang import config, users, worker
from yutang.channels import configured
from yutang.channels.platform import account
from yutang.emulator.people import Customer
from yutang.ingest import record

SIGN_IN = "/login/wecom/main"
INSIDE = {"User-Agent": "Mozilla/5.0 wxwork/4.1.30"}


@dataclass
class Console:
    """A web edge that is not local, in front of a city."""

    mirror: Mirror
    base: str

    def __post_init__(self) -> None:
        address = self.mirror.city.address
        self.set(login_url=f"{address}/wwlogin/sso/login", inside_url=f"{address}/connect/oauth2/authorize")

    def set(self, **fields: str) -> None:
        self.mirror.account = account.add(
            self.mirror.conn, VAULT, self.mirror.city.now(), "wecom", "main", fields
        )  # fmt: skip

    @contextmanager
    def browser(self, **more: Any) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.base, timeout=30, **more) as browser:
            yield browser

    def way_back(self, browser: httpx.Client, userid: str) -> str:
        """Where the platform's page sends the browser when this member is chosen there."""
        there = browser.get(SIGN_IN)
        assert there.status_code == 302
        assert there.headers["location"].startswith(self.mirror.city.address)
        chosen = browser.get(there.headers["location"], params=parse_qs(urlsplit(there.headers["location"]).query) | {"userid": userid})  # fmt: skip
        assert chosen.headers["location"].startswith(f"{self.base}{SIGN_IN}/back?"), chosen.text
        return chosen.headers["location"]

    def signs_in(self, browser: httpx.Client, userid: str) -> httpx.Response:
        found = browser.get(self.way_back(browser, userid))
        assert (found.status_code, found.headers["location"]) == (303, "/"), found.text
        return found


@pytest.fixture
def console(url: str, conn: psycopg.Connection) -> Iterator[Console]:
    with ExitStack() as stack:
        mirror = stack.enter_context(mirrored(conn))
        yield Console(mirror, stack.enter_context(serving(url, local=False, clock=mirror.city.now)))


def test_whoever_is_an_admin_opens_the_pages_and_the_api_stays_shut(console: Console) -> None:
    console.set(admins="guide02, Guide01")
    with console.browser() as browser:
        assert browser.get("/").status_code == 401
        assert SIGN_IN in browser.get("/login").text
        kept = console.signs_in(browser, "guide01").headers["set-cookie"].lower()
        assert all(word in kept for word in ("httponly", "samesite=lax", "path=/;", "max-age=43200"))
        assert [browser.get(path).status_code for path in ("/", "/persons", "/schema")] == [200, 200, 200]
        assert "guide01" in browser.get("/login").text
        assert browser.get("/v1/persons/1/why").status_code == 401
        assert browser.post("/v1/events", json=[]).status_code == 401


def test_who_is_no_admin_reads_who_can_let_him_in(console: Console) -> None:
    console.set(admins="guide02")
    with console.browser() as browser:
        console.signs_in(browser, "guide01")
        refused = browser.get("/")
        assert refused.status_code == 403
        assert "yutang channel add wecom --name main --admins guide02,guide01" in unescape(refused.text)
        console.set(admins="guide02,guide01")
        assert browser.get("/").status_code == 200
        console.set(admins="guide02")
        assert browser.get("/").status_code == 403, "out at the next request"
        account.remove(console.mirror.conn, "wecom", "main")
        assert browser.get("/").status_code == 401


def test_nobody_is_an_admin_unless_said(console: Console) -> None:
    with console.browser() as browser:
        assert SIGN_IN not in (page := browser.get("/login").text)
        assert "yutang channel add wecom --admins" in page
        console.signs_in(browser, "guide01")
        assert browser.get("/").status_code == 403


def test_a_way_back_is_for_one_browser_and_one_use(console: Console) -> None:
    console.set(admins="guide01")
    with console.browser() as browser, console.browser() as other:
        back = console.way_back(browser, "guide01")
        assert other.get(back).status_code == 403
        assert other.get("/").status_code == 401
        assert browser.get(back).status_code == 303
        code = parse_qs(urlsplit(back).query)["code"][0]
        browser.cookies.delete("session")
        assert browser.get(back).status_code == 403
        again = parse_qs(urlsplit(console.way_back(browser, "guide01")).query)
        used = browser.get(f"{SIGN_IN}/back", params={"code": code, "state": again["state"][0]})
        assert used.status_code == 403, "a code that was used, with a fresh state"
        made_up = browser.get(f"{SIGN_IN}/back", params={"code": again["code"][0], "state": "a.1.b"})
        assert made_up.status_code == 403
        assert browser.get(f"{SIGN_IN}/back").status_code == 403
        assert browser.get("/").status_code == 401


def test_a_state_is_for_one_account(console: Console) -> None:
    account.add(console.mirror.conn, VAULT, console.mirror.city.now(), "wecom", "second", console.mirror.city.account("wecom"))  # fmt: skip
    with console.browser() as browser:
        back = console.way_back(browser, "guide01")
        assert browser.get(back.replace("/main/", "/second/")).status_code == 403
        assert browser.get("/login/wecom/third").status_code == 404
        assert browser.get("/login/sms/main").status_code == 404


def test_people_from_outside_are_refused(console: Console) -> None:
    from yutang.emulator.wecom import auth

    with console.browser() as browser:
        state = parse_qs(urlsplit(browser.get(SIGN_IN).headers["location"]).query)["state"][0]
        city = console.mirror.city
        code = auth.new_code(city, city.app("wecom"), outsider=city.add_customer("陈一"))
        refused = browser.get(f"{SIGN_IN}/back", params={"code": code, "state": state})
        assert (refused.status_code, "members of the corp" in refused.text) == (403, True)
        assert "session" not in browser.cookies


def test_a_session_cannot_be_forged_and_ends_by_itself(console: Console) -> None:
    console.set(admins="guide01,guide02")
    with console.browser() as browser:
        console.signs_in(browser, "guide02")
        said, _, signature = browser.cookies["session"].strip('"').partition(".")
        body = json.loads(base64.urlsafe_b64decode(said))
        assert body[:3] == ["wecom", "main", "guide02"]
        forged = base64.urlsafe_b64encode(json.dumps(["wecom", "main", "guide01", body[3] + 99]).encode()).decode()
        for value in (f"{forged}.{signature}", forged, f"{said}.{signature[:-1]}", f"{said}.", ".", "x.y"):
            assert httpx.get(console.base, headers={"Cookie": f"session={value}"}).status_code == 401, value
        console.mirror.city.advance(timedelta(hours=11).total_seconds())
        assert browser.get("/").status_code == 200
        console.mirror.city.advance(timedelta(hours=2).total_seconds())
        assert browser.get("/").status_code == 401


def test_signing_out_is_for_our_own_pages(console: Console) -> None:
    console.set(admins="guide01")
    with console.browser() as browser:
        console.signs_in(browser, "guide01")
        for headers in (
            {},
            {"Origin": "null"},
            {"Origin": "https://elsewhere.example"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            assert browser.post("/logout", headers=headers).status_code == 403
        assert browser.get("/").status_code == 200
        assert browser.post("/logout", headers={"Origin": console.base}).status_code == 303
        assert browser.get("/").status_code == 401


def test_the_client_of_the_platform_gets_its_own_page(console: Console) -> None:
    with console.browser(headers=INSIDE) as browser:
        there = browser.get(SIGN_IN).headers["location"]
    assert there.startswith(f"{console.mirror.city.address}/connect/oauth2/authorize?")
    assert there.endswith("#wechat_redirect")


def test_without_addresses_of_its_own_an_account_leads_to_the_real_platform(console: Console) -> None:
    console.set(login_url="", inside_url="")
    with console.browser() as browser:
        assert (
            browser.get(SIGN_IN).headers["location"].startswith("https://login.work.weixin.qq.com/wwlogin/sso/login?")
        )
        inside = browser.get(SIGN_IN, headers=INSIDE).headers["location"]
        assert inside.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?")


def test_behind_a_proxy_the_public_address_leads_back(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(config.PUBLIC_URL.name, "https://crm.example.com/")
    with console.browser() as browser:
        there = browser.get(SIGN_IN)
        query = parse_qs(urlsplit(there.headers["location"]).query)
        assert query["redirect_uri"] == [f"https://crm.example.com{SIGN_IN}/back"]
        assert "secure" in there.headers["set-cookie"].lower()
        monkeypatch.setenv(config.PUBLIC_URL.name, "crm.example.com/x")
        assert (wrong := browser.get(SIGN_IN)).status_code == 500
        assert "YUTANG_PUBLIC_URL" in wrong.text


def test_a_platform_out_of_reach_is_said(console: Console) -> None:
    with console.browser() as browser:
        back = console.way_back(browser, "guide01")
        console.set(base_url="http://127.0.0.1:9")
        assert browser.get(back).status_code == 503


def customer_of(console: Console, userid: str) -> Customer:
    """A contact who is known here: by name, by a tag, by an order."""
    fish = console.mirror.city.add_customer("李二")
    console.mirror.city.befriends(fish, userid)
    console.mirror.catch_up()
    now = console.mirror.city.now()
    handles = {f"external_userid@{console.mirror.account.get('corp_id')}": fish.external_userid}
    said: list[tuple[str, dict[str, Any]]] = [
        ("profile_updated", {"traits": {"name": "李二"}}),
        ("tagged", {"tag": "偏好/拿铁"}),
        ("tagged", {"tag": "活动/已过", "expires_at": (now + timedelta(minutes=1)).isoformat()}),
        ("ordered", {"order_id": "o1", "amount_fen": 2600, "items": []}),
    ]
    events = [
        {"id": str(n), "source": "import", "type": type, "at": now.isoformat(), "handles": handles, "props": props}
        for n, (type, props) in enumerate(said)
    ]
    assert record(console.mirror.conn, VAULT, now, events).accepted == len(events)
    worker.settle(console.mirror.conn, now, configured(VAULT))
    console.mirror.city.advance(120)
    return fish


def test_the_sidebar_shows_a_customer_to_those_who_follow_him_alone(console: Console) -> None:
    fish, path = customer_of(console, "guide01"), "/sidebar/wecom/main/customer"
    asked = {"external_userid": fish.external_userid}
    with console.browser() as mine, console.browser() as theirs:
        assert mine.get(path, params=asked).status_code == 401
        console.signs_in(mine, "guide01")
        console.signs_in(theirs, "guide02")
        shown = mine.get(path, params=asked)
        assert shown.headers["cache-control"] == "no-store"
        assert shown.json() | {"person_id": 0} == {
            "person_id": 0, "name": "李二", "tags": ["偏好/拿铁"], "life_stage": "new",
            "orders": {"count": 1, "spent_fen": 2600, "last_at": shown.json()["orders"]["last_at"]},
            "tasks": [],
        }  # fmt: skip
        refused = theirs.get(path, params=asked)
        assert (refused.status_code, refused.json()["reason"]) == (403, "not_yours")
        assert mine.get(path, params={"external_userid": "wmNobody"}).status_code == 403
        assert mine.get(path).status_code == 403
        assert mine.get(path.replace("main", "second"), params=asked).status_code == 401, "a session is for one account"
        console.mirror.city.deletes(fish, "guide01")
        console.mirror.catch_up()
        assert mine.get(path, params=asked).status_code == 403


def test_the_signatures_of_the_sidebar_are_what_the_platform_expects(console: Console) -> None:
    page = "https://crm.example.com/side?x=1&y=%E5%92%96"
    with console.browser() as browser:
        config_of = {"params": {"url": f"{page}#tab"}}
        assert browser.get("/sidebar/wecom/main/config", **config_of).status_code == 401
        console.signs_in(browser, "guide03")
        assert browser.get("/sidebar/wecom/main/config").status_code == 400
        found = browser.get("/sidebar/wecom/main/config", **config_of).json()
    api, kept = console.mirror.api, console.mirror.account
    tickets = {
        "config": api.get("get_jsapi_ticket")["ticket"],
        "agent_config": api.get("ticket/get", type="agent_config")["ticket"],
    }
    assert {name: found.pop(name) for name in ("corp_id", "agent_id")} == {
        "corp_id": kept.get("corp_id"), "agent_id": kept.get("agent_id")
    }  # fmt: skip
    assert set(found) == set(tickets)
    for name, ticket in tickets.items():
        said = found[name]
        plain = f"jsapi_ticket={ticket}&noncestr={said['nonceStr']}&timestamp={said['timestamp']}&url={page}"
        assert said["signature"] == sha1(plain.encode()).hexdigest()
        assert abs(said["timestamp"] - console.mirror.city.stamp()) <= 1


def test_a_user_who_signs_in_here_has_a_session_that_can_be_ended(console: Console) -> None:
    conn, now = console.mirror.conn, console.mirror.city.now()
    users.add(conn, now, "wang", "", "administrator", "a sentence to sign in")
    users.add(conn, now, "li", "李", "analyst", identity=("wecom", "main", "Guide02"))
    console.set(admins="guide02")
    with console.browser() as browser:
        console.set(admins="")
        assert SIGN_IN in browser.get("/login").text, "a user's account is offered without any admins"
        console.set(admins="guide02")
        console.signs_in(browser, "guide02")
        assert browser.get("/segments").status_code == 200
        refused = browser.get("/settings/users")
        assert (refused.status_code, "您的角色是分析" in refused.text) == (403, True), (
            "his role, not the account's word"
        )
        users.end_all(conn, "li")
        assert browser.get("/segments").status_code == 401
        console.signs_in(browser, "guide02")
        assert browser.get("/segments").status_code == 200
        users.close(conn, now, "li")
        closed = browser.get("/segments")
        assert (closed.status_code, "已停用" in closed.text) == (403, True), "though the account still names him"
