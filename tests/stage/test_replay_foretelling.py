"""A draft that asks for predictions, replayed: it sees what was foretold on those days, from what was known by then."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from buyers import Bought, buyers
from yutang import definitions, ingest, worker
from yutang.journey import journey
from yutang.predict.train import learn
from yutang.replay import backtest, dry_run
from yutang.replay.foretelling import EVERY
from yutang.replay.ticks import parse_tick
from yutang.segment import language
from yutang.source import load
from yutang.vault import Vault

ZONE = ZoneInfo("Asia/Shanghai")
TITLE = {"zh": "试", "en": "Test"}
DRAFT = "title: {zh: 挽回, en: Win back}\ntrigger: {segment: leaving}\nsteps:\n  - message: care\n"
LEAVING = "title: {zh: 快走了, en: Leaving}\nrule: {predicted: p_order_90d, at_most: 0.5}\n"
MOST = 0.5
SINCE = datetime(2025, 8, 1, tzinfo=ZONE)
DAY = timedelta(days=1)


def at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), ZONE)


def lived(conn: psycopg.Connection, bought: list[Bought]) -> None:
    """Every evening the pond hears of the day's orders."""
    definitions.publish(conn, at(bought[0].day, 1), "pond", "pond", {"holdout_percent": 0}, "test")
    ingest.add_source(conn, at(bought[0].day, 1), "shop", "Shop")
    days: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for n, one in enumerate(bought):
        props = {"order_id": f"o{n}", "amount_fen": one.fen}
        handles = {"shop:s": str(one.person)}
        days[one.day].append(
            {"id": f"o{n}", "source": "shop", "type": "ordered", "at": at(one.day, 9).isoformat(), "handles": handles, "props": props}
        )  # fmt: skip
    for day in sorted(days):
        ingest.record(conn, Vault(b"x" * 32), at(day, 20), days[day])
    worker.settle(conn, at(max(days), 20), {})


def drafts() -> dict[str, Any]:
    message = {"title": TITLE, "subject": "你好", "body": "想你了", "channel": "sandbox"}
    return {
        "segment": {"leaving": language.segment(load(LEAVING, "leaving.yml"))},
        "message": {"care": message},
        "journey": {"win_back": journey(load(DRAFT, "win_back.yml"))},
    }


def told(conn: psycopg.Connection, now: datetime) -> set[int]:
    """Whom the live pond, had it trained at this instant, would have thought to be leaving."""
    found = next(one for one in learn(conn, now, {"p_order_90d"}).outcomes if one.name == "p_order_90d")
    people, values = found.predictions["p_order_90d"]
    assert found.ids is not None
    return set(found.ids[people[values <= MOST]].tolist())


def test_a_back_test_hears_what_was_foretold_on_its_days(conn: psycopg.Connection, url: str) -> None:
    """At its beginning and every four weeks the models are trained on what had happened by then; nobody enters in between."""
    lived(conn, buyers(300, 250, drop=0.2))
    first, second = told(conn, SINCE), told(conn, SINCE + EVERY)
    assert first
    assert second - first
    report = backtest(url, drafts(), SINCE, SINCE + EVERY + 3 * DAY, tick=parse_tick("1d"), alone=True)
    days = {day: round(one.value) for day, one in report.entries_per_day[0].days.items()}
    assert days == {(SINCE + DAY).date(): len(first), (SINCE + EVERY).date(): len(second - first)}
    assert any("每 28 天" in note["zh"] for note in report.notes)
    assert conn.execute("select count(*) as n from prediction").fetchone().n == 0, "the live pond was told something"
    ahead = dry_run(url, drafts(), SINCE, 3, tick=parse_tick("1d"), alone=True)
    assert ahead.entries == [], "a dry run sees what the live pond has been told, and that is nothing"
