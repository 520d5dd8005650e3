"""One budget of points per person: classes, prices, what staff write by hand, holidays, and who gets the last points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from ponds import NOON, Pond
from yutang import decide, deliver
from yutang.channels.contract import Channel, Result
from yutang.deliver.quiet import quiet_until
from yutang.handles import handle_key, kind_of
from yutang.model import bucket_of

DAY = timedelta(days=1)
SEND, CAPPED, OUTBID = ("send", None), ("hold", "capped"), ("hold", "outbid")


def budget(**limits: Any) -> dict[str, Any]:
    return {"window_days": 7, "marketing": 3, "companion": 2, "service": None, "total": None} | limits


@pytest.fixture
def pond(conn) -> Pond:
    return Pond(conn, budget=budget(), price={"dear": 2, "staff": 2, "free": 0}, consent=CONSENT)


CONSENT = dict.fromkeys(("sandbox", "dear", "free", "letter"), "assumed")


class App(Channel):
    """An account that knows people by its own OpenIDs."""

    def __init__(self, name: str, app: str) -> None:
        self.name, self.handle = name, f"openid@{app}"

    def send(self, conn, now, letters):  # noqa: ARG002
        return [Result.sent()] * len(letters)


def judge(pond: Pond, now: datetime = NOON) -> None:
    while decide.judge(pond.conn, now).busy():
        pass


def said(pond: Pond, *touches: int) -> list[tuple[str, str | None]]:
    return [pond.verdict(touch) for touch in touches]


def row(pond: Pond, touch: int) -> Any:
    return pond.conn.execute(
        "select channel, price, value_fen, spent, retry_at, lost_to from touch where touch_id = %s", (touch,)
    ).fetchone()


def merge(pond: Pond, loser: int, winner: int) -> None:
    pond.conn.execute(
        "update person set merged_into = %s, changed = pg_current_xact_id() where person_id = %s", (winner, loser)
    )


def test_each_class_has_points_of_its_own(pond):
    person = pond.person()
    marketing = [pond.touch(person, n) for n in (9, 8, 7, 1)]
    companion = [pond.touch(person, n, class_="companion") for n in (9, 8, 7)]
    judge(pond)
    assert said(pond, *marketing) == [SEND] * 3 + [OUTBID]
    assert said(pond, *companion) == [SEND] * 2 + [OUTBID]
    one_more = [pond.touch(person), pond.touch(person, class_="companion")]
    judge(pond)
    assert said(pond, *one_more) == [CAPPED] * 2
    assert [row(pond, touch).spent for touch in one_more] == [3, 2]


def test_who_is_outbid_anew_is_told_by_whom(pond):
    """On the second day another touch takes the points: `why` must not name the first one for ever."""
    pond.settings(budget=budget(marketing=1, window_days=1), consent=CONSENT, holdout_percent=0)
    person = pond.person()
    first, held = pond.touch(person, 9), pond.touch(person, 1)
    judge(pond)
    second = pond.touch(person, 8)
    judge(pond, NOON + DAY)
    assert said(pond, first, second, held) == [SEND, SEND, OUTBID]
    now = pond.conn.execute("select lost_to, judged_at, trail from touch where touch_id = %s", (held,)).fetchone()
    assert (now.lost_to, now.judged_at) == (second, NOON + DAY)
    assert [verdict["lost_to"] for verdict in now.trail] == [first], "what was said before stays in the trail"


def test_a_raised_budget_frees_what_is_held_at_once(pond):
    person = pond.person()
    touches = [pond.touch(person, n) for n in (9, 8, 7, 6)]
    judge(pond)
    assert said(pond, *touches) == [SEND] * 3 + [OUTBID]
    judge(pond, NOON + DAY)
    assert said(pond, touches[3]) == [OUTBID]
    pond.settings(budget=budget(marketing=4), consent=CONSENT, holdout_percent=0)
    judge(pond, NOON + DAY)
    assert said(pond, touches[3]) == [SEND]


def test_of_two_apps_only_the_one_that_knows_the_person_is_chosen(pond):
    """Both channels' addresses are OpenIDs; each account knows people by its own."""
    reach = {"dear": "openid", "sandbox": "openid"}
    pond.settings(budget=budget(), consent=CONSENT, holdout_percent=0, reach=reach)
    person = pond.person()
    key = handle_key(bytes(16), "openid@shop", kind_of("openid@shop"), "o1")
    pond.conn.execute(
        "insert into handle (key, person_id, origin_id, event_id) values (%s, %s, %s, 0)", (key, person, person)
    )
    before = pond.touch(person, channel=["dear", "sandbox"])
    judge(pond)
    assert row(pond, before).channel == "dear", "nobody has said which is whose"
    deliver.send(
        pond.conn, NOON, channels={name: App(name, app) for name, app in (("dear", "official"), ("sandbox", "shop"))}
    )
    after, alone = pond.touch(person, channel=["dear", "sandbox"]), pond.touch(person, channel="dear")
    judge(pond)
    assert row(pond, after).channel == "sandbox"
    assert said(pond, alone) == [("no", "no_address")]


