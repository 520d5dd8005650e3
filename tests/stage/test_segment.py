"""The stage's promises: what is looked at, what is written, and what is told."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

import cells
from yutang import definitions
from yutang.db.connect import connect
from yutang.db.cursor import stages_with_news
from yutang.model import Counts, Only, YutangError
from yutang.segment import preview as previews
from yutang.segment.explain import explain
from yutang.segment.language import from_json
from yutang.segment.refresh import check_all, refresh, sizes, sql

NOW = datetime(2026, 5, 1, 4, tzinfo=UTC)


def publish(conn: psycopg.Connection, name: str, rule: dict[str, Any]) -> None:
    definitions.publish(conn, NOW, "segment", name, {"title": {"zh": name, "en": name}, "rule": rule}, "test")


def known(conn: psycopg.Connection, *persons: int) -> None:
    """People whom the profile stage has just refreshed."""
    conn.execute(
        "insert into profile select p & 1023, p, 1, 1, 1, 'visitor', %s from unnest(%s::bigint[]) p on conflict do nothing",
        (NOW, list(persons)),
    )
    look_at(conn, *persons)


def look_at(conn: psycopg.Connection, *persons: int) -> None:
    """Their time has come."""
    conn.execute(
        """insert into segment_due select p & 1023, p, '2000-01-01' from unnest(%s::bigint[]) p
           on conflict (bucket, person_id) do update set recompute_at = excluded.recompute_at""",
        (list(persons),),
    )


def tag(conn: psycopg.Connection, person: int, name: str, until: datetime | None = None) -> None:
    conn.execute("insert into tag values (%s, %s, %s, %s, %s, 1)", (person & 1023, person, name, NOW, until))
    known(conn, person)


def ordered(conn: psycopg.Connection, person: int, at: datetime) -> None:
    cells.add(conn, [(person, "ordered", (at + timedelta(hours=8)).date(), 1, 100)])
    conn.execute(
        "update tally set first_at = case when n = 1 then %s else first_at end, last_at = %s where person_id = %s and type = 'ordered'",
        (at, at, person),
    )
    known(conn, person)


def rest(conn: psycopg.Connection, now: datetime = NOW, only: Only | None = None) -> Counts:
    total = Counts()
    while (found := refresh(conn, now, only) if only else refresh(conn, now)).busy():
        total.update(found)
        if only and only.persons:
            break
    return total


def members(conn: psycopg.Connection, name: str) -> set[int]:
    rows = conn.execute(
        """select m.person_id from membership m join definition d on d.definition_id = m.segment_id
           where d.name = %s and m.until is null""",
        (name,),
    )
    return {row.person_id for row in rows}


def history(conn: psycopg.Connection, person: int) -> list[tuple[datetime, datetime | None]]:
    return [
        (row.since, row.until)
        for row in conn.execute("select since, until from membership where person_id = %s order by since", (person,))
    ]


def test_a_new_segment_is_checked_against_everybody_then_only_the_touched_are(conn: psycopg.Connection) -> None:
    for person in (1, 2, 3):
        known(conn, person)
    tag(conn, 2, "vip")
    publish(conn, "vips", {"tag": "vip"})
    assert rest(conn) == Counts(segment=1, entered=1, left=0)
    assert members(conn, "vips") == {2}
    assert not refresh(conn, NOW).busy()
    tag(conn, 3, "vip")
    assert rest(conn, NOW + timedelta(hours=1)) == Counts(person=1, entered=1, left=0)
    assert history(conn, 3) == [(NOW + timedelta(hours=1), None)]
    assert sizes(conn) == {"vips": 2}


def test_another_time_zone_checks_everybody_again(conn: psycopg.Connection) -> None:
    """The order was yesterday in Shanghai, and is of today on Hawaii."""
    now = datetime(2026, 5, 1, 2, tzinfo=UTC)
    ordered(conn, 5, now - timedelta(hours=11))
    publish(conn, "today", {"last": "ordered", "within_days": 1})
    rest(conn, now)
    assert members(conn, "today") == set()
    definitions.publish(conn, now, "pond", "pond", definitions.POND | {"time_zone": "Pacific/Honolulu"}, "test")
    assert rest(conn, now)["segment"] == 1
    assert members(conn, "today") == {5}
    assert not refresh(conn, now).busy()


def test_leaving_by_time_alone_and_coming_back(conn: psycopg.Connection) -> None:
    """An order on 1 May (brand day) counts until the end of 3 May."""
    ordered(conn, 5, NOW)
    publish(conn, "active", {"count": "ordered", "at_least": 1, "days": 3})
    rest(conn)
    left = datetime(2026, 5, 3, 16, tzinfo=UTC)
    assert [row.recompute_at for row in conn.execute("select recompute_at from segment_due")] == [left]
    assert not refresh(conn, left - timedelta(microseconds=1)).busy()
    assert rest(conn, left)["left"] == 1
    assert conn.execute("select count(*) from segment_due").fetchone()[0] == 0
    back = datetime(2026, 6, 1, tzinfo=UTC)
    ordered(conn, 5, back)
    rest(conn, back)
    assert history(conn, 5) == [(NOW, left), (back, None)]


def test_a_repeat_changes_nothing(conn: psycopg.Connection) -> None:
    tag(conn, 1, "vip")
    publish(conn, "vips", {"tag": "vip"})
    rest(conn)
    before = history(conn, 1)
    conn.execute("delete from stage_cursor where stage like 'segment%'")
    assert rest(conn, NOW + timedelta(days=1))["entered"] == 0
    assert history(conn, 1) == before
    assert check_all(conn, NOW + timedelta(days=1)) == Counts(segment=1, entered=0, left=0)


def test_the_full_check_mends_what_is_wrong(conn: psycopg.Connection) -> None:
    tag(conn, 1, "vip")
    known(conn, 2)
    publish(conn, "vips", {"tag": "vip"})
    rest(conn)
    conn.execute("update membership set person_id = 2, bucket = 2")
    assert check_all(conn, NOW + timedelta(days=1)) == Counts(segment=1, entered=1, left=1)
    assert members(conn, "vips") == {1}


def test_a_changed_segment_carries_those_that_name_it(conn: psycopg.Connection) -> None:
    tag(conn, 1, "a")
    tag(conn, 2, "b")
    publish(conn, "z_base", {"tag": "a"})
    publish(conn, "a_others", {"not": {"segment": "z_base"}})
    rest(conn)
    assert (members(conn, "z_base"), members(conn, "a_others")) == ({1}, {2})
    publish(conn, "z_base", {"tag": "b"})
    assert rest(conn, NOW + timedelta(hours=1))["segment"] == 2
    assert (members(conn, "z_base"), members(conn, "a_others")) == ({2}, {1})


def test_nested_segments_settle_in_one_pass(conn: psycopg.Connection) -> None:
    publish(conn, "c", {"tag": "vip"})
    publish(conn, "b", {"segment": "c"})
    publish(conn, "a", {"all": [{"segment": "b"}, {"segment": "c", "within_days": 1}]})
    known(conn, 1)
    rest(conn)
    tag(conn, 1, "vip", until=NOW + timedelta(hours=2))
    assert rest(conn)["entered"] == 3
    assert rest(conn, NOW + timedelta(hours=2))["left"] == 3


def test_a_retired_segment_holds_nobody(conn: psycopg.Connection) -> None:
    tag(conn, 1, "vip")
    publish(conn, "vips", {"tag": "vip"})
    rest(conn)
    definitions.retire(conn, NOW, "segment", [])
    assert rest(conn, NOW + timedelta(hours=1))["left"] == 1
    assert members(conn, "vips") == set()
    assert not refresh(conn, NOW + timedelta(hours=1)).busy()


def test_a_merged_person_leaves_every_segment(conn: psycopg.Connection) -> None:
    conn.execute("insert into person (bucket, person_id, created_at) values (1, 1, %s), (2, 2, %s)", (NOW, NOW))
    ordered(conn, 1, NOW)
    known(conn, 2)
    publish(conn, "all", {"all": []})
    publish(conn, "active", {"count": "ordered", "at_least": 1, "days": 3})
    rest(conn)
    conn.execute("update person set merged_into = 2, changed = pg_current_xact_id() where person_id = 1")
    later = NOW + timedelta(hours=1)
    rest(conn, later)
    assert (members(conn, "all"), members(conn, "active")) == ({2}, set())
    assert conn.execute("select count(*) from segment_due").fetchone()[0] == 0


def test_the_fast_path_looks_at_the_given_people_alone(conn: psycopg.Connection) -> None:
    publish(conn, "vips", {"tag": "vip"})
    rest(conn)
    tag(conn, 1, "vip")
    tag(conn, 2, "vip")
    refresh(conn, NOW, Only(persons=(1,)))
    assert members(conn, "vips") == {1}
    assert rest(conn) == Counts(person=1, entered=1, left=0)
    assert members(conn, "vips") == {1, 2}


def test_workers_on_slices_share_the_people(conn: psycopg.Connection) -> None:
    publish(conn, "vips", {"tag": "vip"})
    rest(conn)
    tag(conn, 1, "vip")
    tag(conn, 600, "vip")
    rest(conn, NOW, Only(0, 511))
    assert members(conn, "vips") == {1}
    rest(conn, NOW, Only(512, 1023))
    assert members(conn, "vips") == {1, 600}


def test_the_fast_path_waits_for_a_worker_that_holds_the_person(conn: psycopg.Connection, url: str) -> None:
    """Whoever decides second sees what the first has written: nobody's newer word is overwritten by an older one."""
    publish(conn, "vips", {"tag": "vip"})
    rest(conn)
    tag(conn, 1, "vip")
    with connect(url) as other:
        fast = threading.Thread(target=refresh, args=(other, NOW, Only(persons=(1,))))
        with conn.transaction():
            sql.lock_lanes(conn, buckets=[1])
            fast.start()
            fast.join(0.5)
            assert fast.is_alive()
            conn.execute("delete from tag")
        fast.join(10)
        assert not fast.is_alive()
    assert members(conn, "vips") == set()


