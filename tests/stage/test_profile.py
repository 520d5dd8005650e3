"""What is known of a person follows from the person's events alone, and from time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from yutang import definitions, segment
from yutang.db.connect import connect
from yutang.model import EVERYBODY, Only, bucket_of
from yutang.profile import card, refresh
from yutang.segment.refresh import sizes

NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
"""12:00 on a Sunday in Shanghai."""
TABLES = ("trait", "tag", "consent", "tally", "profile")
ONE_DAY = timedelta(days=1)


def hear(
    conn: psycopg.Connection,
    event_id: int,
    person: int,
    type_: str,
    at: datetime,
    zone: str = "Asia/Shanghai",
    **props: Any,
) -> None:
    """One event as identity writes it."""
    day = at.astimezone(ZoneInfo(zone)).date()
    amount = props.get("amount_fen", 0)
    conn.execute(
        """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
           values (%s, %s, %s, %s, %s, %s, %s, %s)""",
        (bucket_of(person), person, type_, at, event_id, day, amount, Jsonb(props)),
    )


def known_person(conn: psycopg.Connection, person: int) -> None:
    conn.execute(
        "insert into person (bucket, person_id, created_at) values (%s, %s, %s)", (bucket_of(person), person, NOON)
    )


def repoint(conn: psycopg.Connection, event_ids: list[int], old: int, new: int) -> None:
    """What identity does at a merge or a split: events change hands and both persons are marked, in one transaction."""
    with conn.transaction():
        conn.execute(
            "update person_event set bucket = %s, person_id = %s where event_id = any(%s)",
            (bucket_of(new), new, event_ids),
        )
        conn.execute("update person set changed = pg_current_xact_id() where person_id = any(%s)", ([old, new],))


def settle(conn: psycopg.Connection, now: datetime) -> None:
    """Run the stage as the worker does, until nothing is due."""
    for _ in range(100):
        if not refresh(conn, now).busy():
            return
    pytest.fail("the stage never comes to rest")


def everything(conn: psycopg.Connection) -> dict[str, list[Any]]:
    """All rows of the stage but for when they were written."""
    hidden = "array['xid', 'refreshed_at']"
    return {
        t: [r for (r,) in conn.execute(f"select to_jsonb(t) - {hidden} as row from {t} t order by row")] for t in TABLES
    }


def profile_of(conn: psycopg.Connection, person: int) -> dict[str, Any]:
    found = card(conn, person)["profile"]
    assert found is not None
    return found


def scores(conn: psycopg.Connection, person: int) -> tuple[int, int, int, str]:
    found = profile_of(conn, person)
    return found["recency"], found["frequency"], found["monetary"], found["life_stage"]


def xid_of(conn: psycopg.Connection, person: int) -> int:
    row = conn.execute("select xid::text from profile where person_id = %s", (person,)).fetchone()
    assert row
    return int(row[0])


def rewind(conn: psycopg.Connection) -> None:
    """As after a lost commit: everything is read again."""
    conn.execute("update stage_cursor set xid = '0' where stage like 'profile%'")


def test_story_of_one_person(conn: psycopg.Connection) -> None:
    hear(conn, 1, 7, "registered", NOON - 40 * ONE_DAY)
    hear(conn, 2, 7, "profile_updated", NOON - 40 * ONE_DAY, traits={"city": "杭州", "gender": "f"})
    hear(conn, 3, 7, "consent_given", NOON - 40 * ONE_DAY, channel="email")
    settle(conn, NOON - 40 * ONE_DAY)
    assert scores(conn, 7) == (1, 1, 1, "visitor")
    assert profile_of(conn, 7)["recompute_at"] is None

    hear(conn, 4, 7, "ordered", NOON - 10 * ONE_DAY, order_id="a", amount_fen=15_000)
    settle(conn, NOON - 10 * ONE_DAY)
    assert scores(conn, 7) == (5, 1, 2, "new")

    hear(conn, 5, 7, "ordered", NOON, order_id="b", amount_fen=9_000)
    hear(conn, 6, 7, "refunded", NOON, order_id="a", amount_fen=15_000)
    hear(conn, 7, 7, "tagged", NOON, tag="vip")
    hear(conn, 8, 7, "profile_updated", NOON, traits={"gender": None, "name": "小鱼"})
    settle(conn, NOON)
    assert scores(conn, 7) == (5, 2, 2, "growing")
    known = card(conn, 7)
    assert {name: trait["value"] for name, trait in known["traits"].items()} == {"city": "杭州", "name": "小鱼"}
    assert known["tags"] == {"vip": {"at": NOON, "expires_at": None}}
    assert known["consent"]["email"]["given"] is True
    ordered = known["activity"]["ordered"]
    assert ordered == {"n": 2, "amount": 24_000, "first_at": NOON - 10 * ONE_DAY, "last_at": NOON}
    assert conn.execute("select day, n, amount from activity where type = 'ordered' order by day").fetchall() == [
        (date(2026, 2, 19), 1, 15_000),
        (date(2026, 3, 1), 1, 9_000),
    ]


def test_later_stages_hear_of_every_event(conn: psycopg.Connection) -> None:
    for event_id, type_ in enumerate(["ordered", "viewed", "ordered", "profile_updated", "message_opened"]):
        before = xid_of(conn, 7) if event_id else 0
        hear(conn, event_id, 7, type_, NOON)
        settle(conn, NOON)
        assert xid_of(conn, 7) > before


def test_nobody_is_known(conn: psycopg.Connection) -> None:
    assert refresh(conn, NOON) == {"due": 0}
    assert card(conn, 1) == {"person_id": 1, "profile": None, "traits": {}, "tags": {}, "consent": {}, "activity": {}}


def test_time_alone_changes_scores_and_stage_on_the_exact_day(conn: psycopg.Connection) -> None:
    hear(conn, 1, 7, "ordered", NOON, order_id="a", amount_fen=100_000)
    settle(conn, NOON)
    seen = []
    while due := profile_of(conn, 7)["recompute_at"]:
        before, moved = scores(conn, 7), xid_of(conn, 7)
        settle(conn, due - timedelta(seconds=1))
        assert scores(conn, 7) == before
        assert xid_of(conn, 7) == moved
        settle(conn, due)
        assert scores(conn, 7) != before
        assert xid_of(conn, 7) > moved
        assert due.astimezone(ZoneInfo("Asia/Shanghai")).hour == 0
        days = (due.astimezone(ZoneInfo("Asia/Shanghai")).date() - date(2026, 3, 1)).days
        seen.append((days, *scores(conn, 7)))
    assert seen == [
        (7, 4, 1, 5, "new"),
        (30, 3, 1, 5, "new"),
        (60, 3, 1, 5, "dormant"),
        (90, 2, 1, 5, "dormant"),
        (180, 1, 1, 5, "lost"),
    ]


def test_a_tag_expires_when_due_and_later_stages_hear_of_it(conn: psycopg.Connection) -> None:
    end = NOON + timedelta(hours=5)
    hear(conn, 1, 7, "tagged", NOON, tag="trial", expires_at=end.isoformat())
    hear(conn, 2, 7, "tagged", NOON, tag="vip")
    settle(conn, NOON)
    assert profile_of(conn, 7)["recompute_at"] == end
    settle(conn, end - timedelta(seconds=1))
    assert set(card(conn, 7)["tags"]) == {"trial", "vip"}
    moved = xid_of(conn, 7)
    settle(conn, end)
    assert set(card(conn, 7)["tags"]) == {"vip"}
    assert xid_of(conn, 7) > moved
    assert profile_of(conn, 7)["recompute_at"] is None
    hear(conn, 3, 7, "tagged", NOON - ONE_DAY, tag="trial")
    settle(conn, end)
    assert set(card(conn, 7)["tags"]) == {"vip"}


def test_an_expired_tag_goes_although_an_order_came_first(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More persons are due than one run takes; the order's run leaves the person due."""
    end = NOON + timedelta(hours=5)
    hear(conn, 1, 7, "tagged", NOON, tag="trial", expires_at=end.isoformat())
    settle(conn, NOON)
    hear(conn, 2, 7, "ordered", end, order_id="a", amount_fen=1)
    with monkeypatch.context() as patch:
        patch.setattr(import_module("yutang.profile.refresh"), "DUE", 0)
        refresh(conn, end)
    settle(conn, end)
    assert card(conn, 7)["tags"] == {}
    assert profile_of(conn, 7)["recompute_at"] > end


