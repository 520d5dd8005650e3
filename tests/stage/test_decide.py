"""Every touch is sent, held or refused, in the order of the gates, and the reason is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread
from uuid import UUID

import pytest

from ponds import NOON, TITLE, Pond
from yutang import decide, definitions
from yutang.db.connect import connect

DAY = timedelta(days=1)
BUDGET = {"window_days": 7, "marketing": 2, "companion": 2, "service": None, "total": None}
NIGHT = NOON + timedelta(hours=11)
"""Eleven in the evening in Shanghai, ten in the morning in New York."""


@pytest.fixture
def pond(conn) -> Pond:
    return Pond(conn, budget=BUDGET)


def judge(pond, now=NOON):
    while decide.judge(pond.conn, now).busy():
        pass


def retry_at(pond, touch) -> datetime:
    return pond.conn.execute("select retry_at from decision where touch_id = %s", (touch,)).fetchone().retry_at


def coupon_offer(pond, stock):
    body = {
        "sort": "coupon", "title": TITLE, "pay_percent": 85, "off_fen": None, "minimum_fen": 0, "stock": stock, "budget_fen": None,
        "valid_days": 14, "per_person": 1, "stackable": False, "value_fen": 300,
    }  # fmt: skip
    return pond.define("offer", "welcome", body).definition_id


def test_what_nothing_speaks_against_is_sent_once(pond):
    touch = pond.touch(pond.person())
    judge(pond)
    judge(pond, NOON + DAY)
    assert pond.verdict(touch) == ("send", None)
    assert pond.conn.execute("select at from decision").fetchall() == [(NOON,)]


def test_consent_is_asked_for_by_channel_and_the_latest_word_counts(pond):
    silent, given, withdrawn, back = pond.person(), pond.person(), pond.person(), pond.person()
    pond.consent(given, True, "letter")
    pond.consent(withdrawn, True, "letter")
    pond.consent(withdrawn, False, "*", NOON + DAY)
    pond.consent(back, False, "*", NOON - DAY)
    pond.consent(back, True, "letter")
    touches = [pond.touch(person, channel="letter") for person in (silent, given, withdrawn, back)]
    judge(pond)
    no = ("no", "no_consent")
    assert [pond.verdict(touch) for touch in touches] == [no, ("send", None), no, ("send", None)]


def test_an_assumed_consent_holds_until_it_is_withdrawn(pond):
    pond.settings(consent={"sandbox": "assumed"}, holdout_percent=0)
    silent, withdrawn = pond.person(), pond.person()
    pond.consent(withdrawn, False)
    touches = [pond.touch(silent), pond.touch(withdrawn)]
    judge(pond)
    assert [pond.verdict(touch) for touch in touches] == [("send", None), ("no", "no_consent")]


def test_quiet_hours_are_those_of_the_place_where_the_person_lives(pond):
    here, there = pond.touch(pond.person(), at=NIGHT), pond.touch(pond.person(time_zone="America/New_York"), at=NIGHT)
    judge(pond, NIGHT)
    assert pond.verdict(here) == ("hold", "quiet_hours")
    assert pond.verdict(there) == ("send", None)
    morning = NIGHT + timedelta(hours=9)
    assert retry_at(pond, here) == morning
    judge(pond, morning - timedelta(seconds=1))
    assert pond.verdict(here)[0] == "hold"
    judge(pond, morning)
    assert pond.verdict(here) == ("send", None)


def test_before_eight_in_the_morning_it_waits_for_the_same_day(pond):
    early = NIGHT + timedelta(hours=7)
    touch = pond.touch(pond.person(), at=early)
    judge(pond, early)
    assert retry_at(pond, touch) == NIGHT + timedelta(hours=9)


def test_a_cap_defers_and_never_drops(pond):
    person = pond.person()
    first = pond.touch(person)
    judge(pond)
    second = pond.touch(person)
    judge(pond, NOON + DAY)
    third = pond.touch(person)
    judge(pond, NOON + 2 * DAY)
    assert [pond.verdict(t) for t in (first, second, third)] == [("send", None), ("send", None), ("hold", "capped")]
    assert retry_at(pond, third) == NOON + 7 * DAY
    judge(pond, NOON + 7 * DAY)
    assert pond.verdict(third) == ("send", None)
    trail = pond.conn.execute("select trail from decision where touch_id = %s", (third,)).fetchone().trail
    assert [(entry["verdict"], entry.get("reason")) for entry in trail] == [("hold", "capped"), ("send", None)]


def test_in_one_batch_the_higher_value_gets_the_slot_and_the_loser_knows_who_did(pond):
    person = pond.person()
    touches = [pond.touch(person, value_fen=value) for value in (100, 300, 200, 50)]
    judge(pond)
    assert [pond.verdict(touch)[0] for touch in touches] == ["hold", "send", "send", "hold"]
    assert pond.verdict(touches[0]) == ("hold", "outbid")
    trail = pond.conn.execute("select trail from decision where touch_id = %s", (touches[0],)).fetchone().trail
    assert trail[0]["lost_to"] == touches[1]
    for day in range(1, 9):
        judge(pond, NOON + day * DAY)
    assert {pond.verdict(touch)[0] for touch in touches} == {"send"}


def test_a_control_customer_gets_nothing_and_takes_nobodys_slot(pond):
    person = pond.person()
    control = pond.touch(person, value_fen=900, arm="holdout")
    treated = [pond.touch(person, value_fen=value) for value in (10, 20)]
    judge(pond)
    assert pond.verdict(control) == ("no", "holdout")
    assert [pond.verdict(touch) for touch in treated] == [("send", None)] * 2


def test_stock_is_asked_last_so_that_a_control_customer_never_consumes_a_coupon(pond):
    offer = coupon_offer(pond, stock=1)
    control = pond.touch(pond.person(), arm="holdout", offer=offer, rung=0)
    judge(pond)
    first, second = (pond.touch(pond.person(), offer=offer, rung=0) for _ in range(2))
    judge(pond)
    assert pond.verdict(control) == ("no", "holdout")
    assert sorted([pond.verdict(first), pond.verdict(second)]) == [("no", "sold_out"), ("send", None)]
    codes = pond.conn.execute("select d.coupon, c.code from decision d join coupon c using (touch_id)").fetchall()
    assert len(codes) == 1
    assert codes[0].coupon == codes[0].code


def test_what_a_journey_said_before_its_last_step_is_sent_whatever_word_that_ends_with(pond):
    """`exit` with `because`, in the author's own words."""
    pond.settings(budget=BUDGET, quiet={"from": "22:00", "to": "08:00", "holidays": []})
    noon = pond.touch(pond.person(), ended="looked after by hand")
    judge(pond)
    assert pond.verdict(noon) == ("send", None)
    evening = pond.touch(pond.person(), ended="looked after by hand", at=NIGHT)
    judge(pond, NIGHT)
    assert pond.verdict(evening) == ("hold", "quiet_hours")
    judge(pond, NIGHT + DAY / 2)
    assert pond.verdict(evening) == ("send", None)