def test_ladders_and_journeys_touch_people_without_any_event(conn: psycopg.Connection) -> None:
    offer = definitions.publish(conn, NOW, "offer", "silent", {}, "test").definition_id
    journey = definitions.publish(conn, NOW, "journey", "welcome", {}, "test").definition_id
    publish(conn, "low", {"ladder": "silent", "rung_at_least": 2})
    publish(conn, "busy", {"in_journey": "welcome"})
    known(conn, 1)
    rest(conn)
    conn.execute(
        """with l as (insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at)
           values (1, 1, %s, 1, 1, 'down', 2, 1, %s, %s) returning *)
           insert into ladder_news (bucket, definition_id, persons) select bucket, definition_id, array[person_id] from l""",
        (offer, NOW, NOW),
    )
    conn.execute(
        """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at)
           values (1, 1, %s, 'x', 1, 'treated', 'active', 0, %s, %s)""",
        (journey, NOW, NOW),
    )
    assert rest(conn)["entered"] == 2
    assert (members(conn, "low"), members(conn, "busy")) == ({1}, {1})


def test_coupons_touch_people_without_any_event(conn: psycopg.Connection) -> None:
    """Our own and those of other systems, on issue and on redemption; an offer's name means that offer alone."""
    offer = definitions.publish(conn, NOW, "offer", "welcome", {}, "test").definition_id
    publish(conn, "holders", {"coupon": "held"})
    publish(conn, "welcomed", {"coupon": "held", "offer": "welcome"})
    publish(conn, "thrifty", {"coupon": "redeemed", "at_least": 1})
    known(conn, 1, 2, 3)
    rest(conn)
    conn.execute(
        """with c as (
               insert into coupon (code, bucket, person_id, origin_id, definition_id, state, value_fen, issued_at, valid_from)
               values ('ours', 1, 1, 1, %(offer)s, 'issued', 500, %(now)s, %(now)s),
                      ('theirs', 2, 2, 2, 0, 'issued', 500, %(now)s, %(now)s) returning bucket, person_id)
           insert into coupon_news (bucket, persons) select c.bucket, array[c.person_id] from c""",
        {"offer": offer, "now": NOW},
    )
    rest(conn)
    found = [members(conn, name) for name in ("holders", "welcomed", "thrifty")]
    assert found == [{1, 2}, {1}, set()]
    conn.execute(
        """insert into redemption (bucket, person_id, request_id, code, origin_id, amount_fen, discount_fen, state, at)
           values (2, 2, 'r', 'theirs', 2, 900, 500, 'done', %s)""",
        (NOW,),
    )
    conn.execute("update coupon set state = 'redeemed' where code = 'theirs'")
    conn.execute("insert into coupon_news (bucket, persons) values (2, '{2}')")
    later = NOW + timedelta(hours=1)
    assert rest(conn, later) == Counts(person=1, entered=1, left=1)
    assert (members(conn, "holders"), members(conn, "thrifty")) == ({1}, {2})