def test_the_business_day_is_the_ponds(conn: psycopg.Connection) -> None:
    hear(conn, 1, 7, "ordered", datetime(2026, 3, 1, 15, 30, tzinfo=UTC), order_id="a", amount_fen=1)
    hear(conn, 2, 7, "ordered", datetime(2026, 3, 1, 16, 30, tzinfo=UTC), order_id="b", amount_fen=1)
    hear(conn, 3, 8, "ordered", datetime(2026, 3, 1, 15, 30, tzinfo=UTC), order_id="c", amount_fen=1)
    settle(conn, datetime(2026, 3, 1, 17, 0, tzinfo=UTC))
    days = conn.execute("select day, n from activity where person_id = 7 order by day").fetchall()
    assert days == [(date(2026, 3, 1), 1), (date(2026, 3, 2), 1)]
    assert profile_of(conn, 7)["recompute_at"] == datetime(2026, 3, 8, 16, 0, tzinfo=UTC)
    assert profile_of(conn, 8)["recompute_at"] == datetime(2026, 3, 7, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "ordered", "due"),
    [
        # Clocks go forward on 29 March: the day seven days later begins an hour earlier in UTC.
        ("Europe/Berlin", "2026-03-25T23:30:00+01:00", "2026-04-01T00:00:00+02:00"),
        # Midnight of 24 April does not exist in Cairo: the day begins at one.
        ("Africa/Cairo", "2026-04-17T12:00:00+02:00", "2026-04-24T01:00:00+03:00"),
        # Midnight of 1 November comes twice in Havana: the day begins at the first.
        ("America/Havana", "2026-10-25T12:00:00-04:00", "2026-11-01T00:00:00-04:00"),
    ],
)
def test_days_where_clocks_change(conn: psycopg.Connection, zone: str, ordered: str, due: str) -> None:
    at = datetime.fromisoformat(ordered)
    definitions.publish(conn, at, "pond", "pond", {"time_zone": zone}, "")
    hear(conn, 1, 7, "ordered", at, zone, order_id="a", amount_fen=1)
    settle(conn, at)
    assert profile_of(conn, 7)["recompute_at"] == datetime.fromisoformat(due)
    settle(conn, datetime.fromisoformat(due))
    assert scores(conn, 7)[0] == 4


