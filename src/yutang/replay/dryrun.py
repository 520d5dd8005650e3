"""Dry run: the whole audience as it stands, the days to come with the draft on, and nobody answering."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import psycopg

from yutang import definitions
from yutang.channels.contract import Channel
from yutang.model import Only
from yutang.replay.agenda import empty
from yutang.replay.copying import live
from yutang.replay.hands import played
from yutang.replay.making import Trial, report, survey
from yutang.replay.report import Report
from yutang.replay.run import Run, Watch, silent
from yutang.replay.start import Drafts, cut, launch, state
from yutang.replay.ticks import HOUR, Tick, ticks

DAYS = 30


def dry_run(
    url: str,
    drafts: Drafts,
    now: datetime,
    days: int = DAYS,
    *,
    share: float = 1.0,
    tick: Tick = HOUR,
    alone: bool = False,
    channels: Mapping[str, Channel] = MappingProxyType({}),
    watch: Watch = silent,
) -> Report:
    """Put `drafts` into service in a copy of everything as it is `now`, let `days` pass in which nobody does anything, and report.

    share: of the persons. alone: without the journeys that are in service. channels: whose allowances the touches are held against.
    Whoever is on an older version of a draft stays on it. Raises YutangError when there is no room for it.
    """
    trial = Trial("dryrun", drafts, now, now + timedelta(days=days), tick, alone)
    known = survey(url, trial, share, channels, now)

    def play(conn: psycopg.Connection, parts: list[Only], tell: Watch) -> Run:
        with live(url) as pond:
            state(pond, conn, parts)
        run = Run(conn, empty(conn), launch(conn, now, drafts, alone))
        cut(conn, now, known.sample)
        definitions.stand_still(conn)
        tell(now, 0.0)
        run.settle(now)
        run.live(ticks(now, trial.until, tick, known.zone), tell)
        return run

    with played(url, known.shares, play, watch) as runs:
        return report(trial, known, runs)
