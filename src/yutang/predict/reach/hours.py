"""At which hour of which day of the week people are there: one profile of seven days times twenty-four hours per person.

A profile is the person's own past, where what lies near in hour and in the week counts too and what is long ago counts less, drawn
towards a prior by a Dirichlet of some strength. The prior is the pond's hours, or what people who come at such hours do at all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

DAYS, HOURS = 7, 24
WINDOW = 3
"""A best hour begins so many hours."""
WIDTH = 0.8
"""Standard deviation, in hours, of how far an hour tells of its neighbours."""
CALM = 1.0
"""The same again where the best window is picked: a window is no accident of one hour."""
NEAR, FAR = 0.4, 0.2
"""What a day tells of another day of its kind (working days, weekend), and of one of the other kind."""
HALF = 180.0
"""Days after which an hour of the past counts half."""
POND_DAYS = 2_000.0
"""So many visits of the whole week stand beside those of each day of the week."""
PRIOR = 5.0
"""So many visits of the pond stand beside what neighbours do."""
CHUNK = 20_000
"""People whose profiles are in memory at once: 168 numbers each."""


@dataclass(frozen=True)
class Visits:
    """Hours in which people were there, each once, in any order. person: index 0…people-1; hour: whole hours since 2000-01-01 00:00 on the
    clock of where the person lives; both int64 of shape (n,)."""

    people: int
    person: np.ndarray
    hour: np.ndarray

    @classmethod
    def of(cls, people: int, person: np.ndarray, hour: np.ndarray) -> Visits:
        """From events in any number: an hour with many is one."""
        wide = int(hour.max()) + 1 if len(hour) else 1
        person, hour = np.divmod(np.unique(person.astype(np.int64) * wide + hour), wide)
        return cls(people, person, hour)

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def day(self) -> np.ndarray:
        """Days since 2000."""
        return self.hour // HOURS

    @property
    def slot(self) -> np.ndarray:
        """Place in the week: 0 is Monday 0:00, 167 is Sunday 23:00."""
        return (self.day + 5) % DAYS * HOURS + self.hour % HOURS

    def between(self, since: int, until: int) -> Visits:
        """Those on days in ``since <= day < until``, of the same people."""
        return self._where((self.day >= since) & (self.day < until))

    def _where(self, rows: np.ndarray) -> Visits:
        return replace(self, person=self.person[rows], hour=self.hour[rows])

    def chunks(self) -> Iterator[tuple[int, Visits]]:
        """The same visits some people at a time: (index of the first, their visits with indexes from 0)."""
        order = np.argsort(self.person, kind="stable")
        person, hour = self.person[order], self.hour[order]
        for first in range(0, self.people, CHUNK):
            count = min(CHUNK, self.people - first)
            low, high = np.searchsorted(person, [first, first + count])
            yield first, Visits(count, person[low:high] - first, hour[low:high])

    def table(self, weights: np.ndarray | None = None) -> np.ndarray:
        """How often each person was there at each place of the week: float64 of shape (people, 168)."""
        size = self.people * DAYS * HOURS
        return np.bincount(self.person * DAYS * HOURS + self.slot, weights, size).reshape(self.people, -1).astype(float)


@dataclass(frozen=True)
class Way:
    """One way to make a profile. hours: neighbouring hours count; week: days of a kind count more, and the past fades; alike: the prior is
    what people who come at such hours do; own: False where all people have the pond's profile."""

    name: str
    zh: str
    en: str
    baseline: bool = False
    own: bool = True
    hours: bool = False
    week: bool = False
    alike: bool = False


WAYS = (
    Way("pond", "全塘的时段", "the pond's hours", baseline=True, own=False),
    Way("pond_by_day", "全塘逐星期的时段", "the pond's hours of the day of the week", baseline=True, own=False, week=True),
    Way("own", "本人时段，向全塘收缩", "own hours, drawn to the pond's"),
    Way("near_hours", "邻近时段也算", "own hours and those beside them", hours=True),
    Way("near_days", "再加星期与远近", "days of the week and age besides", hours=True, week=True),
    Way("alike", "再加相似的人", "people alike besides", hours=True, week=True, alike=True),
)  # fmt: skip
"""Who may tell the hours, baselines first."""
STRENGTHS = (1.0, 2.0, 4.0, 6.0, 10.0, 16.0, 25.0, 40.0, 80.0)
"""Visits of the prior that stand beside one's own; the best is found by back-test."""