@pytest.mark.parametrize("reason", ["goal_met", "left_segment"])
def test_a_run_that_has_ended_takes_its_touch_along(pond, reason):
    touch = pond.touch(pond.person(), ended=reason)
    judge(pond)
    assert pond.verdict(touch) == ("no", reason)


def test_what_waits_too_long_ends_with_a_reason(pond):
    touch = pond.touch(pond.person(), at=NIGHT, deadline=NIGHT + timedelta(hours=1))
    judge(pond, NIGHT)
    assert pond.verdict(touch) == ("hold", "quiet_hours")
    judge(pond, NIGHT + timedelta(hours=1))
    assert pond.verdict(touch) == ("no", "too_late")


def test_a_journey_that_was_retired_speaks_no_more(pond):
    touch = pond.touch(pond.person())
    definitions.retire(pond.conn, NOON, "journey", [])
    judge(pond)
    assert pond.verdict(touch) == ("no", "retired")


def test_a_person_who_was_merged_away_is_spoken_to_as_the_other(pond):
    person, other = pond.person(), pond.person()
    touch = pond.touch(other)
    pond.conn.execute(
        "update person set merged_into = %s, changed = pg_current_xact_id() where person_id = %s", (person, other)
    )
    judge(pond)
    assert pond.verdict(touch) == ("no", "merged")


def test_a_channel_that_needs_an_address_asks_for_one(pond):
    pond.settings(consent={"mail": "assumed"}, reach={"mail": "email"}, holdout_percent=0)
    without, known = pond.person(), pond.person()
    key = UUID(bytes=b"\x05" + bytes(15))
    pond.conn.execute(
        "insert into handle (key, person_id, origin_id, event_id) values (%s, %s, %s, 0)", (key, known, known)
    )
    touches = [pond.touch(person, channel="mail") for person in (without, known)]
    judge(pond)
    assert [pond.verdict(touch) for touch in touches] == [("no", "no_address"), ("send", None)]


def test_a_service_passes_by_quiet_hours_cap_and_holdout(pond):
    person, control = pond.person(), pond.person()
    touches = [pond.touch(person, at=NIGHT, class_="service") for _ in range(4)]
    touches.append(pond.touch(control, at=NIGHT, class_="service", arm="holdout"))
    judge(pond, NIGHT)
    assert {pond.verdict(touch) for touch in touches} == {("send", None)}


def test_a_service_takes_no_slot_of_the_budget(pond):
    person = pond.person()
    before = [pond.touch(person, class_="service") for _ in range(2)]
    judge(pond)
    marketing = [pond.touch(person) for _ in range(2)]
    beside = [pond.touch(person, value_fen=900, class_="service") for _ in range(2)]
    judge(pond)
    assert {pond.verdict(touch) for touch in (*before, *marketing, *beside)} == {("send", None)}
    one_too_many = pond.touch(person)
    judge(pond)
    assert pond.verdict(one_too_many) == ("hold", "capped")


def test_a_service_still_asks_for_consent_and_ends_at_its_deadline(pond):
    silent, late = pond.person(), pond.person()
    touches = [
        pond.touch(silent, channel="letter", class_="service"),
        pond.touch(late, class_="service", deadline=NOON),
        pond.touch(late, class_="service", ended="goal_met"),
    ]
    judge(pond)
    assert [pond.verdict(touch) for touch in touches] == [("no", "no_consent"), ("no", "too_late"), ("no", "goal_met")]


def test_where_stock_is_short_a_service_comes_first(pond):
    offer = coupon_offer(pond, stock=1)
    marketing, service = (
        pond.touch(pond.person(), 900, offer=offer),
        pond.touch(pond.person(), offer=offer, class_="service"),
    )
    judge(pond)
    assert [pond.verdict(touch) for touch in (marketing, service)] == [("no", "sold_out"), ("send", None)]


def test_two_judges_at_once_never_exceed_the_budget(pond, url):
    people = [pond.person() for _ in range(30)]
    touches = [pond.touch(person, value_fen=n) for person in people for n in range(4)]

    def work():
        with connect(url) as conn:
            while decide.judge(conn, NOON).busy():
                pass

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    judge(pond)
    sent = pond.conn.execute(
        "select person_id, count(*) from decision where verdict = 'send' group by person_id"
    ).fetchall()
    assert len(sent) == len(people)
    assert {row.count for row in sent} == {2}
    assert pond.conn.execute("select count(*) from decision").fetchone()[0] == len(touches)
