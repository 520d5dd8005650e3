"""What platforms allow, and what plans may take of it."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from plans import NOW, Limited, brand, campaign, message, people, pond
from ponds import Pond
from yutang import definitions, plan
from yutang import journey as journeys
from yutang.channels.contract import Channel
from yutang.channels.platform.account import Account
from yutang.channels.wecom.tasks import quotas
from yutang.handles import BY_NAME, handle_key, head_of, kind_of
from yutang.model import Reason, YutangError, bucket_of
from yutang.plan import quota, show
from yutang.plan.runs import firings, said

ACCOUNT = Account("wecom", "main", {"corp_id": "ww1"}, {})
EACH_FOUR = Limited(("person", 4, "month"))
EACH_ONE = Limited(("person", 1, "day"))


def on(day: str, at: str = "10:00", more: str = "") -> str:
    """A journey on one day alone."""
    return campaign([1], more=more).replace("days: [1]", f"dates: ['{day}']").replace("'10:00'", f"'{at}'")


def make(conn: psycopg.Connection, channel: Channel, **changed: Any) -> plan.Plan:
    return plan.make(conn, NOW, brand(**changed), "li", {"limited": channel})


def apply(conn: psycopg.Connection, made: plan.Plan, channel: Channel) -> plan.Plan:
    return plan.apply(conn, NOW, made.plan_id, "li", {"limited": channel})


def refused(conn: psycopg.Connection, made: plan.Plan, channel: Channel) -> str:
    with pytest.raises(plan.PlanRefused) as found:
        apply(conn, made, channel)
    assert found.value.reason is Reason.OVER_QUOTA
    assert plan.found(conn, made.plan_id).state == "draft"
    return str(found.value)


def test_a_month_that_fits_is_planned_and_one_campaign_more_is_refused_with_the_day(conn: psycopg.Connection) -> None:
    people(conn, 3)
    made = make(conn, EACH_FOUR, journeys_month=campaign([5, 12, 19, 26]))
    days = made.shown["quota"]["days"]
    assert [(d["day"], d["planned"], d["committed"]) for d in days][:4] == [
        ("2026-03-05", 3, 0), ("2026-03-12", 3, 0), ("2026-03-19", 3, 0), ("2026-03-26", 3, 0),
    ]  # fmt: skip
    assert made.shown["quota"]["late"] == []
    apply(conn, made, EACH_FOUR)
    once = campaign([28]).replace("days: [28]", "dates: ['2026-03-28']")
    more = make(conn, EACH_FOUR, journeys_month=campaign([5, 12, 19, 26]), journeys_more=once)
    (late,) = more.shown["quota"]["late"]
    assert (late["journey"], late["over"], late["asked"], late["possible"]) == ("more", 3, 3, None)
    said = refused(conn, more, EACH_FOUR)
    assert "no room within 92 days" in said  # every month has its four of them, however far ahead
    assert definitions.current(conn, "journey", "more") is None


def test_the_first_day_with_room(conn: psycopg.Connection) -> None:
    people(conn, 2)
    made = make(conn, EACH_ONE, journeys_a=campaign([5, 6]), journeys_b=campaign([5]))
    # April the 5th and 6th come again.
    assert [(one["journey"], one["at"][:10], one["possible"]) for one in made.shown["quota"]["late"]] == [
        ("b", "2026-03-05", "2026-03-07"),
        ("b", "2026-04-05", "2026-04-07"),
    ]
    assert "2026-03-07" in refused(conn, made, EACH_ONE)
    other = "{tag: silver}"
    people(conn, 2, "silver")
    apply(conn, make(conn, EACH_ONE, journeys_a=campaign([5, 6]), journeys_b=campaign([5], audience=other)), EACH_ONE)


def test_room_is_looked_for_in_months_that_are_booked_too(conn: psycopg.Connection) -> None:
    """The day named must be one on which the plan passes."""
    people(conn, 2)
    channel = Limited(("person", 1, "month"))
    taken = {f"journeys_{n}": on(f"2026-0{n}-20") for n in (3, 4, 5)}
    apply(conn, make(conn, channel, **taken), channel)
    late = make(conn, channel, **taken, journeys_new=on("2026-03-10"))
    assert [one["possible"] for one in late.shown["quota"]["late"]] == ["2026-06-01"]
    assert "2026-06-01" in refused(conn, late, channel)
    apply(conn, make(conn, channel, **taken, journeys_new=on("2026-06-01")), channel)


def test_what_a_run_under_way_says_in_a_later_month_is_booked_there(conn: psycopg.Connection) -> None:
    (person,) = people(conn, 1)
    channel = Limited(("person", 1, "month"))
    long = on("2026-03-03", more="  - wait: {days: 31}\n  - message: promo\n  - wait: {days: 31}\n  - message: promo\n")
    waits = long.replace("trigger: {schedule: {at: '10:00', dates: ['2026-03-03']}}", "trigger: {event: ordered}")
    waits = waits.replace("audience: {tag: vip}\n", "")
    apply(conn, make(conn, channel, journeys_long=waits), channel)
    found = Pond.__new__(Pond)
    found.conn = conn
    found.happened(person, "ordered")
    journeys.advance(conn, NOW)
    made = make(conn, channel, journeys_long=waits, journeys_new=on("2026-04-20"))
    assert [one["possible"] for one in made.shown["quota"]["late"]] == ["2026-06-01"]


@pytest.mark.parametrize(
    ("at", "quiet", "class_", "day"),
    [
        ("23:00", 'from = "22:00"', "marketing", "2026-03-06"),
        ("23:00", 'from = "22:00"', "service", "2026-03-05"),
        ("07:00", 'from = "22:00"', "companion", "2026-03-05"),
        ("10:00", 'holidays = ["2026-03-05", "2026-03-06"]', "marketing", "2026-03-07"),
        ("21:00", 'from = "22:00"', "marketing", "2026-03-05"),
    ],
)
def test_what_quiet_hours_hold_back_uses_the_day_on_which_it_goes_out(
    conn: psycopg.Connection, at: str, quiet: str, class_: str, day: str
) -> None:
    people(conn, 2)
    night = on("2026-03-05", at).replace("trigger:", f"class: {class_}\ntrigger:")
    made = make(conn, EACH_ONE, pond=f"{pond()}[quiet]\n{quiet}\n", journeys_night=night)
    assert [(d["day"], d["planned"]) for d in made.shown["quota"]["days"]] == [(day, 2)]


def test_a_night_campaign_takes_the_next_mornings_room(conn: psycopg.Connection) -> None:
    people(conn, 2)
    night, morning = on("2026-03-05", "23:00"), on("2026-03-06")
    refused(conn, make(conn, EACH_ONE, journeys_night=night, journeys_morning=morning), EACH_ONE)
    apply(conn, make(conn, EACH_ONE, journeys_night=night, journeys_morning=on("2026-03-05")), EACH_ONE)


def test_an_account_has_so_many_for_everybody(conn: psycopg.Connection) -> None:
    people(conn, 30)
    channel = Limited(("account", 40, "day"))
    apply(conn, make(conn, channel, journeys_a=campaign([5])), channel)
    people(conn, 20, "silver")
    over = make(conn, channel, journeys_a=campaign([5]), journeys_b=campaign([5], audience="{tag: silver}"))
    assert "10 " in refused(conn, over, channel)
    fits = make(conn, channel, journeys_a=campaign([5]), journeys_b=campaign([6], audience="{tag: silver}"))
    apply(conn, fits, channel)


def test_a_campaign_that_is_in_service_keeps_its_room(conn: psycopg.Connection) -> None:
    """The new one comes earlier in the month and is refused all the same."""
    people(conn, 2)
    channel = Limited(("person", 1, "month"))
    apply(conn, make(conn, channel, journeys_old=campaign([20])), channel)
    made = make(conn, channel, journeys_old=campaign([20]), journeys_new=campaign([10]))
    assert {one["journey"] for one in made.shown["quota"]["late"]} == {"new"}
    refused(conn, made, channel)


def test_what_was_sent_is_held_or_under_way_counts(conn: psycopg.Connection) -> None:
    """Three people: one was written to this month, one is to be written to, one waits in a journey for the message."""
    channel = Limited(("person", 1, "month"))
    reminder = campaign([1], more="").replace(
        "trigger: {schedule: {at: '10:00', days: [1]}}", "trigger: {event: ordered}"
    )
    reminder = reminder.replace("audience: {tag: vip}\n", "").replace("steps:\n", "steps:\n  - wait: {days: 3}\n")
    apply(conn, make(conn, channel, journeys_reminder=reminder), channel)
    sent, held, waits = people(conn, 3)
    for person, verdict, at in ((sent, "send", NOW - timedelta(hours=20)), (held, "hold", NOW + timedelta(days=1))):
        conn.execute(
            """insert into touch (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, message_id,
                   message_version, value_fen, at, deadline, verdict, judged_at, retry_at)
               select %s, %s, 1, 'x', 0, 0, %s, 1, 'treated', 'limited', definition_id, version, 0, %s, %s, %s, %s, %s
               from definition where kind = 'message' and name = 'promo'""",
            (bucket_of(person), person, person, NOW, NOW + timedelta(days=9), verdict, at, at),
        )
    found = Pond.__new__(Pond)
    found.conn = conn
    found.happened(waits, "ordered")
    journeys.advance(conn, NOW)
    month = quota.month(conn, NOW, {"limited": channel}, None)
    days = [(d["day"], d["committed"], d["planned"]) for d in show.quota(month)["days"]]
    assert days == [("2026-03-01", 1, 0), ("2026-03-03", 1, 0), ("2026-03-05", 1, 0)]
    (allowed,) = show.allowances(month, date(2026, 3, 2))
    assert (allowed["used"], allowed["full"], allowed["amount"]) == (3, 3, 1)
    once = campaign([20]).replace("days: [20]", "dates: ['2026-03-20']")
    made = make(conn, channel, journeys_reminder=reminder, journeys_new=once)
    assert "2026-04-01" in refused(conn, made, channel)


def test_a_few_who_must_wait_do_not_stop_a_campaign(conn: psycopg.Connection) -> None:
    everybody = people(conn, 40)
    for person in everybody[:2]:
        conn.execute(
            "insert into tag (bucket, person_id, tag, at, event_id) values (%s, %s, 'few', %s, 0)",
            (bucket_of(person), person, NOW),
        )
    made = make(conn, EACH_ONE, journeys_a=campaign([5], audience="{tag: few}"), journeys_b=campaign([5]))
    assert made.shown["quota"]["late"] == []
    apply(conn, made, EACH_ONE)


def test_a_segment_that_is_not_in_service_yet_is_asked_by_its_rule(conn: psycopg.Connection) -> None:
    people(conn, 5)
    made = make(conn, EACH_ONE, journeys_a=campaign([5], audience="{segment: vip}"))
    assert made.shown["quota"]["campaigns"][0]["people"] == 5


def test_a_message_change_takes_its_campaign_to_another_channel(conn: psycopg.Connection) -> None:
    """The campaign's own text is the same, and still it is the plan that takes the room."""
    people(conn, 2)
    channel = Limited(("person", 0, "month"))
    apply(conn, make(conn, channel, messages_promo=message(channel="sandbox"), journeys_a=campaign([5])), channel)
    refused(conn, make(conn, channel, journeys_a=campaign([5])), channel)


