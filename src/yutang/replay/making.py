"""From a finished run to its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from yutang import definitions
from yutang.channels.contract import Channel
from yutang.model import Only
from yutang.replay import figures
from yutang.replay.copying import live, sampled
from yutang.replay.figures import MOMENT, Former, Limit, Look, former
from yutang.replay.foretelling import EVERY, Oracle, asked
from yutang.replay.hands import shared_out
from yutang.replay.report import Report, Words
from yutang.replay.room import make_sure, size
from yutang.replay.run import Run, in_service, quiet
from yutang.replay.scale import Sample
from yutang.replay.start import Drafts, counted, runs_out
from yutang.replay.ticks import Tick
from yutang.why.words import title_of


@dataclass(frozen=True)
class Trial:
    """What is tried: these drafts, from `since` to `until`, the clock looking at every `tick`. alone: without the journeys in service.
    kind: backtest, dryrun."""

    kind: str
    drafts: Drafts
    since: datetime
    until: datetime
    tick: Tick
    alone: bool

    @property
    def after(self) -> datetime:
        """What lies after this instant is of the run: in a dry run, what happens at its very beginning is."""
        return self.since - MOMENT if self.kind == "dryrun" else self.since


@dataclass(frozen=True)
class Known:
    """What is asked of the live pond before: who is looked at, in how many hands; what platforms allow; how former coupons were used;
    what of its own doings nobody asks about, and what is asked of predictions."""

    sample: Sample
    shares: list[list[Only]]
    limits: list[Limit]
    former: Former
    zone: str
    quiet: list[str]
    oracle: Oracle


def survey(url: str, trial: Trial, share: float, channels: Mapping[str, Channel], at: datetime) -> Known:
    """`at`: the instant whose allowances and coupons are asked for. Raises YutangError where there is no room, or nobody."""
    with live(url) as pond:
        needed = size(pond, share)
        make_sure(pond, needed.size)
        shares = shared_out(sampled(share), needed.events, runs_out(pond, trial.drafts))
        limits = [
            Limit(name, channel.calendar, allowance)
            for name, channel in channels.items()
            for allowance in channel.allowances(pond, at.astimezone(ZoneInfo(channel.calendar)).date())
        ]
        sample = counted(pond, [part for mine in shares for part in mine])
        bodies = [*in_service(pond), *(body for named in trial.drafts.values() for body in named.values())]
        oracle = Oracle(url, asked(bodies), len(shares))
        return Known(
            sample, shares, limits, former(pond, at), definitions.pond(pond)["time_zone"], quiet(bodies), oracle
        )


def report(trial: Trial, known: Known, runs: list[Run]) -> Report:
    """Read everything that the report tells."""
    first = runs[0]
    pond = definitions.pond(first.conn)
    named = {kind: definitions.all_current(first.conn, kind) for kind in ("journey", "offer")}
    names = {d.definition_id: d.name for found in named.values() for d in found}
    clocks = ZoneInfo(known.zone)
    look = Look([run.conn for run in runs], trial.after, trial.until, known.sample, first.drafts, pond, names)
    coupons = figures.coupons(look)
    return Report(
        kind=trial.kind,
        brand=pond["title"],
        drafts=[d.name for d in first.drafts],
        since=trial.since.astimezone(clocks),
        until=trial.until.astimezone(clocks),
        tick=said(trial.tick),
        time_zone=known.zone,
        persons=known.sample.n,
        people=known.sample.people,
        facts=sum(run.agenda.handed for run in runs),
        passes=sum(run.passes for run in runs),
        titles={kind: {d.name: title_of(d.body, d.name) for d in found} for kind, found in named.items()},
        entries=figures.entries(look),
        entries_per_day=figures.entries_per_day(look),
        ends=figures.ends(look),
        steps=figures.steps(look),
        verdicts=figures.verdicts(look),
        sent=figures.sent(look),
        sent_per_day=figures.sent_per_day(look),
        per_person=figures.per_person(look),
        quotas=figures.quotas(look, known.limits),
        collisions=figures.collisions(look),
        coupons=coupons,
        liability=figures.liability(look, known.former),
        cost_fen=figures.cost(look),
        anyway=figures.anyway(look) if trial.kind == "backtest" else None,
        notes=notes(look, trial, known),
    )


def said(tick: Tick) -> str:
    """A tick as it is written."""
    if isinstance(tick, timedelta):
        minutes = int(tick.total_seconds()) // 60
        return (
            f"{minutes // 1440}d"
            if minutes % 1440 == 0
            else f"{minutes // 60}h"
            if minutes % 60 == 0
            else f"{minutes}m"
        )
    return ",".join(f"{at:%H:%M}" for at in tick)


TRAINED: Words = {
    "zh": f"规则里的预测：每 {EVERY.days} 天按当时所知重新训练一次；线上每天训练，所以有人会进得早一些。",
    "en": f"Predictions in rules: trained anew every {EVERY.days} days on what was known by then. The live pond trains every day, so some would "
    "have entered a little earlier.",
}
UNTRAINED: Words = {"zh": "规则里的预测保持今天的值。", "en": "Predictions in rules stay as they are today."}


def notes(look: Look, trial: Trial, known: Known) -> list[Words]:
    """What a reader must know of how this was found."""
    found = []
    if known.oracle.names:
        found.append(TRAINED if trial.kind == "backtest" else UNTRAINED)
    (lost,) = look.ask(figures.sql.lost_codes, since=look.since, until=look.until)
    if lost.redemptions or lost.orders:
        found.append({
            "zh": f"样本中有 {lost.redemptions} 次核销、{lost.orders} 笔订单用的是本次回放没有发出的券：核销不计，订单保留。",
            "en": f"In the sample {lost.redemptions} redemptions and {lost.orders} orders used coupons that this replay did not give: "
            "the redemptions are left out, the orders stay.",
        })  # fmt: skip
    return found
