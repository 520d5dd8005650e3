"""What a journey, a way of its split, or all journeys together have changed.

Intention to treat: everybody counts in the arm that was written down when they first entered, whatever was sent to them, from
that moment on for so many days; who has not been seen for as long waits. Who is held out by the pond is in no arm of a journey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.definitions import POND
from yutang.insight import words
from yutang.insight.reading import Figure, Reading, Row, Scale, pairs_of, reading
from yutang.insight.statistics import Cell, Interval, classic, difference, means, mismatch, tuned
from yutang.insight.verdict import Sight, Verdict, verdict
from yutang.model import YutangError
from yutang.why.chain import Words
from yutang.why.words import both, title_of

sql = Queries(__package__)

DAYS = 28
BEFORE = timedelta(days=91)
"""How far back history is looked at."""
WINDOWS = 3
"""A journey's always-valid interval is tuned to as many people as so many windows bring, by what the first one has brought."""
POND_DAYS = 91.0
"""That of the whole pond is tuned to so many days."""
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Arm:
    """`people` were drawn, `seen` of them to the end of their days."""

    title: Words
    people: int
    seen: int


@dataclass(frozen=True)
class AsSent:
    """The treated who were really reached, against the control: not causal. share: of the treated."""

    warning: Words
    share: float
    control: float
    reached: float
    difference: float
    interval: Interval


@dataclass(frozen=True)
class Effect:
    """sort: journey, split or pond. days: how long each person is looked at; None: from `since` until now. primary: the measure
    that is judged, and that `as_sent` shows. uncompared: seen, but in strata without a control. mixed: first in one arm and later
    in another. mismatch_p: of the draw. readings: by measure; empty where nothing can be compared. All money is fen."""

    sort: str
    name: str
    title: Words
    at: datetime
    since: datetime | None
    days: int | None
    treated: Arm
    control: Arm
    uncompared: int
    mixed: int
    mismatch_p: float
    primary: str
    verdict: Verdict
    notes: list[Words]
    readings: dict[str, Reading]
    as_sent: AsSent | None
    splits: list[Effect]


@dataclass(frozen=True)
class Standing:
    """A journey among the others: people who entered it, by arm, and the share that is held out now."""

    name: str
    title: Words
    in_service: bool
    share: float
    treated: int
    holdout: int
    global_holdout: int
    since: datetime | None


@dataclass(frozen=True)
class Question:
    """What one look asks: whose effect, of which journey (None: of all), and how the two arms are called."""

    sort: str
    name: str
    title: Words
    journey: int | None
    days: int | None
    since: datetime | None = None
    arms: tuple[Words, Words] = (words.TREATED, words.CONTROL)


def journeys(conn: psycopg.Connection) -> list[Standing]:
    """Every journey that there is to ask about, by name."""
    return [
        Standing(
            row.name, title_of(row.body, row.name), row.in_service, _share(row.body), row.treated, row.holdout, row.by_pond, row.since,
        )
        for row in sql.journeys(conn)
    ]  # fmt: skip


def effect(conn: psycopg.Connection, now: datetime, journey: str, days: int = DAYS) -> Effect:
    """What a journey has changed within `days` days of entry, and what its splits have. Raises YutangError when there is none."""
    rows = sql.history(conn, kind="journey", name=journey).fetchall()
    if not rows:
        raise YutangError(
            f"没有旅程“{journey}”，运行 `yutang experiment` 可看到已有的旅程。 "
            f"there is no journey '{journey}'; `yutang experiment` shows those that there are"
        )
    asked = Question("journey", journey, title_of(rows[-1].body, journey), rows[-1].definition_id, days)
    begins, ends, shares = _drawn_by(rows, {})
    with conn.transaction():
        _begin(conn)
        sql.entered(
            conn, journey=asked.journey, now=now, span=timedelta(days=days), begins=begins, ends=ends, shares=shares
        )
        whole = _look(conn, now, asked)
        return replace(whole, splits=_splits(conn, now, asked))


@dataclass(frozen=True)
class Glance:
    """What one earlier look would have shown of the measure that is judged."""

    at: datetime
    measure: str
    unit: str
    figure: Figure


