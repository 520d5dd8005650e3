"""Whom a list shows: page after page at any depth, whatever is asked, without ever counting everybody.

A small set (one segment, tag or scope of at most SMALL persons, or a small pond) is looked at whole: its size is known and it can
be put in any order. A large one is read in the order of an index, LOOK persons at the most for one page; where that finds no full
page, the page says so, and ``whole`` asks for a look through everybody, which is kept for a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.model import BUCKETS, EVERYBODY, Only, bucket_of
from yutang.segment import holding
from yutang.segment.compile import compile
from yutang.segment.language import Rule
from yutang.web import scope
from yutang.web.access import Visitor
from yutang.web.edge import Edge
from yutang.web.pages.persons.ask import SORTS, Ask
from yutang.web.pool import Pool
from yutang.web.problems import Problem

sql = Queries(__package__)

PAGE = 50
SMALL = 3_000
SMALL_SCOPE = 1_000
"""Who may be seen costs a look at each person's events."""
LOOK = 2_000
SAMPLE = 3_000
"""About how many persons an estimate looks at."""
BLOCK = 64
"""Buckets that a look through everybody takes at once."""
KEPT_SECONDS = 60
MOST_KEPT = 16

THESE = """select (u.person_id & 1023)::smallint as bucket, u.person_id, u.place
from unnest(%(persons)s::bigint[]) with ordinality as u (person_id, place)"""
Next = Callable[[int | None, int], list[int]]
"""The next persons after one (None: from the beginning), at most so many."""


@dataclass(frozen=True)
class Size:
    """How many: exactly, about, or fewer or more than that; None: nobody knows."""

    n: int | None
    kind: Literal["exact", "about", "fewer", "more"] = "exact"


@dataclass(frozen=True)
class Found:
    """A page. after: where the next page begins, None at the end; full: was enough looked at to fill it? sorts: the orders to be had."""

    persons: list[int]
    after: int | None
    full: bool
    size: Size
    sorts: tuple[str, ...]


