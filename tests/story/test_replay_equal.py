"""A live run and its replay agree, row for row; a dry run comes to what the days then bring when nobody acts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from replays import Brand, differences, seen, sums
from yutang.brand import load_brand, shipped
from yutang.channels.sandbox.send import silent
from yutang.db.connect import connect
from yutang.demo.synthetic import Coffee
from yutang.journey import journey
from yutang.replay import backtest, dry_run
from yutang.replay.copying import sampled
from yutang.replay.ticks import parse_tick
from yutang.segment import language
from yutang.source import load

WEEKS = [(41, 42, "20:00", 45), (8, 9, "09:35,14:00,20:00", 60), (2026, 13, "7h", 60)]
"""(seed, days, tick, people): six weeks let the ladder move; the others let the clock look at other hours."""


ANSWER = """
title: {zh: 打开过的人, en: Whoever opens}
trigger: {event: message_opened}
reentry: {after_days: 3}
steps:
  - tag: 打开过
  - wait_for: message_clicked
    days: 1
    then: [{message: coffee_break}]
"""
OPENERS = "title: {zh: 打开过, en: Openers}\nrule: {tag: 打开过}\n"


def coffee(url: str, seed: int, people: int, script: object = None) -> Brand:
    """The coffee brand, and a journey that listens to what people answer."""
    brand = load_brand(shipped()["luckin"])
    brand = replace(
        brand,
        journeys=brand.journeys | {"answer": journey(load(ANSWER, "answer.yml"))},
        segments=brand.segments | {"openers": language.segment(load(OPENERS, "openers.yml"))},
    )
    return Brand(url, Coffee(brand.pond["time_zone"], people=people, seed=seed), brand, script)


@pytest.mark.parametrize(("seed", "days", "tick", "people"), WEEKS)
def test_a_replay_agrees_with_the_live_run_row_for_row(
    conn: psycopg.Connection, url: str, seed: int, days: int, tick: str, people: int
) -> None:
    brand = coffee(url, seed, people)
    lived = brand.live(days, parse_tick(tick))
    assert all(lived[table] for table in ("touch", "coupon", "redemption", "ladder", "membership", "tag", "follow_up"))
    before, pictures = sums(conn), []
    with seen("yutang.replay.backtest", pictures):
        report = backtest(url, {}, brand.since, brand.until(), tick=parse_tick(tick))
    assert differences(lived, pictures[0]) == []
    assert sums(conn) == before
    assert sum(one.figure.value for one in report.entries) == len(lived["enrolment"])


def test_a_sample_is_what_the_same_people_live_through(url: str) -> None:
    """Nobody's life in a journey depends on who else is looked at; only what can run out does."""
    brand, tick = coffee(url, 5, 150), parse_tick("20:00")
    lived = brand.live(12, tick)
    pictures: list = []
    with seen("yutang.replay.backtest", pictures):
        report = backtest(url, {}, brand.since, brand.until(), tick=tick, share=0.25)
    chosen = {
        table: [row for row in rows if any(part.lo <= row["bucket"] <= part.hi for part in sampled(0.25))]
        for table, rows in lived.items()
        if table not in ("stock", "follow_up")
    }
    assert chosen["touch"]
    assert differences(chosen, pictures[0]) == []
    entered = sum(one.figure.value for one in report.entries)
    assert report.persons == len(chosen["profile"])
    assert entered == pytest.approx(len(chosen["enrolment"]) * report.people / report.persons)
    assert all(one.figure.low < one.figure.value < one.figure.high for one in report.entries if one.figure.low > 3)
    assert any(one.figure.low > 3 for one in report.entries)


def test_coupons_never_cost_less_than_was_already_spent(url: str) -> None:
    """A back-test of what is in service: what people really used counts with what it cost, whatever it was said to be worth."""
    brand, tick = coffee(url, 41, 60), parse_tick("20:00")
    brand.live(30, tick)
    cheap = {name: body | {"value_fen": 1} for name, body in brand.brand.offers.items()}
    drafts = {"journey": brand.brand.journeys}
    for parts in (drafts, drafts | {"offer": cheap}):
        report = backtest(url, parts, brand.since, brand.until(), tick=tick)
        spent = sum(one.cost_fen.value for one in report.coupons)
        assert spent > 0
        assert spent <= report.liability.p10_fen <= report.liability.p50_fen <= report.liability.p90_fen
        assert report.liability.p90_fen > spent, "some are still open"


def test_what_the_live_pond_has_under_way_changes_nothing(url: str) -> None:
    """A reader of news goes only as far as the oldest open transaction; one of somebody else must not hold a replay up."""
    brand, tick = coffee(url, 3, 40), parse_tick("20:00")
    lived = brand.live(5, tick)
    pictures: list = []
    with connect(url) as other, other.transaction():
        other.execute("insert into source (name, title, at) values ('slow', 'slow', '2026-01-01 00:00+00')")
        with seen("yutang.replay.backtest", pictures):
            backtest(url, {}, brand.since, brand.until(), tick=tick)
    assert differences(lived, pictures[0]) == []


def test_a_dry_run_comes_to_what_the_days_then_bring(conn: psycopg.Connection, url: str) -> None:
    """The whole state is copied, news that nobody has read yet included; then nobody acts, here and there."""
    tick = parse_tick("20:00")
    brand = coffee(url, 11, 60, silent)
    brand.live(25, tick)
    now, before, pictures = brand.until(), sums(conn), []
    with seen("yutang.replay.dryrun", pictures):
        report = dry_run(url, {}, now, 20, tick=tick)
    assert sums(conn) == before
    brand.waiting.clear()
    brand.feed.day = lambda *_: []
    lived = brand.live(20, tick)
    fresh = [row for row in lived["touch"] if row["judged_at"] > now and row["verdict"] == "send"]
    assert fresh
    assert differences({k: v for k, v in lived.items() if k != "follow_up"}, pictures[0]) == []
    assert sum(one.figure.value for one in report.sent) == len(fresh)
    assert report.until == now + timedelta(days=20)


def test_coupons_of_before_are_used_when_they_were_used(url: str) -> None:
    """A replay that begins in the middle knows what was given out until then."""
    brand, tick = coffee(url, 12, 120), parse_tick("20:00")
    lived = brand.live(16, tick)
    middle = brand.since + timedelta(days=8)
    pictures: list = []
    with seen("yutang.replay.backtest", pictures):
        backtest(url, {}, middle, brand.until(), tick=tick)
    before = {(row["touch_id"]) for row in lived["coupon"] if row["issued_at"] <= middle}

    def late(rows: list) -> list:
        return [
            (row["at"], row["discount_fen"])
            for row in rows
            if row["state"] == "done" and row["at"] > middle and row["code"] in codes
        ]

    codes = {f"coupon of {touch}" for touch in before}
    assert late(lived["redemption"])
    assert late(pictures[0]["redemption"]) == late(lived["redemption"])
    ended = {row["touch_id"]: row["state"] for row in lived["coupon"] if row["touch_id"] in before}
    assert {row["touch_id"]: row["state"] for row in pictures[0]["coupon"] if row["touch_id"] in before} == ended
