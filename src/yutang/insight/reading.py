"""From cells to figures that a manager reads: for each measure a difference with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yutang.insight.statistics import (
    Cell,
    Estimate,
    Interval,
    Pair,
    Pairs,
    always_p,
    always_valid,
    classic,
    cuped,
    difference,
    enough,
    join,
    means,
    ratio,
    ratios,
    relative,
)
from yutang.insight.words import MEASURES
from yutang.why.chain import Words

LEAST_IN_STRATUM = 30
"""A stratum with fewer people than this in an arm says nothing of that arm's spread, so it is left out."""
RATIOS = ("basket",)


@dataclass(frozen=True)
class Row:
    """One group of people and one measure, as the database has added it up."""

    stratum: str
    arm: str
    sent: bool
    measure: str
    cell: Cell


@dataclass(frozen=True)
class Scale:
    """How the always-valid interval counts: ρ², and how much was seen (people; days for the whole pond)."""

    rho2: float
    seen: float


@dataclass(frozen=True)
class Figure:
    """A difference per person: `interval` is right for one planned look, `always` at every look, `p` goes with `always`. enough: how
    much has to be seen until a difference like this one would clear `always`."""

    difference: float
    interval: Interval
    always: Interval
    p: float
    enough: float


@dataclass(frozen=True)
class Adjusted:
    """The difference after CUPED; `removed`: the share of the variance that history explained away."""

    figure: Figure
    theta: float
    removed: float


@dataclass(frozen=True)
class Lift:
    """The plain difference as a share of the control's mean."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class Reading:
    """One measure: means per person of both arms, and how they differ. total: what all treated people brought that they would
    not have brought anyway. adjusted: None where there is no history."""

    title: Words
    unit: str
    control: float
    treated: float
    plain: Figure
    lift: Lift | None
    total: float | None
    adjusted: Adjusted | None

    @property
    def best(self) -> Figure:
        """The narrower figure, where there is one; chosen by what was known before, not by what it says."""
        return self.adjusted.figure if self.adjusted else self.plain


def pairs_of(rows: Sequence[Row], measure: str, sent_only: bool = False) -> list[Pair]:
    """The pairs of each stratum that has enough people in both arms. sent_only: of the treated, those who were really reached."""
    cells: dict[str, dict[str, list[Cell]]] = {}
    for row in rows:
        if row.measure == measure and (row.arm == "holdout" or row.sent or not sent_only):
            cells.setdefault(row.stratum, {}).setdefault(row.arm, []).append(row.cell)
    whole = ({arm: join(found) for arm, found in arms.items()} for arms in cells.values())
    pairs = [Pair(arms["treated"], arms["holdout"]) for arms in whole if {"treated", "holdout"} <= set(arms)]
    return [pair for pair in pairs if min(pair.treated.n, pair.control.n) >= LEAST_IN_STRATUM]


def reading(measure: str, pairs: Pairs, scale: Scale) -> Reading | None:
    """What the pairs say; None where a ratio has no denominator."""
    title, unit = MEASURES[measure]
    if measure in RATIOS:
        return _ratio(title, unit, pairs, scale)
    treated, control = means(pairs)
    found = cuped(pairs)
    return Reading(
        title=title,
        unit=unit,
        control=control,
        treated=treated,
        plain=figure(difference(pairs), scale),
        lift=_lift(pairs) if control > 0 else None,
        total=(treated - control) * sum(pair.treated.n for pair in pairs),
        adjusted=found and Adjusted(figure(found.estimate, scale), found.theta, found.removed),
    )


def _ratio(title: Words, unit: str, pairs: Pairs, scale: Scale) -> Reading | None:
    found = ratios(pairs)
    if found is None:
        return None
    return Reading(title, unit, found[1], found[0], figure(ratio(pairs), scale), None, None, None)


def _lift(pairs: Pairs) -> Lift:
    found = relative(pairs)
    return Lift(found.difference, classic(found))


def figure(e: Estimate, scale: Scale) -> Figure:
    """The intervals of an estimate."""
    always = always_valid(e, scale.rho2, scale.seen)
    return Figure(
        e.difference, classic(e), always, always_p(e, scale.rho2, scale.seen), enough(e, scale.rho2, scale.seen)
    )
