"""Reading a finished replay: questions to its tables, scaled to everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from yutang import definitions
from yutang.channels.contract import Allowance
from yutang.db.queries import Queries, Query
from yutang.definitions import Definition
from yutang.journey.draft import number
from yutang.offer.liability import BINS, Cohort, Open, Worth, forecast, rates, timing
from yutang.offer.report.owed import costs
from yutang.replay.report import LEAST, Anyway, Counted, Coupons, Daily, Liability, Outcome, Quota, Step
from yutang.replay.scale import Figure, Sample, share
from yutang.why import lines, words

sql = Queries(__package__)
Key = tuple[int, int]
"""(offer, rung); rung 0 where there is no ladder."""
Cohorts = dict[Key, list[Cohort]]
"""Weekly cohorts (issued, used) by offer and rung."""
MOMENT = timedelta(microseconds=1)
"""The least that instants of the database differ by."""
ANYWAY_DAYS = 14
"""Who buys within so many days of entering was about to."""


@dataclass(frozen=True)
class Former:
    """How coupons were used in the live pond. worths: what uses cost, of offers and rungs that were used often enough to tell."""

    cohorts: Cohorts
    worths: dict[Key, Worth]


@dataclass(frozen=True)
class Look:
    """One look at a replay, at what lies after `since` and no later than `until`; `drafts` are the journeys on trial."""

    conns: list[psycopg.Connection]
    since: datetime
    until: datetime
    sample: Sample
    drafts: list[Definition]
    pond: dict[str, Any]
    names: dict[int, str]

    def ask(self, query: Query, **params: Any) -> list[Any]:
        """The rows of all hands together."""
        return together([query(conn, **params).fetchall() for conn in self.conns])

    @property
    def ids(self) -> list[int]:
        return [d.definition_id for d in self.drafts]

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.pond["budget"]["window_days"])

    def days(self, zone: str) -> tuple[date, date]:
        """The first and the last day that it looks at, there."""
        first, last = (at.astimezone(ZoneInfo(zone)).date() for at in (self.since + MOMENT, self.until))
        return first, last

    def figure(self, row: Any) -> Figure:
        return self.sample.total(row.n, row.squares)

    def counted(self, rows: Iterable[Any], *columns: str) -> list[Counted]:
        """Rows as counts; ids of definitions become names."""
        return [Counted(tuple(self._word(row, column) for column in columns), self.figure(row)) for row in rows]

    def daily(self, rows: Iterable[Any], column: str) -> list[Daily]:
        found: dict[str, dict[date, Figure]] = {}
        for row in rows:
            found.setdefault(self._word(row, column), {})[row.day] = self.figure(row)
        return [Daily((what,), days) for what, days in found.items()]

    def _word(self, row: Any, column: str) -> str:
        value = getattr(row, column)
        return self.names.get(value, str(value)) if column.endswith("_id") else value or ""


SUMS = {
    "n", "squares", "worth", "worth_squares", "redeemed", "redeemed_squares", "cost", "cost_squares", "owed", "owed_squares", "over",
    "entered", "untouched", "bought", "given", "given_untouched", "given_bought", "redemptions", "orders",
}  # fmt: skip
"""What adds up over people; of `most` the largest counts, and everything else says what a row is about."""


def together(tables: list[list[Any]]) -> list[Any]:
    """The same question answered by several hands, each of its own people."""
    if len(tables) == 1:
        return tables[0]
    found: dict[tuple[Any, ...], Any] = {}
    for row in (row for table in tables for row in table):
        said = (value for name, value in row._asdict().items() if name not in SUMS and name != "most")
        key = tuple((value is None, tuple(value) if isinstance(value, list) else value) for value in said)
        found[key] = _added(found[key], row) if key in found else row
    return [found[key] for key in sorted(found)]


def _added(a: Any, b: Any) -> Any:
    sums = {name: getattr(a, name) + getattr(b, name) for name in a._fields if name in SUMS}
    return a._replace(**sums, **({"most": max(a.most, b.most)} if "most" in a._fields else {}))


def entries(look: Look) -> list[Counted]:
    return look.counted(look.ask(sql.entries, since=look.since), "journey_id", "arm")


def entries_per_day(look: Look) -> list[Daily]:
    return look.daily(look.ask(sql.entries_by_day, since=look.since, zone=look.pond["time_zone"]), "journey_id")


def ends(look: Look) -> list[Counted]:
    return look.counted(look.ask(sql.ends, since=look.since), "journey_id", "state", "reason")


def verdicts(look: Look) -> list[Counted]:
    return look.counted(look.ask(sql.verdicts, since=look.since), "journey_id", "verdict", "reason")


def sent(look: Look) -> list[Counted]:
    return look.counted(look.ask(sql.sent_by_channel, since=look.since), "journey_id", "channel")


def sent_per_day(look: Look) -> list[Daily]:
    return look.daily(look.ask(sql.sent_by_day, since=look.since, zone=look.pond["time_zone"]), "channel")


def cost(look: Look) -> list[Counted]:
    """What the touches cost, by journey and channel."""
    prices = look.pond.get("cost_fen", {})
    return [Counted(one.what, _times(one.figure, prices[one.what[1]])) for one in sent(look) if prices.get(one.what[1])]


def _times(figure: Figure, price: float) -> Figure:
    return Figure(figure.value * price, figure.low * price, figure.high * price)


def per_person(look: Look) -> dict[int, Figure]:
    """How many people got how many touches; who got none comes first."""
    rows = look.ask(sql.sent_per_person, since=look.since)
    none = look.sample.n - sum(row.n for row in rows)
    return {0: look.sample.count(none)} | {
        n: look.sample.count(k) for n, k in sorted((row.touches, row.n) for row in rows)
    }


def collisions(look: Look) -> list[Counted]:
    """(who had to wait, for whom, why)."""
    rows = look.ask(sql.collisions, since=look.since, window=look.window)
    return look.counted(sorted(rows, key=lambda row: -row.n), "journey_id", "other_id", "reason")


def steps(look: Look) -> list[Step]:
    """The lines of the drafts in order, those that nobody passed too."""
    asked = {"since": look.since, "journeys": look.ids}
    dated = asked | {"zone": look.pond["time_zone"]}
    seen = _by_line(look, "outcome", look.ask(sql.steps, **asked), look.ask(sql.said_in_all, **asked))
    days = _by_line(look, "day", look.ask(sql.steps_by_day, **dated), look.ask(sql.said, **dated))
    titled = _titles(look)
    return [
        Step(
            d.name,
            line["id"],
            lines.line(line, titled),
            [Outcome(word, lines.outcome(line, word), found) for word, found in _of_line(seen, d, n, line).items()],
            _of_line(days, d, n, line),
        )
        for d in look.drafts
        for n, line in enumerate(d.body["program"])
    ]


Place = tuple[int, int | None, int]
"""Journey, version and line; what was said is known by the line's number over all versions."""


