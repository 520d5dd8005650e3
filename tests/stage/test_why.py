"""The chain of one person, made by hand: every sentence of it is traced to the row it came from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.handles import handle_key, kind_of
from yutang.model import Reason, YutangError, bucket_of
from yutang.segment import language
from yutang.source import plain
from yutang.vault import Vault
from yutang.why import find, why

NOW = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
VAULT = Vault(b"s" * 32)
PROGRAM = [
    {"do": "wait", "seconds": 7 * 86_400, "next": 1},
    {"do": "message", "message": "hello", "channel": None, "offer": "gift", "next": 2},
    {"do": "end"},
]


def day(n: float) -> datetime:
    return NOW - timedelta(days=20) + timedelta(days=n)


class Pond:
    """Rows by hand."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn

    def define(self, kind: str, name: str, **body: Any) -> definitions.Definition:
        return definitions.publish(
            self.conn, day(0), kind, name, {"title": {"zh": f"题{name}", "en": f"T {name}"}} | body, "test"
        )

    def journey(self, name: str, trigger: dict[str, Any], started: float = 0, **body: Any) -> int:
        defaults = {
            "trigger": trigger, "audience": None, "reentry": "never", "exit_on": [], "exit_when": None, "holdout_percent": 0, "value_fen": 0, "deadline_days": 7,
            "max_age_days": 3, "goal": None, "exit_on_leave": False, "program": PROGRAM,
        }  # fmt: skip
        found = self.define("journey", name, **(defaults | body))
        self.conn.execute("insert into journey_state values (%s, %s)", (found.definition_id, day(started)))
        return found.definition_id

    def person(self, merged_into: int | None = None) -> int:
        row = self.conn.execute("select nextval('person_id') as id").fetchone()
        assert row
        self.conn.execute(
            "insert into person (bucket, person_id, merged_into, created_at) values (%s, %s, %s, %s)",
            (bucket_of(row.id), row.id, merged_into, day(0)),
        )
        score = {"recency": 1, "frequency": 1, "monetary": 1, "life_stage": "visitor", "refreshed_at": day(0)}
        self.insert("profile", {"bucket": bucket_of(row.id), "person_id": row.id} | score)
        return row.id

    def event(
        self,
        person: int,
        type: str,
        n: float,
        came: float | None = None,
        handles: dict[str, str] | None = None,
        **props: Any,
    ) -> int:
        handles = handles or {"device": "d"}
        keys = [handle_key(VAULT.handle_secret, full, kind_of(full), value) for full, value in handles.items()]
        row = self.conn.execute(
            """insert into event (source, source_id, type, at, received_at, handles, keys, props)
               values ('import', gen_random_uuid()::text, %s, %s, %s, %s, %s, %s) returning event_id""",
            (type, day(n), day(n if came is None else came), Jsonb(handles), keys, Jsonb(props)),
        ).fetchone()
        assert row
        self.conn.execute(
            "insert into person_event (bucket, person_id, type, at, event_id, day, amount, props) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                bucket_of(person),
                person,
                type,
                day(n),
                row.event_id,
                day(n).date(),
                props.get("amount_fen", 0),
                Jsonb(props),
            ),
        )
        for key in keys:
            self.conn.execute(
                "insert into handle values (%s, %s, %s, %s) on conflict (key) do nothing",
                (key, person, person, row.event_id),
            )
        return row.event_id

    def enrol(self, person: int, journey: int, cause: str, n: float, **columns: Any) -> None:
        row = {
            "bucket": bucket_of(person), "person_id": person, "journey_id": journey, "cause": cause, "version": 1, "arm": "treated",
            "state": "active", "step": 2, "entered_at": day(n), "stepped_at": day(n),
        } | columns  # fmt: skip
        self.insert("enrolment", row)

    def insert(self, table: str, row: dict[str, Any]) -> None:
        names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        self.conn.execute(f"insert into {table} ({names}) values ({places})", row)  # type: ignore[arg-type]

    def touch(
        self,
        person: int,
        journey: int,
        cause: str,
        touch_id: int,
        n: float,
        trail: list[dict[str, Any]],
        **columns: Any,
    ) -> None:
        who = {"bucket": bucket_of(person), "person_id": person, "touch_id": touch_id}
        message = definitions.current(self.conn, "message", "hello") or self.define(
            "message", "hello", subject="s", body="b", channel="sandbox"
        )
        *before, last = trail
        self.insert(
            "touch",
            who | {"journey_id": journey, "cause": cause, "step": 0, "move": touch_id, "version": 1, "arm": "treated", "channel": "sandbox",
                   "message_id": message.definition_id, "message_version": 1, "value_fen": 100, "at": day(n), "deadline": day(n + 7),
                   "verdict": last["verdict"], "reason": last.get("reason"), "judged_at": last["at"], "spent": last.get("spent", 0),
                   "lost_to": last.get("lost_to"), "trail": Jsonb(before) if before else None} | columns,
        )  # fmt: skip


