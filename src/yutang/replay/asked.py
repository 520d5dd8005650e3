"""What is asked of a replay, whoever asks: a command, a page or another program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from yutang import definitions
from yutang.brand import Brand
from yutang.channels.contract import Channel
from yutang.model import YutangError
from yutang.replay.backtest import backtest
from yutang.replay.dryrun import DAYS, dry_run
from yutang.replay.report import Report
from yutang.replay.run import Watch
from yutang.replay.start import Drafts
from yutang.replay.ticks import parse_tick


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be played. since, until: the days of a back-test, both included; days: of a dry run. files: the texts of the brand
    folder that holds the drafts, by path; without them the journeys are taken as they are in service."""

    journeys: list[str]
    since: date | None = None
    until: date | None = None
    days: int = DAYS
    share: float = 1.0
    tick: str = "1h"
    alone: bool = False
    files: dict[str, str] | None = None


def check(kind: str, asked: Asked, today: date) -> None:
    """Raises YutangError for what can be said to be wrong before anything is played. kind: backtest, dryrun; today: on the pond's
    clocks."""
    parse_tick(asked.tick)
    if not asked.journeys:
        raise YutangError("没有写要试的旅程，请至少写一个。 no journey is named; name at least one in journeys")
    if not 0 < asked.share <= 1:
        raise YutangError(
            f"share 现在是 {asked.share}，请写顾客的比例，例如 0.01，1 为全部。 "
            f"share is {asked.share}; write a part of the people such as 0.01, or 1 for everybody"
        )
    if not 1 <= asked.days <= 366:
        raise YutangError(f"days 现在是 {asked.days}，请写 1 到 366。 days is {asked.days}; write 1 to 366")
    if kind == "backtest":
        _check_days(asked.since, asked.until, today)


def _check_days(since: date | None, until: date | None, today: date) -> None:
    """Raises YutangError unless both days of a back-test are there, in order, and have come."""
    if since is None or until is None:
        raise YutangError(
            "缺少 since 或 until，请写出回测的首日和末日，例如 2026-01-01。 "
            "since or until is missing; write both days of a back-test, for example 2026-01-01"
        )
    if since > until:
        raise YutangError(
            f"起 {since} 晚于止 {until}，请对调。 the first day {since} lies after the last day {until}; write the earlier one first"
        )
    if until > today:
        raise YutangError(
            f"止 {until} 还没有到（今天是 {today}），回测只能重放过去；看今后请用试跑。 the last day {until} has not come yet (today is {today}); "
            "a back-test replays what has happened, a dry run looks ahead"
        )


def drafts_of(conn: psycopg.Connection, names: Sequence[str], brand: Brand | None) -> Drafts:
    """The journeys on trial, and what of a brand they may name. Raises YutangError for an unknown journey."""
    known = brand.journeys if brand else {d.name: d.body for d in definitions.all_current(conn, "journey")}
    for name in names:
        if name not in known:
            raise YutangError(
                f"没有旅程“{name}”，已有：{'、'.join(sorted(known)) or '无'}。 "
                f"there is no journey '{name}'; known are {', '.join(sorted(known)) or 'none'}"
            )
    parts = (
        {"pond": {"pond": brand.pond}, "segment": brand.segments, "offer": brand.offers, "message": brand.messages}
        if brand
        else {}
    )
    return parts | {"journey": {name: known[name] for name in names}}


def play(
    url: str,
    now: datetime,
    kind: str,
    asked: Asked,
    drafts: Drafts,
    zone: ZoneInfo,
    channels: Mapping[str, Channel],
    watch: Watch,
) -> Report:
    """Play it from beginning to end. zone: of the pond, on whose days a back-test begins and ends. Raises YutangError."""
    check(kind, asked, now.astimezone(zone).date())
    options: dict[str, Any] = {
        "share": asked.share,
        "tick": parse_tick(asked.tick),
        "alone": asked.alone,
        "channels": channels,
        "watch": watch,
    }
    if kind == "dryrun":
        return dry_run(url, drafts, now, asked.days, **options)
    assert asked.since
    assert asked.until
    begin, end = datetime.combine(asked.since, time(), zone), datetime.combine(asked.until, time.max, zone)
    # Of today only what has happened by now: the evening to come is not the past.
    return backtest(url, drafts, begin, min(end, now), **options)
