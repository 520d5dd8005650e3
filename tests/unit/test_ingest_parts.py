"""The pure parts of the door: the registry, the masks, the cutting of broken arrays, the reading of cells."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yutang.handles import BY_NAME, handle_key, kind_of
from yutang.ingest import catalog, keys, pack
from yutang.ingest.door import MAX_DEPTH, depth
from yutang.ingest.keys import Refusal, close, mask
from yutang.ingest.mapping import Mapping, events, guess, registrations
from yutang.ingest.shape import where
from yutang.ingest.split import Unsplittable, split
from yutang.model import YutangError
from yutang.vault import Vault

VAULT = Vault(b"v" * 32)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def check(type: str, **props: Any) -> str | None:
    return catalog.check(type, json.dumps(props).encode())


def test_every_known_type_demands_its_required_fields_and_takes_null_for_the_others() -> None:
    for known in catalog.CATALOG:
        if known.name in ("consent_given", "consent_withdrawn"):
            continue
        good = {f.name: example(f.type) if f.required else None for f in known.fields}
        assert check(known.name, **good) is None, known.name
        assert check(known.name, **{f.name: example(f.type) for f in known.fields}, extra=[1]) is None, known.name
        for f in (f for f in known.fields if f.type != "json"):
            wrong = check(known.name, **(good | {f.name: {"no": [1]}}))
            assert wrong, (known.name, f.name)
            assert wrong.startswith(f"props.{f.name}"), wrong
            if f.required:
                del (short := dict(good))[f.name]
                assert f.name in (check(known.name, **short) or ""), known.name


@pytest.mark.parametrize("type", ["consent_given", "consent_withdrawn"])
def test_a_word_on_consent_is_about_a_channel_or_about_a_class(type: str) -> None:
    assert check(type, channel="email") is None
    assert check(type, **{"class": "companion"}, channel=None) is None
    for wrong in ({}, {"channel": "email", "class": "marketing"}):
        assert "channel or a class" in (check(type, **wrong) or "")
    assert "props.class" in (check(type, **{"class": "service"}) or "")
    assert (check(type, channel=1) or "").startswith("props.channel")


def example(type: str) -> Any:
    examples: dict[str, Any] = {
        "time": "2026-01-01T00:00:00Z",
        "latitude": 30.25,
        "flag": True,
        "json": {"any": [1]},
        "longitude": 120.17,
        "keys": ["c1"],
        "items": [{"product": "p", "quantity": 1.5}],
        "traits": {"time_zone": "Asia/Shanghai", "city": None, "vip": True},
    }
    return examples.get(type, 1 if type in ("fen", "count", "uses", "number", "whole") else "x")


def test_a_wrong_field_is_named_with_its_place() -> None:
    wrong = check("ordered", order_id="o", amount_fen=1, items=[{"product": "p"}, {"product": "p", "amount_fen": "9"}])
    assert wrong is not None
    assert wrong.startswith("props.items[1].amount_fen: 应为整数或空值，收到文本。 expected `int | null`")
    assert check("never_heard_of", a=1) is None


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "Object missing required field `id` - at `$[3]`",
            "event[3]: 缺少字段 id。 object missing required field `id`",
        ),
        ("Expected `str`, got `int` - at `$.id`", "event.id: 应为文本，收到整数。 expected `str`, got `int`"),
        ("Expected `int | null`, got `bool`", "event: 应为整数或空值，收到真假值。 expected `int | null`, got `bool`"),
        ("Expected `str` of length >= 1 - at `$.id`", "event.id: 长度应不小于 1。 expected `str` of length >= 1"),
        ("Expected `float` <= 90.0 - at `$.lat`", "event.lat: 应不大于 90.0。 expected `float` <= 90.0"),
        ("A sentence of a later version", "event: 格式不对，请对照接口文档。 a sentence of a later version"),
    ],
)
def test_what_the_decoder_says_is_said_in_chinese_too(message: str, said: str) -> None:
    assert where("event", message) == said


def test_the_reference_page_tells_every_type_and_field() -> None:
    page = catalog.reference()
    for known in catalog.CATALOG:
        assert f"`{known.name}` {known.zh}" in page
        assert all(f"| `{f.name}` |" in page and f.zh in page and f.en in page for f in known.fields)


@given(st.sampled_from(["unionid", "shop:tmall", "openid@wx1", "device", "pos:a:b"]), st.text(min_size=1, max_size=50))
def test_keys_at_the_door_are_the_keys_of_the_directory(full: str, value: str) -> None:
    found, _, _ = close(VAULT, {full: value})
    assert found == [handle_key(VAULT.handle_secret, full, kind_of(full), value).bytes]


def test_the_form_of_a_key_never_changes() -> None:
    """Keys live in the database for ever: the form may not change."""
    key = handle_key(b"0123456789abcdef", "openid@wx1", kind_of("openid@wx1"), "o1")
    assert key.bytes[0] == 3
    assert key.hex == "03fa64e60779f81886d9044263ecc617"


def test_full_width_digits_are_the_same_phone() -> None:
    assert close(VAULT, {"phone": "１３８１２３４５６７８"})[0] == close(VAULT, {"phone": "+86 138-1234-5678"})[0]


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("phone", "+8613812345678", "138****5678"),
        ("phone", "+4915112345678", "491****5678"),
        ("phone", "+12345", "****45"),
        ("email", "ann@x.cn", "a***@x.cn"),
        ("address", "1 Lane", "***"),
    ],
)
def test_masks(kind: str, value: str, shown: str) -> None:
    assert mask(BY_NAME[kind], value) == shown


def test_what_a_sample_shows_is_masked_even_when_unreadable() -> None:
    shown = keys.masked({"phone": "13812345678", "email": "nonsense", "13812345678": "x", "unionid": "u"})
    assert shown == {"phone": "138****5678", "email": "***", "13812345678": "***", "unionid": "u"}


@given(st.datetimes(datetime(1900, 1, 1), datetime(2105, 1, 1)))
def test_micros_are_exact(at: datetime) -> None:
    since = at.replace(tzinfo=UTC) - datetime(2000, 1, 1, tzinfo=UTC)
    expected = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert pack.micros(at.replace(tzinfo=UTC)) == expected


JSON = st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))


@given(st.lists(JSON, max_size=5), st.integers(0, 5))
def test_a_broken_element_is_cut_out_alone(elements: list[Any], place: int) -> None:
    parts = [json.dumps(element).encode() for element in elements]
    parts.insert(place, b'{"a": NaN, "b": ["}]", "\\ud800"]}')
    assert split(b" [" + b" , ".join(parts) + b"]\n") == parts


@given(st.text('[]{},"\\a ', max_size=12))
def test_cutting_never_fails_otherwise(text: str) -> None:
    with contextlib.suppress(Unsplittable):
        assert b"" not in split(text.encode())


@given(st.integers(MAX_DEPTH + 1, 300), st.integers(0, 80))
def test_depth_counts_brackets_outside_strings(levels: int, flat: int) -> None:
    text = json.dumps({"s": "[" * 400, "flat": [[]] * flat, "deep": json.loads("[" * levels + "]" * levels)})
    assert depth(text.encode()) == levels + 1


def mapped(kind: str, chosen: dict[str, str] | None = None, **cells: Any) -> list[dict[str, Any]]:
    fields = guess(kind, list(cells), chosen or {})
    return events(Mapping(kind, fields, "tmall", ZoneInfo("Asia/Shanghai"), NOW, registrations(VAULT)), "file:7", cells)


@pytest.mark.parametrize(
    ("cell", "fen"),
    [
        ("12.5", 1250),
        ("￥1,234.00", 123400),
        (12, 1200),
        (0.1 + 0.2, 30),
        (Decimal("9.99"), 999),
        ("-3元", -300),
        ("¥1,234.50", 123450),
        ("1234.5元", 123450),
        ("１，２３４．５０", 123450),
        (" 1 234.5 ", 123450),
        ("1,234,567", 123456700),
    ],
)
def test_yuan_become_fen_exactly(cell: Any, fen: int) -> None:
    [order] = mapped("orders", order_id="o", amount=cell, phone="13812345678", at="2026-01-02")
    assert order["props"]["amount_fen"] == fen


@pytest.mark.parametrize("cell", ["1.555", "NaN", "1e30", "twelve", True, float("inf"), {"a": 1}])
def test_what_is_no_amount_names_the_column(cell: Any) -> None:
    with pytest.raises(Refusal, match="column '金额'"):
        mapped("orders", 订单号="o", 金额=cell, 手机="13812345678", 时间="2026-01-02")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("12,50", "逗号只能分隔千位.*commas part thousands only"),
        ("1,23", "commas part thousands only"),
        ("1.234,50", "commas part thousands only"),
        ("1_000", "commas part thousands only"),
        ("1元2", "不是金额.*not an amount"),
        ("5万", "not an amount"),
        ("1e30", "金额太大.*too large an amount"),
        (float("inf"), "是 NaN 或无穷大.*NaN or infinite"),
        (float("nan"), "column '金额': 是 NaN 或无穷大.*NaN or infinite"),
        ("NaN", "NaN or infinite"),
        (None, "column '金额': 是空的.*empty; every row needs it"),
    ],
)
def test_an_amount_that_is_none_says_what_to_write(cell: Any, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        mapped("orders", 订单号="o", 金额=cell, 手机="13812345678", 时间="2026-01-02")
    if isinstance(cell, float):
        with pytest.raises(Refusal, match=words.replace("金额", "金额（分）")):
            mapped("orders", 订单号="o", **{"金额（分）": cell}, 手机="13812345678", 时间="2026-01-02")


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("1990-03-05", "1990-03-05"), ("1990/3/5", "1990-03-05"), ("1990年3月5日", "1990-03-05"), ("19900305", "1990-03-05"),
        (19900305, "1990-03-05"), ("3月5日", "03-05"), ("03-05", "03-05"), ("2-29", "02-29"), ("１９９０-３-５", "1990-03-05"),
        ("1990-03-05 00:00:00", "1990-03-05"), (datetime(1990, 3, 5, 8), "1990-03-05"),
        ("1990-02-30", None), ("1999-02-29", None), ("0000-00-00", None), ("90-3-5", None), ("1990-03", None), ("保密", None),
        (32937, None), (32937.5, None), (True, None),
    ],
)  # fmt: skip
def test_days_of_birth_are_read_as_rules_ask_for_them(cell: Any, day: str | None) -> None:
    if day is None:
        with pytest.raises(Refusal, match=r"column '生日': 不是日期，或没有这一天.*no date, or no such day"):
            mapped("customers", unionid="u", 生日=cell)
        return
    [customer] = mapped("customers", unionid="u", 生日=cell)
    assert customer["props"]["traits"] == {"birthday": day}
    assert check("profile_updated", **customer["props"]) is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('="00123"', "00123"),
        ("'00123", "00123"),
        ("5E+10", "5E+10"),
        ("1.23457E+17", "缩写的数字，后几位已丢失.*shortened"),
        (float("inf"), "NaN or infinite"),
    ],
)
def test_numbers_of_orders_are_read_as_exports_write_them(cell: Any, text: str) -> None:
    order = {"订单号": cell, "金额": 1, "手机": "13812345678", "时间": "2026-01-02"}
    if isinstance(cell, float) or "." in cell:
        with pytest.raises(Refusal, match=f"column '订单号': .*{text}"):
            mapped("orders", **order)
        return
    assert mapped("orders", **order)[0]["props"]["order_id"] == text


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("42", 42), ("-7", -7), ("0", 0), ("0.5", 0.5), ("12.50", 12.5), (" 3 ", 3), ("true", True), ("FALSE", False),
        ("007", "007"), ("00.5", "00.5"), ("1234567890123456", "1234567890123456"), ("13812345678", "13812345678"),
        ("+8613812345678", "+8613812345678"), ("1,234", "1,234"), ("1e5", "1e5"), ("４２", "４２"), ("NaN", "NaN"),
        ("2026-01-02", "2026-01-02"), ("是", "是"), (10001.5, 10001.5), (True, True),
    ],
)  # fmt: skip
def test_free_cells_are_told_by_their_looks(cell: Any, value: Any) -> None:
    [own] = mapped("events", type="mine", at="2026-01-02", unionid="u", x=cell)
    [customer] = mapped("customers", unionid="u", x=cell)
    for found in (own["props"]["x"], customer["props"]["traits"]["x"]):
        assert (found, type(found)) == (value, type(value))


def test_cells_of_known_fields_are_read_as_the_catalogue_types_them() -> None:
    cells = {"type": "ordered", "at": "2026-01-02", "unionid": "u"}
    text = mapped("events", **cells, order_id="007", amount_fen="1250", coupon_codes="a、b; c,", margin_fen="-3")
    sheet = mapped("events", **cells, order_id=7.0, amount_fen=1250.0, coupon_codes=12, items='[{"product": "p"}]')
    assert text[0]["props"] == {
        "order_id": "007",
        "amount_fen": 1250,
        "coupon_codes": ["a", "b", "c"],
        "margin_fen": -3,
    }
    assert sheet[0]["props"] == {
        "order_id": "7",
        "amount_fen": 1250,
        "coupon_codes": ["12"],
        "items": [{"product": "p"}],
    }
    cells["type"] = "coupon_issued"
    [coupon] = mapped("events", **cells, code=10001, offer="o", expires_at="2026/3/1 8:00", uses="3", more="5")
    assert coupon["props"] == {
        "code": "10001",
        "offer": "o",
        "expires_at": "2026-03-01T00:00:00+00:00",
        "uses": 3,
        "more": 5,
    }
    [called] = mapped("events", **(cells | {"type": "called"}), ok="是", status="204")
    assert called["props"] == {"ok": True, "status": 204}


def test_what_cannot_be_read_as_its_type_is_left_to_the_door() -> None:
    cells = {
        "type": "ordered",
        "at": "2026-01-02",
        "unionid": "u",
        "order_id": 1.5,
        "amount_fen": "12.50",
        "items": "[[",
    }
    [order] = mapped("events", **cells)
    assert order["props"] == {"order_id": 1.5, "amount_fen": "12.50", "items": "[["}
    assert "props.order_id" in (check("ordered", **order["props"]) or "")


def test_a_file_that_knows_its_types_keeps_them() -> None:
    cells = {"type": "viewed", "at": "2026-01-02", "unionid": "u", "zip": "200000", "product": 12, "ms": 3.5}
    fields = guess("events", list(cells), {})
    [event] = events(
        Mapping("events", fields, "tmall", ZoneInfo("Asia/Shanghai"), NOW, registrations(VAULT), typed=True),
        "file:7",
        cells,
    )
    assert event["props"] == {"zip": "200000", "product": "12", "ms": 3.5}


def test_lists_in_lists_are_left_to_the_door() -> None:
    nested = json.loads("[" * 900 + "]" * 900)
    for kind in ("events", "orders"):
        [event] = mapped(kind, type="x", at="2026-01-02", unionid="u", order_id="o", amount=1, deep=nested)
        assert event["props"]["deep"] is not None


def test_a_mapping_may_say_the_type_of_a_column() -> None:
    said = {"年龄": "age:text", "积分": "props.points:number", "会员": "vip:boolean", "爱好": "likes:list"}
    cells = {"年龄": "42", "积分": "007", "会员": "是", "爱好": "茶；咖啡"}
    [event] = mapped("events", said, type="mine", at="2026-01-02", unionid="u", **cells)
    assert event["props"] == {"age": "42", "points": 7, "vip": True, "likes": ["茶", "咖啡"]}
    [customer] = mapped("customers", said, unionid="u", **(cells | {"年龄": 42.0}))
    assert customer["props"]["traits"] == {"age": "42", "points": 7, "vip": True}
    with pytest.raises(Refusal, match="column '积分': 不是数字。 not a number"):
        mapped("events", {"积分": "points:number"}, type="mine", at="2026-01-02", unionid="u", 积分="many")
    fields = guess("customers", ["unionid", *cells], said)
    assert guess("customers", ["unionid", *cells], fields) == fields, "an import that goes on names its columns in full"


def test_a_mapping_may_name_the_fields_of_the_catalogue() -> None:
    for said in ("amount_fen", "props.amount_fen"):
        [event] = mapped("events", {"分": said}, type="refunded", at="2026-01-02", unionid="u", order_id="o", 分="5")
        assert event["props"] == {"order_id": "o", "amount_fen": 5}
    [order] = mapped("orders", {"分": "props.amount_fen"}, order_id="o", at="2026-01-02", unionid="u", 分="5")
    assert order["props"]["amount_fen"] == 5


def test_a_column_keeps_its_own_name_whatever_is_in_it() -> None:
    [event] = mapped("events", type="mine", at="2026-01-02", unionid="u", **{"备注:text": "5", "a:b": "6"})
    assert event["props"] == {"备注:text": 5, "a:b": 6}


@pytest.mark.parametrize(
    ("kind", "field", "words"),
    [
        ("customers", "props.age:int", "没有类型“int”.*no such type 'int'"),
        ("customers", "props.age:", "no such type ''"),
        ("customers", "age:int", "没有这个字段.*no such field"),
        ("customers", "age", "没有这个字段.*props.NAME, NAME:TYPE"),
        ("customers", "props.", "no such field"),
        ("customers", ":text", "no such field"),
        ("orders", "amount:text", "请去掉“:text”.*write x=amount"),
    ],
)
def test_a_mapping_that_is_none_is_a_clear_error(kind: str, field: str, words: str) -> None:
    with pytest.raises(YutangError, match=words):
        guess(kind, ["unionid", "order_id", "at", "amount", "x"], {"x": field})


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("2026-01-02 09:30:00", "2026-01-02T01:30:00+00:00"),
        ("2026/1/2 9:30", "2026-01-02T01:30:00+00:00"),
        ("2026年1月2日", "2026-01-01T16:00:00+00:00"),
        ("2026-01-02T09:30:00Z", "2026-01-02T09:30:00+00:00"),
        (datetime(2026, 1, 2, 9, 30), "2026-01-02T01:30:00+00:00"),
    ],
)
def test_times_without_a_zone_are_the_ponds(cell: Any, at: str) -> None:
    [event] = mapped("events", type="x", at=cell, unionid="u")
    assert (event["id"], event["at"]) == ("file:7", at)


@pytest.mark.parametrize("cell", ["20260102", "2026-13-01", "soon", 45000, "0001-01-01"])
def test_what_is_no_time_names_the_column(cell: Any) -> None:
    with pytest.raises(Refusal, match="column 'at'"):
        mapped("events", type="x", at=cell, unionid="u")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("2026-13-01", "没有这个日期或时刻，请写成例如 .*no such day or time; write for example"),
        ("2026/2/30 10:00", "no such day or time"),
        ("2026年13月1日", "no such day or time"),
        ("2026-01-01 25:00", "no such day or time"),
        (46023, "是数字，不是时间，请把这一列设为日期格式.*a number, no time; format the column as dates"),
        (46023.5, "a number, no time"),
        ("46023.5", "a number, no time"),
        ("01/02/2026", "不是时间，请写成例如.*not a time; write for example"),
    ],
)
def test_a_time_that_is_none_says_what_to_write(cell: Any, words: str) -> None:
    with pytest.raises(Refusal, match=f"column '下单时间': .*{words}"):
        mapped("orders", 订单号="o", 金额=1, 手机="13812345678", 下单时间=cell)


CELL = (
    st.none()
    | st.text()
    | st.floats()
    | st.integers()
    | st.booleans()
    | st.datetimes()
    | st.dictionaries(st.text(), st.text())
)


@given(
    st.sampled_from(["events", "orders", "customers"]),
    st.dictionaries(
        st.sampled_from(
            ["id", "type", "at", "金额", "订单号", "phone", "handles", "props", "数量", "生日", "券码", "x", "shop:a"]
        ),
        CELL,
    ),
)
def test_any_cells_make_events_or_a_named_refusal(kind: str, cells: dict[str, Any]) -> None:
    fields = {"订单号": "order_id", "金额": "amount", "数量": "quantity", "生日": "birthday", "券码": "coupon_codes"}
    known = {c: f for c, f in ({c: c for c in cells} | fields).items() if c != "x"}
    try:
        made = events(
            Mapping(kind, known, "tmall", ZoneInfo("Asia/Shanghai"), NOW, registrations(VAULT)), "file:7", cells
        )
    except Refusal as error:
        refusal, made = error.detail, []
    else:
        refusal = "column"
    assert "column" in refusal
    for event in made:
        assert {"id", "source", "type", "at", "handles", "props"} == set(event)
        assert msgspec.json.encode(event["at"])


def test_the_id_of_a_registration_tells_nobody_whose_it_is() -> None:
    [registered] = mapped("customers", phone="138 1234 5678", 注册时间="2025-05-06")
    assert registered["id"] == mapped("customers", phone="+8613812345678", 注册时间="2025/5/6")[0]["id"]
    assert "13812345678" not in registered["id"]
    others = [{"phone": "13812345679"}, {"email": "a@b.cn"}, {"phone": "13812345678", "注册时间": "2025-05-07"}]
    ids = {mapped("customers", **({"注册时间": "2025-05-06"} | other))[0]["id"] for other in others}
    assert len(ids | {registered["id"]}) == 4
    [own] = mapped("customers", event_id="e", phone="13812345678", 注册时间="2025-05-06")
    assert own["id"] == "e:registered"


def test_a_customer_with_an_unreadable_handle_stays_out_as_a_whole() -> None:
    made = mapped("customers", phone="call", email="a@b.cn", 注册时间="2025-05-06", 城市="上海")
    assert [event["handles"] for event in made] == [{"phone": "call", "email": "a@b.cn"}] * 2
