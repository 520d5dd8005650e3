"""Before a journey starts: how many people it will meet, what they do anyway, and how large an effect would have to be to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang import segment
from yutang.insight import words
from yutang.insight.experiment import DAYS, measured, sql
from yutang.insight.statistics import Cell, audience, audience_always, detectable, detectable_always, join
from yutang.insight.verdict import LEAST_BUYERS, LEAST_PEOPLE, Verdict
from yutang.model import YutangError
from yutang.segment import language
from yutang.why.chain import Words
from yutang.why.words import title_of

SHARES = (0.02, 0.05, 0.1, 0.2, 0.5)
LIFTS = (0.02, 0.05, 0.1, 0.2)
SUGGESTED = 0.1
"""The share that is reckoned with where a journey holds nobody out."""
HARDLY = 0.2
"""A journey that must bring more than this to be noticed will hardly be."""
MEASURES = ("net", "sales", "orders", "buyers")


@dataclass(frozen=True)
class Smallest:
    """The smallest difference per person that is seen with a power of 80%: in one planned look, and with the always-valid interval."""

    share: float
    once: float
    always: float


@dataclass(frozen=True)
class Needed:
    """How many people it takes to see a lift of so much of the mean."""

    lift: float
    once: float
    always: float


@dataclass(frozen=True)
class Base:
    """What people do anyway. removed: the share of the variance that history is going to explain away; it is not counted on."""

    title: Words
    unit: str
    mean: float
    deviation: float
    removed: float
    smallest: list[Smallest]
    needed: list[Needed]


@dataclass(frozen=True)
class Prospect:
    """people: who would enter within `days` days, or stand ready now. share: held out. basis: whose past it is reckoned from, `known`
    of them. verdict.code: enough, hardly or too_few; `bases` is empty then."""

    name: str
    title: Words
    at: datetime
    days: int
    people: int
    share: float
    basis: Words
    known: int
    primary: str
    verdict: Verdict
    bases: dict[str, Base]


def prospect(conn: psycopg.Connection, now: datetime, name: str, body: dict[str, Any], days: int = DAYS) -> Prospect:
    """What the journey `body`, in service or not, can be expected to show. Raises YutangError for a service."""
    if body["class"] == "service":
        raise YutangError(
            "服务类旅程对每个人都要兑现，没有对照可比。 "
            "a journey of class service keeps its word to everybody, so there is nothing to compare"
        )
    share = body["holdout_percent"] / 100 or SUGGESTED
    people = _people(conn, now, body, days)
    with conn.transaction():
        sql.scratch(conn)
        sql.clear(conn)
        basis = _past(conn, now, body, timedelta(days=days))
        sql.analyze(conn)
        rows = measured(conn, now, None)
    cells = {name: join(row.cell for row in rows if row.measure == name) for name in (*MEASURES, "untold")}
    names = [name for name in MEASURES if name != "net" or not cells["untold"].mean]
    known, buyers = cells["buyers"].n, round(cells["buyers"].n * cells["buyers"].mean)
    enough = known >= LEAST_PEOPLE and buyers >= LEAST_BUYERS and people > 0
    bases = {name: _base(name, cells[name], people, share) for name in names} if enough else {}
    said = _verdict(bases[names[0]], share, people) if enough else _too_few(people, known, buyers)
    return Prospect(name, title_of(body, name), now, days, people, share, basis, known, names[0], said, bases)


def _past(conn: psycopg.Connection, now: datetime, body: dict[str, Any], span: timedelta) -> Words:
    """Put the people whose past is a fair guess into `subject`; returns who they are."""
    trigger, inside = body["trigger"], _segment(body)
    if "event" in trigger:
        sql.happened_before(conn, types=trigger["event"], where=Jsonb(trigger["where"]), now=now, span=span)
        return words.FROM_EVENTS
    if inside:
        sql.stood_before(conn, segment=inside, now=now, span=span)
        return words.FROM_SEGMENT
    sql.lived_before(conn, now=now, span=span)
    return words.FROM_POND


def _people(conn: psycopg.Connection, now: datetime, body: dict[str, Any], days: int) -> int:
    """How many would enter: those who bring it about within the days, or who are in the segment now; of the audience."""
    trigger, inside = body["trigger"], _segment(body)
    rule = None if body["audience"] == {"segment": inside} else body["audience"]
    if "event" in trigger:
        span = timedelta(days=days)
        rows = sql.happening(conn, types=trigger["event"], where=Jsonb(trigger["where"]), now=now, span=span)
    elif inside:
        rows = sql.standing(conn, segment=inside)
    else:
        rows = sql.living(conn)
    found = [row.person_id for row in rows]
    return len(segment.matching(conn, language.from_json(rule), now, found)) if rule and found else len(found)


def _segment(body: dict[str, Any]) -> str | None:
    """The segment in which people stand who enter: the trigger's, or the whole audience of a schedule."""
    trigger, rule = body["trigger"], body["audience"]
    if trigger.get("when") == "entered":
        return trigger["segment"]
    return rule["segment"] if rule and rule.keys() == {"segment"} else None


def _base(measure: str, cell: Cell, people: int, share: float) -> Base:
    v, spread = cell.variance, cell.variance * cell.x_variance
    return Base(
        *words.MEASURES[measure],
        mean=cell.mean,
        deviation=v**0.5,
        removed=cell.covariance**2 / spread if spread else 0.0,
        smallest=[
            Smallest(h, detectable(v, people, h), detectable_always(v, people, h)) for h in sorted({*SHARES, share})
        ],
        needed=[
            Needed(lift, audience(v, lift * cell.mean, share), audience_always(v, lift * cell.mean, share))
            for lift in LIFTS
            if cell.mean > 0
        ],
    )


def _verdict(base: Base, share: float, people: int) -> Verdict:
    effect = next(one.always for one in base.smallest if one.share == share)
    lift = effect / base.mean if base.mean > 0 else None
    code = "hardly" if lift is None or lift > HARDLY or people * share < LEAST_PEOPLE else "enough"
    said = (words.prospect if code == "enough" else words.hardly)(share, people, effect, lift, base.unit)
    return Verdict(code, said["zh"], said["en"])


def _too_few(people: int, known: int, buyers: int) -> Verdict:
    said = words.too_little_past(known, buyers, LEAST_PEOPLE, LEAST_BUYERS) if people else words.NOBODY
    return Verdict("too_few", said["zh"], said["en"])