@pytest.fixture
def pond(conn: psycopg.Connection) -> Pond:
    return Pond(conn)


def test_a_touch_is_told_from_its_cause_to_the_coupon(pond: Pond) -> None:
    journey = pond.journey("welcome", {"event": ["registered"], "where": {}})
    offer = pond.define("offer", "gift").definition_id
    person = pond.person()
    cause = f"event:{pond.event(person, 'registered', 1)}"
    pond.enrol(person, journey, cause, 1)
    pond.insert(
        "step",
        {
            "bucket": bucket_of(person),
            "person_id": person,
            "journey_id": journey,
            "cause": cause,
            "seq": 1,
            "step": 0,
            "outcome": "waited",
            "at": day(8),
        },
    )
    trail = [
        {"at": day(8).isoformat(), "verdict": "hold", "reason": "quiet_hours", "spent": 0},
        {"at": day(8.5).isoformat(), "verdict": "send", "spent": 0, "coupon": "ABC"},
    ]
    pond.touch(person, journey, cause, 7, 8, trail, coupon="ABC")
    pond.insert(
        "attempt",
        {
            "bucket": bucket_of(person),
            "person_id": person,
            "touch_id": 7,
            "channel": "sandbox",
            "state": "sent",
            "tries": 2,
            "at": day(8.6),
        },
    )
    who = {"bucket": bucket_of(person), "person_id": person, "origin_id": person, "code": "ABC"}
    pond.insert(
        "coupon",
        who
        | {
            "definition_id": offer,
            "touch_id": 7,
            "state": "redeemed",
            "uses": 0,
            "value_fen": 300,
            "issued_at": day(8.5),
            "valid_from": day(8.5),
        },
    )
    pond.insert(
        "redemption",
        who
        | {
            "request_id": "r1",
            "amount_fen": 2000,
            "discount_fen": 300,
            "state": "done",
            "at": day(9),
            "order_id": "o1",
        },
    )
    pond.event(person, "message_opened", 8.7, touch_id=7)

    chain = why(pond.conn, person, NOW)

    (run,) = chain.enrolments
    assert run.words == {"zh": "事件「注册成为会员」（registered）", "en": "the event 'registered'"}
    assert [(step.line["zh"], step.words["zh"]) for step in run.steps] == [("等待 7 天", "等到了")]
    (touch,) = run.touches
    assert [v.words["zh"] for v in touch.verdicts] == [f"暂缓：{Reason.QUIET_HOURS.zh}", "准予发送"]
    assert touch.attempt is not None
    assert (touch.attempt.state, touch.attempt.tries) == ("sent", 2)
    assert [answer.type for answer in touch.follow_ups] == ["message_opened"]
    assert touch.coupon is not None
    assert (touch.coupon.offer, touch.coupon.state, [use.discount_fen for use in touch.coupon.uses]) == (
        "gift",
        "redeemed",
        [300],
    )
    assert chain.coupons == []
    assert [event.type for event in chain.events] == ["registered"]
    assert b'"touch_id":7' in msgspec.json.encode(chain)


def test_the_touch_that_got_the_slot_is_named(pond: Pond) -> None:
    strong, weak = (pond.journey(name, {"event": ["registered"], "where": {}}) for name in ("strong", "weak"))
    person = pond.person()
    cause = f"event:{pond.event(person, 'registered', 1)}"
    for journey in (strong, weak):
        pond.enrol(person, journey, cause, 1)
    pond.touch(person, strong, cause, 1, 2, [{"at": day(2).isoformat(), "verdict": "send"}])
    pond.touch(
        person,
        weak,
        cause,
        2,
        2,
        [{"at": day(2).isoformat(), "verdict": "hold", "reason": "outbid", "lost_to": 1}],
        value_fen=50,
    )
    chain = why(pond.conn, person, NOW)
    (verdict,) = next(run for run in chain.enrolments if run.journey == "weak").touches[0].verdicts
    assert verdict.lost_to == {
        "touch_id": 1, "journey": "strong", "title": {"zh": "题strong", "en": "T strong"},
        "message": {"zh": "题hello", "en": "T hello"}, "value_fen": 100,
    }  # fmt: skip
    assert verdict.words["en"].endswith("it waits ('T hello' was worth 1.00, this one 0.50)")
    assert chain.outside == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("marketing", "hold it: 'T hello' was worth the same (0.50) and was proposed earlier, so it went first; this one waits"),
        ("service", "hold it: 'T hello' is a service, which comes first; this one waits"),
    ],
)  # fmt: skip
def test_a_touch_that_was_worth_no_more_is_not_said_to_be(pond: Pond, kind: str, said: str) -> None:
    first, second = (pond.journey(name, {"event": ["registered"], "where": {}}) for name in ("first", "second"))
    person = pond.person()
    cause = f"event:{pond.event(person, 'registered', 1)}"
    for journey in (first, second):
        pond.enrol(person, journey, cause, 1)
    lost = {"at": day(2).isoformat(), "verdict": "hold", "reason": "outbid", "lost_to": 1}
    pond.touch(
        person, first, cause, 1, 2, [{"at": day(2).isoformat(), "verdict": "send"}], value_fen=50, **{"class": kind}
    )
    pond.touch(person, second, cause, 2, 2, [lost], value_fen=50)
    runs = why(pond.conn, person, NOW).enrolments
    (verdict,) = next(run for run in runs if run.journey == "second").touches[0].verdicts
    assert verdict.words["en"] == said
    assert "更高" not in verdict.words["zh"]


