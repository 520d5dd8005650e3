"""The best hour and the chance of an answer, trained on real tables: figures against plain Python, what is served and what is not."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ponds import Pond
from visitors import SHANGHAI, Came, Said, journey, own_hour, send, touched, visitors, write
from yutang.app import train
from yutang.predict.page import page
from yutang.predict.person import person
from yutang.predict.reach.keeping import rates, worths
from yutang.predict.report import Report

TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
FIRST = date(2025, 11, 1)
DAYS = (TODAY - FIRST).days


@pytest.fixture(scope="module")
def came() -> list[Came]:
    return visitors(160, FIRST, DAYS)


@pytest.fixture(scope="module")
def said() -> list[Said]:
    return touched(150, datetime(2026, 1, 1, 4, tzinfo=UTC), 12)


def model(report: Report, name: str) -> Any:
    return next(one for one in report.models if one.name == name)


def result(report: Report, name: str, which: str) -> dict[str, Any]:
    return next(one for one in model(report, name).metrics["results"] if one["name"] == which)


def told(conn: psycopg.Connection, name: str) -> dict[int, float]:
    return dict(conn.execute("select person_id, value from prediction where name = %s", (name,)).fetchall())


def test_the_hours_of_the_pond_are_those_of_plain_python(conn: psycopg.Connection, came: list[Came]) -> None:
    Pond(conn)
    write(conn, came)
    report = train(conn, NOW)
    hours = {(one.person, one.at.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)) for one in came}
    cut = datetime(2026, 2, 2, tzinfo=SHANGHAI)
    before = Counter(at.hour for _, at in hours if at < cut)
    after = [at.hour for who, at in hours if at >= cut]
    total = before.total()
    figures = result(report, "best_hour", "pond")["accuracy"]
    assert figures["visits"] == len(after) > 1000
    assert figures["log_loss"] == pytest.approx(
        -sum(math.log(before[hour] / total) for hour in after) / len(after), rel=1e-6
    )


def test_everybody_is_told_the_hour_at_which_they_come(conn: psycopg.Connection, came: list[Came]) -> None:
    Pond(conn)
    write(conn, came)
    report = train(conn, NOW)
    found = model(report, "best_hour")
    assert found.state == "serving"
    chosen = result(report, "best_hour", found.metrics["chosen"])["accuracy"]
    base = result(report, "best_hour", found.metrics["baseline"])["accuracy"]
    assert chosen["log_loss"] < base["log_loss"] - 0.3
    assert chosen["in_window"] > 0.6 > base["in_window"]
    hours, saturday = told(conn, "best_hour"), told(conn, "best_hour:6")
    assert hours.keys() == {one.person for one in came}
    near = [who for who, hour in hours.items() if abs(hour + 1 - own_hour(who)) <= 1.5]
    assert len(near) > 0.9 * len(hours)
    later = [who for who, hour in saturday.items() if 2 <= hour - hours[who] <= 5]
    assert len(later) > 0.5 * len(hours), "at weekends they come three hours later"
    assert not told(conn, "best_hour:3"), "working days are like one another"


def test_what_answers_a_message_tells_nothing_of_the_hour(conn: psycopg.Connection, came: list[Came]) -> None:
    Pond(conn)
    write(conn, came)
    train(conn, NOW)
    first = told(conn, "best_hour")
    sends = [
        Came(who, datetime(2026, 2, 20, 3, 30, tzinfo=UTC) + timedelta(days=n))
        for who in range(1, 161)
        for n in range(8)
    ]
    write(conn, sends, "message_opened")
    train(conn, NOW + timedelta(hours=1))
    assert told(conn, "best_hour") == first


def test_hours_are_those_of_the_clock_where_a_person_lives(conn: psycopg.Connection, came: list[Came]) -> None:
    pond = Pond(conn)
    write(conn, came)
    pond.conn.execute(
        "insert into trait (bucket, person_id, name, value, at, event_id) values (4, 4, 'time_zone', '\"America/New_York\"', %s, 0)",
        (NOW,),
    )
    train(conn, NOW)
    hours = told(conn, "best_hour")
    assert abs((hours[4] + 13) % 24 + 1 - own_hour(4)) <= 1.5, "thirteen hours behind"


def test_where_all_come_alike_nobody_has_an_hour_of_their_own(conn: psycopg.Connection) -> None:
    Pond(conn)
    write(
        conn,
        [
            Came(one.person, one.at + timedelta(hours=(one.person * 7 + n * 5) % 24))
            for n, one in enumerate(visitors(160, FIRST, DAYS))
        ],
    )
    report = train(conn, NOW)
    found = model(report, "best_hour")
    assert found.state == "refused" or found.metrics["chosen"] != "own"
    assert "pond" in found.metrics["baseline"]
    assert found.state == "serving" or not told(conn, "best_hour")


def test_young_ponds_hear_what_is_missing(conn: psycopg.Connection) -> None:
    Pond(conn)
    report = train(conn, NOW)
    assert {model(report, name).state for name in ("best_hour", "reach")} == {"abstained"}
    assert "90 more days" in model(report, "best_hour").verdict["en"]
    assert "还缺 400 次" in model(report, "reach").verdict["zh"]
    write(conn, visitors(20, FIRST, DAYS))
    assert "80 more people" in model(train(conn, NOW + timedelta(hours=1)), "best_hour").verdict["en"]


def test_the_chance_of_an_answer_is_what_plain_python_counts(conn: psycopg.Connection, said: list[Said]) -> None:
    Pond(conn)
    send(conn, said)
    report = train(conn, NOW)
    found = model(report, "reach")
    letters = [one for one in said if one.channel == "letter"]
    late = sorted(letters, key=lambda one: one.at)[round(0.75 * len(letters)) :]
    assert found.metrics["touches"] == len(late)
    assert found.state == "serving"
    assert found.metrics["chosen"] == "person"
    rate = sum(one.answered is not None for one in letters) / len(letters)
    kept = {
        (row.channel, row.kind): row
        for row in conn.execute("select channel, class as kind, rate, touches from reach_rate")
    }
    assert kept["letter", "*"].rate == pytest.approx(rate, abs=0.01)
    assert kept["letter", "*"].touches == len(letters)
    assert ("card", "*") not in kept, "cards never told of an answer"
    by_kind = defaultdict(list)
    for one in letters:
        by_kind[one.kind].append(one.answered is not None)
    for kind, answers in by_kind.items():
        assert kept["letter", kind].rate == pytest.approx(sum(answers) / len(answers), abs=0.02)


def test_who_answers_is_expected_to_answer_again(conn: psycopg.Connection, said: list[Said]) -> None:
    Pond(conn)
    send(conn, said)
    train(conn, NOW)
    chance, most = told(conn, "reach:letter"), told(conn, "reach")
    assert chance.keys() == set(range(1, 151))
    assert chance == most, "letters are the only channel of which anything is known"
    keen, cold = [chance[who] for who in chance if who % 3 == 0], [chance[who] for who in chance if who % 3]
    assert sum(keen) / len(keen) > 0.35
    assert sum(cold) / len(cold) < 0.15
    assert all(0 < value < 1 for value in chance.values())
    (foretold,) = [one for one in person(conn, 3) if one.name == "reach:letter"]
    assert "letter" in foretold.title["zh"]


def test_visits_since_are_held_against_the_hours_told(conn: psycopg.Connection, came: list[Came]) -> None:
    Pond(conn)
    write(conn, came)
    train(conn, NOW)
    hours, by_day = told(conn, "best_hour"), {day: told(conn, f"best_hour:{day}") for day in range(1, 8)}
    since = visitors(160, TODAY, 9, seed=8)
    strangers = [Came(900, one.at) for one in since[:20]]
    write(conn, [*since, *strangers])
    report = train(conn, NOW + timedelta(days=7))
    visits = {(one.person, one.at.replace(minute=0, second=0, microsecond=0)) for one in since}
    week = [(who, at) for who, at in visits if at.date() < TODAY + timedelta(days=7)]
    hits = [(at.hour - by_day[at.isoweekday()].get(who, hours[who])) % 24 < 3 for who, at in week]
    (drift,) = model(report, "best_hour").drift
    assert drift.metrics == {
        "people": len({who for who, _ in week}),
        "visits": len(week),
        "in_window": pytest.approx(sum(hits) / len(hits)),
        "days": 7,
    }
    assert drift.metrics["in_window"] > 0.6
    assert "%.1f%%" % (100 * drift.metrics["in_window"]) in page(report)


def test_answers_since_are_held_against_those_told(conn: psycopg.Connection, said: list[Said]) -> None:
    Pond(conn)
    send(conn, said)
    train(conn, NOW)
    chance, rate = told(conn, "reach:letter"), {(one.channel, one.kind): one.rate for one in rates(conn)}
    since = touched(160, NOW + timedelta(hours=1), 4, seed=9)
    send(conn, since)
    report = train(conn, NOW + timedelta(days=8))
    letters = [one for one in since if one.channel == "letter" and one.at <= NOW + timedelta(days=5)]
    expected = [
        min(chance[one.person] * rate["letter", one.kind] / rate["letter", "*"], 1)
        if one.person in chance
        else rate["letter", one.kind]
        for one in letters
    ]
    (drift,) = model(report, "reach").drift
    assert drift.metrics["touches"] == len(letters) > 450, (
        "of cards nothing was known, and the last letters may still be answered"
    )
    assert drift.metrics["predicted"] == pytest.approx(sum(expected), rel=1e-4)
    assert drift.metrics["real"] == sum(one.answered is not None for one in letters)
    assert drift.metrics["bias"] == pytest.approx(sum(expected) / drift.metrics["real"] - 1, rel=1e-4)


def test_an_answer_counts_within_three_days_and_by_the_coupon_too(conn: psycopg.Connection) -> None:
    """Everybody answers one in four; half of the answers come too late, and a coupon that is used says as much as a click."""
    Pond(conn)
    first = datetime(2026, 1, 1, 4, tzinfo=UTC)
    late = [
        Said(who, "letter", "marketing", first + timedelta(days=n, minutes=who), (2.0 if n % 8 == 0 else 80.0) if n % 4 == 0 else None)
        for n in range(16) for who in range(1, 41)
    ]  # fmt: skip
    send(conn, late)
    train(conn, NOW)
    rate = "select rate from reach_rate where channel = 'letter' and class = '*'"
    assert conn.execute(rate).fetchone().rate == pytest.approx(80 / 640, abs=0.01)
    conn.execute(
        """insert into coupon (code, bucket, person_id, origin_id, definition_id, touch_id, state, value_fen, issued_at, valid_from)
           select 'c' || t.touch_id, t.bucket, t.person_id, t.person_id, 1, t.touch_id, 'redeemed', 100, t.at, t.at from touch t where t.touch_id % 2 = 0"""
    )
    conn.execute(
        """insert into redemption (bucket, person_id, origin_id, request_id, code, amount_fen, discount_fen, state, at)
           select c.bucket, c.person_id, c.person_id, c.code, c.code, 100, 100, 'done', c.issued_at + interval '5 hours' from coupon c"""
    )
    train(conn, NOW + timedelta(hours=1))
    assert conn.execute(rate).fetchone().rate == pytest.approx((80 + 280) / 640, abs=0.01)


def test_what_was_said_of_people_who_became_one_is_theirs(conn: psycopg.Connection, said: list[Said]) -> None:
    Pond(conn)
    send(conn, said)
    train(conn, NOW)
    keen = told(conn, "reach:letter")[3]
    conn.execute("update person set merged_into = 1 where person_id = 3")
    conn.execute("update person_event set person_id = 1, bucket = 1 where person_id = 3")
    train(conn, NOW + timedelta(hours=1))
    chance = told(conn, "reach:letter")
    assert 3 not in chance
    assert told(conn, "reach:letter")[1] > 0.15, f"{keen} of the other one count too"


def test_what_a_touch_is_worth_comes_from_the_experiment(conn: psycopg.Connection, said: list[Said]) -> None:
    """Treated people buy for 60 yuan more in every other month; the margin is a third; each was sent six letters, every fourth answered."""
    pond = Pond(conn, margin_percent=33)
    send(conn, said)
    asks = pond.define("journey", "asks", journey(holdout_percent=50, value_fen=250, value_expected=True))
    plain = pond.define("journey", "plain", journey(holdout_percent=50, value_fen=250))
    entered = datetime(2026, 1, 5, 4, tzinfo=UTC)
    for n, who in enumerate(range(1, 2001)):
        arm = "holdout" if n % 2 else "treated"
        for d in (asks, plain):
            conn.execute(
                """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at)
                   values (%s, %s, %s, 'x', 1, %s, 'done', 0, %s, %s)""",
                (who & 1023, who, d.definition_id, arm, entered, entered),
            )
        conn.execute(
            "insert into person (bucket, person_id, created_at) values (%s, %s, %s) on conflict do nothing",
            (who & 1023, who, entered),
        )
        if n % 4 == 0 or n % 20 == 1:
            pond.happened(
                who,
                "ordered",
                entered + timedelta(days=1 + n % 20),
                order_id=f"o{who}",
                amount_fen=6_000 + 10 * (n % 300),
            )
    conn.execute(
        "update touch set journey_id = %s where touch_id in (select touch_id from touch order by touch_id limit 3000)",
        (asks.definition_id,),
    )
    train(conn, NOW)
    rows = conn.execute("select * from journey_worth").fetchall()
    assert [row.journey_id for row in rows] == [asks.definition_id], "only of those that ask"
    row = rows[0]
    per_person = {
        arm: sum(
            0.33 * (6_000 + 10 * (n % 300))
            for n in range(2000)
            if (n % 4 == 0 or n % 20 == 1) and bool(n % 2) == (arm == "holdout")
        )
        / 1000
        for arm in ("treated", "holdout")
    }
    difference = per_person["treated"] - per_person["holdout"]
    assert row.difference == pytest.approx(difference, rel=0.02)
    assert row.low > 0
    error = (row.high - row.low) / 2 / 1.96
    assert row.fen == pytest.approx(row.difference * (1 - (error / row.difference) ** 2) / row.reaches)
    kept = {
        (one.channel, one.kind): one.rate for one in conn.execute("select channel, class as kind, rate from reach_rate")
    }
    sent = Counter((one.channel, one.kind) for one in said[:3000])
    expected = sum(n * kept.get(key, kept["*", "*"]) for key, n in sent.items()) / 1000
    assert row.reaches == pytest.approx(expected)
    again = {one.journey: one for one in worths(conn)}
    assert again["asks"].declared == 250
    conn.execute("delete from enrolment where arm = 'holdout'")
    train(conn, NOW + timedelta(hours=1))
    assert worths(conn)[0].fen is None, "nobody to compare with: what is declared holds"


def test_the_command_shows_both(conn: psycopg.Connection, came: list[Came], said: list[Said]) -> None:
    Pond(conn)
    write(conn, came)
    send(conn, said)
    report = train(conn, NOW)
    assert {one.name for one in report.models} >= {"best_hour", "reach"}
    html = page(report)
    for text in (
        "最常在的时刻",
        "3 小时命中",
        "people alike besides",
        "own answers, drawn to channel and class",
        "应答",
    ):
        assert text in html, text
    titles = {one.name: one.title["zh"] for one in person(conn, 3)}
    assert titles["reach:letter"].endswith("：letter")
    saturday = next(who for who in told(conn, "best_hour:6"))
    assert any(one.title["zh"].endswith("：周六") for one in person(conn, saturday))
    assert next((one.channel, one.kind) for one in rates(conn)) == ("*", "*")
