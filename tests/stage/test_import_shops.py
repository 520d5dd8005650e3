"""Exports as the shops' own platforms make them: their headings, the states of orders, refunds, and phone numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from yutang.ingest.files import ImportReport, import_file
from yutang.ingest.replay import replay
from yutang.model import Reason, YutangError
from yutang.vault import Vault

NOW = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
VAULT = Vault(b"v" * 32)

YOUZAN = """订单号,下单时间,订单状态,实付金额(元),买家昵称,收货人手机号/提货人手机号,商品名称,商品数量(件)
E1,2026-11-01 10:22:33,交易完成,88.80,小王,13100000001,拿铁,1
E2,2026-11-02 10:22:33,已退款,18.80,小李,13100000002,拿铁,1
E3,2026-11-02 10:22:33,待付款,18.80,小李,13100000002,拿铁,1
E4,2026-11-02 10:22:33,交易关闭,18.80,小李,13100000002,拿铁,1
E5,2026-11-03 10:22:33,待发货,20,小李,13100000002,拿铁,2
"""
TMALL = """订单编号,买家会员名,联系手机,订单状态,买家实际支付金额,退款金额,订单付款时间,宝贝标题,宝贝总数量
T1,tb1,138 1234 5678,交易成功,1299.00,0.00,2026-11-01 10:22:33,豆,2
T2,tb2,13912345678,交易关闭,0.00,,,豆,1
T3,tb2,13912345678,交易关闭,59.90,59.90,2026-11-02 08:05:00,豆,1
T4,tb2,13912345678,卖家已发货,100,30,2026-11-02 08:05:00,豆,1
"""
LINES = """主订单编号,订单状态,售后状态,实付款,收件人手机号,支付完成时间,选购商品,商品数量
D1,已完成,,10,13912345678,2026-11-02 08:05:00,豆,1
D1,已关闭,退款成功,7,13912345678,2026-11-02 08:05:00,茶,1
D1,已完成,退款关闭,12,13912345678,2026-11-02 08:05:00,水,3
"""


def run(conn: psycopg.Connection, path: Path, text: str, **more: Any) -> ImportReport:
    path.write_bytes(text.encode("gb18030"))
    asked: dict[str, Any] = {"mapping": {}, "dry_run": False, "progress": lambda *_: None} | more
    return import_file(conn, VAULT, NOW, "orders", path, **asked)


def told(conn: psycopg.Connection) -> list[tuple[str, str, int]]:
    query = "select type, props->>'order_id', (props->>'amount_fen')::int from event order by event_id"
    return [tuple(row) for row in conn.execute(query)]  # type: ignore[arg-type]


def test_only_orders_that_were_paid_are_sales(conn: psycopg.Connection, tmp_path: Path) -> None:
    report = run(conn, tmp_path / "youzan.csv", YOUZAN)
    assert told(conn) == [("ordered", "E1", 8880), ("ordered", "E5", 2000)]
    assert report.reasons == {Reason.NOT_SOLD: 3}
    assert report.problems[0].detail.startswith("row 3: column '订单状态': ")
    (handles,) = conn.execute("select handles from event order by event_id limit 1").fetchone() or ()
    assert handles == {"phone": "131****0001", "shop:import": "小王"}


def test_what_was_given_back_is_a_refund_where_the_file_says_how_much(conn: psycopg.Connection, tmp_path: Path) -> None:
    report = run(conn, tmp_path / "tmall.csv", TMALL)
    assert told(conn) == [
        ("ordered", "T1", 129900),
        ("ordered", "T3", 5990),
        ("refunded", "T3", 5990),
        ("ordered", "T4", 10000),
        ("refunded", "T4", 3000),
    ]
    assert report.reasons == {Reason.NOT_SOLD: 1}
    later = TMALL.replace("卖家已发货", "交易成功")
    assert run(conn, tmp_path / "later.csv", later).duplicate == 5, "an order's next state is no news of its sale"


def test_an_article_that_was_given_back_is_none_of_the_order(conn: psycopg.Connection, tmp_path: Path) -> None:
    report = run(conn, tmp_path / "lines.csv", LINES)
    assert told(conn) == [("ordered", "D1", 2200)]
    (items,) = conn.execute("select props->'items' from event").fetchone() or ()
    assert items == [{"product": "豆", "quantity": 1}, {"product": "水", "quantity": 3}]
    assert (report.rows, report.reasons) == (3, {Reason.NOT_SOLD: 1})


def test_a_column_of_phone_numbers_is_asked_about_before_anything_is_kept(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    text = YOUZAN.replace("商品数量(件)", "紧急联络").replace("拿铁,1", "拿铁,139-1234-5678")
    with pytest.raises(
        YutangError, match=r"“紧急联络”这一列像是手机号.*--map 紧急联络=phone.*looks like phone numbers"
    ):
        run(conn, tmp_path / "o.csv", text)
    assert conn.execute("select from import").rowcount == 0
    assert run(conn, tmp_path / "o.csv", text, mapping={"紧急联络": "-"}).accepted == 2


def test_a_phone_number_further_down_is_refused_and_not_taken_in_again(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    head, *_ = YOUZAN.splitlines()
    rows = [f"E{n},2026-11-01 10:22:33,交易完成,8,小王,13100000001,拿铁,1,少冰" for n in range(150)]
    rows[140] = rows[140].replace("少冰", "8613912345678")
    report = run(conn, tmp_path / "o.csv", "\n".join([f"{head},备注", *rows]))
    assert (report.accepted, report.rejected) == (149, 1)
    assert "--map 备注=phone" in report.problems[0].detail
    assert "139" not in report.problems[0].detail
    assert replay(conn, VAULT, NOW).refused == 1
