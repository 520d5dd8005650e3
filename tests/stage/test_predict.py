"""The training job on real tables: figures against plain Python, what is kept, served, refused and drifted."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

import cells
from buyers import EPOCH, FIRST, Bought, buyers, days_of, write
from yutang.predict.report import Report
from yutang.predict.train import train

NOW = datetime(2026, 1, 1, 4, tzinfo=UTC)
TODAY = date(2026, 1, 1)
DAYS = 90


@pytest.fixture(scope="module")
def bought() -> list[Bought]:
    return buyers(600, 365)


def model(report: Report, name: str) -> Any:
    return next(one for one in report.models if one.name == name)


def result(report: Report, name: str, candidate: str) -> dict[str, Any]:
    return next(one for one in model(report, name).metrics["results"] if one["name"] == candidate)


def said(conn: psycopg.Connection, name: str) -> dict[int, float]:
    return dict(conn.execute("select person_id, value from prediction where name = %s", (name,)).fetchall())


def rounds() -> list[date]:
    """The days on which the back-test stands: each half a window before the other, each with a whole window before it."""
    ends = [TODAY - timedelta(DAYS + n * DAYS // 2) for n in range(3)]
    return [end for end in ends if (end - FIRST).days >= DAYS]


def test_the_figures_of_the_baselines_are_those_of_plain_python(conn: psycopg.Connection, bought: list[Bought]) -> None:
    write(conn, bought)
    report = train(conn, NOW)
    rate, last, spent, lasting = [], [], [], []
    for end in rounds():
        for days in days_of(bought).values():
            known = sorted(day for day in days if day < end)
            if not known:
                continue
            real = sum(end <= day < end + timedelta(DAYS) for day in days)
            before = sum(day >= end - timedelta(DAYS) for day in known)
            span = (end - timedelta(1) - known[0]).days
            rate.append(((len(known) - 1) / max(span, 1) * DAYS, real))
            last.append((before, real))
            money = sum(fen for day, fen in days.items() if end <= day < end + timedelta(DAYS))
            spent.append((sum(days[day] for day in known if day >= end - timedelta(DAYS)) / 100, money / 100))
            lasting.append(real)
    for name, candidate, pairs in (
        ("orders_90d", "own_rate", rate),
        ("orders_90d", "last_window", last),
        ("value_90d", "last_window", spent),
    ):
        figures = result(report, name, candidate)["accuracy"]
        assert figures["people"] == len(pairs) > 1000
        assert figures["rmse"] == pytest.approx(math.sqrt(sum((p - r) ** 2 for p, r in pairs) / len(pairs)))
        assert figures["mae"] == pytest.approx(sum(abs(p - r) for p, r in pairs) / len(pairs))
        assert figures["bias"] == pytest.approx(sum(p for p, _ in pairs) / sum(r for _, r in pairs) - 1)
    assert sum(part["people"] for part in model(report, "orders_90d").metrics["reliability"]) == len(lasting)


def test_where_people_stop_a_model_of_stopping_speaks(conn: psycopg.Connection, bought: list[Bought]) -> None:
    """The dice are those of the models, so the baselines must lose; and what is told is near the truth on the whole."""
    write(conn, bought)
    report = train(conn, NOW)
    orders = model(report, "orders_90d")
    assert orders.state == "serving"
    assert orders.metrics["chosen"] not in ("nobody", "own_rate", "last_window", "shrunken_rate")
    best = result(report, "orders_90d", orders.metrics["chosen"])["accuracy"]
    base = result(report, "orders_90d", orders.metrics["baseline"])["accuracy"]
    assert best["deviance"] < base["deviance"]
    assert best["rmse"] < base["rmse"]
    assert abs(best["bias"]) < 0.1
    told, alive, chance = said(conn, "orders_90d"), said(conn, "p_alive"), said(conn, "p_order_90d")
    assert told.keys() == alive.keys() == chance.keys() == {one.person for one in bought}
    assert all(0 <= value <= 1 for value in [*alive.values(), *chance.values()])
    silent = {p for p, days in days_of(bought).items() if len(days) > 5 and max(days) < TODAY - timedelta(200)}
    busy = {p for p, days in days_of(bought).items() if len(days) > 5 and max(days) > TODAY - timedelta(15)}
    assert silent
    assert max(alive[p] for p in silent) < 0.2 < 0.7 < min(alive[p] for p in busy)


def test_the_same_data_give_the_same_predictions_and_no_news(conn: psycopg.Connection, bought: list[Bought]) -> None:
    write(conn, bought)
    train(conn, NOW)
    first = conn.execute("select bucket, person_id, name, value from prediction order by 1, 2, 3").fetchall()
    news = conn.execute("select count(*) as n from prediction_news").fetchone().n
    report = train(conn, NOW + timedelta(hours=1))
    assert conn.execute("select bucket, person_id, name, value from prediction order by 1, 2, 3").fetchall() == first
    assert conn.execute("select count(*) as n from prediction_news").fetchone().n == news > 0
    assert {one.version for one in report.models} == {2}
    assert conn.execute("select count(*) as n from model where state = 'retired'").fetchone().n == len(report.models)
    assert all(one.drift == [] for one in report.models), "nothing has passed since"


def test_young_ponds_are_told_what_is_missing(conn: psycopg.Connection) -> None:
    assert {one.state for one in train(conn, NOW).models} == {"abstained"}
    few = [one for one in buyers(80, 365) if one.day < TODAY]
    write(conn, few)
    told = model(train(conn, NOW), "orders_90d")
    known = sum(min(days) < TODAY - timedelta(DAYS) for days in days_of(few).values())
    assert told.state == "abstained"
    assert f"{200 - known} more people" in told.verdict["en"]
    assert f"还缺 {200 - known} 位" in told.verdict["zh"]
    assert said(conn, "orders_90d") == {}
    early = model(train(conn, datetime(2025, 5, 1, 4, tzinfo=UTC)), "orders_90d")
    known_days = (date(2025, 5, 1) - min(one.day for one in few)).days
    assert f"{180 - known_days} more days" in early.verdict["en"]


def test_predictions_that_can_no_longer_be_made_are_taken_back(conn: psycopg.Connection, bought: list[Bought]) -> None:
    write(conn, bought)
    train(conn, NOW)
    assert said(conn, "orders_90d")
    conn.execute("delete from tally where person_id > 100")
    train(conn, NOW + timedelta(days=1))
    assert not said(conn, "orders_90d")
    assert not said(conn, "p_alive")
    assert not said(conn, "value_90d")
    assert 0 < len(said(conn, "next_order_day")) < 100, "the clock asks for orders, not for people"


def test_refunds_come_off_the_order_before_them(conn: psycopg.Connection, bought: list[Bought]) -> None:
    write(conn, bought)
    paid = result(train(conn, NOW), "value_90d", "last_window")["accuracy"]
    back = [Bought(one.person, one.day + timedelta(3), one.fen) for one in bought if one.day < TODAY - timedelta(3)]
    write(conn, back, "refunded")
    kept = train(conn, NOW + timedelta(hours=1))
    assert model(kept, "value_90d").state == "refused", "nobody spends anything, so nothing is best"
    assert model(kept, "orders_90d").state == "serving"
    assert paid["rmse"] > 10
    assert max(said(conn, "value_90d").values(), default=0) == 0


def test_what_was_said_is_held_against_what_happened(conn: psycopg.Connection, bought: list[Bought]) -> None:
    """All orders of the next thirty days against the dice; then a month in which everybody stays away."""
    write(conn, [one for one in bought if one.day < TODAY - timedelta(60)])
    train(conn, NOW - timedelta(days=60))
    told = said(conn, "orders_90d")
    write(conn, [one for one in bought if one.day >= TODAY - timedelta(60)])
    report = train(conn, NOW - timedelta(days=30))
    drift = model(report, "orders_90d").drift[0]
    window = (TODAY - timedelta(60), TODAY - timedelta(30))
    real = sum(
        window[0] <= day < window[1] for person, days in days_of(bought).items() if person in told for day in days
    )
    assert (drift.version, drift.since, drift.until) == (1, *window)
    assert drift.metrics["real"] == real > 100
    assert drift.metrics["predicted"] == pytest.approx(real, rel=0.25)
    assert sum(told.values()) / 3.4 < drift.metrics["predicted"] < sum(told.values()) / 2, (
        "a third of the window, and a bit"
    )
    assert model(report, "value_90d").drift[0].metrics["bias"] == pytest.approx(0, abs=0.3)
    cells.keep(conn, window[1])
    silent = train(conn, NOW)
    worst = model(silent, "orders_90d").drift[0]
    assert (worst.version, worst.metrics["real"], worst.metrics["bias"]) == (2, 0, None)
    assert len(model(silent, "orders_90d").drift) == 2


def test_merged_people_are_asked_about_once(conn: psycopg.Connection, bought: list[Bought]) -> None:
    write(conn, bought)
    train(conn, NOW)
    conn.execute("update person set merged_into = 2 where person_id = 1")
    train(conn, NOW + timedelta(days=1))
    assert 1 not in said(conn, "orders_90d")
    assert 2 in said(conn, "orders_90d")


def test_a_category_has_a_clock_of_its_own(conn: psycopg.Connection) -> None:
    """Everybody has a pace for coffee and another for milk powder; tea is too rare to tell."""
    write(conn, [Bought(p, FIRST, 100) for p in range(1, 121)])
    dice, pace = random.Random(5), {}
    days: dict[tuple[int, str], list[date]] = {}
    for person in range(1, 121):
        for category, low, high in (("咖啡", 8, 16), ("奶粉", 20, 40)):
            pace[person, category] = dice.randint(low, high)
            day = FIRST + timedelta(dice.randint(0, 20))
            while day < TODAY:
                days.setdefault((person, category), []).append(day)
                day += timedelta(pace[person, category] + dice.randint(-4, 4))
    days[1, "茶"] = [FIRST, FIRST + timedelta(9)]
    rows = [(p, c, day) for (p, c), some in days.items() for day in some]
    conn.execute(
        """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
           select (p & 1023)::smallint, p, 'ordered', day::timestamptz, n, day, 100,
                  jsonb_build_object('items', jsonb_build_array(jsonb_build_object('product', 'x', 'category', c), jsonb_build_object('product', 'y')))
           from unnest(%s::bigint[], %s::text[], %s::date[]) with ordinality u (p, c, day, n)""",
        [list(column) for column in zip(*rows, strict=True)],
    )
    clock = model(train(conn, NOW), "next_order_day")
    found = {name: its["state"] for name, its in clock.metrics["categories"].items()}
    assert found == {"咖啡": "serving", "奶粉": "serving", "茶": "abstained"}
    assert not said(conn, "next_order_day"), "one order day each has no rhythm"
    for category in ("咖啡", "奶粉"):
        told = said(conn, f"next_order_day:{category}")
        assert len(told) == 120
        for person, value in told.items():
            expected = days[person, category][-1] + timedelta(pace[person, category])
            assert abs((EPOCH + timedelta(value) - expected).days) <= 5
    conn.execute("delete from person_event")
    train(conn, NOW + timedelta(hours=1))
    assert not said(conn, "next_order_day:咖啡")
