"""The data area: sources, refused events and imports, as an operator meets them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from edges import NOW, VAULT, serving, signed_in
from yutang import users
from yutang.ingest import add_source, record, sources
from yutang.model import Reason

PEOPLE = "手机号,姓名,等级\n13900000001,王,金卡\n13900000002,李,\nbad,赵,银卡\n"


@pytest.fixture
def base(url: str, home: Path) -> Iterator[str]:  # noqa: ARG001 - files are uploaded into the home folder
    with serving(url) as address:
        yield address


def event(n: int, **fields: Any) -> dict[str, Any]:
    plain = {"id": f"e{n}", "source": "shop", "type": "viewed", "at": NOW.isoformat(), "handles": {"shop:a": str(n)}}
    return plain | fields


def upload(web: httpx.Client, text: str, name: str = "people.csv", **fields: str) -> httpx.Response:
    data = {"kind": "customers", "source": "import"} | fields
    return web.post("/data/imports/new", data=data, files={"file": (name, text.encode())})


def wait(web: httpx.Client, path: str, word: str) -> str:
    for _ in range(100):
        if word in (html := web.get(path).text):
            return html
        time.sleep(0.1)
    raise AssertionError(f"{path} never said {word}")


def count(conn: psycopg.Connection, what: str) -> int:
    return conn.execute(f"select count(*) as n from {what}").fetchone().n  # type: ignore[arg-type,union-attr]


def test_a_source_is_registered_and_renamed(web: httpx.Client, conn: psycopg.Connection) -> None:
    wrong = web.post("/data/sources", data={"name": "My Shop", "title": "微商城"})
    assert wrong.status_code == 422
    assert 'value="My Shop"' in wrong.text  # what was typed is still there
    assert "微商城" in web.post("/data/sources", data={"name": "shop", "title": "微商城"}).text
    assert web.post("/data/sources", data={"name": "shop", "title": "别的"}).status_code == 422
    web.post("/data/sources", data={"name": "shop", "title": "小程序", "rename": "1"})
    assert {one.name: one.title for one in sources(conn)}["shop"] == "小程序"
    assert web.post("/data/sources", data={"name": "yutang", "title": "我们"}).status_code == 422


def test_freshness_tells_who_is_silent(web: httpx.Client, conn: psycopg.Connection) -> None:
    add_source(conn, NOW, "shop", "店铺")
    add_source(conn, NOW, "till", "收银")
    for days in range(20, 4, -1):
        record(
            conn,
            VAULT,
            NOW - timedelta(days=days),
            [event(days, source="till", at=(NOW - timedelta(days=days)).isoformat())],
        )
    record(conn, VAULT, NOW, [event(100), event(101)])
    table = web.get("/data").text.partition("<tbody>")[2].partition("</tbody>")[0]
    marks = dict(re.findall(r"<code>(\w+)</code>.*?class=\"mark (\w+)\"", table, re.DOTALL))
    assert (marks["shop"], marks["till"]) == ("sent", "failed")
    assert re.search(r"till</code>.*?class=\"n\">9<", table, re.DOTALL)  # of its 16 events, those of the last 14 days


def test_a_closed_source_sends_no_more_until_it_is_opened(web: httpx.Client, conn: psycopg.Connection) -> None:
    web.post("/data/sources", data={"name": "till", "title": "门店"})
    assert record(conn, VAULT, NOW, [event(1, source="till")]).accepted == 1
    closed = web.post("/data/sources/till/close")
    assert "来源「门店」已停用" in closed.text
    assert "/data/sources/till/open" in closed.text
    assert [one.reason for one in record(conn, VAULT, NOW, [event(2, source="till")]).rejected] == [
        Reason.UNKNOWN_SOURCE
    ]
    assert count(conn, "event") == 1
    web.post("/data/sources/till/open")
    assert record(conn, VAULT, NOW, [event(2, source="till")]).accepted == 1
    assert [deed.act for deed in users.deeds(conn, about="source/till")] == ["open_source", "close_source", "add"]
    assert web.post("/data/sources/yutang/close").status_code == 404


def test_a_page_of_refused_events_is_not_held_up_by_a_large_one(web: httpx.Client, conn: psycopg.Connection) -> None:
    """A text of a million characters took the program with it: a pattern looked from each of them to the end."""
    record(conn, VAULT, NOW, [event(1, source="nowhere", props={"z": "x" * 900_000, "note": "a.b@example.com"})])
    page = web.get("/data/rejects", timeout=20).text
    assert "xxx" in page
    assert "a.b@" not in page


def test_refused_events_are_shown_masked_and_enter_again(web: httpx.Client, conn: psycopg.Connection) -> None:
    late = event(9, source="nowhere", handles={"phone": "13800000001"}, props={"note": "call 13800000001"})
    record(conn, VAULT, NOW, [event(1, source="nowhere"), late])
    page = web.get("/data/rejects").text + web.get("/data/rejects?reason=unknown_source").text
    assert "来源未登记" in page
    assert "13800000001" not in page
    add_source(conn, NOW, "nowhere", "新来源")
    assert "收下 2 个" in web.post("/data/rejects/replay", data={"reason": "unknown_source"}).text
    assert "收下 0 个" in web.post("/data/rejects/replay", data={"reason": "unknown_source"}).text
    assert count(conn, "event") == 2
    assert "没有被拒的事件" in web.get("/data/rejects").text
    assert [deed.act for deed in users.deeds(conn, about="reason")] == ["replay", "replay"]


def test_a_file_is_checked_read_in_and_taken_back(web: httpx.Client, conn: psycopg.Connection, home: Path) -> None:
    check = upload(web, PEOPLE)
    assert check.url.path.startswith("/data/imports/file/")
    assert "13900000001" not in check.text
    assert "会被拒" in check.text
    assert ">4</th>" in check.text  # the line in the file
    assert count(conn, "event") == 0  # a trial writes nothing
    page = web.post(check.url.path)
    assert re.fullmatch(r"/data/imports/\d+", page.url.path)
    page_path = page.url.path
    done = wait(web, page_path, "完成")
    assert "手机号" in done
    entered = count(conn, "event where import_id is not null")
    assert entered == 2
    assert not list((home / "uploads").iterdir())  # the file is gone
    with web.stream("GET", f"{page_path}/progress") as stream:
        assert "event: done" in "".join(stream.iter_text())
    assert "已撤销 2 个事件" in web.post(f"{page_path}/undo").text
    assert count(conn, "event_undone") == 2
    assert web.post(f"{page_path}/undo").status_code == 404  # once
    again = web.post(upload(web, PEOPLE).url.path)
    wait(web, again.url.path, "完成")
    assert count(conn, "event") == 4


def test_columns_can_be_named_by_hand(web: httpx.Client, conn: psycopg.Connection) -> None:
    text = "编码,金额列,日子,电话号\nA1,12.50,2026-03-01 10:00,13900000001\n"
    check = upload(web, text, "orders.csv", kind="orders")
    assert "还缺这些内容：订单号、时间、金额（元）" in check.text
    columns = {"c0": "order_id", "c1": "amount", "c2": "at", "c3": "phone"}
    named = web.get(check.url.path, params=columns)
    assert "会收下" in named.text
    missing = web.post(check.url.path, data={"c0": "order_id", "c2": "at"})
    assert missing.status_code == 422
    assert '<option value="order_id" selected>' in missing.text  # what was chosen is still there
    wait(web, web.post(check.url.path, data=columns).url.path, "完成")
    (amount,) = conn.execute("select props ->> 'amount_fen' from event where type = 'ordered'").fetchone()  # type: ignore[misc]
    assert amount == "1250"


def test_what_is_no_table_is_said_and_leaves_nothing(web: httpx.Client, home: Path) -> None:
    for text, name in (("", "people.csv"), ("x", "people.exe"), ("no zip", "people.xlsx")):
        answer = upload(web, text, name, kind="orders")
        assert answer.status_code == 422, name
        assert re.search(r'value="orders" checked', answer.text), name  # what was chosen is still there
    assert not (home / "uploads").exists() or not list((home / "uploads").iterdir())
    assert web.get("/data/imports/file/0123456789abcdef").status_code == 404
    assert web.get("/data/imports/file/..%2f..%2fsecret").status_code == 404
    assert web.get("/data/imports/77").status_code == 404


def test_a_file_can_be_dropped_unread(web: httpx.Client, conn: psycopg.Connection, home: Path) -> None:
    check = upload(web, PEOPLE, "..\\..\\evil/../people.csv")
    assert "people.csv" in check.text
    web.post(f"{check.url.path}/forget")
    assert not list((home / "uploads").iterdir())
    assert count(conn, "import") == 0


def test_an_import_whose_process_ended_goes_on(url: str, web: httpx.Client, conn: psycopg.Connection) -> None:
    check = upload(web, PEOPLE)
    path = web.post(check.url.path).url.path
    wait(web, path, "完成")
    conn.execute("update import set state = 'running', ended_at = null, path = '/gone/people.csv'")
    with serving(url) as other, httpx.Client(base_url=other, timeout=30, headers={"Origin": other}) as later:
        assert "已中断" in later.get(path).text
        assert "重新上传同一个文件" in later.get(path).text
        assert later.post(f"{path}/resume").status_code == 404


def test_analysts_look_and_do_not_act(base: str, conn: psycopg.Connection) -> None:
    with signed_in(conn, base, "analyst") as web:
        for path in ("/data", "/data/rejects", "/data/imports", "/schema"):
            page = web.get(path)
            assert (page.status_code, "/data/imports/new" in page.text) == (200, False), path
        assert web.get("/data/imports/new").status_code == 403
        assert web.post("/data/sources", data={"name": "x", "title": "x"}).status_code == 403
        assert web.post("/data/rejects/replay", data={"reason": "bad_shape"}).status_code == 403
        assert upload(web, PEOPLE).status_code == 403
    with signed_in(conn, base, "manager") as web:
        assert web.get("/data").status_code == 403