@dataclass(frozen=True)
class Pond:
    """What all people together say, learned from visits before the day `end`. by_day: probabilities, shape (7, 24); alike: row s tells at
    which hours of each kind of day people come who come in the s-th hour (48 of them: working days, weekend), shape (48, 2, 24)."""

    end: int
    by_day: np.ndarray
    alike: np.ndarray

    @classmethod
    def of(cls, visits: Visits, end: int, way: Way) -> Pond:
        """From the visits before `end`, as this way counts them."""
        days, together = np.zeros((DAYS, HOURS)), np.zeros((2 * HOURS, 2 * HOURS))
        for _, some in visits.between(0, end).chunks():
            kinds = _kinds(some.table(_weights(some, end, way)))
            days += _counted(some, end, way).sum(axis=0)
            if way.alike:
                together += _together(kinds)
        whole = _shares(days.sum(axis=0) + 1e-9)
        by_day = _shares(days + POND_DAYS * whole) if way.week else np.tile(whole, (DAYS, 1))
        return cls(end, by_day, _shares(together.reshape(2 * HOURS, 2, HOURS) + 1e-9))


def profiles(visits: Visits, pond: Pond, way: Way, strength: float) -> np.ndarray:
    """For each person and day of the week the probability of each hour, given that they are there on such a day: shape (people, 7, 24).

    Posterior mean of a Dirichlet-multinomial: own counts plus `strength` times the prior, over their sum.
    """
    if not way.own:
        return np.broadcast_to(pond.by_day, (visits.people, DAYS, HOURS))
    own = _counted(visits, pond.end, way)
    if way.week:
        own = np.einsum("de,neh->ndh", _nearness(), own)
    else:
        own = np.repeat(own.sum(axis=1, keepdims=True), DAYS, axis=1)
    return _shares(own + strength * _prior(visits, pond, way))


def best(profile: np.ndarray) -> np.ndarray:
    """The hour that begins the likeliest three hours, for profiles of shape (…, 24)."""
    return _windows(profile @ _kernel(CALM)).argmax(axis=-1)


def chance(profile: np.ndarray, hour: np.ndarray) -> np.ndarray:
    """The probability of the three hours that begin at `hour`."""
    return np.take_along_axis(_windows(profile), hour[..., None], axis=-1)[..., 0]


def _prior(visits: Visits, pond: Pond, way: Way) -> np.ndarray:
    if not way.alike:
        return pond.by_day
    kinds = _kinds(visits.table(_weights(visits, pond.end, way)))
    told = np.tensordot(kinds, pond.alike, axes=1)[:, [0] * 5 + [1] * 2]
    return _shares(told + PRIOR * pond.by_day)


def _together(kinds: np.ndarray) -> np.ndarray:
    """How often people who are there in one hour are there in another one: co-occurrence of different visits, each person counted as
    many times as they came."""
    scaled = kinds / np.maximum(kinds.sum(axis=1, keepdims=True), 1e-9)
    return np.maximum(scaled.T @ kinds - np.diag(scaled.sum(axis=0)), 0.0)


def _counted(visits: Visits, end: int, way: Way) -> np.ndarray:
    """Own counts of shape (people, 7, 24); what is not asked about is left as it is."""
    counts = visits.table(_weights(visits, end, way)).reshape(-1, DAYS, HOURS)
    return counts @ _kernel(WIDTH) if way.hours else counts


def _weights(visits: Visits, end: int, way: Way) -> np.ndarray | None:
    return 0.5 ** ((end - visits.day) / HALF) if way.week else None


def _kinds(table: np.ndarray) -> np.ndarray:
    """Working days and weekend by hour: (people, 168) → (people, 48)."""
    week = table.reshape(-1, DAYS, HOURS)
    return np.concatenate([week[:, :5].sum(axis=1), week[:, 5:].sum(axis=1)], axis=1)


def _kernel(width: float) -> np.ndarray:
    """Row h: how an hour spreads over the others, around the clock."""
    away = np.minimum(np.arange(HOURS), HOURS - np.arange(HOURS))
    row = np.exp(-((away / width) ** 2) / 2)
    return np.stack([np.roll(row / row.sum(), h) for h in range(HOURS)])


def _nearness() -> np.ndarray:
    table = np.full((DAYS, DAYS), FAR)
    table[:5, :5] = table[5:, 5:] = NEAR
    np.fill_diagonal(table, 1.0)
    return table


def _windows(profile: np.ndarray) -> np.ndarray:
    return sum((np.roll(profile, -n, axis=-1) for n in range(WINDOW)), np.zeros_like(profile))


def _shares(table: np.ndarray) -> np.ndarray:
    return table / table.sum(axis=-1, keepdims=True)
