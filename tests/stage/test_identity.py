"""Whose event is it: joins with evidence, contradictions that are not joined, splits that give everything back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from databases import held_up
from yutang import definitions, identity
from yutang.handles import handle_key, kind_of
from yutang.identity.past import drop_facts
from yutang.model import Only, YutangError

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)
SECRET = b"0123456789abcdef"


def key(kind: str, value: str) -> UUID:
    return handle_key(SECRET, kind, kind_of(kind), value)


def said(conn, event_id, handles, at=NOW, type_="viewed"):
    """An event as the door writes it: keys in the order in which jsonb keeps the handles."""
    ordered = sorted(handles.items(), key=lambda item: (len(item[0].encode()), item[0].encode()))
    conn.execute(
        """insert into event (event_id, source, source_id, type, at, received_at, handles, keys, props)
           overriding system value values (%s, 'pos', %s, %s, %s, %s, %s, %s, '{}')""",
        (event_id, str(event_id), type_, at, at, Jsonb(dict(ordered)), [key(k, v) for k, v in ordered]),
    )


def whose(conn) -> dict[int, int]:
    return {row.event_id: row.person_id for row in conn.execute("select event_id, person_id from person_event")}


def groups(conn) -> set[frozenset[int]]:
    """The events, grouped by person: what identity decided, whatever the persons' numbers."""
    found: dict[int, set[int]] = {}
    for event, person in whose(conn).items():
        found.setdefault(person, set()).add(event)
    return {frozenset(events) for events in found.values()}


def together(*parts):
    return {frozenset(part) for part in parts}


def settle(conn):
    while any([held_up(conn), identity.resolve(conn, NOW).busy()]):
        pass