def test_what_is_still_to_come_does_not_hide_what_happened(conn: psycopg.Connection) -> None:
    """The tally's last time lies ahead of us: the days before it, and the day on which it comes, count all the same."""
    for day in (-3, 2):
        ordered(conn, 1, NOW + timedelta(days=day))
    ordered(conn, 2, NOW + timedelta(days=2))
    publish(conn, "active", {"count": "ordered", "at_least": 1, "days": 4})
    publish(conn, "sleepers", {"none": "ordered", "days": 4})
    rest(conn)
    assert (members(conn, "active"), members(conn, "sleepers")) == ({1}, {2})
    comes = datetime(2026, 5, 2, 16, tzinfo=UTC)
    rest(conn, comes - timedelta(microseconds=1))
    assert (members(conn, "active"), members(conn, "sleepers")) == (set(), {1, 2})
    rest(conn, comes)
    assert (members(conn, "active"), members(conn, "sleepers")) == ({1, 2}, set())


def test_explain_tells_why_in_both_languages(conn: psycopg.Connection) -> None:
    tag(conn, 1, "vip")
    ordered(conn, 1, NOW)
    publish(conn, "sleepers", {"all": [{"tag": "vip"}, {"none": "ordered", "days": 3}]})
    told = explain(conn, 1, "sleepers", NOW)
    assert not told.holds
    assert [(part.holds, part.seen) for part in told.parts] == [(True, (NOW + timedelta(hours=8)).date()), (False, 1)]
    assert told.because("zh") == "最近 3 天内没有「下单成交」：不符合（实际 1）"
    assert told.because("en") == "no 'ordered' in the last 3 days: not true (seen: 1)"
    assert told.changes_at == datetime(2026, 5, 3, 16, tzinfo=UTC)
    assert told.to_json()["parts"][0]["seen"] == "2026-05-01"
    assert explain(conn, 1, "sleepers", told.changes_at).holds
    with pytest.raises(YutangError, match="no segment 'sleeper'"):
        explain(conn, 1, "sleeper", NOW)
    with pytest.raises(YutangError, match="nothing is known of person 77"):
        explain(conn, 77, "sleepers", NOW)


def test_preview_counts_and_samples(conn: psycopg.Connection) -> None:
    known(conn, *range(1, 101))
    for person in range(1, 41):
        tag(conn, person, "vip")
    found = previews.preview(conn, from_json({"tag": "vip"}), NOW)
    assert (found["size"], found["of"], len(found["sample"])) == (40, 100, 10)
    assert found["sample"][0] == 1
    assert found["sample"][-1] == 40
    assert previews.preview(conn, from_json({"tag": "nobody"}), NOW) == {"size": 0, "of": 100, "sample": []}


def test_cursors_that_nobody_needs_move_all_the_same(conn: psycopg.Connection) -> None:
    """Else an idle loop would find news for ever."""
    publish(conn, "vips", {"tag": "vip"})
    rest(conn)
    conn.execute(
        """with l as (insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at)
           values (1, 1, 1, 1, 1, 'down', 2, 1, %s, %s) returning *)
           insert into ladder_news (bucket, definition_id, persons) select bucket, definition_id, array[person_id] from l""",
        (NOW, NOW),
    )
    assert "segment" in stages_with_news(conn)
    assert not refresh(conn, NOW).busy()
    assert "segment" not in stages_with_news(conn)
