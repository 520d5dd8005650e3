"""What rules need to know of people, read set by set into arrays: one statement per table, however many rules ask.

`needs` says what a condition looks up; `load` reads all needs of all rules into a `Pond`, keyed by need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg

from yutang.db.queries import Queries
from yutang.model import EVERYBODY, Only
from yutang.segment.cells import Cells
from yutang.segment.language import Condition, foretold
from yutang.segment.moment import NEVER, Moment, day_of
from yutang.segment.operators import STAGES
from yutang.segment.transport import columns, ragged, run

sql = Queries(__package__)

Need = tuple[Any, ...]
"""What is looked up: (family, name …); see `needs`."""

ALWAYS = -40_000
"""Horizon of a need that reaches back to the beginning, as a day number (in 1890)."""
NO_DAY = -1_000_000
"""The day of what never happened."""
FAR_DAY = 1_000_000
"""The day of what is not known to come."""
MICRO = 1_000_000
"""Predictions travel as whole numbers: they have six digits after the point."""


@dataclass(frozen=True)
class Dense:
    """One value per person; `blank` is what a person without a row has."""

    values: dict[str, np.ndarray]

    def cut(self, lo: int, hi: int) -> Dense:
        return Dense({name: column[lo:hi] for name, column in self.values.items()})


@dataclass(frozen=True)
class Rows:
    """Any number of rows per person, sorted by `pos` (index of the person) and then by time."""

    pos: np.ndarray
    values: dict[str, np.ndarray]

    def cut(self, lo: int, hi: int) -> Rows:
        a, b = np.searchsorted(self.pos, [lo, hi])
        return Rows(self.pos[a:b] - lo, {name: column[a:b] for name, column in self.values.items()})


@dataclass(frozen=True)
class Words:
    """An attribute: per person the number of its value in `words`; len(words) when it is not known."""

    codes: np.ndarray
    words: list[Any]

    def cut(self, lo: int, hi: int) -> Words:
        return Words(self.codes[lo:hi], self.words)


@dataclass
class Pond:
    """People (ids, ascending) as of a moment, with everything that was asked for. `shared` outlives the cutting into blocks.

    counted: also where it is only asked whether anything happened, it was counted how often.
    """

    moment: Moment
    people: np.ndarray
    counted: bool = False
    data: dict[Need, Dense | Rows | Words] = field(default_factory=dict)
    shared: dict[Any, Any] = field(default_factory=dict)

    def index(self, ids: np.ndarray) -> np.ndarray:
        """The index of each person in `people`, -1 for one who is not here."""
        people = self.people
        if not len(people):
            return np.full(len(ids), -1, np.int32)
        if people[-1] > 8 * len(people):
            at = np.minimum(np.searchsorted(people, ids), len(people) - 1)
            return np.where(people[at] == ids, at, -1).astype(np.int32)
        if "index" not in self.shared:
            self.shared["index"] = np.full(people[-1] + 2, -1, np.int32)
            self.shared["index"][people] = np.arange(len(people), dtype=np.int32)
        return self.shared["index"][np.minimum(ids, people[-1] + 1)]

    def cut(self, lo: int, hi: int) -> Pond:
        """The people at indexes `lo` to `hi`, sharing memory with this."""
        data = {need: found.cut(lo, hi) for need, found in self.data.items()}
        return Pond(self.moment, self.people[lo:hi], self.counted, data, self.shared)


def needs(condition: Condition, counted: bool = False) -> list[Need]:
    """What one condition looks up, each a key of `Pond.data`."""
    feature, subject = condition.row.feature, condition.subject
    if not counted and asks_whether(condition):
        return [("tally", subject), ("nearest", subject)]
    if feature in ("count", "none", "sum", "average", "active_days"):
        return [measured(condition)]
    if feature == "sequence":
        return [("instants", subject), ("instants", condition.get("then") or condition.get("then_not"))]
    if feature in ("coupon", "redeemed"):
        return [(feature, condition.get("offer") or "")]
    if feature == "predicted":
        return [(feature, foretold(condition))]
    renamed = {
        "last": "tally",
        "first": "tally",
        "attribute": "trait",
        "segment": "membership",
        "life_stage": "portrait",
        "score": "portrait",
    }
    family = renamed.get(feature, feature)
    return [(family,)] if family in ("portrait", "touches") else [(family, subject)]


def asks_whether(condition: Condition) -> bool:
    """Is it only asked whether anything happened in the last so many days? Then the day of the last time says it."""
    if condition.row.feature not in ("count", "none") or condition.get("where") or not condition.get("days"):
        return False
    return condition.row.feature == "none" or (condition.row.test == "at_least" and condition.get("at_least") == 1)


def measured(condition: Condition) -> Need:
    """Where a count, sum or mean comes from: the roll-up over all time, the daily one, or (with `where`) the events."""
    where = condition.get("where")
    if where:
        return ("filtered", condition.subject, json.dumps(dict(where)))
    if condition.get("days") or condition.get("from_days") or condition.row.feature == "active_days":
        return ("activity", condition.subject)
    return ("tally", condition.subject)


def _reach(condition: Condition) -> int | None:
    """How many days back a condition looks; None: to the beginning."""
    return condition.get("days") or condition.get("from_days")


def load(
    conn: psycopg.Connection,
    moment: Moment,
    asked: Iterable[Condition],
    only: Only = EVERYBODY,
    people: np.ndarray | None = None,
    counted: bool = False,
) -> Pond:
    """Read what the conditions need, about everybody in `only`, or about the `people` given (those of them who exist)."""
    horizons: dict[Need, int] = {}
    for condition in asked:
        reach = _reach(condition)
        since = ALWAYS if reach is None else moment.today - reach
        for need in needs(condition, counted):
            horizons[need] = min(since, horizons.get(need, since))
    (found,) = columns(conn, sql.people, "q", only, people)
    reader = _Reader(conn, only, people, Pond(moment, np.sort(found), counted))
    families: dict[str, list[Need]] = {}
    for need in horizons:
        families.setdefault(_family(need, horizons), []).append(need)
    for family, members in families.items():
        _FAMILIES[family](reader, members, [horizons[need] for need in members])
    return reader.pond


class _Reader:
    """One reading: the scope, and the pond that is being filled."""

    def __init__(self, conn: psycopg.Connection, only: Only, people: np.ndarray | None, pond: Pond) -> None:
        self.conn, self.only, self.people, self.pond = conn, only, people, pond

    def columns(self, name: str, types: str, **params: Any) -> list[np.ndarray]:
        """The columns of a statement, with the person's index in place of the id; rows of unknown people are dropped."""
        found = columns(self.conn, sql.all[name], types, self.only, self.people, **params)
        pos = self.pond.index(found[0])
        known = pos >= 0
        return [pos[known], *(column[known] for column in found[1:])]

    def rolled(self, names: list[str], since: list[int]) -> tuple[list[np.ndarray], Cells]:
        """Person, name, number, amount, first and last day of each row of the roll-up, and the cells of the days since its name's day."""
        asked = {"names": names, "since": [day_of(day) for day in since], "zone": self.pond.moment.zone}
        found = ragged(self.conn, sql.rolled, "qiiqii", "iiq", self.only, self.people, **asked)
        count, day, _, n, some, told = found[6:]
        amount = np.zeros(len(day), np.int64)
        amount[np.repeat(some > 0, count)] = told
        pos = self.pond.index(found[0])
        known = pos >= 0
        cells = Cells(pos[known], found[1][known], (np.cumsum(count) - count)[known], count[known], day, n, amount)
        return [cells.pos, *(column[known] for column in found[1:6])], cells

    def dense(
        self, members: list[Need], pos: np.ndarray, which: np.ndarray, values: dict[str, tuple[np.ndarray, Any]]
    ) -> None:
        """Spread rows (one per person and member) into full columns; `values`: name → (column, what a missing row has)."""
        for n, need in enumerate(members):
            mine = which == n + 1
            filled = {}
            for name, (column, blank) in values.items():
                filled[name] = np.full(len(self.pond.people), blank, column.dtype)
                filled[name][pos[mine]] = column[mine]
            self.pond.data[need] = Dense(filled)

    def rows(
        self, members: list[Need], pos: np.ndarray, which: np.ndarray, time: np.ndarray, values: dict[str, np.ndarray]
    ) -> None:
        """Sort rows by member, person and time, and cut them into one `Rows` per member."""
        order = np.lexsort((time, pos, which))
        edges = np.searchsorted(which[order], np.arange(1, len(members) + 2))
        for n, need in enumerate(members):
            mine = order[edges[n] : edges[n + 1]]
            self.pond.data[need] = Rows(pos[mine], {name: column[mine] for name, column in values.items()})