def test_a_shared_handle_joins_and_the_merge_names_its_evidence(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    said(conn, 2, {"shop:tmall": "m1"})
    settle(conn)
    assert groups(conn) == together({1}, {2})
    first, second = whose(conn)[1], whose(conn)[2]
    said(conn, 3, {"phone": "+8613800000001", "shop:tmall": "m1"})
    settle(conn)
    assert groups(conn) == together({1, 2, 3})
    merge = conn.execute("select winner_id, loser_id, event_id from merge_log").fetchone()
    assert merge == (min(first, second), max(first, second), 3)
    shown = conn.execute("select kind, value from handle_shown order by kind").fetchall()
    assert shown == [("phone", "+8613800000001"), ("shop:tmall", "m1")]


def test_two_unionids_are_never_joined_silently(conn):
    said(conn, 1, {"unionid": "u1", "phone": "+8613800000001"})
    said(conn, 2, {"unionid": "u2", "phone": "+8613800000002"})
    settle(conn)
    said(conn, 3, {"unionid": "u1", "phone": "+8613800000002"})
    settle(conn)
    assert groups(conn) == together({1, 3}, {2})
    case = conn.execute("select reason, event_id, persons from identity_case").fetchone()
    assert (case.reason, case.event_id, sorted(case.persons)) == (
        "conflict",
        3,
        sorted({whose(conn)[1], whose(conn)[2]}),
    )


def test_what_was_not_joined_is_shown_until_the_two_are_one_or_kept_apart(conn):
    said(conn, 1, {"device": "sofa", "phone": "+8613800000001"})
    said(conn, 2, {"phone": "+8613800000002"})
    settle(conn)
    said(conn, 3, {"device": "sofa", "phone": "+8613800000002"})
    settle(conn)
    one, two = whose(conn)[1], whose(conn)[2]
    [case] = identity.cases(conn)
    assert (case.reason, case.event_id, case.persons) == ("suggestion", 3, sorted([one, two]))
    assert identity.cases(conn, [two]) == [case]
    assert identity.cases(conn, [two + 100]) == []
    said(conn, 4, {"phone": "+8613800000001", "email": "a@example.com"})
    said(conn, 5, {"phone": "+8613800000002", "email": "a@example.com"})
    settle(conn)
    assert len(set(whose(conn).values())) == 1
    assert identity.cases(conn) == [], "they are one"
    identity.split(conn, NOW, one)
    assert identity.cases(conn) == [], "somebody has said that they are two"


def test_whoever_somebody_is_part_of_has_their_cases(conn):
    said(conn, 1, {"email": "a@x.com"})
    said(conn, 2, {"device": "sofa", "phone": "1"})
    said(conn, 3, {"device": "sofa", "phone": "2"})
    settle(conn)
    said(conn, 4, {"email": "a@x.com", "phone": "1"})
    settle(conn)
    [case] = identity.cases(conn)
    one, other = whose(conn)[1], whose(conn)[3]
    assert case.persons == [one, other]
    assert identity.cases(conn, [one]) == identity.cases(conn, [other]) == [case]


@pytest.mark.parametrize("at_once", [False, True])
def test_who_contradict_each_other_are_shown_however_they_came(conn, at_once):
    said(conn, 1, {"unionid": "u1", "phone": "+8613800000001"})
    if not at_once:
        settle(conn)
    said(conn, 2, {"unionid": "u2", "phone": "+8613800000001"})
    settle(conn)
    [case] = identity.cases(conn)
    assert (case.reason, case.event_id, case.persons) == ("conflict", 2, sorted([whose(conn)[1], whose(conn)[2]]))


def test_a_second_unionid_for_a_known_person_is_a_conflict(conn):
    said(conn, 1, {"unionid": "u1", "phone": "+8613800000001"})
    settle(conn)
    said(conn, 2, {"unionid": "u2", "phone": "+8613800000001"})
    settle(conn)
    said(conn, 3, {"unionid": "u2"})
    settle(conn)
    assert groups(conn) == together({1}, {2, 3})
    assert conn.execute("select count(*) from identity_case where reason = 'conflict'").fetchone()[0] == 1
    assert conn.execute("select count(*) from merge_log").fetchone()[0] == 0


@pytest.mark.parametrize("at_once", [False, True])
def test_a_second_openid_of_one_app_is_shown_and_somebodys(conn, at_once):
    said(conn, 1, {"unionid": "u1", "openid@wx": "o1"})
    if not at_once:
        settle(conn)
    said(conn, 2, {"unionid": "u1", "openid@wx": "o2"})
    if not at_once:
        settle(conn)
    said(conn, 3, {"openid@wx": "o2"})
    settle(conn)
    assert groups(conn) == together({1, 2}, {3})
    [case] = identity.cases(conn)
    assert (case.reason, case.event_id, case.persons) == ("conflict", 2, [whose(conn)[1], whose(conn)[3]])


def test_a_weak_handle_suggests_and_does_not_join(conn):
    said(conn, 1, {"device": "sofa", "phone": "+8613800000001"})
    settle(conn)
    said(conn, 2, {"device": "sofa", "phone": "+8613800000002"})
    said(conn, 3, {"device": "sofa"})
    settle(conn)
    assert groups(conn) == together({1, 3}, {2})
    assert conn.execute("select reason, event_id from identity_case").fetchall() == [("suggestion", 2)]


def test_a_device_that_two_newcomers_share_suggests_in_one_batch_too(conn):
    said(conn, 1, {"device": "sofa", "phone": "+8613800000001"})
    said(conn, 2, {"device": "sofa", "phone": "+8613800000002"})
    settle(conn)
    [case] = identity.cases(conn)
    assert (case.reason, case.event_id, case.persons) == ("suggestion", 2, sorted(set(whose(conn).values())))


def test_weak_handles_alone_are_somebodys(conn):
    said(conn, 1, {"device": "sofa", "address": "1 Road"})
    settle(conn)
    said(conn, 2, {"address": "1 Road"})
    settle(conn)
    assert groups(conn) == together({1, 2})


@pytest.mark.parametrize("at_once", [False, True])
def test_who_looked_before_somebody_came_with_a_name_is_suggested(conn, at_once):
    for event, handles in enumerate([{"device": "d"}, {"device": "d", "phone": "1"}, {"device": "d", "phone": "2"}], start=1):  # fmt: skip
        said(conn, event, handles)
        if not at_once:
            settle(conn)
    settle(conn)
    assert groups(conn) == together({1}, {2}, {3})
    looked, first, second = (whose(conn)[event] for event in (1, 2, 3))
    assert [case.persons for case in identity.cases(conn)] == [[looked, second], [looked, first]]
    said(conn, 4, {"device": "d"})
    settle(conn)
    assert whose(conn)[4] == looked


def test_a_device_that_comes_with_a_join_goes_with_it(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    said(conn, 2, {"email": "a@example.com"})
    settle(conn)
    said(conn, 3, {"phone": "+8613800000001", "email": "a@example.com", "device": "sofa"})
    said(conn, 4, {"device": "sofa"})
    settle(conn)
    said(conn, 5, {"device": "sofa"})
    settle(conn)
    assert groups(conn) == together({1, 2, 3, 4, 5})


def test_an_event_that_names_a_stranger_by_id_is_kept_with_a_reason(conn):
    said(conn, 1, {"person": "77"})
    settle(conn)
    assert whose(conn) == {}
    assert conn.execute("select reason, event_id from identity_case").fetchall() == [("no_handle", 1)]


def test_an_event_without_handles_is_nobodys(conn):
    said(conn, 1, {})
    said(conn, 2, {"phone": "+8613800000001"})
    settle(conn)
    assert set(whose(conn)) == {2}
    assert identity.resolve_events(conn, NOW, [1]) == ()


def test_a_fact_is_of_the_day_that_the_ponds_clock_shows(conn):
    before, after = (datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC), datetime(2026, 2, 28, 16, tzinfo=UTC))
    for event, at in ((1, before), (2, after), (3, after)):
        said(conn, event, {"phone": f"+861380000000{event}"}, at=at)
    identity.resolve_events(conn, NOW, [3])
    settle(conn)
    days = conn.execute("select event_id, day::text from person_event order by 1").fetchall()
    assert [row.day for row in days] == ["2026-02-28", "2026-03-01", "2026-03-01"]
    assert conn.execute("show timezone").fetchone()[0] == "UTC"


def test_days_are_told_anew_where_the_pond_moves_to_another_time_zone(conn):
    """And whose days have changed is made again: what counts days and what asks for instants agree."""
    late, noon = datetime(2026, 2, 28, 17, tzinfo=UTC), datetime(2026, 2, 28, 4, tzinfo=UTC)
    for event, at in ((1, late), (2, noon)):
        said(conn, event, {"phone": f"+861380000000{event}"}, at=at, type_="ordered")
    settle(conn)
    changed = {row.person_id: row.changed for row in conn.execute("select person_id, changed from person")}
    definitions.publish(conn, NOW, "pond", "pond", {"time_zone": "Pacific/Honolulu"}, "test")
    settle(conn)
    days = {row.event_id: row.day for row in conn.execute("select event_id, day::text from person_event")}
    assert days == {1: "2026-02-28", 2: "2026-02-27"}
    definitions.publish(conn, NOW, "pond", "pond", {"time_zone": "Asia/Tokyo"}, "test")
    settle(conn)
    days = {row.event_id: row.day for row in conn.execute("select event_id, day::text from person_event")}
    assert days == {1: "2026-03-01", 2: "2026-02-28"}
    marked = {row.person_id: row.changed for row in conn.execute("select person_id, changed from person")}
    assert all(marked[person] != before for person, before in changed.items())
    assert not identity.resolve(conn, NOW).busy()


def test_a_split_gives_each_their_events_back_and_keeps_them_apart(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    said(conn, 2, {"pos:card": "c1"})
    settle(conn)
    before = whose(conn)
    said(conn, 3, {"phone": "+8613800000001", "pos:card": "c1"})
    said(conn, 4, {"pos:card": "c1"})
    settle(conn)
    winner, loser = identity.split(conn, NOW, before[2])
    settle(conn)
    assert {winner, loser} == {before[1], before[2]}
    assert groups(conn) == together({1, 3}, {2, 4})
    assert whose(conn)[1] == before[1]
    assert whose(conn)[4] == before[2]
    said(conn, 5, {"phone": "+8613800000001", "pos:card": "c1"})
    settle(conn)
    assert whose(conn)[1] != whose(conn)[2]
    changed = conn.execute("select person_id from person where changed is not null").fetchall()
    assert {row.person_id for row in changed} == {winner, loser}


@pytest.mark.parametrize("phone_first", [True, False])
def test_what_one_learnt_while_joined_is_theirs_after_a_split(conn, phone_first):
    phone, card = (1, 2) if phone_first else (2, 1)
    for event, handles in sorted([(phone, {"phone": "1"}), (card, {"pos:card": "1"})]):
        said(conn, event, handles)
    settle(conn)
    before = whose(conn)
    said(conn, 3, {"phone": "1", "pos:card": "1"})
    settle(conn)
    said(conn, 4, {"pos:card": "1", "email": "card@x.com"})
    said(conn, 5, {"phone": "1", "shop:t": "phone"})
    settle(conn)
    identity.split(conn, NOW, before[phone])
    said(conn, 6, {"email": "card@x.com"})
    said(conn, 7, {"shop:t": "phone"})
    settle(conn)
    assert groups(conn) == together({phone, 3, 5, 7}, {card, 4, 6})
    assert (whose(conn)[7], whose(conn)[6]) == (before[phone], before[card])


def test_what_only_a_wrong_join_forbade_is_joined_after_the_split(conn):
    said(conn, 1, {"unionid": "u1"})
    said(conn, 2, {"phone": "1"})
    said(conn, 3, {"unionid": "u2"})
    settle(conn)
    said(conn, 4, {"unionid": "u1", "phone": "1"})
    settle(conn)
    said(conn, 5, {"unionid": "u2", "phone": "1"})
    settle(conn)
    assert groups(conn) == together({1, 2, 4}, {3, 5})
    identity.split(conn, NOW, whose(conn)[1])
    settle(conn)
    assert groups(conn) == together({1, 4}, {2, 3, 5})
    assert identity.cases(conn) == []


def test_a_case_names_whoever_has_the_handle_after_a_split(conn):
    said(conn, 1, {"unionid": "u1"})
    said(conn, 2, {"openid@wx": "o2", "phone": "1", "device": "sofa"})
    said(conn, 3, {"unionid": "u3", "openid@wx": "o3"})
    settle(conn)
    one, two, three = (whose(conn)[n] for n in (1, 2, 3))
    said(conn, 4, {"unionid": "u1", "phone": "1"})
    settle(conn)
    said(conn, 5, {"unionid": "u3", "phone": "1"})
    said(conn, 6, {"unionid": "u3", "device": "sofa"})
    settle(conn)
    assert [case.persons for case in identity.cases(conn)] == [[one, three], [one, three]]
    identity.split(conn, NOW, one)
    settle(conn)
    assert [case.persons for case in identity.cases(conn)] == [[two, three], [two, three]]
    assert groups(conn) == together({1, 4}, {2}, {3, 5, 6})


@pytest.mark.parametrize("told", [True, False])
def test_what_only_an_event_that_is_taken_back_forbade_is_joined(conn, told):
    """A wrong import says that u1 has the phone. `told`: another event knows it too."""
    said(conn, 1, {"unionid": "u1", "phone": "1"})
    said(conn, 2, {"unionid": "u2"})
    settle(conn)
    if told:
        said(conn, 3, {"phone": "1"})
    said(conn, 4, {"unionid": "u2", "phone": "1"})
    settle(conn)
    assert len(identity.cases(conn)) == 1
    conn.execute("insert into event_undone (event_id, at) values (1, %s)", (NOW,))
    settle(conn)
    said(conn, 5, {"phone": "1"})
    settle(conn)
    assert groups(conn) == together({2, 3, 4, 5} if told else {2, 4, 5})
    assert identity.cases(conn) == []


def test_a_case_goes_with_the_event_that_is_taken_back(conn):
    said(conn, 1, {"unionid": "u1"})
    said(conn, 2, {"unionid": "u2", "phone": "1"})
    said(conn, 3, {"unionid": "u1", "phone": "1"})
    settle(conn)
    assert len(identity.cases(conn)) == 1
    conn.execute("insert into event_undone (event_id, at) values (3, %s)", (NOW,))
    settle(conn)
    assert identity.cases(conn) == []
    assert groups(conn) == together({1}, {2})


def test_a_join_that_came_in_one_batch_with_both_is_taken_back_like_any_other(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    said(conn, 2, {"pos:card": "c1"})
    said(conn, 3, {"phone": "+8613800000001", "pos:card": "c1"})
    said(conn, 4, {"pos:card": "c1"})
    settle(conn)
    assert groups(conn) == together({1, 2, 3, 4})
    [holder] = set(whose(conn).values())
    merge = conn.execute("select winner_id, loser_id, event_id from merge_log").fetchone()
    assert (merge.winner_id, merge.event_id) == (holder, 3)
    assert identity.canonical(conn, merge.loser_id) == holder
    assert identity.split(conn, NOW, holder) == (merge.winner_id, merge.loser_id)
    settle(conn)
    assert groups(conn) == together({1, 3}, {2, 4})
    assert (whose(conn)[1], whose(conn)[2]) == (merge.winner_id, merge.loser_id)


def test_evidence_of_joins_stays_when_old_facts_go(conn):
    """Also of a join with somebody who was joined with another later."""
    for event, handles in enumerate([{"phone": "1"}, {"email": "b@x.com"}, {"shop:t": "c"}], start=1):
        said(conn, event, handles)
    settle(conn)
    for event, handles in enumerate([{"email": "b@x.com", "shop:t": "c"}, {"phone": "1", "email": "b@x.com"}, {"phone": "1"}], start=4):  # fmt: skip
        said(conn, event, handles)
        settle(conn)
    assert groups(conn) == together({1, 2, 3, 4, 5, 6})
    conn.execute("insert into stage_cursor (stage, slice, source, xid) values ('x', '', 'person_event.xid', '9999999')")
    assert drop_facts(conn, Only(), ["viewed"], NOW + timedelta(days=1), "9999999") == [6]


def test_a_person_who_was_never_merged_cannot_be_split(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    settle(conn)
    with pytest.raises(YutangError, match="nothing to split"):
        identity.split(conn, NOW, whose(conn)[1])
    with pytest.raises(YutangError, match="no person"):
        identity.split(conn, NOW, 10_000)


def test_who_was_split_by_mistake_is_joined_by_hand_and_can_be_split_again(conn):
    conn.execute("alter table event alter event_id restart with 100")
    said(conn, 1, {"phone": "+8613800000001"})
    said(conn, 2, {"device": "sofa"})
    said(conn, 3, {"pos:card": "c1"})
    settle(conn)
    one, sofa, card = (whose(conn)[n] for n in (1, 2, 3))
    assert identity.join(conn, NOW, card, one, "anna") == (one, card)
    assert identity.join(conn, NOW, one, sofa, "anna") == (one, sofa)
    settle(conn)
    assert set(whose(conn).values()) == {one}
    assert identity.split(conn, NOW, one) == (one, sofa)
    settle(conn)
    assert {one, sofa} == set(whose(conn).values())
    assert (whose(conn)[2], whose(conn)[3]) == (sofa, one)
    identity.join(conn, NOW + timedelta(minutes=1), sofa, card, "anna")
    said(conn, 4, {"device": "sofa"})
    settle(conn)
    assert set(whose(conn).values()) == {one}
    with pytest.raises(YutangError, match="are one person already"):
        identity.join(conn, NOW, sofa, one, "anna")


def test_who_contradict_each_other_are_not_joined_by_hand_and_nothing_changes(conn):
    conn.execute("alter table event alter event_id restart with 100")
    said(conn, 1, {"unionid": "u1", "phone": "+8613800000001"})
    said(conn, 2, {"unionid": "u2"})
    settle(conn)
    before = whose(conn)
    with pytest.raises(YutangError, match="different unionid"):
        identity.join(conn, NOW, before[1], before[2], "anna")
    settle(conn)
    assert whose(conn) == before
    assert identity.cases(conn) == []


def test_taking_events_back_undoes_the_joins_they_were_evidence_for(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    said(conn, 2, {"pos:card": "c1"})
    said(conn, 3, {"phone": "+8613800000001", "pos:card": "c1"})
    settle(conn)
    assert groups(conn) == together({1, 2, 3})
    conn.execute("insert into event_undone (event_id, at) values (3, %s)", (NOW,))
    settle(conn)
    assert groups(conn) == together({1}, {2})


def test_what_names_a_person_by_number_is_taken_back_like_anything_else(conn):
    said(conn, 1, {"phone": "+8613800000001", "unionid": "u1"})
    said(conn, 2, {"phone": "+8613800000002", "unionid": "u2"})
    settle(conn)
    one, two = whose(conn)[1], whose(conn)[2]
    said(conn, 3, {"person": str(one)})
    said(conn, 4, {"person": str(one), "phone": "+8613800000002"})
    assert identity.resolve_events(conn, NOW, [3]) == (one,)
    settle(conn)
    assert whose(conn) == {1: one, 2: two, 3: one, 4: one}
    conn.execute("insert into event_undone (event_id, at) values (3, %s), (4, %s)", (NOW, NOW))
    settle(conn)
    assert whose(conn) == {1: one, 2: two}


def test_who_was_joined_is_found_by_either_number_when_events_are_taken_back(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    said(conn, 2, {"pos:card": "c1"})
    said(conn, 3, {"phone": "+8613800000001", "pos:card": "c1"})
    settle(conn)
    loser = conn.execute("select loser_id from merge_log").fetchone().loser_id
    said(conn, 4, {"person": str(loser)})
    settle(conn)
    assert groups(conn) == together({1, 2, 3, 4})
    conn.execute("insert into event_undone (event_id, at) values (4, %s)", (NOW,))
    settle(conn)
    assert groups(conn) == together({1, 2, 3})


def test_a_person_keeps_the_id_when_the_first_event_is_taken_back(conn):
    said(conn, 1, {"pos:card": "c1"})
    said(conn, 2, {"pos:card": "c1"})
    settle(conn)
    before = whose(conn)[2]
    conn.execute("insert into event_undone (event_id, at) values (1, %s)", (NOW,))
    settle(conn)
    assert whose(conn) == {2: before}


def test_the_fast_path_and_the_regular_pass_agree(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    persons = identity.resolve_events(conn, NOW, [1])
    assert persons == (whose(conn)[1],)
    settle(conn)
    assert len(whose(conn)) == 1
    assert conn.execute("select count(*) from person").fetchone()[0] == 1


def ahead(conn) -> list[int]:
    return [row.event_id for row in conn.execute("select event_id from event_ahead order by 1")]


def test_what_the_fast_path_resolved_is_passed_over_once_and_then_forgotten(conn):
    said(conn, 1, {"unionid": "u1", "phone": "+8613800000001"})
    said(conn, 2, {"unionid": "u2", "phone": "+8613800000001"})
    identity.resolve_events(conn, NOW, [2])
    assert identity.resolve_events(conn, NOW, [2]) == (whose(conn)[2],)
    assert ahead(conn) == [2]
    settle(conn)
    assert set(whose(conn)) == {1, 2}
    assert conn.execute("select count(*) from person_event").fetchone()[0] == 2
    assert ahead(conn) == []
    identity.resolve_events(conn, NOW, [1, 2])
    assert conn.execute("select count(*) from person_event").fetchone()[0] == 2
    assert ahead(conn) == []


def test_a_fast_path_that_broke_off_leaves_its_events_to_the_regular_pass(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    with conn.transaction(force_rollback=True):
        identity.resolve_events(conn, NOW, [1])
    assert (ahead(conn), whose(conn)) == ([], {})
    settle(conn)
    assert set(whose(conn)) == {1}


def test_a_split_of_events_resolved_ahead_does_not_double_them(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    said(conn, 2, {"pos:card": "c1"})
    settle(conn)
    said(conn, 3, {"phone": "+8613800000001", "pos:card": "c1"})
    identity.resolve_events(conn, NOW, [3])
    identity.split(conn, NOW, whose(conn)[1])
    settle(conn)
    assert groups(conn) == together({1, 3}, {2})
    assert conn.execute("select count(*) from person_event").fetchone()[0] == 3


def test_an_event_resolved_ahead_and_taken_back_is_no_fact(conn):
    said(conn, 1, {"phone": "+8613800000001"})
    identity.resolve_events(conn, NOW, [1])
    conn.execute("insert into event_undone (event_id, at) values (1, %s)", (NOW,))
    settle(conn)
    assert (whose(conn), ahead(conn)) == ({}, [])


HANDLES = st.dictionaries(
    st.sampled_from(["phone", "email", "shop:a", "pos:b"]),
    st.sampled_from(["1", "2", "3", "4"]),
    min_size=1,
    max_size=3,
)


def components(events: list[dict[str, str]]) -> set[frozenset[int]]:
    """Plain union-find: what joining by shared handles means."""
    parent = list(range(len(events)))

    def find(n: int) -> int:
        return n if parent[n] == n else find(parent[n])

    seen: dict[tuple[str, str], int] = {}
    for n, handles in enumerate(events):
        for handle in handles.items():
            parent[find(n)] = find(seen.setdefault(handle, n))
    found: dict[int, set[int]] = {}
    for n in range(len(events)):
        found.setdefault(find(n), set()).add(n + 1)
    return {frozenset(part) for part in found.values()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(HANDLES, min_size=1, max_size=12), order=st.randoms(), cuts=st.sets(st.integers(1, 11)))
def test_the_order_and_the_batches_in_which_events_come_do_not_matter(conn, events, order, cuts):
    conn.execute("truncate event, event_undone, person, handle, merge_log, person_event, identity_case")
    numbered = list(enumerate(events, start=1))
    order.shuffle(numbered)
    for n, (event_id, handles) in enumerate(numbered):
        if n in cuts:
            settle(conn)
        said(conn, event_id, handles)
    settle(conn)
    assert groups(conn) == components(events)
    merged = conn.execute("select count(*) from person where merged_into is not null").fetchone()[0]
    assert merged == conn.execute("select count(*) from merge_log where undone_at is null").fetchone()[0]


MIXED = ("unionid", "phone", "email", "shop:a", "device", "address")


def mixed(*kinds: str) -> st.SearchStrategy:
    """Events with some of these handles."""
    return st.dictionaries(st.sampled_from(kinds), st.sampled_from(["1", "2", "3"]), min_size=1, max_size=4)


def played(conn, events: list[tuple[int, dict[str, str]]], cuts: set[int]) -> None:
    """These events, with a pass after each of `cuts` and at the end."""
    conn.execute("truncate event, event_undone, person, handle, merge_log, person_event, identity_case, keep_apart")
    for event_id, handles in events:
        said(conn, event_id, handles)
        if event_id in cuts:
            settle(conn)
    settle(conn)


def decided(conn, events: list[dict[str, str]], cuts: set[int]):
    """Who is one, by which events, and what is open between whom: after these events with a pass at each cut; then the same after
    the latest join was taken back."""
    played(conn, list(enumerate(events, start=1)), cuts)
    merges = conn.execute("select winner_id, event_id from merge_log order by event_id, merge_id").fetchall()
    found = [groups(conn), [row.event_id for row in merges], open_between(conn)]
    if merges:
        identity.split(conn, NOW, merges[-1].winner_id)
        settle(conn)
        found += [groups(conn), open_between(conn)]
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(mixed(*MIXED), min_size=1, max_size=9), cuts=st.sets(st.integers(1, 8)), gone=st.sets(st.integers(1, 9), max_size=3)
)  # fmt: skip
def test_what_is_taken_back_might_never_have_come(conn, events, cuts, gone):
    """But for whom two handles of one kind forbade to be one: they stay the persons that they became."""
    numbered = list(enumerate(events, start=1))
    played(conn, [(event, handles) for event, handles in numbered if event not in gone], set())
    never = groups(conn), owned(conn), open_between(conn)
    played(conn, numbered, cuts)
    for event in gone & {event for event, _ in numbered}:
        conn.execute("insert into event_undone (event_id, at) values (%s, %s)", (event, NOW))
    settle(conn)
    assert (groups(conn), owned(conn), open_between(conn)) == never


def owned(conn) -> set[frozenset[str]]:
    """The handles, grouped by person."""
    rows = conn.execute("select array_agg(kind || value) as handles from handle_shown group by person_id")
    return {frozenset(row.handles) for row in rows}


def open_between(conn) -> set[tuple[str, int]]:
    return {(case.reason, case.event_id) for case in identity.cases(conn)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(mixed("openid@wx", *MIXED), min_size=1, max_size=12), cuts=st.sets(st.integers(1, 11)))
def test_what_comes_in_one_batch_is_joined_shown_and_parted_as_if_it_came_one_by_one(conn, events, cuts):
    assert decided(conn, events, cuts) == decided(conn, events, set(range(1, 13)))