def test_whom_a_channel_does_not_reach_uses_nothing_there(conn: psycopg.Connection) -> None:
    """Two have an address; the third is written to on the next channel."""
    for person in people(conn, 3)[:2]:
        key = uuid.UUID(bytes=bytes([BY_NAME["email"].code]) + person.to_bytes(15))
        conn.execute(
            "insert into handle (key, person_id, origin_id, event_id) values (%s, %s, %s, 0)", (key, person, person)
        )
    reach = pond().replace("[reach]", '[reach]\nlimited = "email"')
    both = campaign([5]).replace("message: promo", "{message: promo, channel: [limited, sandbox]}")
    made = make(conn, EACH_ONE, pond=reach, journeys_a=both)
    assert [(d["day"], d["planned"]) for d in made.shown["quota"]["days"]][:1] == [("2026-03-05", 2)]


def test_an_account_reaches_those_it_knows_itself(conn: psycopg.Connection) -> None:
    """Two apps of a kind: an OpenID of the other one is no address here."""
    here, there = people(conn, 2)
    for person, app in ((here, "shop"), (there, "other")):
        key = handle_key(bytes(16), f"openid@{app}", kind_of(f"openid@{app}"), f"o{person}")
        conn.execute(
            "insert into handle (key, person_id, origin_id, event_id) values (%s, %s, %s, 0)", (key, person, person)
        )
    conn.execute("insert into channel_reach (channel, head) values ('limited', %s)", (head_of("openid@shop"),))
    reach = pond().replace("[reach]", '[reach]\nlimited = "openid"')
    made = make(conn, EACH_ONE, pond=reach, journeys_a=campaign([5]))
    assert [(d["day"], d["planned"]) for d in made.shown["quota"]["days"]][:1] == [("2026-03-05", 1)]