class Finder:
    """One question of one visitor, now. Raises SourceError for what cannot be read, Problem 404 for a segment that is not there."""

    def __init__(self, edge: Edge, conn: psycopg.Connection, visitor: Visitor, ask: Ask) -> None:
        self.conn, self.visitor, self.ask, self.now = conn, visitor, ask, edge.clock()
        self.kept = _kept.setdefault(edge.pool, _Kept())
        pond = definitions.pond(conn)
        self.zone: str = pond["time_zone"]
        self.rule, self.all_of_it = ask.parsed(pond["consent"]), ask.full(pond["consent"])
        self.segment = self._segment()

    def _segment(self) -> int:
        if not self.ask.segment:
            return 0
        found = definitions.current(self.conn, "segment", self.ask.segment)
        if found is None:
            raise Problem(
                404, f"没有上线的人群“{self.ask.segment}”。 there is no segment '{self.ask.segment}' in service"
            )
        return found.definition_id

    @property
    def scoped(self) -> bool:
        return self.visitor.role.scope != "all"

    def page(self, after: int | None) -> Found:
        """The page that follows this person. What was found whole for the first page holds for those that follow."""
        small = self.kept.get(("small", *self._key, self.ask.sort), self._small, fresh=after is None)
        if small is not None:
            return _cut(small, after)
        if self.ask.whole and self.all_of_it is not None:
            return self._of_whole(after)
        return self._stream(self._base(self.ask.sort), after)

    @property
    def _key(self) -> tuple[str, ...]:
        return (self.visitor.name, self.visitor.role.name, self.ask.segment, str(self.all_of_it))

    def _small(self) -> list[int] | None:
        """All of a small set, in the order that was asked for; None of a large one."""
        most = SMALL_SCOPE if self.scoped else SMALL
        if self._name() == "everybody" and (everybody(self.conn).n or 0) > most:
            return None
        some = self._base("")(None, most + 1)
        return None if len(some) > most else self._in_order(self._test(some))

    def _in_order(self, persons: list[int]) -> list[int]:
        found = sql.in_order(self.conn, persons=persons, sort=self.ask.sort or "newest")
        return [row.person_id for row in found]

    def _name(self) -> str:
        return "scope" if self.scoped else "segment" if self.segment else "tag" if self.ask.tag else "everybody"

    def _base(self, sort: str) -> Next:
        """Where the persons come from, in the order of an index: the narrowest set that has one."""
        base = {"scope": self._of_scope, "segment": self._members, "tag": self._tagged}.get(self._name())
        return base or (self._oldest if sort == "oldest" else self._newest)

    def _newest(self, after: int | None, limit: int) -> list[int]:
        return self._by_number("newest", 2**62 if after is None else after, limit)

    def _oldest(self, after: int | None, limit: int) -> list[int]:
        return self._by_number("oldest", 0 if after is None else after, limit)

    def _by_number(self, name: str, person: int, limit: int) -> list[int]:
        found: list[int] = []
        while len(found) < limit and (rows := sql.all[name](self.conn, person=person, span=limit).fetchall()):
            found += [row.person_id for row in rows if row.living]
            person = rows[-1].person_id
        return found[:limit]

    def _ids(self, name: str, after: int | None, limit: int, **params: Any) -> list[int]:
        bucket, person = (-1, 0) if after is None else (bucket_of(after), after)
        found = sql.all[name](self.conn, bucket=bucket, person=person, limit=limit, **params)
        return [row.person_id for row in found]

    def _of_scope(self, after: int | None, limit: int) -> list[int]:
        return scope.following(self.conn, self.visitor, after, limit)

    def _members(self, after: int | None, limit: int) -> list[int]:
        return self._ids("members", after, limit, segment=self.segment)

    def _tagged(self, after: int | None, limit: int) -> list[int]:
        return self._ids("tagged", after, limit, tag=self.ask.tag)

    def _test(self, persons: list[int]) -> list[int]:
        """Those of them whom the visitor may see and for whom everything holds, in their order."""
        seen = scope.within(self.conn, self.visitor, persons)
        rule = self.all_of_it if self._name() != "segment" else self.rule
        return seen if rule is None or not seen else self._hold(rule, seen)

    def _hold(self, rule: Rule, persons: list[int]) -> list[int]:
        """For whom of a few thousand it holds, in their order: as SQL, which for so few is faster than the arrays."""
        compiled = compile(rule)
        text = f"select p.person_id from ({THESE}) p where {compiled.text} order by p.place"
        values = compiled.params | {"persons": persons, "now": self.now, "zone": self.zone}
        return [row.person_id for row in self.conn.execute(text, values)]  # type: ignore[arg-type]

    def _stream(self, base: Next, after: int | None) -> Found:
        """A page of a large set, in the order of an index; the steps grow, so that a full page costs little and an empty one not much."""
        found: list[int] = []
        looked, ended = 0, False
        step = min(PAGE * 2, LOOK) if self.rule or self.scoped else PAGE + 1
        while len(found) <= PAGE and looked < LOOK and not ended:
            chunk = base(after, step)
            found += self._test(chunk)
            looked, ended, after = looked + len(chunk), len(chunk) < step, chunk[-1] if chunk else after
            step = min(step * 2, LOOK - looked)
        if len(found) > PAGE:
            return Found(found[:PAGE], found[PAGE - 1], True, self.size(), self._stream_sorts())
        return Found(found, None if ended else after, ended, self.size(), self._stream_sorts())

    def _stream_sorts(self) -> tuple[str, ...]:
        return ("newest", "oldest") if self._name() == "everybody" else ()

    def _of_whole(self, after: int | None) -> Found:
        """A page of everybody for whom it holds: in any order where they are few, by key where they are many."""
        persons = self.everyone(fresh=after is None)
        if len(persons) <= SMALL:
            return _cut(self._in_order(persons.tolist()), after)
        begin = 0 if after is None else int(np.searchsorted(_place(persons), _place(np.array([after]))[0], "right"))
        shown = persons[begin : begin + PAGE].tolist()
        more = len(persons) > begin + PAGE
        return Found(shown, shown[-1] if more else None, True, Size(len(persons)), ())

    def everyone(self, fresh: bool = True) -> np.ndarray:
        """All of them, in the order of the key: for what is done to all. A look that need not be fresh may be a minute old."""
        return self.kept.get(("whole", *self._key), lambda: np.array(list(self._everyone()), np.int64), fresh=fresh)

    def _everyone(self) -> Iterator[int]:
        if self.all_of_it is None or self._name() in ("scope", "tag"):
            yield from self._walk()
            return
        for lo in range(0, BUCKETS, BLOCK):
            block = np.array(holding(self.conn, self.all_of_it, self.now, Only(lo, lo + BLOCK - 1)), np.int64)
            yield from block[np.argsort(_place(block))].tolist()

    def _walk(self) -> Iterator[int]:
        base, after, found = self._base("oldest"), None, []
        while chunk := base(after, SMALL):
            found += self._test(chunk)
            after = chunk[-1]
        persons = np.array(found, np.int64)
        yield from persons[np.argsort(_place(persons))].tolist()

    def size(self) -> Size:
        """About how many."""
        if self._name() == "scope":
            return Size(None if self.rule else SMALL, "more")
        if self.all_of_it is None:
            return everybody(self.conn)
        key = ("size", str(self.all_of_it))
        return self.kept.get(key, self._segment_size if self.rule is None else self._rule_size)

    def _segment_size(self) -> Size:
        row = sql.members_of_some(self.conn, segment=self.segment, buckets=BLOCK).fetchone()
        return _about(row.n, BUCKETS // BLOCK)  # type: ignore[union-attr]

    def _rule_size(self) -> Size:
        people = max(everybody(self.conn).n or 1, 1)
        buckets = min(max(BUCKETS * SAMPLE // people, 1), BUCKETS)
        only = EVERYBODY if buckets == BUCKETS else Only(0, buckets - 1)
        assert self.all_of_it is not None
        n = len(holding(self.conn, self.all_of_it, self.now, only))
        return Size(n) if buckets == BUCKETS else _about(n, BUCKETS / buckets)


def _cut(ordered: list[int], after: int | None) -> Found:
    """A page of a set that is known whole."""
    begin = ordered.index(after) + 1 if after in ordered else 0
    shown = ordered[begin : begin + PAGE]
    more = len(ordered) > begin + PAGE
    return Found(shown, shown[-1] if more else None, True, Size(len(ordered)), SORTS)


def everybody(conn: psycopg.Connection) -> Size:
    """How many persons there are: counted while they are few, else as the database remembers."""
    about = sql.about_everybody(conn).fetchone()
    assert about is not None
    if about.people > 2 * SMALL:
        return Size(_round(about.people), "about")
    counted = sql.count_some(conn, limit=SMALL + 1).fetchone()
    assert counted is not None
    return Size(counted.n) if counted.n <= SMALL else Size(max(counted.n, about.people), "about")


def _about(n: int, times: float) -> Size:
    """Of a sample in which nobody is, it is said with 95% that there are fewer than three times what one would stand for."""
    return Size(_round(int(n * times)), "about") if n else Size(_round(int(3 * times)), "fewer")


def _round(n: int) -> int:
    """Two figures: an estimate says no more."""
    unit = 10 ** max(len(str(n)) - 2, 0)
    return round(n / unit) * unit


def _place(persons: np.ndarray) -> np.ndarray:
    """What sorts persons by bucket and then by number."""
    return (persons % BUCKETS) * 2**50 + persons // BUCKETS


class _Kept:
    """What the questions of one edge found, for a minute."""

    def __init__(self) -> None:
        self._lock, self._found = threading.Lock(), dict[Any, tuple[float, Any]]()

    def get(self, key: Any, make: Callable[[], Any], fresh: bool = False) -> Any:
        with self._lock:
            self._found = {known: kept for known, kept in self._found.items() if kept[0] > monotonic()}
            if key in self._found and not fresh:
                return self._found[key][1]
        value = make()
        with self._lock:
            while len(self._found) >= MOST_KEPT:
                del self._found[next(iter(self._found))]
            self._found[key] = (monotonic() + KEPT_SECONDS, value)
        return value


_kept: WeakKeyDictionary[Pool, _Kept] = WeakKeyDictionary()


def forget(edge: Edge) -> None:
    """People were changed from here: what was found is looked for anew."""
    _kept.pop(edge.pool, None)