def path(conn: psycopg.Connection, now: datetime, journey: str, days: int = DAYS, looks: int = 12) -> list[Glance]:
    """How the judged figure came to be what it is: looks at even distances since the first could tell anything; those with too
    little data are left out. What came late (refunds, facts) is seen by all of them. Raises YutangError when there is none."""
    rows = sql.history(conn, kind="journey", name=journey).fetchall()
    if not rows:
        raise YutangError(f"没有旅程“{journey}”。 there is no journey '{journey}'")
    asked = Question("journey", journey, title_of(rows[-1].body, journey), rows[-1].definition_id, days)
    begun = sql.first_entry(conn, journey=asked.journey).fetchone()
    first = begun.at + timedelta(days=days) if begun and begun.at else now
    found = (_glance(conn, first + (now - first) * n / looks, asked, rows) for n in range(1, looks + 1) if first < now)
    return [one for one in found if one is not None]


def _glance(conn: psycopg.Connection, at: datetime, asked: Question, rows: Sequence[Any]) -> Glance | None:
    begins, ends, shares = _drawn_by(rows, {})
    with conn.transaction():
        _begin(conn)
        span = timedelta(days=asked.days or DAYS)
        sql.entered(conn, journey=asked.journey, now=at, span=span, begins=begins, ends=ends, shares=shares)
        seen = _look(conn, at, asked)
    told = seen.readings.get(seen.primary)
    return Glance(at, seen.primary, told.unit, told.best) if told else None


def pond_effect(conn: psycopg.Connection, now: datetime, since: datetime | None = None) -> Effect:
    """What all journeys together have changed since they began, or since a day that was fixed beforehand."""
    row = sql.started(conn, now=now).fetchone()
    since = since or (row and row.at) or now
    history = sql.history(conn, kind="pond", name="pond").fetchall()
    times = zip(*_drawn_by(history, POND), strict=True)
    shares = [share for begins, ends, share in times if begins <= now and ends > since]
    low, high = round(min(shares) * 10_000), round(max(shares) * 10_000)
    with conn.transaction():
        _begin(conn)
        if low:
            share = low / (low + 10_000 - high)
            sql.everybody(conn, share=share, low=low, high=high, since=since, now=now)
        found = _look(conn, now, Question("pond", "", words.POND, None, None, since))
    return replace(found, notes=[*found.notes, words.SHARE_CHANGED]) if high > low else found


def _drawn_by(rows: Sequence[Any], default: dict[str, Any]) -> tuple[list[datetime], list[datetime], list[float]]:
    """From when until when which share was held out: whoever entered was drawn by what was in force at that moment."""
    bodies = [default | row.body for row in rows] or [default]
    begins = [_FIRST, *[row.at for row in rows[1:]]]
    return begins, [*begins[1:], _LAST], [_share(body) for body in bodies]


def _share(body: dict[str, Any]) -> float:
    """Nobody is held out of a service."""
    return 0.0 if body.get("class") == "service" else body.get("holdout_percent", 0) / 100


def _splits(conn: psycopg.Connection, now: datetime, asked: Question) -> list[Effect]:
    """Each way of each split against its first way, among those who were not held out."""
    splits: dict[str, list[Any]] = {}
    for row in sql.splits(conn, journey=asked.journey):
        splits.setdefault(row.id, []).append(row)
    found = []
    for name, versions in splits.items():
        first = versions[-1].ways[0]["name"]
        others = dict.fromkeys(way["name"] for row in versions for way in row.ways if way["name"] != first)
        found += [_way(conn, now, asked, name, versions, first, other) for other in others]
    return [one for one in found if one.treated.people + one.control.people]


def _way(
    conn: psycopg.Connection, now: datetime, asked: Question, name: str, versions: list[Any], first: str, other: str
) -> Effect:
    _begin(conn)
    drawn = []
    for row in versions:
        weight = {way["name"]: way["weight"] for way in row.ways}
        both_weights = weight.get(first, 0) + weight.get(other, 0)
        if both_weights:
            drawn.append((row.version, row.step, weight.get(first, 0) / both_weights))
    sql.split_taken(
        conn, journey=asked.journey, now=now, span=timedelta(days=asked.days or DAYS), first=first, other=other,
        versions=[d[0] for d in drawn], steps=[d[1] for d in drawn], shares=[d[2] for d in drawn],
    )  # fmt: skip
    title = both(f"分流「{name}」：{other} 对 {first}", f"split '{name}': {other} against {first}")
    arms = both(other, other), both(first, first)
    return _look(conn, now, replace(asked, sort="split", name=name, title=title, arms=arms))


def _begin(conn: psycopg.Connection) -> None:
    sql.scratch(conn)
    sql.clear(conn)