def test_the_points_in_all_hold_both_classes_and_a_service_takes_of_them(pond):
    pond.settings(budget=budget(total=3), consent=CONSENT, holdout_percent=0)
    person = pond.person()
    service = [pond.touch(person, class_="service") for _ in range(4)]
    others = [pond.touch(person, 9), pond.touch(person, 8, class_="companion")]
    judge(pond)
    assert said(pond, *service) == [SEND] * 4
    assert said(pond, *others) == [OUTBID] * 2
    assert {row(pond, touch).lost_to for touch in others} == {service[0]}
    second = pond.person()
    touches = [pond.touch(second, value) for value in (5, 4)] + [
        pond.touch(second, value, class_="companion") for value in (6, 3)
    ]
    judge(pond)
    assert said(pond, *touches) == [SEND, SEND, SEND, OUTBID]
    assert row(pond, touches[3]).lost_to == touches[2], "the best of those that took the points in all"


def test_a_service_may_have_an_allowance(pond):
    pond.settings(budget=budget(service=1), consent=CONSENT, holdout_percent=0)
    touches = [pond.touch(person, class_="service") for person in [pond.person()] * 2]
    judge(pond)
    assert said(pond, *touches) == [SEND, OUTBID]


def test_a_touch_costs_what_its_channel_costs(pond):
    person = pond.person()
    first, second = pond.touch(person, channel="dear"), pond.touch(person, channel="free")
    judge(pond)
    dear, cheap = pond.touch(person, 9, channel="dear"), pond.touch(person, 1)
    judge(pond)
    assert said(pond, first, second, dear, cheap) == [SEND, SEND, CAPPED, SEND]
    assert [row(pond, touch).price for touch in (first, second, dear, cheap)] == [2, 0, 2, 1]
    free = pond.touch(person, channel="free")
    judge(pond)
    assert pond.verdict(free) == SEND, "what costs nothing is never held for points"


def test_a_dear_touch_that_does_not_fit_keeps_no_cheaper_one_back(pond):
    person = pond.person()
    touches = [
        pond.touch(person, value, channel=channel)
        for value, channel in ((9, "dear"), (8, "dear"), (7, "sandbox"), (6, "sandbox"))
    ]
    judge(pond)
    assert said(pond, *touches) == [SEND, OUTBID, SEND, OUTBID]
    assert [row(pond, touch).lost_to for touch in touches] == [None, touches[0], None, touches[0]]
    judge(pond, NOON + 7 * DAY)
    assert said(pond, *touches) == [SEND] * 4


def test_a_tie_goes_to_the_older_touch(pond):
    person = pond.person()
    touches = [pond.touch(person, 5) for _ in range(5)]
    judge(pond)
    assert said(pond, *touches) == [SEND] * 3 + [OUTBID] * 2


def test_points_come_free_one_by_one(pond):
    person = pond.person()
    for day in range(3):
        pond.touch(person)
        judge(pond, NOON + day * DAY)
    late = [pond.touch(person, value) for value in (1, 2)]
    judge(pond, NOON + 3 * DAY)
    assert {row(pond, touch).retry_at for touch in late} == {NOON + 7 * DAY}
    judge(pond, NOON + 7 * DAY)
    assert said(pond, *late) == [OUTBID, SEND]
    assert row(pond, late[0]).retry_at == NOON + 8 * DAY


def test_what_staff_write_by_hand_is_counted_and_never_held(pond):
    busy, spared = pond.person(), pond.person()
    pond.happened(busy, "staff_messaged", NOON - DAY, staff="guide01")
    pond.happened(spared, "staff_messaged", NOON - DAY, staff="guide01", channel="free")
    pond.happened(spared, "staff_messaged", NOON - 8 * DAY, staff="guide01")
    touches = [pond.touch(person, class_="companion") for person in (busy, spared)] + [pond.touch(busy)]
    judge(pond)
    assert said(pond, *touches) == [CAPPED, SEND, SEND]
    assert row(pond, touches[0]).retry_at == NOON + 6 * DAY


