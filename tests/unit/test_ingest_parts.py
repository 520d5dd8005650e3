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
from yutang.ingest.mapping import Mapping, events, guess
from yutang.ingest.split import Unsplittable, split
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
    return examples.get(type, 1 if type in ("fen", "count", "number", "whole") else "x")


def test_a_wrong_field_is_named_with_its_place() -> None:
    wrong = check("ordered", order_id="o", amount_fen=1, items=[{"product": "p"}, {"product": "p", "amount_fen": "9"}])
    assert wrong is not None
    assert wrong.startswith("props.items[1].amount_fen: expected `int | null`")
    assert check("never_heard_of", a=1) is None


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
    return events(Mapping(kind, fields, "tmall", ZoneInfo("Asia/Shanghai"), NOW), "file:7", cells)


@pytest.mark.parametrize(
    ("cell", "fen"),
    [("12.5", 1250), ("￥1,234.00", 123400), (12, 1200), (0.1 + 0.2, 30), (Decimal("9.99"), 999), ("-3元", -300)],
)
def test_yuan_become_fen_exactly(cell: Any, fen: int) -> None:
    [order] = mapped("orders", order_id="o", amount=cell, phone="13812345678", at="2026-01-02")
    assert order["props"]["amount_fen"] == fen


@pytest.mark.parametrize("cell", ["1.555", "NaN", "1e30", "twelve", True, float("inf"), {"a": 1}])
def test_what_is_no_amount_names_the_column(cell: Any) -> None:
    with pytest.raises(Refusal, match="column '金额'"):
        mapped("orders", 订单号="o", 金额=cell, 手机="13812345678", 时间="2026-01-02")


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
        made = events(Mapping(kind, known, "tmall", ZoneInfo("Asia/Shanghai"), NOW), "file:7", cells)
    except Refusal as error:
        refusal, made = error.detail, []
    else:
        refusal = "column"
    assert "column" in refusal
    for event in made:
        assert {"id", "source", "type", "at", "handles", "props"} == set(event)
        assert msgspec.json.encode(event["at"])