def _family(need: Need, needs: Iterable[Need]) -> str:
    """What is read together: where days are asked about, sums come with them."""
    by_day = need[0] in ("tally", "activity") and any(other[0] == "activity" for other in needs)
    return "rolled" if by_day else need[0]


def _names(members: list[Need]) -> list[str]:
    return [need[1] for need in members]


def _tally(reader: _Reader, members: list[Need], _: list[int]) -> None:
    zone = reader.pond.moment.zone
    _sums(reader, members, *reader.columns("tally", "qiiqii", names=_names(members), zone=zone))


def _sums(reader: _Reader, members: list[Need], pos: np.ndarray, which: np.ndarray, *columns: np.ndarray) -> None:
    blank = {"n": 0, "amount": 0, "first": NO_DAY, "last": NO_DAY}
    named = zip(blank.items(), columns, strict=True)
    reader.dense(members, pos, which, {name: (column, none) for (name, none), column in named})


def _nearest(reader: _Reader, members: list[Need], since: list[int]) -> None:
    """The last day of something up to today, and the first one after it. The tally knows the last day of all: where that
    lies ahead, the days themselves are read. Its reading comes before this one."""
    today, people = reader.pond.moment.today, reader.pond.people
    last = [_last(reader.pond, need) for need in members]
    early = np.unique(np.concatenate([people[days > today] for days in last]))
    for need, days in zip(members, last, strict=True):
        reader.pond.data[need] = Dense({"past": np.where(days > today, NO_DAY, days)} if len(early) else {"past": days})
    if len(early):
        _, cells = _Reader(reader.conn, reader.only, early, reader.pond).rolled(_names(members), since)
        _look_ahead(reader.pond, members, cells.each(cells.pos), cells.each(cells.which), cells.day[cells.places()])


