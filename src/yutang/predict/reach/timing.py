"""Which way tells people's hours for a pond: each is asked about the last days from what was known before them.

How strongly a person is drawn to the prior is found on the days before those, so that no way is judged on what it was tuned to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yutang.predict.backtest import Missing
from yutang.predict.reach.hours import DAYS, HOURS, STRENGTHS, WAYS, WINDOW, Pond, Visits, Way, best, chance, profiles

TEST_DAYS = 28
"""Days that are told, and before them as many again to tune on."""
LEAST_DAYS = 90
LEAST_PEOPLE = 100
"""People who came both before the days that are told and in them."""
LEAST_VISITS = 1_000
"""Their visits in these days."""
OWN_VISITS = 3
"""Hours in which somebody must have been there, for an hour of their own."""
MORE = 1.1
"""A day of the week has an hour of its own where that promises so many times as much as the person's hour of all days."""


@dataclass(frozen=True)
class Timing:
    """log_loss: mean of −ln of the probability of the hour in which people came, given the day; in_window: share of visits that fell into the three
    hours told beforehand."""

    people: int
    visits: int
    log_loss: float
    in_window: float


@dataclass(frozen=True)
class Told:
    """How one way did; strength: visits of the prior that stand beside one's own, None where nobody has hours of their own."""

    name: str
    zh: str
    en: str
    baseline: bool
    strength: float | None
    accuracy: Timing


@dataclass(frozen=True)
class Season:
    """The outcome. chosen: who speaks; told_from: the day from which on was told."""

    results: list[Told]
    chosen: str
    baseline: str
    refused: list[str]
    told_from: int

    @property
    def best(self) -> tuple[Way, float]:
        """The way that speaks, and its strength."""
        way = next(way for way in WAYS if way.name == self.chosen)
        return way, next(one.strength for one in self.results if one.name == self.chosen) or 0.0


def season(visits: Visits, today: int) -> Season | Missing:
    """Let every way tell the hours of the last days before `today`; or what is missing for that."""
    test = today - TEST_DAYS
    if missing := _missing(visits, test, today):
        return missing
    results = [_told(visits, way, test, today) for way in WAYS]
    chosen, baseline, refused = _choose(results)
    return Season(results, chosen, baseline, refused, test)


def _missing(visits: Visits, test: int, today: int) -> Missing | None:
    """At least so many days, people and visits."""
    days = LEAST_DAYS - (today - int(visits.day.min())) if len(visits) else LEAST_DAYS
    if days > 0:
        return Missing(f"还缺 {days} 天的到访记录（至少 {LEAST_DAYS} 天）", f"{days} more days of visits are needed ({LEAST_DAYS} at least)")  # fmt: skip
    asked = _asked(visits, test, today)
    people, count = LEAST_PEOPLE - len(np.unique(asked.person)), LEAST_VISITS - len(asked)
    if people > 0:
        return Missing(f"近 {TEST_DAYS} 天再次到访的顾客还缺 {people} 位（至少 {LEAST_PEOPLE} 位）", f"{people} more people who came again in the last {TEST_DAYS} days are needed ({LEAST_PEOPLE} at least)")  # fmt: skip
    if count > 0:
        return Missing(f"近 {TEST_DAYS} 天还缺 {count} 次到访（至少 {LEAST_VISITS} 次）", f"{count} more visits in the last {TEST_DAYS} days are needed ({LEAST_VISITS} at least)")  # fmt: skip
    return None


def _asked(visits: Visits, since: int, until: int) -> Visits:
    """The visits of some days, of people who had come before."""
    later = visits.between(since, until)
    known = np.zeros(visits.people, bool)
    known[visits.person[visits.day < since]] = True
    return Visits(visits.people, later.person[known[later.person]], later.hour[known[later.person]])


def _told(visits: Visits, way: Way, test: int, today: int) -> Told:
    strength = tuned(visits, way, test) if way.own else None
    return Told(
        way.name,
        way.zh,
        way.en,
        way.baseline,
        strength,
        judged(visits, Pond.of(visits, test, way), way, strength or 0.0, today),
    )


def tuned(visits: Visits, way: Way, until: int) -> float:
    """The strength that tells the last days before `until` best."""
    since = until - TEST_DAYS
    pond = Pond.of(visits, since, way)
    losses = {strength: judged(visits, pond, way, strength, until).log_loss for strength in STRENGTHS}
    return min(losses, key=losses.__getitem__)


def judged(visits: Visits, pond: Pond, way: Way, strength: float, until: int) -> Timing:
    """How a way tells the hours of the days ``pond.end <= day < until`` from what was before them."""
    asked = _asked(visits, pond.end, until)
    loss = hits = 0.0
    for (_, before), (_, after) in zip(visits.between(0, pond.end).chunks(), asked.chunks(), strict=True):
        if not len(after):
            continue
        told = profiles(before, pond, way, strength)
        day, hour = np.divmod(after.slot, HOURS)
        loss -= float(np.log(told[after.person, day, hour]).sum())
        hits += float(((hour - best(told)[after.person, day]) % HOURS < WINDOW).sum())
    return Timing(len(np.unique(asked.person)), len(asked), loss / len(asked), hits / len(asked))


def _choose(results: list[Told]) -> tuple[str, str, list[str]]:
    """(who speaks, the best baseline, the ways that are no better): better in log-loss and in hits, and the least loss of those."""
    baseline = min((one for one in results if one.baseline), key=lambda one: one.accuracy.log_loss)
    others = [one for one in results if not one.baseline]
    better = [
        one for one in others
        if one.accuracy.log_loss < baseline.accuracy.log_loss and one.accuracy.in_window > baseline.accuracy.in_window
    ]  # fmt: skip
    chosen = min(better, key=lambda one: one.accuracy.log_loss, default=baseline)
    return chosen.name, baseline.name, [one.name for one in others if one not in better]


def hours_of(visits: Visits, pond: Pond, way: Way, strength: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Who has a best hour, and which: first over all days, then for each day of the week (Monday first) those who are better told one of
    its own. Each is (indexes of people, hours)."""
    found: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(1 + DAYS)]
    for first, some in visits.chunks():
        known = np.flatnonzero(np.bincount(some.person, minlength=some.people) >= OWN_VISITS)
        profile = profiles(some, pond, way, strength)[known]
        whole = best(profile.mean(axis=1))
        daily = best(profile)
        gain = chance(profile, daily) >= MORE * chance(profile, np.repeat(whole[:, None], DAYS, axis=1))
        found[0].append((first + known, whole))
        for day in range(DAYS):
            own = gain[:, day]
            found[1 + day].append((first + known[own], daily[own, day]))
    return [
        (np.concatenate([people for people, _ in parts]), np.concatenate([hours for _, hours in parts]))
        for parts in found
    ]
