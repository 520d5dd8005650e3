"""The door on the real database: what enters, what is refused and why, and that nothing is lost between."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from languages import in_both
from yutang import ingest
from yutang.db.connect import connect
from yutang.handles import BY_NAME, handle_key
from yutang.model import Reason, halves
from yutang.vault import Vault

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
VAULT = Vault(b"v" * 32)


@pytest.fixture
def pond(conn: psycopg.Connection) -> psycopg.Connection:
    ingest.add_source(conn, NOW, "shop", "Shop")
    return conn


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    plain = {
        "id": f"e{number}",
        "source": "shop",
        "type": "ordered",
        "at": "2026-02-28T09:30:00.25+08:00",
        "handles": {"shop:tmall": f"m{number}"},
        "props": {"order_id": f"o{number}", "amount_fen": 12900, "items": [{"product": "latte"}]},
    }
    return plain | changes


def send(conn: psycopg.Connection, *events: Any) -> ingest.Answer:
    return ingest.record(conn, VAULT, NOW, json.dumps(events, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def count(conn: psycopg.Connection, table: str) -> int:
    row = conn.execute(f"select count(*) from {table}").fetchone()  # type: ignore[arg-type]
    assert row
    return row[0]


def test_an_event_is_kept_as_it_came(pond: psycopg.Connection) -> None:
    assert send(pond, event()) == ingest.Answer(1, 0, [])
    row = pond.execute("select * from event").fetchone()
    assert row.at == datetime(2026, 2, 28, 1, 30, 0, 250_000, tzinfo=UTC)
    assert (row.source, row.source_id, row.type, row.received_at) == ("shop", "e1", "ordered", NOW)
    assert row.handles == {"shop:tmall": "m1"}
    assert row.props == event()["props"]
    assert row.keys == [handle_key(VAULT.handle_secret, "shop:tmall", BY_NAME["shop"], "m1")]
    assert row.sealed is None
    assert row.import_id is None


def test_personal_handles_are_hashed_masked_and_sealed(pond: psycopg.Connection) -> None:
    handles = {"phone": "138 1234-5678", "email": "Ann@X.cn", "unionid": "u1", "address": "1 Lane"}
    send(pond, event(handles=handles))
    row = pond.execute("select * from event").fetchone()
    assert row.handles == {"phone": "138****5678", "email": "a***@x.cn", "unionid": "u1", "address": "***"}
    plain = {kind: VAULT.unseal_text(text) for kind, text in row.sealed.items()}
    assert plain == {"phone": "+8613812345678", "email": "ann@x.cn", "address": "1 Lane"}
    secret = VAULT.handle_secret
    expected = [(kind, BY_NAME[kind], (plain | {"unionid": "u1"})[kind]) for kind in row.handles]
    assert row.keys == [handle_key(secret, kind, row_kind, value) for kind, row_kind, value in expected]


def test_the_same_event_again_is_a_duplicate(pond: psycopg.Connection) -> None:
    send(pond, event(1))
    reordered = dict(reversed(event(1).items()))
    assert send(pond, reordered, event(2), event(2)) == ingest.Answer(1, 2, [])
    assert count(pond, "event") == 2
    assert count(pond, "reject") == 0


def test_an_id_with_other_content_keeps_the_first(pond: psycopg.Connection) -> None:
    send(pond, event(1))
    answer = send(pond, event(1, type="viewed", props={}), event(2), event(2, handles={"unionid": "x"}), event(3))
    assert (answer.accepted, answer.duplicate) == (2, 0)
    assert [(r.index, r.reason) for r in answer.rejected] == [(0, Reason.ID_REUSED), (2, Reason.ID_REUSED)]
    assert pond.execute("select type from event where source_id = 'e1'").fetchone()[0] == "ordered"
    refused = pond.execute("select source, source_id from reject order by reject_id").fetchall()
    assert refused == [("shop", "e1"), ("shop", "e2")]


def test_the_same_call_twice_in_one_transaction(pond: psycopg.Connection) -> None:
    with pond.transaction():
        assert send(pond, event(1)).accepted == 1
        assert send(pond, event(1), event(2)) == ingest.Answer(1, 1, [])


LONG = "x" * 201
BAD: dict[str, tuple[Any, Reason]] = {
    "not an object": (5, Reason.BAD_SHAPE),
    "null": (None, Reason.BAD_SHAPE),
    "id is a number": (event(id=5), Reason.BAD_SHAPE),
    "id too long": (event(id=LONG), Reason.BAD_SHAPE),
    "id empty": (event(id=""), Reason.BAD_SHAPE),
    "time without offset": (event(at="2026-02-28T09:30:00"), Reason.BAD_SHAPE),
    "time as number": (event(at=1772000000), Reason.BAD_SHAPE),
    "unknown top-level field": (event(foo=1), Reason.BAD_SHAPE),
    "props is a list": (event(props=[]), Reason.BAD_SHAPE),
    "props lack a field": (event(props={"order_id": "x"}), Reason.BAD_SHAPE),
    "our own name": (event(source="yutang"), Reason.UNKNOWN_SOURCE),
    "negative fen": (event(props={"order_id": "x", "amount_fen": -1, "items": []}), Reason.BAD_SHAPE),
    "fractional fen": (event(props={"order_id": "x", "amount_fen": 1.5, "items": []}), Reason.BAD_SHAPE),
    "beyond int8": (event(props={"order_id": "x", "amount_fen": 2**63, "items": []}), Reason.BAD_SHAPE),
    "more fen than sums can hold": (
        event(props={"order_id": "x", "amount_fen": 10**15 + 1, "items": []}),
        Reason.BAD_SHAPE,
    ),
    "more uses than one counts": (
        event(type="coupon_issued", props={"code": "k", "offer": "spring", "uses": 3 * 10**9}),
        Reason.BAD_SHAPE,
    ),
    "the machine's own zone": (
        event(type="profile_updated", props={"traits": {"time_zone": "localtime"}}),
        Reason.BAD_SHAPE,
    ),
    "free integer beyond int8": (event(type="mine", props={"n": 2**64}), Reason.BAD_SHAPE),
    "unknown time zone": (event(type="profile_updated", props={"traits": {"time_zone": "Mars"}}), Reason.BAD_SHAPE),
    "depth": (event(type="mine", props={"a": json.loads("[" * 90 + "]" * 90)}), Reason.BAD_SHAPE),
    "unknown handle": (event(handles={"13812345678": "x"}), Reason.BAD_SHAPE),
    "unreadable phone": (event(handles={"phone": "call me"}), Reason.BAD_SHAPE),
    "handle is a number": (event(handles={"phone": 13812345678}), Reason.BAD_SHAPE),
    "person beyond int8": (event(handles={"person": "9" * 5000}), Reason.BAD_SHAPE),
    "no handle": (event(handles={}), Reason.NO_HANDLE),
    "unknown source": (event(source="elsewhere"), Reason.UNKNOWN_SOURCE),
    "too old": (event(at="1999-12-31T23:00:00+08:00"), Reason.TOO_OLD),
    "first instant there is": (event(at="0001-01-01T00:00:00+14:00"), Reason.TOO_OLD),
    "in the future": (event(at="2026-03-02T12:00:01+08:00"), Reason.IN_FUTURE),
    "last instant there is": (event(at="9999-12-31T23:59:59-12:00"), Reason.IN_FUTURE),
    "too large": (event(type="mine", props={"text": "x" * 70_000}), Reason.TOO_LARGE),
    "NUL in a value": (event(type="mine", props={"a": "\0"}), Reason.BAD_ENCODING),
    "NUL in a key": (event(type="mine", props={"\0": 1}), Reason.BAD_ENCODING),
    "NUL in the id": (event(id="a\0b"), Reason.BAD_ENCODING),
    "NaN": (event(type="mine", props={"a": float("nan")}), Reason.BAD_JSON),
}


SAYS: dict[str, tuple[Any, str, str]] = {
    "a number too large": (
        event(type="mine", props={"order_id": "o", "amount_fen": 2**70}),
        "props.amount_fen: 应不大于",
        "expected `int` <=",
    ),
    "a trait that is a list": (
        event(type="profile_updated", props={"traits": {"city": "x", "等级": [1]}}),
        "props.traits.等级: 应为",
        "got `array`",
    ),
    "a trait without a name": (
        event(type="profile_updated", props={"traits": {"": 1}}),
        "props.traits: 其中一个名称长度应不小于 1。",
        "a name in it: expected",
    ),
    "a handle that is a number": (
        event(handles={"openid@wx1": 5}),
        "event.handles.openid@…: 应为文本，收到整数。",
        "expected `str`",
    ),
    "a name that may be a phone": (event(handles={"13812345678": 5}), "event.handles[...]: 应为文本", "expected `str`"),
    "unknown handle": (
        event(handles={"fax": "1"}),
        "handles.fax: 不认识的标识类型，可用：person, unionid",
        "unknown kind; use one of person, unionid, external_userid@, openid@, phone, email, shop:, pos:, device, address, with a NAME after",
    ),
    "handle without its scope": (
        event(handles={"openid": "1"}),
        "handles.openid: 应写成“openid@名称”。",
        "must be written 'openid@NAME'",
    ),
    "unknown source": (
        event(source="pos:hz"),
        "source: 来源“pos:hz”未登记或已停用，请先运行 yutang source add pos:hz 登记",
        "'pos:hz' is not registered, or closed; register it with: yutang source add pos:hz;",
    ),
    "our own source": (event(source="yutang"), "是系统自己的来源", "the system's own; give another name"),
    "blank id": (event(id=" \u3000"), "event.id: 只有空白", "blank"),
    "id of two lines": (event(id="a\nb"), "event.id: 含有换行", "holds a line break"),
    "id with a mark that nobody sees": (
        event(id="a\u200bb"),
        "event.id: 含有换行、控制字符或看不见的字符",
        "nobody sees",
    ),
    "blank source": (event(source=" "), "event.source: 只有空白", "blank"),
    "type with a tab": (event(type="or\tdered"), "event.type: 含有换行", "holds a line break"),
    "type with a blank behind": (event(type="ordered "), "event.type: 首尾有空格", "ends with a blank"),
    "blank handle": (event(handles={"unionid": " "}), "handles.unionid: 没有值", "says nobody"),
    "blank address": (event(handles={"address": " "}), "handles.address: 应有 1 到", "1 to 500"),
    "handle of a value that is none": (
        event(handles={"shop:tmall": "NULL"}),
        "handles.shop: 没有值",
        "leave the handle out",
    ),
    "handle of two lines": (event(handles={"unionid": "u\n"}), "handles.unionid: 含有换行", "holds a line break"),
    "phone kept as a number": (
        event(handles={"phone": "13812345678.0"}),
        "handles.phone: 手机号被当成数字存过",
        "write it as text",
    ),
    "a day that is none": (
        event(type="profile_updated", props={"traits": {"birthday": "1990-02-30"}}),
        "props.traits.birthday: 不是日期，或没有这一天，请写成例如 1990-03-05",
        "no date, or no such day; write for example 1990-03-05",
    ),
    "less than nothing": (
        event(props={"order_id": "o", "amount_fen": 1, "items": [{"product": "p", "quantity": -1.5}]}),
        "props.items[0].quantity: 应不小于 0",
        ">= 0",
    ),
    "NaN": (
        event(type="mine", props={"a": float("nan")}),
        "是 NaN 或 Infinity，JSON 里没有这样的数",
        "NaN and Infinity are not JSON, write null",
    ),
    "-Infinity": (
        event(type="mine", props={"a": float("-inf")}),
        "是 NaN 或 Infinity，JSON 里没有这样的数",
        "NaN and Infinity are not JSON",
    ),
}


@pytest.mark.parametrize("name", SAYS)
def test_a_refusal_names_the_field_and_what_to_write(pond: psycopg.Connection, name: str) -> None:
    bad, zh, en = SAYS[name]
    answer = send(pond, event(1), bad)
    assert (answer.accepted, [r.index for r in answer.rejected]) == (1, [1])
    said_zh, said_en = halves(answer.rejected[0].detail)
    assert zh in said_zh
    assert en in said_en
    assert "13812345678" not in answer.rejected[0].detail


def test_a_closed_source_is_opened_by_the_command_that_is_named(pond: psycopg.Connection) -> None:
    ingest.close_sources(pond, NOW, ["shop"])
    assert "register it with: yutang source add shop;" in send(pond, event()).rejected[0].detail


def test_days_of_birth_are_days_of_the_calendar(pond: psycopg.Connection) -> None:
    days = ["1990-03-05", "2000-02-29", "02-29", None]
    born = [event(n, type="profile_updated", props={"traits": {"birthday": day}}) for n, day in enumerate(days)]
    assert send(pond, *born).accepted == 4
    wrong = ["1999-02-29", "02-30", "1990/3/5", "1990-13-01", 19900305, "", "unknown"]
    refused = [event(n, type="profile_updated", props={"traits": {"birthday": day}}) for n, day in enumerate(wrong, 9)]
    assert [r.index for r in send(pond, *refused).rejected] == list(range(7))


def last_reject(conn: psycopg.Connection) -> Any:
    return conn.execute("select * from reject order by reject_id desc limit 1").fetchone()


def test_a_bad_event_is_refused_alone(pond: psycopg.Connection) -> None:
    for number, (name, (bad, reason)) in enumerate(BAD.items()):
        answer = send(pond, event(2 * number), bad, event(2 * number + 1))
        assert (answer.accepted, [(r.index, r.reason) for r in answer.rejected]) == (2, [(1, reason)]), name
        row = last_reject(pond)
        assert (row.reason, row.detail) == (reason, answer.rejected[0].detail), name
        assert in_both(row.detail), row.detail
        assert "13812345678" not in row.detail
        assert VAULT.unseal(row.payload) == json.dumps(bad, ensure_ascii=False).encode(), name
    assert count(pond, "event") == 2 * len(BAD)


RAW: dict[str, tuple[bytes, Reason]] = {
    "broken UTF-8 in props": (b'{"a":"\xff"}', Reason.BAD_ENCODING),
    "GBK": ('{"a":"中文"}'.encode("gb18030"), Reason.BAD_ENCODING),
    "surrogate as UTF-8": (b'{"a":"\xed\xa0\x80"}', Reason.BAD_ENCODING),
    "lone surrogate": (b'{"a":"\\ud800"}', Reason.BAD_ENCODING),
    "lone low surrogate in a key": (b'{"\\udc00":1}', Reason.BAD_ENCODING),
    "NUL byte": (b'{"a":"\0"}', Reason.BAD_ENCODING),
    "escaped NUL": (b'{"a":"\\\\\\u0000"}', Reason.BAD_ENCODING),
    "bad word": (b'{"a":tru}', Reason.BAD_JSON),
    "bad escape": (b'{"a":"\\q"}', Reason.BAD_JSON),
    "huge number": (b'{"a":1e999}', Reason.BAD_SHAPE),
    "endless number": (b'{"a":' + b"9" * 5000 + b"}", Reason.BAD_SHAPE),
    "depth bomb": (b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", Reason.BAD_SHAPE),
}


def raw(props: bytes, number: int = 9) -> bytes:
    return json.dumps(event(number, type="mine", props=0)).encode().replace(b'"props": 0', b'"props": ' + props)


def test_broken_bytes_do_not_spoil_their_neighbours(pond: psycopg.Connection) -> None:
    for number, (name, (props, reason)) in enumerate(RAW.items()):
        good = json.dumps(event(number)).encode()
        answer = ingest.record(pond, VAULT, NOW, b"[" + good + b", " + raw(props) + b"]")
        assert (answer.accepted, [(r.index, r.reason) for r in answer.rejected]) == (1, [(1, reason)]), name
        assert VAULT.unseal(last_reject(pond).payload) == raw(props), name


def test_an_escaped_backslash_before_u0000_is_plain_text(pond: psycopg.Connection) -> None:
    assert ingest.record(pond, VAULT, NOW, b"[" + raw(b'{"a":"\\\\u0000"}') + b"]").accepted == 1
    assert pond.execute("select props from event").fetchone()[0] == {"a": "\\u0000"}


BODIES: dict[str, tuple[bytes, Reason]] = {
    "empty": (b"", Reason.BAD_JSON),
    "cut off": (b'[{"id":"a"', Reason.BAD_JSON),
    "unclosed string": (b'[{"id":"a}]', Reason.BAD_JSON),
    "trailing text": (b"[] x", Reason.BAD_JSON),
    "trailing comma": (b"[{},]", Reason.BAD_JSON),
    "object": (b"{}", Reason.BAD_SHAPE),
    "not UTF-8": ("[中".encode("gb18030"), Reason.BAD_ENCODING),
    "a text that is not UTF-8": (b'"\xff"', Reason.BAD_ENCODING),
    "depth bomb": (b"[" * 1_000_000, Reason.BAD_JSON),
    "1,001 events": (b"[" + b",".join([b"{}"] * 1001) + b"]", Reason.TOO_LARGE),
    "10 MB": (b"[" + b" " * 10_000_000 + b"]", Reason.TOO_LARGE),
}


def test_a_body_that_cannot_be_read_is_refused_whole(pond: psycopg.Connection) -> None:
    for name, (body, reason) in BODIES.items():
        answer = ingest.record(pond, VAULT, NOW, body)
        assert (answer.accepted, [(r.index, r.reason) for r in answer.rejected]) == (0, [(None, reason)]), name
        assert VAULT.unseal(last_reject(pond).payload) == body, name
    assert send(pond, event()).accepted == 1


BREAKS: dict[str, tuple[bytes, str]] = {
    "cut off": (
        b'[{"id": "1", ',
        "body: JSON 没有写完，到第 13 字节就断了，请补全后重发。 ends too early, after 13 bytes",
    ),
    "cut off behind a smile": (b'[{"id": "\\ud83d\\ude00", ', "body: JSON 没有写完，到第 24 字节就断了"),
    "empty": (b" \n", "body: 内容是空的，请发 JSON。 empty; send JSON"),
    "trailing comma": (
        b"[{},]",
        "错在第 4 字节：多了一个逗号，请去掉。 JSON is malformed: trailing comma in array (byte 4)",
    ),
    "one object after the other": (b"{}\n{}", "错在第 4 字节：后面还有多余的内容"),
    "single quotes": (b"[{'id': 1}]", "错在第 1 字节：名称要用双引号括起来。 "),
    "a word in a string": (b'[{"id": "NaN" "b"}]', "错在第 13 字节：少了逗号、冒号或括号"),
    "a bad word": (b'[{"id": tru}]', "错在第 11 字节：有不该出现的字符"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_json_that_breaks_says_where(pond: psycopg.Connection, name: str) -> None:
    body, words = BREAKS[name]
    [refused] = ingest.record(pond, VAULT, NOW, body).rejected
    assert words in refused.detail
    assert in_both(refused.detail)
    assert "NaN and Infinity" not in refused.detail


def test_a_byte_order_mark_is_read_past(pond: psycopg.Connection) -> None:
    assert ingest.record(pond, VAULT, NOW, b"\xef\xbb\xbf" + json.dumps([event(1), 5]).encode()).accepted == 1


def test_phones_are_the_same_however_they_were_copied(pond: psycopg.Connection) -> None:
    spelt = ["13812345678", "\u202d138 1234 5678\u202c", "0086-138-1234-5678", "\ufeff+8613812345678"]
    assert send(pond, *[event(n, handles={"phone": phone}) for n, phone in enumerate(spelt)]).accepted == 4
    assert pond.execute("select count(distinct keys) from event").fetchone()[0] == 1  # type: ignore[index]


def test_what_only_the_database_refuses_is_found_and_refused_alone(pond: psycopg.Connection) -> None:
    pond.execute("alter table event add check (source_id <> 'e7')")
    answer = send(pond, *[event(n) for n in range(20)], event(7))
    assert (answer.accepted, [r.index for r in answer.rejected]) == (19, [7, 20])
    assert count(pond, "event") == 19


def test_a_clock_slightly_ahead_is_accepted(pond: psycopg.Connection) -> None:
    assert send(pond, event(at=(NOW + timedelta(hours=23)).isoformat())).accepted == 1


def test_unknown_types_and_extra_props_are_kept(pond: psycopg.Connection) -> None:
    props = {"a": {"b": [1, 2.5, None, True]}}
    assert send(pond, event(1, type="mine", props=props), event(2, props=event()["props"] | props)).accepted == 2
    assert [row.props.get("a") for row in pond.execute("select props from event")] == [props["a"]] * 2


def test_lists_may_be_long_and_are_refused_alone(pond: psycopg.Connection) -> None:
    events = [event(n) for n in range(1500)] + [event(type="mine", props={"a": "\ud800"}), {"id": object()}]
    answer = ingest.record(pond, VAULT, NOW, events)
    assert (answer.accepted, answer.duplicate) == (1500, 0)
    assert [(r.index, r.reason) for r in answer.rejected] == [(1500, Reason.BAD_ENCODING), (1501, Reason.BAD_JSON)]


def test_follow_ups_are_kept_once(pond: psycopg.Connection) -> None:
    news = [(f"touch:{n}:sent", "message_sent", n, NOW, {"touch_id": n, "channel": "sandbox"}) for n in (1, 2**40)]
    with pond.transaction():
        assert ingest.follow_up(pond, NOW, news) == 2
        assert ingest.follow_up(pond, NOW, [*news, ("x", "message_opened", 3, NOW, {"touch_id": 3})]) == 1
    rows = pond.execute("select * from event order by event_id").fetchall()
    assert [row.handles for row in rows] == [{"person": "1"}, {"person": str(2**40)}, {"person": "3"}]
    assert rows[1].keys == [handle_key(b"", "person", BY_NAME["person"], str(2**40))]
    assert (rows[1].source, rows[1].props) == ("yutang", {"touch_id": 2**40, "channel": "sandbox"})


def test_two_writers_with_the_same_ids_in_opposite_order(pond: psycopg.Connection, url: str) -> None:
    answers: list[ingest.Answer] = []

    def write(numbers: list[int]) -> None:
        with connect(url) as conn:
            answers.extend(send(conn, *[event(n) for n in numbers[i : i + 100]]) for i in range(0, 600, 100))

    numbers = list(range(600))
    threads = [threading.Thread(target=write, args=(order,)) for order in (numbers, numbers[::-1], numbers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(a.accepted for a in answers) == count(pond, "event") == 600
    assert sum(a.duplicate for a in answers) == 1200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(["id", "source", "type", "at", "handles", "props"])
ALMOST = st.builds(lambda n, changes: event(n) | changes, st.integers(0, 5), st.dictionaries(FIELDS, JSON, max_size=2))
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.lists(ALMOST | JSON, max_size=8), st.booleans())
def test_any_json_is_accounted_for(pond: psycopg.Connection, events: list[Any], escaped: bool) -> None:
    body = json.dumps(events, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    before = count(pond, "event"), count(pond, "reject")
    answer = ingest.record(pond, VAULT, NOW, body)
    assert answer.accepted + answer.duplicate + len(answer.rejected) == len(events)
    assert count(pond, "event") == before[0] + answer.accepted
    assert count(pond, "reject") == before[1] + len(answer.rejected)


@FUZZ
@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_are_answered(pond: psycopg.Connection, noise: bytes, place: int) -> None:
    good = json.dumps([event(1), event(2)]).encode()
    for body in (noise, good[:place] + noise + good[place:]):
        before = count(pond, "event")
        answer = ingest.record(pond, VAULT, NOW, body)
        assert answer.accepted + answer.duplicate + len(answer.rejected) > 0 or body.strip() == b"[]"
        assert count(pond, "event") == before + answer.accepted