def _by_line(look: Look, column: str, passed: Iterable[Any], said: Iterable[Any]) -> dict[Place, dict[Any, Figure]]:
    found: dict[Place, dict[Any, Figure]] = {}
    for row in passed:
        found.setdefault((row.journey_id, row.version, row.step), {})[getattr(row, column)] = look.figure(row)
    for row in said:
        found.setdefault((row.journey_id, None, row.number), {})[getattr(row, column)] = look.figure(row)
    return found


def _of_line(found: dict[Place, dict[Any, Figure]], d: Definition, n: int, line: Any) -> dict[Any, Figure]:
    return found.get((d.definition_id, None, number(line)), {}) | found.get((d.definition_id, d.version, n), {})


def _titles(look: Look) -> lines.Titled:
    known = {
        (kind, d.name): words.title_of(d.body, d.name)
        for kind in ("message", "offer", "segment", "journey")
        for d in definitions.all_current(look.conns[0], kind)
    }
    return lambda kind, name: known.get((kind, name), words.both(name, name))


def coupons(look: Look) -> list[Coupons]:
    total = look.sample.total
    return [
        Coupons(
            look.names.get(row.journey_id, str(row.journey_id)),
            look.names.get(row.definition_id, str(row.definition_id)),
            total(row.n, row.squares),
            total(row.worth, row.worth_squares),
            total(row.redeemed, row.redeemed_squares),
            total(row.cost, row.cost_squares),
            total(row.owed, row.owed_squares),
        )
        for row in look.ask(sql.coupons, since=look.since)
    ]


