"""Importing files: every kind of file and of row, what is refused and where, stop and go on, undo."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import psycopg
import pytest

from languages import in_both
from yutang.ingest import files
from yutang.ingest.files import ImportReport, import_file
from yutang.ingest.undo import imports, undo
from yutang.model import Reason, YutangError
from yutang.vault import Vault

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
VAULT = Vault(b"v" * 32)


def run(conn: psycopg.Connection, path: Path, kind: str = "orders", **more: Any) -> ImportReport:
    asked: dict[str, Any] = {"mapping": {}, "dry_run": False, "progress": lambda *_: None} | more
    return import_file(conn, VAULT, NOW, kind, path, **asked)


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.accepted, report.duplicate, report.rejected


def value(conn: psycopg.Connection, query: str) -> Any:
    row = conn.execute(query).fetchone()  # type: ignore[arg-type]
    assert row
    return row[0]


def orders_csv(path: Path, rows: int) -> Path:
    lines = [f"o{n},{n}.50,1380000{n:04d},2026/1/2 9:30" for n in range(rows)]
    path.write_text("订单号,金额,手机号,下单时间\n" + "\n".join(lines), "utf-8")
    return path


def test_a_chinese_csv_of_orders_becomes_events(conn: psycopg.Connection, tmp_path: Path) -> None:
    head = "订单编号,买家实际支付金额,会员号,手机号,付款时间,下单时间,商品,数量,优惠券码,备注\n"
    row = 'A1,"1,234.50",m7,138 1234 5678,2026-01-02 09:30,2026-01-01 09:00:00,拿铁,2,c1；c2,少冰\n'
    path = tmp_path / "orders.csv"
    for encoding in ("gb18030", "utf-8-sig", "utf-8", "utf-16"):
        path.write_bytes((head + row.replace("A1", encoding)).encode(encoding))
        report = run(conn, path, source="import")
        assert counts(report) == (1, 0, 0), encoding
    event = conn.execute("select * from event order by event_id desc limit 1").fetchone()
    assert event.at == datetime(2026, 1, 2, 1, 30, tzinfo=UTC)
    assert event.handles == {"phone": "138****5678", "shop:import": "m7"}
    assert (event.source, event.source_id, event.import_id) == ("import", "order:utf-16", report.import_id)
    assert event.props == {
        "order_id": "utf-16",
        "amount_fen": 123450,
        "coupon_codes": ["c1", "c2"],
        "items": [{"product": "拿铁", "quantity": 2}],
        "下单时间": "2026-01-01 09:00:00",
        "备注": "少冰",
    }


def test_a_quote_that_nobody_closes_is_no_silence(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = orders_csv(tmp_path / "orders.csv", 40)
    lines = path.read_text("utf-8").splitlines()
    path.write_text(
        "\n".join(
            [*lines[:11], 'o10,"两行\n备注",13800000010,2026/1/2', *lines[12:21], 'o20,"5.50,1,2026/1/2', *lines[22:]]
        ),
        "utf-8",
    )
    report = run(conn, path)
    assert (report.accepted, report.rejected) == (19, 2), "a cell of two lines is whole, but no amount"
    detail = value(conn, "select detail from reject order by reject_id desc limit 1")
    assert "引号没有收尾" in detail
    assert "20 lines" in detail


def test_customers_become_registrations_and_traits(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(
        "手机号,姓名,注册时间,城市,生日,等级\n13812345678,王,2025-05-06,上海,1990-01-02,金\n13812345679,李,,北京,,\n",
        "utf-8",
    )
    assert counts(run(conn, path, "customers")) == (3, 0, 0)
    found = conn.execute("select type, at, props from event order by event_id").fetchall()
    assert found[0] == ("registered", datetime(2025, 5, 5, 16, tzinfo=UTC), {})
    assert found[1].props == {"traits": {"name": "王", "city": "上海", "birthday": "1990-01-02", "等级": "金"}}
    assert found[2] == ("profile_updated", NOW, {"traits": {"name": "李", "city": "北京"}})


def test_customers_of_exports_that_overlap_register_once(conn: psycopg.Connection, tmp_path: Path) -> None:
    first, second = tmp_path / "may.csv", tmp_path / "june.csv"
    first.write_text("手机号,注册时间,城市\n13812345678,2025-05-06,上海\n13812345679,2025-05-07,上海\n", "utf-8")
    second.write_text(
        "注册时间,手机号,邮箱,城市\n"
        "2025-06-01,13812345670,,北京\n"
        "2025/5/6,138 1234 5678,a@b.cn,北京\n"
        "2025-05-07,13812345679,,\n",
        "utf-8",
    )
    may = run(conn, first, "customers")
    assert counts(may) == (4, 0, 0)
    june = run(conn, second, "customers")
    assert counts(june) == (3, 2, 0), "both were there; their city and address are news"
    assert value(conn, "select count(*) from event where type = 'registered'") == 3
    email = "select handles from event where type = 'profile_updated' and handles ? 'email'"
    assert value(conn, email) == {"phone": "138****5678", "email": "a***@b.cn"}
    assert june.import_id is not None
    assert may.import_id is not None
    assert undo(conn, NOW, june.import_id) == 3
    assert undo(conn, NOW, may.import_id) == 4
    assert counts(run(conn, second, "customers")) == (5, 0, 0), "what was taken back may come again"


def test_what_a_file_says_of_customers_is_news_of_the_day_it_comes(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(
        "手机号,注册时间,更新时间,城市\n"
        "13812345678,2025-05-06,,上海\n"
        "13812345679,2025-05-06,2026-02-01 08:00,北京\n"
        "13812345670,,2026-02-01 08:00,广州\n",
        "utf-8",
    )
    assert counts(run(conn, path, "customers")) == (5, 0, 0)
    query = "select props->'traits'->>'city' as city, at from event where type = 'profile_updated' order by event_id"
    told, joined = datetime(2026, 2, 1, tzinfo=UTC), datetime(2025, 5, 5, 16, tzinfo=UTC)
    assert conn.execute(query).fetchall() == [("上海", NOW), ("北京", told), ("广州", told)]
    assert value(conn, "select array_agg(at) from event where type = 'registered'") == [joined, joined]


def test_a_time_that_is_refused_names_the_columns_it_may_be_of(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("手机号,注册时间,更新时间,城市\n13812345678,2025-05-06,2036-02-01,上海\n", "utf-8")
    report = run(conn, path, "customers")
    assert counts(report) == (1, 0, 1)
    assert report.problems[0].detail.startswith(
        "row 2: column '注册时间、更新时间': at: 时间比现在晚一天以上，请检查发送方的时钟和时区。 more than a day ahead"
    )


def test_an_import_of_customers_that_goes_on_later_is_of_the_day_it_began(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH", 2)
    path = tmp_path / "customers.csv"
    path.write_text("手机号,城市\n" + "".join(f"1381234567{n},上海\n" for n in range(4)), "utf-8")
    with pytest.raises(Stop):
        run(conn, path, "customers", progress=die)
    later = NOW + timedelta(days=2)
    report = import_file(conn, VAULT, later, "customers", path, {}, False, lambda *_: None)
    assert counts(report) == (4, 0, 0)
    assert value(conn, "select array_agg(distinct at) from event") == [NOW]
    again = import_file(conn, VAULT, later, "customers", path, {}, True, lambda *_: None)
    assert counts(again) == (0, 4, 0), "a dry run sees that it is all there"


def test_events_keep_their_own_shape(conn: psycopg.Connection, tmp_path: Path) -> None:
    plain = {
        "id": "e1",
        "source": "import",
        "type": "viewed",
        "at": "2026-01-02T00:00:00Z",
        "handles": {"unionid": "u"},
        "props": {"page": "p"},
    }
    lines = [
        json.dumps(plain),
        json.dumps({"type": "mine", "at": "2026-01-02 08:00", "unionid": "u", "n": 1}),
        "",
        "{broken",
        "[]",
    ]
    path = tmp_path / "events.jsonl"
    path.write_bytes("\n".join(lines).encode() + b'\n{"a":"\xff"}\n' + json.dumps(plain | {"type": "x"}).encode())
    report = run(conn, path, "events")
    assert counts(report) == (2, 0, 4)
    assert [(p.index, p.reason) for p in report.problems] == [
        (4, Reason.BAD_JSON),
        (5, Reason.BAD_SHAPE),
        (6, Reason.BAD_ENCODING),
        (7, Reason.ID_REUSED),
    ]
    assert all(p.detail.startswith(f"row {p.index}: ") for p in report.problems)
    rows = conn.execute("select handles, props, at from event order by event_id").fetchall()
    assert rows[0] == ({"unionid": "u"}, {"page": "p"}, datetime(2026, 1, 2, tzinfo=UTC))
    assert rows[1] == ({"unionid": "u"}, {"n": 1}, datetime(2026, 1, 2, tzinfo=UTC))
    assert VAULT.unseal(value(conn, "select payload from reject where reason = 'bad_json'")) == b"{broken"


def test_orders_come_in_as_plain_events_from_text_and_from_sheets(conn: psycopg.Connection, tmp_path: Path) -> None:
    head, when = ["type", "at", "phone", "order_id", "amount_fen", "coupon_codes"], "2026-01-02 09:30"
    text, sheet = tmp_path / "events.csv", tmp_path / "events.xlsx"
    lines = [
        head,
        ["ordered", when, "13812345678", "007", "1250", "a、b"],
        ["ordered", when, "13812345678", "8", "12.50", ""],
    ]
    text.write_text("\n".join(",".join(line) for line in lines), "utf-8")
    book = openpyxl.Workbook()
    book.worksheets[0].append(head)
    book.worksheets[0].append(["ordered", datetime(2026, 1, 2, 9, 30), 13812345678, 10001, 1250, None])
    book.save(sheet)
    report = run(conn, text, "events")
    assert counts(report) == (1, 0, 1)
    assert report.problems[0].detail.startswith(
        "row 3: column 'amount_fen': props.amount_fen: 应为整数，收到文本。 expected `int`"
    )
    assert counts(run(conn, sheet, "events")) == (1, 0, 0)
    rows = conn.execute("select props from event order by event_id").fetchall()
    assert [row.props for row in rows] == [
        {"order_id": "007", "amount_fen": 1250, "coupon_codes": ["a", "b"]},
        {"order_id": "10001", "amount_fen": 1250},
    ]


def test_a_workbook_with_formulas_names_the_cell(conn: psycopg.Connection, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["订单号", "金额", "手机号", "时间"])
    sheet.append(["x1", 12.5, 13812345678, datetime(2026, 1, 2, 9, 30)])
    sheet.append(["x2", "=1+2", 13812345678, date(2026, 1, 2)])
    sheet.append(["x3", 0.1 + 0.2, "13812345678", date(2026, 1, 2)])
    sheet.append([1234567890123456789.0, 1, "13812345678", date(2026, 1, 2)])
    book.save(tmp_path / "orders.xlsx")
    report = run(conn, tmp_path / "orders.xlsx")
    assert counts(report) == (2, 0, 2)
    assert [(p.index, p.reason) for p in report.problems] == [(3, Reason.FORMULA), (5, Reason.BAD_SHAPE)]
    assert "cell B3, column '金额'" in report.problems[0].detail
    assert "column '订单号'" in report.problems[1].detail
    rows = conn.execute("select at, (props->>'amount_fen')::int from event order by event_id").fetchall()
    assert rows == [(datetime(2026, 1, 2, 1, 30, tzinfo=UTC), 1250), (datetime(2026, 1, 1, 16, tzinfo=UTC), 30)]


def test_parquet_keeps_its_types(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        f"""copy (select 'o' || n as order_id, (n + 0.5)::decimal(10,2) as amount, 'm' || n as member_id,
                         timestamp '2026-01-02 09:30:00' as at, timestamptz '2026-01-02 00:00:00+00' as seen,
                         'nan'::double as nothing, n % 2 = 0 as even from range(12000) t(n)) to '{path}' (format parquet)"""
    )
    seen: list[tuple[int, int | None, dict[str, int]]] = []
    report = run(conn, path, progress=lambda *step: seen.append(step))
    assert counts(report) == (12_000, 0, 0)
    assert [(done, total) for done, total, _ in seen] == [(5000, 12_000), (10_000, 12_000), (12_000, 12_000)]
    assert seen[-1][2] == {"accepted": 12_000, "duplicate": 0, "rejected": 0}
    assert value(conn, "select sum((props->>'amount_fen')::bigint) from event") == 12_000 * 11_999 // 2 * 100 + 600_000
    assert value(conn, "select props from event where source_id = 'order:o3'") == {
        "order_id": "o3",
        "amount_fen": 350,
        "items": [],
        "seen": "2026-01-02T00:00:00+00:00",
        "even": False,
    }


def test_every_refused_row_is_named(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(
        b"order_id,amount,phone,at\n"
        b"a,1.555,13812345678,2026-01-02\n"
        b"b,1,call,2026-01-02\n"
        b"c,1,13812345678,yesterday\n"
        b",1,13812345678,2026-01-02\n"
        b"e,-1,13812345678,2026-01-02\n"
        b"f,1,,2026-01-02\n"
        b"g,1,13812345678,2026-01-02,extra\n"
        b"h,1,13812345678,2036-01-02\n"
        b"ok,1,13812345678,2026-01-02\n"
        b"ok,2,13812345678,2026-01-02\n" + b"\xff,1,13812345678,2026-01-02\n"
    )
    report = run(conn, path)
    assert counts(report) == (1, 0, 10)
    expected = {
        2: ("bad_shape", "column 'amount'"),
        3: ("bad_shape", "column 'phone'"),
        4: ("bad_shape", "column 'at'"),
        5: ("bad_shape", "column 'order_id'"),
        6: ("bad_shape", "column 'amount': props.amount_fen"),
        7: ("no_handle", "handles"),
        8: ("bad_shape", "5 cells under 4 headings"),
        9: ("in_future", "column 'at'"),
        11: ("id_reused", "column 'order_id': props.order_id: 这个订单号已用于内容不同的订单"),
        12: ("bad_encoding", "UTF-8"),
    }
    assert {p.index: p.reason.value for p in report.problems} == {row: reason for row, (reason, _) in expected.items()}
    for problem in report.problems:
        assert problem.index is not None
        assert expected[problem.index][1] in problem.detail
        assert in_both(problem.detail), problem.detail
        assert "1381234" not in problem.detail
    assert value(conn, "select count(*) from reject where import_id is not null") == 10
    assert report.reasons[Reason.BAD_SHAPE] == 6


LINES = """订单号,金额,优惠金额,手机号,付款时间,商品,数量,券码,规格,备注
A1,30,5,13812345678,2026-01-02 09:30,拿铁,1,c1,大,少冰
A1,30,5,13812345678,2026-01-02 09:30,美式,2,c2；c1,小,
A2,10,,13812345679,2026-01-02 09:40,拿铁,1,,1,
A2,12.5,1,13812345679,2026-01-02 09:40,茶,,,2,
A2,10,,13812345679,2026-01-02 09:40,拿铁,1,,2,
A3,10,,13812345679,2026-01-02 09:50,茶,1,,,
A4,10,,13812345679,2026-01-02 09:50,茶,1,,,
A4,,,,,水,1,,,
"""


def test_rows_of_one_order_are_its_articles(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(LINES, "utf-8")
    report = run(conn, path)
    assert (counts(report), report.rows) == ((4, 0, 0), 8)
    props = [row.props for row in conn.execute("select props from event order by event_id").fetchall()]
    assert props[0] == {
        "order_id": "A1",
        "amount_fen": 3000,
        "discount_fen": 500,
        "coupon_codes": ["c1", "c2"],
        "items": [{"product": "拿铁", "quantity": 1}, {"product": "美式", "quantity": 2}],
        "规格": ["大", "小"],
        "备注": "少冰",
    }, "what each row repeats is the order's"
    assert (props[1]["amount_fen"], props[1]["discount_fen"], props[1]["规格"]) == (3250, 100, [1, 2])
    assert [item["product"] for item in props[1]["items"]] == ["拿铁", "茶", "拿铁"]
    assert [[item["product"] for item in each["items"]] for each in props[2:]] == [["茶"], ["茶", "水"]]
    assert props[3]["amount_fen"] == 1000
    assert counts(run(conn, path, mapping={"备注": "-", "规格": "-"}, dry_run=True)) == (0, 2, 2)


def test_an_import_that_stopped_goes_on_between_orders(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH", 1)
    path = tmp_path / "orders.csv"
    path.write_text(LINES, "utf-8")
    for done in (2, 5, 6):
        with pytest.raises(Stop):
            run(conn, path, progress=die)
        assert [row.rows_done for row in imports(conn)] == [done]
    report = run(conn, path)
    assert (counts(report), report.rows) == ((4, 0, 0), 8)
    assert value(conn, "select sum(jsonb_array_length(props->'items')) from event") == 8


def test_an_order_enters_with_all_its_rows_or_not_at_all(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "订单号,金额,手机号,付款时间,商品\n"
        "A1,10,13812345678,2026-01-02,茶\n"
        "A1,12,13812345678,2026-01-02,水,多\n"
        "A2,10,13812345678,2026-01-02,茶\n"
        "A2,10,13812345679,2026-01-02,水\n"
        "A3,10,13812345678,2026-01-02,茶\n"
        "A4,10,13812345678,2026-01-02,茶\n"
        "A3,11,13812345678,2026-01-02,水\n",
        "utf-8",
    )
    report = run(conn, path)
    assert (counts(report), report.rows) == ((2, 0, 3), 7)
    details = {problem.index: problem.detail for problem in report.problems}
    assert "6 cells under 5 headings" in details[2]
    assert (
        details[4]
        == "row 4: column '手机号': 有多个不同的值，同一订单的各行要写得一样。 several values; the rows of one order must say the same"
    )
    assert "column '订单号'" in details[8]
    assert "sort the file by order number" in details[8]


def test_a_dry_run_tells_all_and_writes_nothing(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = orders_csv(tmp_path / "orders.csv", 8)
    path.write_text(path.read_text("utf-8") + "\nbad,x,13800000000,2026-01-02", "utf-8")
    report = run(conn, path, dry_run=True)
    assert counts(report) == (8, 0, 1)
    assert report.mapping == {"订单号": "order_id", "金额": "amount", "手机号": "phone", "下单时间": "at"}
    assert len(report.sample) == 5
    assert report.sample[3]["props"]["amount_fen"] == 350
    assert report.sample[3]["handles"] == {"phone": "138****0003"}
    assert [value(conn, f"select count(*) from {table}") for table in ("event", "reject", "import")] == [0, 0, 0]
    assert counts(run(conn, path)) == (8, 0, 1)
    assert counts(run(conn, path, dry_run=True)) == (0, 8, 1)


def test_a_dry_run_shows_what_it_would_accept(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "order_id,amount,phone,at\n"
        "a,-1,13812345678,2026-01-02\n"
        "b,1,call,2026-01-02\n"
        "c,1,13812345678,2026-01-02\n"
        "c,2,13812345678,2026-01-02\n"
        "d,1,13812345678,2026-01-02\n",
        "utf-8",
    )
    report = run(conn, path, dry_run=True)
    assert [event["props"]["order_id"] for event in report.sample] == ["c", "d"]
    assert [event["props"]["amount_fen"] for event in report.sample] == [100, 100]
    assert [problem.index for problem in report.problems] == [2, 3, 5]


def test_what_the_door_says_of_a_row_names_its_column(conn: psycopg.Connection, tmp_path: Path) -> None:
    orders, people, events = tmp_path / "orders.csv", tmp_path / "people.csv", tmp_path / "events.jsonl"
    orders.write_text('订单号,金额,会员号,下单时间\n"a\nb",1,m1,2026-01-02\nc,1,NULL,2026-01-02\n', "utf-8")
    people.write_text("手机号,生日\n1.38E+10,\n13812345678.0,\n13812345678,1990-02-30\n", "utf-8")
    events.write_text(
        '{"type": "ordered", "at": "2026-01-02", "unionid": "u", "order_id": "o"}\n{"n": 1e999}\n', "utf-8"
    )
    wrong = [
        one.detail
        for path, kind in ((orders, "orders"), (people, "customers"))
        for one in run(conn, path, kind).problems
    ]
    assert [words[: len(start)] for words, start in zip(wrong, NAMED, strict=True)] == list(NAMED)
    details = [one.detail for one in run(conn, events, "events").problems]
    assert "缺少字段 amount_fen" in details[0]
    assert "row 2: event.n: 数字太大" in details[1]


NAMED = (
    "row 2: column '订单号': event.id: 含有换行",
    "row 3: column '会员号': handles.shop: 没有值",
    "row 2: column '手机号': 是被表格缩写的数字",
    "row 3: column '手机号': handles.phone: 手机号被当成数字存过",
    "row 4: column '生日': 不是日期，或没有这一天",
)


def test_numbers_in_parquet_that_are_none_are_named(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        f"""copy (select 'o' || n as order_id, v::double as amount, 'm' as member_id, date '2026-01-02' as at
                  from (values (1, 'nan'), (2, 'inf'), (3, '-inf'), (4, '5')) as t(n, v)) to '{path}' (format parquet)"""
    )
    report = run(conn, path)
    assert counts(report) == (1, 0, 3)
    for number, problem in enumerate(report.problems, 1):
        assert problem.detail.startswith(f"row {number}: column 'amount': 是 NaN 或无穷大")
        assert "NaN or infinite" in problem.detail


def test_the_mapping_can_be_said(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("no,sum,who,when,secret\no1,500,w1,2026-01-02,x\n", "utf-8")
    with pytest.raises(YutangError, match="no column for order_id, at, amount"):
        run(conn, path)
    mapping = {"no": "order_id", "sum": "amount_fen", "who": "external_userid@corp", "when": "at", "secret": "-"}
    with pytest.raises(YutangError, match="no such field"):
        run(conn, path, mapping=mapping | {"who": "nobody"})
    with pytest.raises(YutangError, match="no column 'nope'"):
        run(conn, path, mapping=mapping | {"nope": "at"})
    assert counts(run(conn, path, mapping=mapping)) == (1, 0, 0)
    row = conn.execute("select handles, props from event").fetchone()
    assert row == ({"external_userid@corp": "w1"}, {"order_id": "o1", "amount_fen": 500, "items": []})


class Stop(Exception):
    pass


def die(*_: Any) -> None:
    raise Stop


def test_an_import_that_stopped_goes_on_exactly(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH", 100)
    path = orders_csv(tmp_path / "orders.csv", 950)

    def stop_after(rows: int) -> Any:
        def progress(done: int, *_: Any) -> None:
            if done >= rows:
                raise Stop

        return progress

    with pytest.raises(Stop):
        run(conn, path, progress=stop_after(300))
    assert value(conn, "select count(*) from event") == 300
    # Killed between the write and the commit: neither the events nor the progress are there.
    with monkeypatch.context() as patch:
        patch.setattr(files._Run, "_advance", die)
        with pytest.raises(Stop):
            run(conn, path)
    assert value(conn, "select count(*) from event") == 300
    report = run(conn, path)
    assert (counts(report), report.rows) == ((950, 0, 0), 950)
    again = run(conn, path)
    assert (again.already_done, counts(again)) == (True, (950, 0, 0))
    assert value(conn, "select count(*) from event") == 950
    assert [(row.state, row.rows_done) for row in imports(conn)] == [("done", 950)]


def test_undo_takes_back_an_import_and_sets_its_ids_free(conn: psycopg.Connection, tmp_path: Path) -> None:
    other = orders_csv(tmp_path / "other.csv", 3)
    kept = run(conn, other)
    path = orders_csv(tmp_path / "orders.csv", 10)
    first = run(conn, path)
    assert counts(first) == (7, 3, 0)
    assert first.import_id is not None
    assert undo(conn, NOW, first.import_id) == 7
    undone = "select count(*) from event join event_undone using (event_id) where import_id = "
    assert value(conn, f"{undone}{first.import_id}") == 7
    assert value(conn, "select count(*) from event_undone") == 7
    with pytest.raises(YutangError, match="undone before"):
        undo(conn, NOW, first.import_id)
    second = run(conn, path)
    assert counts(second) == (7, 3, 0)
    assert second.import_id not in (first.import_id, kept.import_id)
    alive = "select count(*) as n, count(distinct source_id) as ids from event where event_id not in (select event_id from event_undone)"
    assert conn.execute(alive).fetchone() == (10, 10)


def test_an_import_that_is_undone_while_it_runs_stops(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH", 100)
    path = orders_csv(tmp_path / "orders.csv", 300)

    def undo_it(*_: Any) -> None:
        undo(conn, NOW, imports(conn)[0].import_id)

    with pytest.raises(YutangError, match="was undone"):
        run(conn, path, progress=undo_it)
    assert value(conn, "select count(*) from event") == value(conn, "select count(*) from event_undone") == 100


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"", "unknown kind of file"),
        ("a.csv", b" \n\n", "第一行、第一张工作表是空的.*nothing in the first line or sheet; put the header there"),
        ("a.csv", b"\norder_id,amount\n", "nothing in the first line or sheet"),
        ("a.csv", "订单号,金额\n\n".encode(), "只有表头，没有数据行.*a header and no rows below it; fill it"),
        ("a.csv", "订单号,金额\n1,2\n".encode("utf-16-le"), "看不出表头的编码.*save the file as UTF-8"),
        ("a.csv", b"PK\3\4" + bytes(99), "内容是 .xlsx 文件，请改名为 .xlsx.*rename it to .xlsx"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + bytes(99), "内容是 .xls 文件，请另存为 .xlsx.*save it as .xlsx"),
        (
            "a.xlsx",
            b"order_id,amount\n1,2\n",
            "a.xlsx: 文件已损坏，或不是 .xlsx 文件，请重新导出再导入。 .*export it again and import that$",
        ),
        (
            "a.parquet",
            b"PAR1" + bytes(99),
            "a.parquet: 文件已损坏，或不是 .parquet 文件.*export it again and import that$",
        ),
        (
            "a.jsonl",
            b'[{"id": 1}]\n',
            "每一行请写一个 JSON 对象.*write one JSON object on each line; row 1: expected `object`",
        ),
        ("a.jsonl", '{"id": "中"}'.encode("utf-16"), "请用 UTF-8 编码.*encode the text as UTF-8"),
        ("a.csv", "报表,,\n订单号,金额,时间\n".encode(), "表头须在第一行.*put the header into the first line"),
        ("a.csv", b"", "no rows"),
        ("a.csv", b"a,a\n1,2\n", "column names occur twice: a"),
        ("a.xlsx", b"not a zip", "cannot be read"),
        ("a.parquet", b"PAR1", "cannot be read"),
        ("a.jsonl", b"", "no rows"),
    ],
)
def test_a_file_that_is_none_is_a_clear_error(
    conn: psycopg.Connection, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(YutangError, match=words):
        run(conn, path)
    with pytest.raises(
        YutangError, match=r"打不开，请检查路径.*cannot be read: No such file or directory; check the path"
    ):
        run(conn, tmp_path / "absent.csv")


def test_a_file_that_proves_damaged_says_how_far_it_was_sound(conn: psycopg.Connection, tmp_path: Path) -> None:
    book, path = openpyxl.Workbook(), tmp_path / "orders.xlsx"
    book.worksheets[0].append(["订单号", "金额", "手机号", "时间"])
    book.worksheets[0].append(["x1", 12.5, 13812345678, datetime(2026, 1, 2, 9, 30)])
    book.save(tmp_path / "sound.xlsx")
    with zipfile.ZipFile(tmp_path / "sound.xlsx") as sound, zipfile.ZipFile(path, "w") as broken:
        for name in sound.namelist():
            broken.writestr(name, sound.read(name)[:-40] if "sheet1" in name else sound.read(name))
    with pytest.raises(YutangError) as error:
        run(conn, path)
    assert "orders.xlsx: 第 2 行之后读不了：文件已损坏" in str(error.value)
    assert "cannot be read beyond row 2: damaged; export it again" in str(error.value)
    assert "unclosed token" not in str(error.value)
