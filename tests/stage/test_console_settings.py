"""The settings over HTTP: users, keys, channels, the pond, the audit log; and one's own account."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from edges import NOW, VAULT, serving
from ponds import Pond
from yutang import users
from yutang.brand import drafts
from yutang.brand.folder import load_brand
from yutang.channels.platform import account
from yutang.plan import publish

PASSWORD = "一句没有人会猜到的话"
BRAND = Path(__file__).parents[2] / "src" / "yutang" / "brands" / "city"
ACCOUNT = {
    "corp_id": "wwA", "agent_id": "1000002", "secret": "the-app-secret", "token": "callbackToken",
    "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "base_url": "http://127.0.0.1:9",
}  # fmt: skip


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    for name, role in (("wang", "administrator"), ("zhao", "operator"), ("li", "salesperson")):
        users.add(conn, NOW, name, name.title(), role, PASSWORD)
    with serving(url, local=False) as address:
        yield address


@contextmanager
def signed_in(base: str, name: str = "wang") -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base, timeout=60, headers={"Origin": base}) as one:
        assert one.post("/login", data={"name": name, "password": PASSWORD}).status_code == 303
        yield one


@pytest.fixture
def wang(base: str) -> Iterator[httpx.Client]:
    with signed_in(base) as one:
        yield one


def said(one: httpx.Client, path: str) -> str:
    found = one.get(path)
    assert found.status_code == 200, found.text
    return unescape(found.text)


def deeds(conn: psycopg.Connection, act: str) -> list[tuple[str, dict[str, Any]]]:
    return [(d.object, d.detail) for d in users.deeds(conn) if d.act == act]


def test_the_settings_are_an_administrators(base: str) -> None:
    paths = ("users", "users/new", "users/wang", "keys", "channels", "pond", "audit", "audit.csv", "language")
    for name, status in (("zhao", 403), ("li", 403)):
        with signed_in(base, name) as one:
            assert {one.get(f"/settings/{path}").status_code for path in paths} == {status}
            posts = ("users/new", "users/wang/close", "users/wang/password", "channels/wecom/main/remove", "pond")
            assert {one.post(f"/settings/{path}", data={"x": "y"}).status_code for path in posts} == {status}
            assert one.get("/me").status_code == 200


def test_a_user_is_added_changed_closed_and_let_in_again(
    wang: httpx.Client, base: str, conn: psycopg.Connection
) -> None:
    Pond(conn).define("store", "xuhui", {"title": {"zh": "徐汇店", "en": "Xuhui"}, "lat": 31.2, "lon": 121.4})
    asked = {"name": "chen", "title": "陈店长", "role": "manager", "stores": "xuhui", "password": "short"}
    wrong = wang.post("/settings/users/new", data=asked)
    assert wrong.status_code == 422
    assert all(
        word in wrong.text
        for word in ('value="chen"', 'value="陈店长"', 'value="manager" checked', 'value="xuhui" checked')
    )
    assert 'value="short"' not in wrong.text, "a password is not sent back"
    assert (
        wang.post("/settings/users/new", data=asked | {"password": PASSWORD}).headers["location"]
        == "/settings/users/chen"
    )
    assert "陈店长" in said(wang, "/settings/users")
    with signed_in(base, "chen") as chen:
        assert chen.get("/tasks").status_code == 200
        change = {"title": "陈", "role": "salesperson", "staff": "guide01", "stores": ["xuhui"]}
        assert wang.post("/settings/users/chen", data=change).status_code == 303
        assert users.by_name(conn, "chen").staff == "guide01"
        closed = wang.post("/settings/users/chen/close")
        assert "/settings/users/chen/open" in closed.headers["set-cookie"], "it can be undone"
        assert chen.get("/me").status_code == 401
        assert wang.post("/settings/users/chen/open").status_code == 303
        assert chen.get("/me").status_code == 401, "the session stays ended"
    assert [act for act in ("user_add", "user_change", "user_close", "user_open") if not deeds(conn, act)] == []
    assert PASSWORD not in str(users.deeds(conn))


def test_the_last_administrator_cannot_shut_himself_out(wang: httpx.Client) -> None:
    assert wang.post("/settings/users/wang/close").status_code == 422
    assert wang.post("/settings/users/wang", data={"title": "W", "role": "analyst"}).status_code == 422
    assert wang.get("/settings/users/nobody-here").status_code == 404
    assert said(wang, "/settings/users/wang")


def test_who_is_known_by_a_platform_signs_in_as_himself(wang: httpx.Client, conn: psycopg.Connection) -> None:
    account.add(conn, VAULT, NOW, "wecom", "main", ACCOUNT)
    half = {"name": "sun", "role": "analyst", "through": "", "userid": "guide07"}
    assert wang.post("/settings/users/new", data=half).status_code == 422
    assert wang.post("/settings/users/new", data=half | {"through": "wecom:main"}).status_code == 303
    assert users.by_identity(conn, "wecom", "main", "Guide07").name == "sun"  # type: ignore[union-attr]
    none = {"name": "wu", "role": "analyst"}
    assert wang.post("/settings/users/new", data=none).status_code == 422, "he could not sign in"


def test_a_password_is_set_for_another_and_changed_by_oneself(
    wang: httpx.Client, base: str, conn: psycopg.Connection
) -> None:
    with signed_in(base, "zhao") as zhao, signed_in(base, "zhao") as elsewhere:
        changes = [
            ({"old": "guess", "password": "another sentence", "again": "another sentence"}, 422),
            ({"old": PASSWORD, "password": "another sentence", "again": "x"}, 422),
            ({"old": PASSWORD, "password": "x", "again": "x"}, 422),
            ({"old": PASSWORD, "password": "another sentence", "again": "another sentence"}, 303),
        ]
        assert [zhao.post("/me/password", data=fields).status_code for fields, _ in changes] == [
            code for _, code in changes
        ]
        assert (zhao.get("/me").status_code, elsewhere.get("/me").status_code) == (200, 401)
        assert wang.post("/settings/users/zhao/password", data={"password": "x"}).status_code == 422
        assert wang.post("/settings/users/zhao/password", data={"password": "a third sentence"}).status_code == 303
        assert zhao.get("/me").status_code == 401
    assert users.check(conn, "zhao", "a third sentence") is not None
    with signed_in(base) as second:
        assert "这台" in said(wang, "/me")
        assert wang.post("/me/sign-out").status_code == 303
        assert (wang.get("/me").status_code, second.get("/me").status_code) == (200, 401)


def test_whoever_guesses_the_old_password_waits(wang: httpx.Client) -> None:
    fields = {"old": "guess", "password": "another sentence", "again": "another sentence"}
    for _ in range(10):
        wang.post("/me/password", data=fields)
    assert "十分钟" in wang.post("/me/password", data=fields | {"old": PASSWORD}).text


def test_no_page_shows_a_key(wang: httpx.Client, conn: psycopg.Connection) -> None:
    users.note(conn, NOW, "robot", "tag", "segment/silent")
    page = said(wang, "/settings/keys")
    assert "robot" in page
    assert "wang" not in page.partition("<main")[2], "a user is no holder of a key"
    assert VAULT.api_key not in page
    assert VAULT.key_of("robot") not in page


def test_an_account_is_added_checked_changed_and_removed(wang: httpx.Client, conn: psycopg.Connection) -> None:
    wrong = wang.post(
        "/settings/channels/new/wecom", data={"name": "main"} | ACCOUNT | {"agent_id": "abc", "token": ""}
    )
    assert wrong.status_code == 422
    assert ("格式不对" in wrong.text, "这一项必填" in wrong.text, 'value="abc"' in wrong.text) == (True, True, True)
    assert "the-app-secret" not in wrong.text
    assert wang.post("/settings/channels/new/wecom", data={"name": "main"} | ACCOUNT).status_code == 303
    page = _when_checked(wang)
    assert "检查 base_url" in page, "what is wrong is told with its fix"
    assert not [value for name, value in ACCOUNT.items() if name in ("secret", "token", "aes_key") and value in page]
    same = wang.post("/settings/channels/new/wecom", data={"name": "main"} | ACCOUNT)
    assert (same.status_code, "wecom:main" in same.text) == (422, True)
    assert (
        wang.post("/settings/channels/wecom/main", data={"corp_id": "wwA", "agent_id": "7", "secret": ""}).status_code
        == 303
    )
    kept = account.one(conn, VAULT, "wecom", "main")
    assert (kept.get("agent_id"), kept.get("secret")) == ("7", "the-app-secret")  # type: ignore[union-attr]
    assert deeds(conn, "account_change")[0] == ("account/wecom:main", {"fields": ["agent_id", "base_url"]})
    assert "the-app-secret" not in str(users.deeds(conn))
    assert wang.post("/settings/channels/wecom/main/remove").status_code == 303
    assert wang.get("/settings/channels/wecom/main").status_code == 404
    assert wang.get("/settings/channels/new/nothing").status_code == 404


def _when_checked(wang: httpx.Client) -> str:
    """The account's page when the look has ended; its progress ends with "done"."""
    with wang.stream("GET", "/settings/channels/wecom/main/progress") as stream:
        assert "event: done" in "".join(stream.iter_text())
    return said(wang, "/settings/channels/wecom/main")


