"""Refused events that are taken in again once the cause is mended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from edges import NOW, VAULT
from yutang.ingest import add_source, record
from yutang.ingest.files import import_file
from yutang.ingest.replay import Replayed, replay
from yutang.ingest.undo import undo
from yutang.model import Reason


def event(n: int, **fields: Any) -> dict[str, Any]:
    plain = {"id": f"e{n}", "source": "shop", "type": "viewed", "at": NOW.isoformat(), "handles": {"shop:a": str(n)}}
    return plain | fields


def count(conn: psycopg.Connection, what: str) -> int:
    return conn.execute(f"select count(*) as n from {what}").fetchone().n  # type: ignore[arg-type,union-attr]


def told(found: Replayed) -> tuple[int, int, int]:
    return found.accepted, found.duplicate, found.refused


def test_what_enters_again_is_counted_once(conn: psycopg.Connection) -> None:
    record(conn, VAULT, NOW, [event(1), event(2), event(3, at=(NOW + timedelta(days=9)).isoformat())])
    assert told(replay(conn, VAULT, NOW)) == (0, 0, 3)
    add_source(conn, NOW, "shop", "店铺")
    record(conn, VAULT, NOW, [event(2)])
    assert told(replay(conn, VAULT, NOW, reason=Reason.UNKNOWN_SOURCE)) == (1, 1, 1)
    assert count(conn, "event") == 2
    assert told(replay(conn, VAULT, NOW, reason=Reason.UNKNOWN_SOURCE)) == (0, 0, 0)
    left = conn.execute("select reason, replayed_at from reject where replayed_at is null").fetchall()
    assert [row.reason for row in left] == ["in_future"]  # why it is refused now
    assert told(replay(conn, VAULT, NOW + timedelta(days=9))) == (1, 0, 0)
    assert (count(conn, "event"), count(conn, "reject")) == (3, 3)


def test_an_id_that_was_taken_stays_refused(conn: psycopg.Connection) -> None:
    record(conn, VAULT, NOW, [event(1)])
    add_source(conn, NOW, "shop", "店铺")
    record(conn, VAULT, NOW, [event(1, type="scanned", props={"code": "door"})])
    assert told(replay(conn, VAULT, NOW)) == (0, 0, 1)
    assert conn.execute("select reason from reject").fetchone().reason == "id_reused"  # type: ignore[union-attr]


def test_a_whole_body_enters_whole_or_not_at_all(conn: psycopg.Connection) -> None:
    add_source(conn, NOW, "shop", "店铺")
    record(conn, VAULT, NOW, b'[{"id": "e1",')
    assert told(replay(conn, VAULT, NOW)) == (0, 0, 1)
    assert count(conn, "event") == 0


def test_a_row_of_a_file_enters_under_its_import_and_goes_with_it(conn: psycopg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    tomorrow = (NOW + timedelta(days=5)).strftime("%Y-%m-%d %H:%M")
    file.write_text(
        f"订单号,实付金额,付款时间,手机号\na1,10,2026-03-01 10:00,13900000001\na2,12,{tomorrow},13900000002\n", "utf-8"
    )
    report = import_file(conn, VAULT, NOW, "orders", file, {}, False, lambda *_: None)
    assert (report.accepted, report.rejected) == (1, 1)
    assert told(replay(conn, VAULT, NOW + timedelta(days=5))) == (1, 0, 0)
    assert report.import_id is not None
    assert count(conn, f"event where import_id = {report.import_id}") == 2
    assert undo(conn, NOW, report.import_id) == 2


def test_an_order_of_several_rows_enters_again_whole(conn: psycopg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    tomorrow = (NOW + timedelta(days=5)).strftime("%Y-%m-%d %H:%M")
    rows = [f"a1,{amount},{tomorrow},13900000001,{product}\n" for amount, product in ((10, "茶"), (12, "水"))]
    file.write_text("订单号,实付金额,付款时间,手机号,商品\n" + "".join(rows), "utf-8")
    report = import_file(conn, VAULT, NOW, "orders", file, {}, False, lambda *_: None)
    assert (report.accepted, report.rejected) == (0, 1)
    assert told(replay(conn, VAULT, NOW + timedelta(days=5))) == (1, 0, 0)
    assert conn.execute("select props from event").fetchone().props == {
        "order_id": "a1",
        "amount_fen": 2200,
        "items": [{"product": "茶"}, {"product": "水"}],
    }


def test_customers_that_enter_again_are_of_the_day_their_file_came(conn: psycopg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    tomorrow = (NOW + timedelta(days=5)).strftime("%Y-%m-%d")
    file.write_text(f"手机号,注册时间,姓名\n13900000001,{tomorrow},李\n", "utf-8")
    report = import_file(conn, VAULT, NOW, "customers", file, {}, False, lambda *_: None)
    assert (report.accepted, report.rejected) == (1, 1)
    assert told(replay(conn, VAULT, NOW + timedelta(days=5))) == (1, 1, 0)
    assert conn.execute("select at from event where type = 'profile_updated'").fetchone().at == NOW


def test_rows_of_an_import_that_was_undone_stay_out(conn: psycopg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("手机号,姓名\nbad,王\n13900000001,李\n", "utf-8")
    report = import_file(conn, VAULT, NOW, "customers", file, {}, False, lambda *_: None)
    assert report.import_id is not None
    undo(conn, NOW, report.import_id)
    assert replay(conn, VAULT, NOW).looked == 0