def anyway(look: Look) -> Anyway | None:
    """None where nothing was replayed that anybody could have bought in."""
    within = timedelta(days=ANYWAY_DAYS)
    (row,) = look.ask(
        sql.anyway, journeys=look.ids, since=look.since, until=look.until, within=within, window=look.window
    )
    if not row.entered:
        return None
    count = look.sample.count
    return Anyway(
        ANYWAY_DAYS, count(row.entered), count(row.untouched), count(row.bought), _share(row.bought, row.untouched),
        count(row.given), count(row.given_untouched), count(row.given_bought), _share(row.given_bought, row.given_untouched),
    )  # fmt: skip


def _share(part: int, whole: int) -> Figure | None:
    """None where too few were looked at to tell."""
    return share(part, whole) if whole >= LEAST else None


def former(live: psycopg.Connection, now: datetime) -> Former:
    """How the coupons of the live pond were used by `now`; what a use costs is as it is known today."""
    found: Cohorts = {}
    for row in sql.cohorts(live, now=now):
        found.setdefault((row.definition_id, row.rung), []).append((row.issued, row.used))
    return Former(found, costs(live))


def liability(look: Look, known: Former) -> Liability:
    """What the coupons of the drafts cost: what their uses in the replay have, and what the others will, as far as former coupons
    tell. A sample widens it by its own interval."""
    given: dict[Key, list[Any]] = {}
    for row in look.ask(sql.given, since=look.since, until=look.until, journeys=look.ids):
        given.setdefault((row.definition_id, row.rung), []).append(row)
    (spent,) = look.ask(sql.spent, since=look.since, journeys=look.ids)
    keys = [*known.cohorts, *(key for key in given if key not in known.cohorts)]
    rated = dict(zip(keys, rates([known.cohorts.get(key, []) for key in keys]), strict=True))
    worths = {key: known.worths.get(key) or _as_expected(rows) for key, rows in given.items()}
    ages = {key: _by_age(look, rows) for key, rows in given.items()}
    shape, cost = timing([0] * BINS), look.figure(spent)

    def quantile(share: float, of: Callable[[Figure], float]) -> float:
        parts = [Open(rated[key], [(age, round(of(n))) for age, n in ages[key]], worths[key]) for key in given]
        return of(cost) + (forecast(parts, shape).quantile(share) if parts else 0)

    return Liability(quantile(0.1, lambda f: f.low), quantile(0.5, lambda f: f.value), quantile(0.9, lambda f: f.high))


def _as_expected(rows: Iterable[Any]) -> Worth:
    """What uses cost where too few former ones tell: what was expected when the coupons were given."""
    return [(fen, float(row.n)) for row in rows for fen in row.values]


def _by_age(look: Look, rows: Iterable[Any]) -> list[tuple[int, Figure]]:
    """How many coupons there are by the tenth of their life that is over."""
    found: dict[int, int] = {}
    for row in rows:
        found[row.age] = found.get(row.age, 0) + row.n
    return [(age, look.sample.count(n)) for age, n in sorted(found.items())]


@dataclass(frozen=True)
class Limit:
    """What a platform allows on a channel."""

    channel: str
    zone: str
    allowance: Allowance

    @property
    def span(self) -> str:
        """The kind of window: day, week or month."""
        first, last = self.allowance.first, self.allowance.last
        assert first
        assert last
        return "day" if first == last else "week" if (last - first).days < 7 else "month"


def quotas(look: Look, limits: Iterable[Limit]) -> list[Quota]:
    """The fullest span of each limit that has days; a stock without days is shown by the calendar of the plan."""
    return [_quota(look, one) for one in limits if one.allowance.first and one.allowance.kind == "message"]


def _quota(look: Look, limit: Limit) -> Quota:
    has = limit.allowance
    rows = look.ask(
        sql.most_per_span, since=look.since, channel=limit.channel, zone=limit.zone, span=limit.span, amount=has.amount
    )
    if has.per == "person":
        most, over = max((row.most for row in rows), default=0), sum(row.over for row in rows)
        figures = (Figure(most, most, most), look.sample.count(over))
    else:
        spans = [look.figure(row) for row in rows]
        full = float(sum(span.value > has.amount for span in spans))
        figures = (max(spans, key=lambda span: span.value, default=Figure(0, 0, 0)), Figure(full, full, full))
    assert has.last
    return Quota(limit.channel, limit.span, has.per, has.amount, *look.days(limit.zone), *figures)
