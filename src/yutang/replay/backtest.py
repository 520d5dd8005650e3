"""Back-test: what people did, replayed in a pond of one's own with the draft on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import psycopg

from yutang import definitions
from yutang.channels.contract import Channel
from yutang.model import Only, YutangError
from yutang.replay.agenda import draw_up
from yutang.replay.copying import live
from yutang.replay.foretelling import Foretelling
from yutang.replay.hands import played
from yutang.replay.making import Known, Trial, report, survey
from yutang.replay.report import Report
from yutang.replay.run import Run, Watch, silent
from yutang.replay.start import Drafts, coupons, cut, journeys, launch, numbers, people, words
from yutang.replay.ticks import HOUR, Tick, ticks


def backtest(
    url: str,
    drafts: Drafts,
    since: datetime,
    until: datetime,
    *,
    share: float = 1.0,
    tick: Tick = HOUR,
    alone: bool = False,
    channels: Mapping[str, Channel] = MappingProxyType({}),
    watch: Watch = silent,
) -> Report:
    """Replay what arrived from `since` to `until` with `drafts` in service from `since` on, and report.

    share: of the persons (1.0: everybody). alone: without the journeys that are in service now. channels: whose allowances the
    touches are held against. Raises YutangError when there is no room for it, or nothing to replay.
    """
    if since >= until:
        raise YutangError(
            f"{since:%Y-%m-%d %H:%M} 到 {until:%Y-%m-%d %H:%M} 之间没有时间，--from 要早于 --to。 "
            f"nothing lies between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M}; --from must be before --to"
        )
    trial = Trial("backtest", drafts, since, until, tick, alone)
    known = survey(url, trial, share, channels, until)

    def play(conn: psycopg.Connection, parts: list[Only], tell: Watch) -> Run:
        run = _prepared(url, conn, trial, parts, known)
        cut(conn, since, known.sample)
        definitions.stand_still(conn)
        tell(since, 0.0)
        run.live(ticks(since, until, tick, known.zone), tell)
        return run

    with played(url, known.shares, play, watch) as runs:
        return report(trial, known, runs)


def _prepared(url: str, conn: psycopg.Connection, trial: Trial, parts: list[Only], known: Known) -> Run:
    """The pond as it stood at the beginning, with the drafts in service."""
    with live(url) as pond:
        words(pond, conn)
        people(pond, conn, parts)
        numbers(pond, conn)
        agenda = draw_up(pond, conn, parts, trial.until, known.quiet)
    agenda.arrive(trial.since)
    foretelling = Foretelling.of(known.oracle, parts, trial.since)
    foretelling.tell(conn, trial.since)
    # Without any journey: what lies before is known, and nobody enters for it.
    Run(conn, agenda).settle(trial.since)
    with live(url) as pond:
        journeys(pond, conn, parts, trial.since)
        coupons(pond, conn, parts, trial.since)
    return Run(conn, agenda, launch(conn, trial.since, trial.drafts, trial.alone), foretelling)