def _look(conn: psycopg.Connection, now: datetime, asked: Question) -> Effect:
    """The effect on those who stand in `subject`."""
    sql.analyze(conn)
    span = timedelta(days=asked.days or 0)
    counts = sql.counts(conn, now=now, span=span).fetchall()
    rows = measured(conn, now, asked.journey)
    treated, control = (_arm(counts, arm, title) for arm, title in zip(("treated", "holdout"), asked.arms, strict=True))
    compared = sum(pair.n for pair in pairs_of(rows, "orders"))
    scale = _scale(now, asked, counts, compared)
    untold = any(row.cell.mean for row in rows if row.measure == "untold")
    readings = _readings(rows, scale, untold) if compared else {}
    primary = "sales" if untold else "net"
    draw = [
        (_people(counts, s, "treated"), _people(counts, s, "holdout"), float(s)) for s in {c.stratum for c in counts}
    ]
    share, p = max((d[2] for d in draw), default=0.0), mismatch(draw)
    said = verdict(Sight(share, p, rows, readings.get(primary), scale, asked.days))
    found = Effect(
        sort=asked.sort, name=asked.name, title=asked.title, at=now, since=asked.since, days=asked.days, treated=treated,
        control=control, uncompared=treated.seen + control.seen - compared, mixed=sum(c.mixed for c in counts),
        mismatch_p=p, primary=primary, verdict=said, notes=[], readings=readings, as_sent=_as_sent(rows, primary), splits=[],
    )  # fmt: skip
    if said.code == "too_few":
        found = replace(found, readings={}, as_sent=None)
    return replace(found, notes=_notes(found, untold))


def measured(conn: psycopg.Connection, now: datetime, journey: int | None) -> list[Row]:
    """What those who stand in `subject` did, added up."""
    pond = definitions.pond(conn)
    margin, costs = pond.get("margin_percent"), pond.get("cost_fen") or {}
    found = sql.measure(
        conn, now=now, journey=journey, before=BEFORE, margin=None if margin is None else margin / 100,
        channels=list(costs), costs=list(costs.values()),
    )  # fmt: skip
    return [
        Row(row.stratum, row.arm, row.sent, measure, Cell(row.n, *(value or 0.0 for value in getattr(row, measure))))
        for row in found
        for measure in (*words.MEASURES, "untold")
    ]


def _people(counts: Sequence[Any], stratum: str, arm: str) -> int:
    return sum(c.people for c in counts if c.stratum == stratum and c.arm == arm)


def _arm(counts: Sequence[Any], arm: str, title: Words) -> Arm:
    mine = [c for c in counts if c.arm == arm]
    return Arm(title, sum(c.people for c in mine), sum(c.seen for c in mine))


def _scale(now: datetime, asked: Question, counts: Sequence[Any], compared: int) -> Scale:
    """Fixed before the first figure can be seen: by who came in the first window, or by the calendar."""
    if asked.days is None:
        assert asked.since
        return Scale(tuned(POND_DAYS), max((now - asked.since) / timedelta(days=1), 1e-9))
    return Scale(tuned(max(WINDOWS * sum(c.early for c in counts), 1)), max(compared, 1))


def _readings(rows: Sequence[Row], scale: Scale, untold: bool) -> dict[str, Reading]:
    """Every measure that can be told, in the order of `words.MEASURES`."""
    names = [name for name in words.MEASURES if not (untold and name in ("margin", "net"))]
    found = {name: reading(name, pairs_of(rows, name), scale) for name in names}
    return {name: one for name, one in found.items() if one}


def _as_sent(rows: Sequence[Row], primary: str) -> AsSent | None:
    pairs = pairs_of(rows, primary, sent_only=True)
    if not pairs:
        return None
    treated = [row.cell.n for row in rows if row.measure == primary and row.arm == "treated"]
    reached, control = means(pairs)
    estimate = difference(pairs)
    share = sum(pair.treated.n for pair in pairs) / sum(treated)
    return AsSent(words.AS_SENT, share, control, reached, estimate.difference, classic(estimate))


def _notes(found: Effect, untold: bool) -> list[Words]:
    """What a reader must know beside the verdict."""
    notes = [words.MARGIN_UNTOLD] if untold and found.readings else []
    if found.mixed:
        notes.append(words.mixed(found.mixed))
    if found.uncompared and found.readings:
        notes.append(words.uncompared(found.uncompared))
    if found.verdict.code in ("unclear", "small") and not found.readings[found.primary].best.interval.holds(0):
        notes.append(words.PEEKING)
    return notes