def _last(pond: Pond, need: Need) -> np.ndarray:
    tally = pond.data[("tally", need[1])]
    assert isinstance(tally, Dense)
    return tally.values["last"]


def _look_ahead(pond: Pond, members: list[Need], pos: np.ndarray, which: np.ndarray, day: np.ndarray) -> None:
    ahead = day > pond.moment.today
    for n, need in enumerate(members):
        found, mine = pond.data[need], which == n + 1
        assert isinstance(found, Dense)
        np.maximum.at(found.values["past"], pos[mine & ~ahead], day[mine & ~ahead])
        found.values["next"] = np.full(len(pond.people), FAR_DAY, np.int32)
        np.minimum.at(found.values["next"], pos[mine & ahead], day[mine & ahead])


def _rolled(reader: _Reader, members: list[Need], since: list[int]) -> None:
    """Sums over all time and the cells of days stand in one row."""
    begin = {need[1]: FAR_DAY for need in members}
    for need, day in zip(members, since, strict=True):
        begin[need[1]] = min(begin[need[1]], day) if need[0] == "activity" else begin[need[1]]
    (pos, which, *sums), cells = reader.rolled(list(begin), list(begin.values()))
    _sums(reader, [("tally", name) for name in begin], pos, which, *sums)
    for name, (persons, days) in zip(begin, cells.by_type(len(begin)), strict=True):
        reader.pond.data["activity", name] = Rows(persons, days)