def test_the_installation_is_looked_at(wang: httpx.Client) -> None:
    assert wang.post("/settings/channels/check").status_code == 303
    until = time.monotonic() + 20
    while "PostgreSQL" not in (page := said(wang, "/settings/channels")) and time.monotonic() < until:
        time.sleep(0.1)
    assert "持久性" in page


def test_the_pond_is_edited_as_a_draft(wang: httpx.Client, conn: psycopg.Connection) -> None:
    assert "yutang brand load" in said(wang, "/settings/pond")
    publish(conn, NOW, load_brand(BRAND))
    fields = _fields(wang)
    assert (fields["budget.marketing"], fields["price.staff"], fields["time_zone"]) == ("3", "2", "Asia/Shanghai")
    new = fields | {"budget.marketing": "4", "quiet.holidays": "2026-10-01，2026-10-02", "approval.required": "on"}
    assert wang.post("/settings/pond", data=new).status_code == 303
    text = drafts.working(conn).text("pond.toml")
    assert "holidays = [2026-10-01, 2026-10-02]" in text  # type: ignore[operator]
    assert "marketing = 4" in text  # type: ignore[operator]
    page = said(wang, "/settings/pond")
    assert "/plans/new" in page
    stale = wang.post("/settings/pond", data=new | {"budget.marketing": "5"})
    assert (stale.status_code, 'value="5"' in stale.text) == (409, True), (
        "somebody else has saved; nothing typed is lost"
    )
    assert (
        wang.post("/drafts/undo", data={"path": "pond.toml", "to": "/settings/pond"}).headers["location"]
        == "/settings/pond"
    )
    assert _fields(wang)["budget.marketing"] == "3"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("budget.marketing", "many", "写一个数字"),
        ("price.staff", "9", "pond.toml:"),
        ("quiet.holidays", "tomorrow", "2026-10-01"),
        ("time_zone", "Asia/Nowhere", "pond.toml:"),
        ("quiet.from", "25:00", "pond.toml:"),
        ("holdout_percent", "101", "pond.toml:"),
    ],
)
def test_what_is_wrong_in_the_pond_is_said_and_kept(
    wang: httpx.Client, conn: psycopg.Connection, field: str, value: str, told: str
) -> None:
    publish(conn, NOW, load_brand(BRAND))
    answer = wang.post("/settings/pond", data=_fields(wang) | {field: value})
    assert (answer.status_code, told in unescape(answer.text), value in answer.text) == (422, True, True)
    assert not drafts.working(conn).changed