def test_all_channels_at_once(conn: psycopg.Connection) -> None:
    def answers() -> dict[str, bool]:
        settle(conn, NOON)
        return {channel: word["given"] for channel, word in card(conn, 7)["consent"].items()}

    hear(conn, 1, 7, "consent_given", NOON - 3 * ONE_DAY, channel="email")
    hear(conn, 2, 7, "consent_withdrawn", NOON - 2 * ONE_DAY, channel="*")
    assert answers() == {"*": False}
    hear(conn, 30, 7, "consent_given", NOON - ONE_DAY, channel="email")
    assert answers() == {"*": False, "email": True}
    hear(conn, 4, 7, "consent_withdrawn", NOON - ONE_DAY, channel="email")
    assert answers() == {"*": False, "email": False}
    hear(conn, 5, 7, "consent_given", NOON - ONE_DAY, channel="*")
    assert answers() == {"*": True, "email": False}
    hear(conn, 6, 7, "consent_withdrawn", NOON - 4 * ONE_DAY, **{"class": "marketing"})
    assert answers() == {"*": True, "email": False, "class:marketing": False}, (
        "a class is no channel: '*' leaves it as it is"
    )
    hear(conn, 7, 7, "consent_given", NOON, **{"class": "marketing"})
    assert answers() == {"*": True, "email": False, "class:marketing": True}