def test_what_was_spent_on_somebody_merged_into_the_person_counts(pond):
    loser, winner = pond.person(), pond.person()
    for _ in range(2):
        pond.touch(loser)
    judge(pond)
    merge(pond, loser, winner)
    touches = [pond.touch(winner, value) for value in (2, 1)]
    judge(pond)
    assert said(pond, *touches) == [SEND, OUTBID]


def test_what_was_said_to_somebody_merged_into_the_person_is_not_said_again(pond):
    loser, other, winner = pond.person(), pond.person(), pond.person()
    said_once, unsent = pond.touch(loser), pond.touch(other)
    judge(pond)
    pond.conn.execute(
        "insert into attempt (bucket, person_id, touch_id, channel, state, at) values (%s, %s, %s, 'sandbox', 'sent', %s)",
        (bucket_of(loser), loser, said_once, NOON),
    )
    for person in (loser, other):
        merge(pond, person, winner)
    again, first = (pond.touch(winner, cause=cause_of(pond, touch)) for touch in (said_once, unsent))
    judge(pond)
    assert said(pond, again, first) == [("no", "said_before"), SEND]


def cause_of(pond: Pond, touch: int) -> str:
    return pond.conn.execute("select cause from touch where touch_id = %s", (touch,)).fetchone().cause


def test_a_holiday_is_quiet_all_day_where_the_person_lives(pond):
    pond.settings(quiet={"from": "22:00", "to": "08:00", "holidays": ["2026-03-02", "2026-03-03"]}, holdout_percent=0)
    here, there = pond.person(), pond.person(time_zone="Pacific/Honolulu")
    touches = [pond.touch(here), pond.touch(there), pond.touch(here, class_="service")]
    judge(pond)
    quiet = ("hold", "quiet_hours")
    assert said(pond, *touches) == [quiet, SEND, SEND], "in Honolulu it is still the first of March"
    assert row(pond, touches[0]).retry_at == datetime(2026, 3, 4, 0, 0, tzinfo=UTC)


def test_quiet_is_the_same_for_the_judge_and_on_the_way_out(conn):
    dice = Random(4)
    for _ in range(300):
        quiet = {
            "from": f"{dice.randrange(24):02}:{dice.choice(('00', '30'))}", "to": f"{dice.randrange(24):02}:00",
            "holidays": sorted({f"2026-03-{day:02}" for day in dice.choices(range(1, 15), k=dice.randrange(8))}),
        }  # fmt: skip
        zone = dice.choice(("Asia/Shanghai", "America/New_York", "Europe/Berlin", "UTC", "Asia/Kathmandu"))
        now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(14 * 1440))
        found = conn.execute(
            "select quiet_until(%s, %s, %s::time, %s::time, %s::date[]) as ends", (now, zone, quiet["from"], quiet["to"], quiet["holidays"])
        ).fetchone()  # fmt: skip
        assert found.ends == quiet_until(now, zone, quiet), (now, zone, quiet)
        assert found.ends is None or found.ends > now


def test_a_trait_tells_what_a_touch_is_worth_for_this_person(pond):
    loyal, strange, wild = pond.person(next_order=900), pond.person(next_order="much"), pond.person(next_order=1e300)
    touches = [pond.touch(person, 300, value_trait="next_order") for person in (loyal, strange, wild)]
    judge(pond)
    assert [row(pond, touch).value_fen for touch in touches] == [900, 300, 10**15]
    rivals = [pond.touch(loyal, 500), pond.touch(loyal, 100, value_trait="next_order"), pond.touch(loyal, 400)]
    judge(pond)
    assert said(pond, *rivals) == [SEND, SEND, OUTBID]


def test_the_first_channel_that_is_open_is_taken(pond):
    pond.settings(
        consent={"mail": "assumed", "letter": "required", "sandbox": "assumed"},
        reach={"mail": "email"},
        holdout_percent=0,
    )
    known, wary, gone, nobody = (pond.person() for _ in range(4))
    for person in (known, wary):
        key = UUID(bytes=b"\x05" + person.to_bytes(15, "big"))
        pond.conn.execute(
            "insert into handle (key, person_id, origin_id, event_id) values (%s, %s, %s, 0)", (key, person, person)
        )
    pond.consent(wary, False, "mail")
    pond.consent(gone, True, "letter")
    pond.consent(nobody, False, "*")
    touches = [pond.touch(person, channel=["mail", "letter", "sandbox"]) for person in (known, wary, gone, nobody)]
    judge(pond)
    assert said(pond, *touches) == [SEND, SEND, SEND, ("no", "no_address")]
    assert [row(pond, touch).channel for touch in touches] == ["mail", "sandbox", "letter", "mail"]


