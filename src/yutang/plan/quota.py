"""The calendar of what platforms allow and what is planned of it: which campaign finds no room, and when it would.

What is used: messages sent in the windows that are open, held ones, those whom a journey under way will write to, and the
campaigns in service; then the campaigns of a plan. A campaign is a journey that a schedule begins; whom it would reach is
asked as of now, and those whom a holdout keeps out are counted in. What an event begins cannot be foreseen here: a dry run
tells of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from yutang import decide, definitions
from yutang.channels.contract import Allowance, Channel
from yutang.db.queries import Queries
from yutang.deliver.quiet import quiet_until
from yutang.model import YutangError
from yutang.plan.audience import audience
from yutang.plan.ledger import Ledger, People, Shortage, Use
from yutang.plan.parts import POND, Bodies, Body
from yutang.plan.runs import Said, firings, said

sql = Queries(__package__)

MOST_LATE = 0.05
"""The share of a campaign that may find no room: some of its people always have another message on their way, and these wait
for the next window. Above it, the campaign would not be one of that day."""
YEARS = range(2000, 3000)
"""Of which anybody may ask: what is far off from today has no campaigns, and the calendar itself ends with the year 9999."""
SEARCHED = 92
"""Days ahead on which room is looked for."""


@dataclass(frozen=True)
class Campaign:
    """One firing of a scheduled journey, and what it uses."""

    journey: str
    at: datetime
    people: int
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class Late:
    """A campaign that finds too little room. possible: the first day on which it would find enough."""

    journey: str
    at: datetime
    shortage: Shortage
    possible: date | None


@dataclass
class Calendar:
    """What is planned from `begin` to `end` (exclusive) on the channels that have allowances; `late`: what finds too little."""

    begin: datetime
    end: datetime
    channels: list[str]
    ledger: Ledger
    committed: dict[tuple[date, str, str], int] = field(default_factory=dict)
    campaigns: list[Campaign] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)


def month_of(now: datetime, zone: str, month: str | None) -> tuple[datetime, datetime]:
    """The first instants of a month (``2026-03``; the running one by default) and of the next. Raises ValueError."""
    local = datetime.strptime(month, "%Y-%m") if month else now.astimezone(ZoneInfo(zone))
    if local.year not in YEARS:
        raise ValueError(f"the year {local.year} is none of {YEARS}")
    first = datetime(local.year, local.month, 1, tzinfo=ZoneInfo(zone))
    return first, _next_month(first)


def horizon(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """What a plan looks at: the running month, and the next."""
    begin, end = month_of(now, zone, None)
    return begin, _next_month(end)


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=32)).replace(day=1)


def calendar(
    conn: psycopg.Connection,
    now: datetime,
    bodies: Bodies,
    channels: Mapping[str, Channel],
    begin: datetime,
    end: datetime,
    fresh: Collection[str] = (),
) -> Calendar:
    """What these definitions plan. fresh: journeys that get room only when all others have theirs."""
    look = Look(conn, now, bodies, channels, begin, end)
    found = Calendar(begin, end, look.limited, Ledger(look.allowances))
    found.committed = _commit(found.ledger, look)
    found.campaigns, short = _fill(found.ledger, look, fresh)
    found.late = list(_late(look, short, fresh))
    for one, _ in short:
        _book(found.ledger, one)
    return found


def _commit(ledger: Ledger, look: Look) -> dict[tuple[date, str, str], int]:
    """Book what is sent, held and under way; messages by day, channel and kind."""
    for use in look.committed():
        ledger.add(use)
    return dict(ledger.days)


def _fill(ledger: Ledger, look: Look, fresh: Collection[str]) -> tuple[list[Campaign], list[tuple[Campaign, Shortage]]]:
    """Book the campaigns that find room. Returns all of them, and those that find too little."""
    every = sorted(look.campaigns(), key=lambda one: (one.journey in fresh, one.at, one.journey))
    short: list[tuple[Campaign, Shortage]] = []
    for one in every:
        if (lack := _lack(ledger, one.uses)) is not None:
            short.append((one, lack))
        else:
            _book(ledger, one)
    return every, short


def _late(look: Look, short: Sequence[tuple[Campaign, Shortage]], fresh: Collection[str]) -> Iterator[Late]:
    """Look for room, only when all that fits has its own: in every month into which the search leads, as much recurs."""
    if not short:
        return
    # Windows are months at most: the last one that is searched must be booked to its end.
    wide = replace(look, end=_next_month(look.end + timedelta(days=SEARCHED)))
    ledger = Ledger(wide.allowances)
    _commit(ledger, wide)
    whole = {(one.journey, one.at): one for one in _fill(ledger, wide, fresh)[0]}
    for one, lack in short:
        yield Late(one.journey, one.at, lack, _possible(ledger, whole[one.journey, one.at]))


def _book(ledger: Ledger, one: Campaign) -> None:
    for use in one.uses:
        ledger.add(use)


def _lack(ledger: Ledger, uses: Sequence[Use]) -> Shortage | None:
    """Where too many find no room."""
    shortage = ledger.shortage(uses)
    return shortage if shortage is not None and shortage.over > MOST_LATE * shortage.asked else None


def month(conn: psycopg.Connection, now: datetime, channels: Mapping[str, Channel], name: str | None) -> Calendar:
    """A month (``2026-03``; the running one by default) of what is in service. Raises YutangError for what is no month."""
    bodies = {
        (d.kind, d.name): d.body
        for kind in ("message", "segment", "journey")
        for d in definitions.all_current(conn, kind)
    }
    pond = definitions.pond(conn)
    try:
        begin, end = month_of(now, pond["time_zone"], name)
    except ValueError:
        years = f"{YEARS[0]}–{YEARS[-1]}"
        raise YutangError(
            f"'{name}' 不是 {years} 年间的月份，写成 2026-03。 this is no month of the years {years}; write it as 2026-03"
        ) from None
    return calendar(conn, now, bodies | {POND: pond}, channels, begin, end)


def _possible(ledger: Ledger, one: Campaign) -> date | None:
    """The first later day on which the whole campaign would find room."""
    for days in range(1, SEARCHED + 1):
        moved = [replace(use, day=use.day + timedelta(days=days)) for use in one.uses]
        if _lack(ledger, moved) is None:
            return moved[0].day
    return None


@dataclass
class Look:
    """One look at the database."""

    conn: psycopg.Connection
    now: datetime
    bodies: Bodies
    channels: Mapping[str, Channel]
    begin: datetime
    end: datetime
    _allowed: dict[tuple[str, date], list[Allowance]] = field(default_factory=dict)
    _audiences: dict[str, People] = field(default_factory=dict)
    _ways: dict[tuple[int, tuple[str, ...]], tuple[People, list[tuple[str, People]]]] = field(default_factory=dict)

    @property
    def pond(self) -> dict[str, Any]:
        return definitions.POND | self.bodies.get(POND, {})

    @property
    def zone(self) -> str:
        return self.pond["time_zone"]

    @cached_property
    def limited(self) -> list[str]:
        """The channels that have allowances at all."""
        return [name for name in self.channels if self.allowances(name, self._day(name, self.now))]

    @cached_property
    def _heads(self) -> dict[str, bytes]:
        return decide.heads(self.conn, self.pond["reach"])

    def allowances(self, name: str, day: date) -> list[Allowance]:
        """What a channel allows on a day, each asked once."""
        if name not in self.channels:
            return []
        if (name, day) not in self._allowed:
            self._allowed[name, day] = list(self.channels[name].allowances(self.conn, day))
        return self._allowed[name, day]

    def _day(self, name: str, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.channels[name].calendar)).date()

    def committed(self) -> Iterator[Use]:
        """What was sent or waits since the open windows began, and what journeys under way will say."""
        zones = [self.channels[name].calendar for name in self.limited]
        since = self._since()
        rows = sql.committed(
            self.conn, channels=self.limited, zones=zones, since=since, now=self.now, end=self.end
        )  # fmt: skip
        for row in rows:
            message = definitions.at_version(self.conn, row.message_id, row.message_version).body
            kinds = ("message", *{str(one.get("kind")) for one in message.get("attachments", ())})
            yield Use(row.day, row.channel, kinds, np.array(row.persons, np.int64))
        for row in sql.under_way(self.conn, now=self.now, end=self.end):
            d = definitions.at_version(self.conn, row.journey_id, row.version)
            ahead = said(d.body["program"], row.step, row.at, self.bodies, self.zone, waited=True)
            yield from self._uses(d.body, ahead, np.unique(np.array(row.persons, np.int64)))

    def _since(self) -> datetime:
        """The beginning of the month, or of the oldest window that is open."""
        open_ = [
            datetime.combine(a.first, time(), ZoneInfo(self.channels[name].calendar))
            for name in self.limited
            for a in self.allowances(name, self._day(name, self.now))
            if a.first is not None
        ]
        return min([self.begin, *open_])

    def campaigns(self) -> Iterator[Campaign]:
        """Every firing of every schedule from now on."""
        if not self.limited:
            return
        for (kind, name), body in self.bodies.items():
            if kind != "journey":
                continue
            for at in firings(body, self.now, self.end, self.zone):
                people = self._audience(body["audience"])
                uses = self._uses(body, said(body["program"], 0, at, self.bodies, self.zone), people)
                yield Campaign(name, at, len(people), tuple(uses))

    def _audience(self, rule: dict[str, Any] | None) -> People:
        """Each audience is asked once."""
        if repr(rule) not in self._audiences:
            self._audiences[repr(rule)] = audience(self.conn, self.now, rule, self.bodies)
        return self._audiences[repr(rule)]

    def _uses(self, journey: Body, ahead: Iterable[Said], people: People) -> Iterator[Use]:
        """What these messages of a journey use of those channels that have allowances."""
        for one in ahead:
            if (at := self._goes_out(journey, one.at)) < self.end:
                for name, reached in self._split(one.channels, people):
                    yield Use(self._day(name, at), name, one.kinds, reached)

    def _goes_out(self, journey: Body, at: datetime) -> datetime:
        """Quiet hours and holidays hold back all but a service, and take the message to another day's allowance. Where each
        person lives is not asked: the hours are those of the brand's place."""
        if journey.get("class") == "service":
            return at
        return quiet_until(at, self.zone, self.pond["quiet"]) or at

    def _split(self, channels: tuple[str, ...], people: People) -> list[tuple[str, People]]:
        """Each goes to whom the first channel reaches, then to whom the next one does; asked once for the same people."""
        key = (id(people), channels)
        if key not in self._ways:
            left, found = people, []
            for name in (name for name in channels if name in self.channels):
                reached = self._reached(name, left)
                left = np.setdiff1d(left, reached, assume_unique=True)
                if name in self.limited and len(reached):
                    found.append((name, reached))
            # The people are kept too: nobody else may get their id.
            self._ways[key] = (people, found)
        return self._ways[key][1]

    def _reached(self, channel: str, people: People) -> People:
        """Those who have an address there."""
        head = self._heads.get(channel)
        if head is None or not len(people):
            return people
        rows = sql.reached(self.conn, persons=people.tolist(), head=head)
        return np.array([row.person_id for row in rows], np.int64)