def test_merge_and_split_make_persons_again(conn: psycopg.Connection) -> None:
    for person in (7, 8):
        known_person(conn, person)
    hear(conn, 1, 7, "ordered", NOON - 3 * ONE_DAY, order_id="a", amount_fen=3_000)
    hear(conn, 2, 7, "tagged", NOON - ONE_DAY, tag="tea")
    hear(conn, 3, 8, "ordered", NOON - 2 * ONE_DAY, order_id="b", amount_fen=4_000)
    hear(conn, 4, 8, "untagged", NOON, tag="tea")
    hear(conn, 5, 8, "profile_updated", NOON, traits={"city": "上海"})
    hear(conn, 6, 8, "consent_given", NOON, channel="*")
    settle(conn, NOON)
    apart = everything(conn)

    repoint(conn, [3, 4, 5, 6], 8, 7)
    hear(conn, 7, 7, "viewed", NOON)
    settle(conn, NOON)
    assert card(conn, 8) == {"person_id": 8, "profile": None, "traits": {}, "tags": {}, "consent": {}, "activity": {}}
    merged = card(conn, 7)
    assert merged["activity"]["ordered"]["n"] == 2
    assert merged["activity"]["ordered"]["amount"] == 7_000
    assert merged["activity"]["viewed"]["n"] == 1
    assert merged["tags"] == {}
    assert merged["traits"]["city"]["value"] == "上海"
    assert scores(conn, 7)[3] == "growing"

    conn.execute("delete from person_event where event_id = 7")
    repoint(conn, [3, 4, 5, 6], 7, 8)
    settle(conn, NOON)
    assert everything(conn) == apart