def test_why_nobody_entered_names_the_reason(pond: Pond) -> None:
    registered = {"event": ["registered"], "where": {}}
    once = pond.journey("once", registered)
    pond.journey("never", {"event": ["refunded"], "where": {}})
    pond.journey("late", {"event": ["viewed"], "where": {}})
    vip = language.parse(plain({"tag": "vip"}, "t")).to_json()
    pond.define("segment", "vips", rule=vip)
    pond.journey("vips", {"segment": "vips"})
    pond.journey("picky", registered, audience=vip)
    pond.journey("new", registered, started=19)
    person = pond.person()
    first, _again = pond.event(person, "registered", 1), pond.event(person, "registered", 5)
    pond.event(person, "viewed", 1, came=10)
    pond.enrol(person, once, f"event:{first}", 1, state="done", ended_at=day(2))

    found = {entry.journey: entry for entry in why(pond.conn, person, NOW).outside}
    assert {name: entry.reason for name, entry in found.items()} == {
        "once": "reentry", "never": None, "late": "too_old", "vips": None, "picky": None, "new": None,
    }  # fmt: skip
    assert found["once"].at == day(5)
    assert "没有发生触发事件" in found["never"].words["zh"]
    assert [(c["zh"], c["holds"]) for c in found["vips"].conditions] == [("有标签「vip」", False)]
    assert [c["en"] for c in found["picky"].conditions] == ["has the tag 'vip'"]
    assert found["new"].words["en"] == "the journey was not in service yet"


def test_a_stay_that_began_no_run_is_told(pond: Pond) -> None:
    segment = pond.define("segment", "sleepers", rule=language.parse(plain({"tag": "z"}, "t")).to_json()).definition_id
    journey = pond.journey("wake", {"segment": "sleepers", "when": "entered"}, reentry={"after_days": 30})
    person = pond.person()
    who = {"bucket": bucket_of(person), "person_id": person, "segment_id": segment, "version": 1}
    pond.insert("membership", who | {"since": day(1), "until": day(3)})
    pond.insert("membership", who | {"since": day(8), "until": None})
    pond.enrol(person, journey, f"segment:{day(1):%Y-%m-%dT%H:%M:%S.%f}", 1, state="done", ended_at=day(2))
    chain = why(pond.conn, person, NOW)
    (entry,) = chain.outside
    assert (entry.reason, entry.at) == ("reentry", day(8))
    assert chain.enrolments[0].words["zh"] == "进入人群「题sleepers」"
    assert [(stay.since, stay.until) for stay in chain.segments] == [(day(1), day(3)), (day(8), None)]


def test_a_merged_person_is_told_whole(pond: Pond) -> None:
    journey = pond.journey("welcome", {"event": ["registered"], "where": {}})
    winner = pond.person()
    loser = pond.person(merged_into=winner)
    event = pond.event(winner, "registered", 1, handles={"shop:a": "7"})
    pond.enrol(loser, journey, f"event:{event}", 1, state="exited", reason="merged", ended_at=day(2))
    pond.insert("merge_log", {"winner_id": winner, "loser_id": loser, "event_id": event, "at": day(2)})
    chain = why(pond.conn, loser, NOW)
    assert (chain.person_id, chain.asked_for, chain.members) == (winner, loser, [winner, loser])
    assert [(m.winner_id, m.loser_id) for m in chain.merges] == [(winner, loser)]
    assert chain.enrolments[0].ended == {"zh": f"已退出：{Reason.MERGED.zh}", "en": f"left: {Reason.MERGED.en}"}
    assert [(h.kind, h.value) for h in chain.handles] == [("shop:a", "7")]


def test_a_person_is_found_by_id_and_by_handle(pond: Pond) -> None:
    person = pond.person()
    pond.event(person, "registered", 1, handles={"phone": "+8613800000000"})
    for text in (str(person), "phone=138 0000 0000", "13800000000"):
        assert find(pond.conn, VAULT, text) == person
    for text in ("999", "phone=139", "wechat=1", "shop:x=", "", "a\0b", "someone@nowhere.example"):
        with pytest.raises(YutangError):
            find(pond.conn, VAULT, text)