def _fields(wang: httpx.Client) -> dict[str, str]:
    import re

    page = said(wang, "/settings/pond")
    form = page.partition('action="/settings/pond"')[2].partition("</form>")[0]
    found = {
        m[1]: m[2]
        for m in re.finditer(r'<input[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', form)
        if "checkbox" not in m[0]
    }
    return found | {"quiet.holidays": ""}


def test_the_log_is_filtered_paged_and_exported(wang: httpx.Client, conn: psycopg.Connection) -> None:
    for n in range(60):
        users.note(conn, NOW, "li" if n % 2 else "=cmd()", "tag", f"segment/s{n}", {"n": n})
    page = said(wang, "/settings/audit")
    assert ("s59" in page, "segment/s5<" in page, "before=" in page) == (True, False, True)
    assert "segment/s58" not in said(wang, "/settings/audit?by=li")
    assert "segment/s7<" in said(wang, "/settings/audit?about=segment/s7")
    assert "没有符合的记录" in said(wang, "/settings/audit?day=2020-01-01")
    assert "s59" in said(wang, "/settings/audit?day=2026-03-20&about=segment")
    file = wang.get("/settings/audit.csv?by=%3Dcmd()")
    rows = file.text.splitlines()
    assert len(rows) == 31
    assert all(",'=cmd()," in row for row in rows[1:]), "no formula reaches a spreadsheet"


def test_the_language_is_kept_by_the_browser(wang: httpx.Client) -> None:
    assert "Audit log" in said(wang, "/settings/language?lang=en")
    assert "Audit log" in said(wang, "/settings/users")