def test_the_messages_along_a_program() -> None:
    text = (
        "title: {zh: 长, en: Long}\ntrigger: {schedule: {at: '10:00', days: [5]}}\naudience: {tag: vip}\nreentry: always\nsteps:\n"
        "  - message: promo\n  - wait: {days: 1}\n  - until: '09:00'\n  - wait_for: ordered\n    days: 2\n"
        "    then:\n      - exit:\n    else:\n      - message: promo\n  - if: {tag: gold}\n    then:\n      - message: hello\n"
    )
    made = brand(journeys_long=text)
    bodies = {("message", name): body for name, body in made.messages.items()}
    begin = datetime(2026, 3, 5, 2, tzinfo=UTC)
    found = said(made.journeys["long"]["program"], 0, begin, bodies, "Asia/Shanghai")
    assert [(one.at, one.channels) for one in found] == [
        (begin, ("limited",)),
        (datetime(2026, 3, 9, 1, tzinfo=UTC), ("limited",)),
        (datetime(2026, 3, 9, 1, tzinfo=UTC), ("sandbox",)),
    ]


def test_who_may_enter_once_is_not_counted_again() -> None:
    made = brand(
        journeys_a=campaign([5]).replace("always", "never"),
        journeys_b=campaign([5, 6, 9]).replace("always", "{after_days: 3}"),
    )
    until = NOW + timedelta(days=60)
    assert [at.day for at in firings(made.journeys["a"], NOW, until, "Asia/Shanghai")] == [5]
    assert [at.day for at in firings(made.journeys["b"], NOW, until, "Asia/Shanghai")] == [5, 9, 5, 9]


def test_the_allowances_of_a_wecom_account_are_those_it_sends_by(conn: psycopg.Connection) -> None:
    single, moments = quotas.allowances(conn, ACCOUNT, date(2026, 3, 5))
    assert (single.kind, single.per, single.amount, single.first, single.last) == (
        "message", "person", 1, date(2026, 3, 5), date(2026, 3, 5),
    )  # fmt: skip
    assert (moments.per, moments.amount, moments.used, moments.last) == ("account", 4, 0, date(2026, 3, 31))


def test_what_is_no_month(conn: psycopg.Connection) -> None:
    with pytest.raises(YutangError, match="2026-03"):
        quota.month(conn, NOW, {}, "March")