def _cells(reader: _Reader, members: list[Need], name: str, **params: Any) -> None:
    pos, which, day, n, amount = reader.columns(name, "qiiiq", **params)
    reader.rows(members, pos, which, day, {"day": day, "n": n, "amount": amount})


def _filtered(reader: _Reader, members: list[Need], since: list[int]) -> None:
    filters = [need[2] for need in members]
    _cells(reader, members, "filtered", names=_names(members), filters=filters, since=[day_of(day) for day in since])


def _touches(reader: _Reader, members: list[Need], since: list[int]) -> None:
    _cells(reader, members, "touches", zone=reader.pond.moment.zone, since=day_of(since[0]))


def _instants(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, at, day = reader.columns("instants", "qiqi", names=_names(members))
    reader.rows(members, pos, which, at, {"at": at, "day": day})


def _trait(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, hashes = reader.columns("trait", "qiq", names=_names(members))
    meanings: list[dict[int, Any]] = [{} for _ in members]
    for n, hashed, value in run(reader.conn, sql.trait_values, reader.only, reader.people, names=_names(members)):
        meanings[n - 1][hashed] = value
    for n, need in enumerate(members):
        mine, known = which == n + 1, np.array(sorted(meanings[n]), np.int64)
        codes = np.full(len(reader.pond.people), len(known), np.int32)
        codes[pos[mine]] = np.searchsorted(known, hashes[mine])
        reader.pond.data[need] = Words(codes, [meanings[n][hashed] for hashed in known.tolist()])


def _tag(reader: _Reader, members: list[Need], _: list[int]) -> None:
    zone = reader.pond.moment.zone
    pos, which, day, expires = reader.columns("tag", "qiiq", names=_names(members), zone=zone)
    reader.dense(members, pos, which, {"day": (day, NO_DAY), "expires": (expires, 0)})


def _consent(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, given = reader.columns("consent", "qii", names=_names(members))
    reader.dense(members, pos, which, {"given": (given, -1)})


def _portrait(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, recency, frequency, monetary, stage = reader.columns("portrait", "qiiii", stages=list(STAGES))
    values = {"recency": recency, "frequency": frequency, "monetary": monetary, "stage": stage}
    reader.dense(members, pos, np.ones(len(pos), np.int8), {name: (column, 0) for name, column in values.items()})


def _membership(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, ended = reader.columns("membership", "qiq", names=_names(members))
    reader.dense(members, pos, which, {"ended": (ended, 0)})


def _predicted(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, micro = reader.columns("predicted", "qiq", names=_names(members))
    reader.dense(members, pos, which, {"micro": (micro, 0), "known": (np.ones(len(pos), np.int8), 0)})


def _coupon(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, until, soonest = reader.columns("coupon", "qiqq", names=_names(members), now=reader.pond.moment.now)
    reader.dense(members, pos, which, {"until": (until, 0), "soonest": (soonest, NEVER)})


def _redeemed(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, n = reader.columns("redeemed", "qii", names=_names(members))
    reader.dense(members, pos, which, {"n": (n, 0)})


def _ladder(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, up, rung = reader.columns("ladder", "qiii", names=_names(members))
    reader.dense(members, pos, which, {"up": (up, -1), "rung": (rung, -1)})


def _journey(reader: _Reader, members: list[Need], _: list[int]) -> None:
    pos, which, active, done = reader.columns("journey", "qiii", names=_names(members))
    reader.dense(members, pos, which, {"active": (active, -1), "done": (done, -1)})


_FAMILIES: dict[str, Callable[[_Reader, list[Need], list[int]], None]] = {
    "tally": _tally,
    "nearest": _nearest,
    "rolled": _rolled,
    "filtered": _filtered,
    "touches": _touches,
    "instants": _instants,
    "trait": _trait,
    "tag": _tag,
    "consent": _consent,
    "portrait": _portrait,
    "membership": _membership,
    "predicted": _predicted,
    "coupon": _coupon,
    "redeemed": _redeemed,
    "ladder": _ladder,
    "journey": _journey,
}