@pytest.mark.parametrize(
    ("events", "open_"),
    [
        ([("unfollowed", {})], False),
        ([("unfollowed", {}), ("followed", {})], True),
        ([("followed", {}), ("unfollowed", {})], False),
        ([("message_failed", {"reason": "blocked"})], False),
        ([("message_failed", {"reason": "quota"})], True),
        ([("contact_added", {"staff": "a"}), ("contact_lost", {"staff": "a", "by": "customer"})], False),
        ([("contact_added", {"staff": "a"}), ("contact_added", {"staff": "b"}), ("contact_lost", {"staff": "a", "by": "customer"})], True),
        ([("contact_lost", {"staff": "a", "by": "customer"}), ("contact_moved", {"staff": "b", "before": "a"})], True),
        ([("contact_lost", {"staff": "a", "by": "customer"}), ("followed", {"channel": "letter"})], False),
    ],
)  # fmt: skip
def test_a_channel_on_which_a_person_has_left_is_shut_until_they_come_back(pond, events, open_):
    person = pond.person()
    for n, (type, props) in enumerate(events):
        pond.happened(person, type, NOON - timedelta(hours=9 - n), **{"channel": "sandbox", **props})
    only, either = pond.touch(person), pond.touch(person, channel=["sandbox", "letter"])
    judge(pond)
    assert pond.verdict(only) == (SEND if open_ else ("no", "blocked"))
    assert (pond.verdict(either), row(pond, either).channel) == (SEND, "sandbox" if open_ else "letter")


def test_a_withdrawn_class_is_closed_on_every_channel(pond):
    person = pond.person()
    pond.consent(person, True, "sandbox")
    pond.consent(person, False, "class:companion")
    touches = [pond.touch(person, class_="companion"), pond.touch(person)]
    judge(pond)
    assert said(pond, *touches) == [("no", "no_consent"), SEND]


def test_whoever_withdraws_is_not_kept_waiting_for_the_no(pond):
    person, other = pond.person(), pond.person()
    night = NOON + timedelta(hours=11)
    touches = [pond.touch(one, at=night) for one in (person, other)]
    judge(pond, night)
    pond.consent(person, False, at=night)
    pond.happened(person, "consent_withdrawn", night, channel="sandbox")
    judge(pond, night + timedelta(minutes=1))
    assert said(pond, *touches) == [("no", "no_consent"), ("hold", "quiet_hours")]


@pytest.mark.parametrize("arm", ["holdout", "global"])
def test_either_holdout_is_never_spoken_to(pond, arm):
    touch = pond.touch(pond.person(), arm=arm)
    judge(pond)
    assert pond.verdict(touch) == ("no", "holdout")


def test_what_stock_refuses_gives_its_points_to_the_next(pond):
    body = {
        "sort": "coupon", "title": {"zh": "券", "en": "Coupon"}, "pay_percent": 85, "off_fen": None, "minimum_fen": 0, "stock": 0,
        "budget_fen": None, "valid_days": 14, "per_person": 1, "stackable": False, "value_fen": 300,
    }  # fmt: skip
    offer = pond.define("offer", "gone", body).definition_id
    person = pond.person()
    touches = [
        pond.touch(person, 9, offer=offer, rung=0),
        pond.touch(person, 8),
        pond.touch(person, 7),
        pond.touch(person, 6),
    ]
    judge(pond)
    assert said(pond, *touches) == [("no", "sold_out"), SEND, SEND, SEND]


def test_a_clock_that_was_set_back_forgets_nothing_that_was_sent(pond):
    person = pond.person()
    ahead = [pond.touch(person) for _ in range(2)]
    judge(pond, NOON + 3 * DAY)
    touches = [pond.touch(person, value) for value in (2, 1)]
    judge(pond)
    assert said(pond, *ahead, *touches) == [SEND, SEND, SEND, OUTBID]
    assert row(pond, touches[1]).retry_at == NOON + 10 * DAY
    judge(pond, NOON + 7 * DAY)
    one_more = pond.touch(person, 9)
    judge(pond, NOON + 7 * DAY)
    assert said(pond, one_more, touches[1]) == [SEND, OUTBID]