def test_segments_look_at_people_once_they_are_made_again(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Profiles are made again in bounded pieces; whoever came too early would look at what is no longer true, and never again."""
    monkeypatch.setattr(import_module("yutang.profile.refresh"), "MOVED", 1)
    rule = {"title": {"zh": "买过", "en": "buyers"}, "rule": {"count": "ordered", "at_least": 1}}
    definitions.publish(conn, NOON, "segment", "buyers", rule, "")
    people = range(11, 19)
    for person in people:
        known_person(conn, person)
        hear(conn, person, person, "ordered", NOON, order_id=str(person), amount_fen=1)
    settle(conn, NOON)
    segment.refresh(conn, NOON)
    assert sizes(conn) == {"buyers": len(people)}
    for person in people:
        with conn.transaction():
            conn.execute("delete from person_event where person_id = %s", (person,))
            conn.execute("update person set changed = pg_current_xact_id() where person_id = %s", (person,))
    for _ in people:
        refresh(conn, NOON)
        segment.refresh(conn, NOON)
    assert sizes(conn) == {"buyers": 0}


def test_who_was_due_is_told_until_every_reader_has_passed(conn: psycopg.Connection) -> None:
    def told() -> list[list[int]]:
        return [row[0] for row in conn.execute("select persons from profile_due order by xid")]

    for person in (7, 8):
        hear(conn, person, person, "tagged", NOON, tag="tea", expires_at=(NOON + person * ONE_DAY).isoformat())
    settle(conn, NOON)
    assert told() == [], "of whom events tell is read from the events"
    settle(conn, NOON + 7 * ONE_DAY)
    assert told() == [[7]], "nobody has read it"
    segment.refresh(conn, NOON)
    refresh(conn, NOON + 8 * ONE_DAY, Only(persons=(8,)))
    assert told() == [[7], [8]], "a fast path tidies nothing up"
    hear(conn, 1, 7, "viewed", NOON)
    settle(conn, NOON + 8 * ONE_DAY)
    assert told() == [[8]]


def test_reading_again_changes_nothing(conn: psycopg.Connection) -> None:
    for n in range(30):
        hear(conn, 10 + n, 7 + n % 3, "ordered", NOON - n * timedelta(hours=7), order_id=str(n), amount_fen=n)
    hear(conn, 1, 7, "tagged", NOON, tag="tea")
    hear(conn, 2, 7, "profile_updated", NOON, traits={"city": "上海"})
    hear(conn, 3, 7, "consent_given", NOON, channel="email")
    refresh(conn, NOON, Only(persons=(7, 9)))
    assert card(conn, 7)["activity"]["ordered"]["n"] == 10
    assert card(conn, 8)["profile"] is None
    settle(conn, NOON)
    known = everything(conn)
    assert sum(row["n"] for row in known["tally"]) == 33
    rewind(conn)
    counts = refresh(conn, NOON)
    assert counts["profile"] == 3
    assert everything(conn) == known
    assert not refresh(conn, NOON).busy()


def test_slices_of_people_together_are_everybody(conn: psycopg.Connection) -> None:
    slices = (Only(0, 511), Only(512, 1023))
    for only in slices:
        refresh(conn, NOON, only)
    hear(conn, 1, 7, "ordered", NOON, order_id="a", amount_fen=1)
    hear(conn, 2, 1000, "ordered", NOON, order_id="b", amount_fen=1)
    refresh(conn, NOON, slices[0])
    assert conn.execute("select person_id from profile").fetchall() == [(7,)]
    refresh(conn, NOON, slices[1])
    assert conn.execute("select person_id from profile order by 1").fetchall() == [(7,), (1000,)]


def test_two_runs_that_meet_in_one_person_count_once(conn: psycopg.Connection, url: str) -> None:
    """The regular pass holds the person; the fast path that came meanwhile waits, and then sees what it wrote."""
    hear(conn, 1, 7, "ordered", NOON, order_id="a", amount_fen=1)
    settle(conn, NOON)
    hear(conn, 2, 7, "ordered", NOON, order_id="b", amount_fen=1)
    with connect(url) as other:
        with conn.transaction():
            refresh(conn, NOON)
            ended = _in_thread(lambda: refresh(other, NOON, Only(persons=(7,))))
            _until_blocked(url, other.info.backend_pid)
        ended()
    assert card(conn, 7)["activity"]["ordered"]["n"] == 2


@pytest.mark.parametrize("zone", ["localtime", "Mars/Base", 5, {"a": 1}])
def test_a_time_zone_that_the_database_does_not_know_is_none(conn: psycopg.Connection, zone: Any) -> None:
    """However it came: nobody else has to wait because of it."""
    hear(conn, 1, 7, "profile_updated", NOON, traits={"time_zone": zone, "city": "上海"})
    hear(conn, 2, 8, "profile_updated", NOON, traits={"time_zone": "Asia/Tokyo"})
    settle(conn, NOON)
    assert set(card(conn, 7)["traits"]) == {"city"}
    assert card(conn, 8)["traits"]["time_zone"]["value"] == "Asia/Tokyo"


def test_new_cut_points_reach_everybody(conn: psycopg.Connection) -> None:
    hear(conn, 1, 7, "ordered", NOON - 3 * ONE_DAY, order_id="a", amount_fen=1)
    settle(conn, NOON)
    assert scores(conn, 7) == (5, 1, 1, "new")
    moved = xid_of(conn, 7)
    life = {"growing_orders": 1, "mature_orders": 5, "dormant_days": 60, "lost_days": 180}
    definitions.publish(conn, NOON, "pond", "pond", {"life": life}, "")
    settle(conn, NOON)
    assert scores(conn, 7) == (5, 1, 1, "growing")
    assert xid_of(conn, 7) > moved


def test_segments_hear_of_scores_that_time_and_the_pond_change(conn: psycopg.Connection) -> None:
    for name, stage in (("asleep", "dormant"), ("grown", "growing")):
        body = {"title": {"zh": "", "en": ""}, "rule": {"life_stage": [stage]}}
        definitions.publish(conn, NOON, "segment", name, body, "")
    hear(conn, 1, 7, "ordered", NOON, order_id="a", amount_fen=1)

    def sizes_on(now: datetime) -> dict[str, int]:
        settle(conn, now)
        segment.refresh(conn, now)
        return sizes(conn)

    assert sizes_on(NOON) == {"asleep": 0, "grown": 0}
    assert sizes_on(NOON + 60 * ONE_DAY) == {"asleep": 1, "grown": 0}
    life = {"growing_orders": 1, "mature_orders": 5, "dormant_days": 90, "lost_days": 180}
    definitions.publish(conn, NOON, "pond", "pond", {"life": life}, "")
    assert sizes_on(NOON + 60 * ONE_DAY) == {"asleep": 0, "grown": 1}


def _in_thread(work: Callable[[], object]) -> Callable[[], None]:
    thread = Thread(target=work)
    thread.start()
    return thread.join


def _until_blocked(url: str, pid: int) -> None:
    with connect(url) as watch:
        for _ in range(500):
            row = watch.execute("select cardinality(pg_blocking_pids(%s))", (pid,)).fetchone()
            if row and row[0]:
                return
            watch.execute("select pg_sleep(0.01)")
    pytest.fail("the second run did not wait for the first")


_instants = st.integers(0, 12).map(lambda n: NOON - n * timedelta(hours=9))
_facts = st.one_of(
    st.tuples(st.sampled_from(["ordered", "refunded"]), st.fixed_dictionaries({"order_id": st.just("x"), "amount_fen": st.integers(0, 90_000)})),
    st.tuples(st.just("viewed"), st.just({})),
    st.tuples(st.just("profile_updated"), st.fixed_dictionaries({"traits": st.dictionaries(st.sampled_from("ab"), st.sampled_from([None, 1, "z"]))})),
    st.tuples(st.just("tagged"), st.sampled_from([{"tag": "t"}, {"tag": "t", "expires_at": (NOON - timedelta(hours=30)).isoformat()},
                                                  {"tag": "t", "expires_at": (NOON + timedelta(hours=30)).isoformat()}])),
    st.tuples(st.just("untagged"), st.just({"tag": "t"})),
    st.tuples(st.sampled_from(["consent_given", "consent_withdrawn"]), st.sampled_from([{"channel": "email"}, {"channel": "*"}, {"class": "marketing"}])),
)  # fmt: skip
_events = st.lists(st.tuples(st.integers(1, 2), _instants, _facts), min_size=1, max_size=14)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=_events, order=st.randoms(use_true_random=False), chunk=st.integers(1, 5))
def test_the_order_of_arrival_does_not_matter(
    conn: psycopg.Connection, events: list[Any], order: Any, chunk: int
) -> None:
    """Any order, any batches, anything read twice: the same tables as one pass over everything at the end."""
    numbered = list(enumerate(events, 1))
    shuffled = order.sample(numbered, len(numbered))
    _empty(conn)
    for start in range(0, len(shuffled), chunk):
        _hear_all(conn, shuffled[start : start + chunk])
        refresh(conn, NOON, EVERYBODY if order.random() < 0.7 else Only(persons=(1,)))
        if order.random() < 0.2:
            rewind(conn)
    settle(conn, NOON)
    bit_by_bit = everything(conn)
    _empty(conn)
    _hear_all(conn, numbered)
    settle(conn, NOON)
    assert bit_by_bit == everything(conn)


def _empty(conn: psycopg.Connection) -> None:
    conn.execute(f"truncate person_event, stage_cursor, {', '.join(TABLES)}")


def _hear_all(conn: psycopg.Connection, numbered: list[Any]) -> None:
    with conn.transaction():
        for event_id, (person, at, (type_, props)) in numbered:
            hear(conn, event_id, person, type_, at, **props)
