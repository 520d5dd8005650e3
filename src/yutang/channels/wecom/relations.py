"""Who follows whom: callbacks and readings of one pair folded into one row and the facts that follow from it.

The newest relation of a pair is kept. Callbacks come late, twice, in any order or never; a reading (what the API shows)
is the truth, but it may lag behind a callback by some seconds, so it says nothing against one that is younger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

Pair = tuple[str, str]
"""external_userid and userid."""

SAME = timedelta(seconds=60)
"""Two times of one relation, the callback's and the API's, differ by less than this."""
SETTLED = timedelta(seconds=30)
"""How long after a callback the API may still show what was before."""

By = Literal["staff", "customer", "transfer", "unknown"]
STATES: dict[By, str] = {
    "staff": "lost_by_staff",
    "customer": "lost_by_customer",
    "transfer": "transferred",
    "unknown": "lost",
}
WAYS = {
    0: "unknown", 1: "qr", 2: "search", 3: "card", 4: "group", 5: "phone_book", 6: "wechat_contact", 7: "wechat_request",
    8: "third_party", 9: "email", 10: "video_channel", 11: "schedule", 12: "meeting", 13: "wechat_friend", 14: "hardware",
    15: "on_site", 16: "link", 17: "custom", 18: "request_reply", 201: "shared", 202: "assigned",
}  # fmt: skip
"""How a contact and a member of staff met, by the platform's add_way."""


@dataclass(frozen=True)
class Relation:
    """The row of a pair. since: None only when we heard of its end first."""

    external_userid: str
    userid: str
    state: str = "lost"
    since: datetime | None = None
    lost_at: datetime | None = None
    state_param: str = ""
    add_way: int | None = None
    remark: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    personal_tags: tuple[str, ...] = ()
    changed_at: datetime | None = None
    synced_at: datetime | None = None
    seen_run: int | None = None

    @property
    def alive(self) -> bool:
        return self.state in ("active", "pending")


@dataclass(frozen=True)
class Added:
    """A callback: they became contacts. half: the member of staff has not confirmed yet."""

    at: datetime
    state_param: str = ""
    half: bool = False


@dataclass(frozen=True)
class Ended:
    """A callback: they are contacts no more."""

    at: datetime
    by: By


@dataclass(frozen=True)
class Seen:
    """A reading, asked for at `asked`: the relation is there since `at`. personal_tags: None where the call leaves them out."""

    at: datetime
    asked: datetime
    state_param: str = ""
    add_way: int | None = None
    remark: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    personal_tags: tuple[str, ...] | None = None
    run: int | None = None


@dataclass(frozen=True)
class Missing:
    """A reading, asked for at `asked`: there is no such relation."""

    asked: datetime


Happened = Added | Ended | Seen | Missing


@dataclass(frozen=True)
class Turn:
    """What a fact will say of a pair: it was added, or lost by somebody."""

    relation: Relation
    type: Literal["contact_added", "contact_lost"]
    at: datetime
    by: By = "unknown"


@dataclass(frozen=True)
class Folded:
    """The row afterwards, the turns it took, and whether a reading came too early to be believed."""

    relation: Relation
    turns: tuple[Turn, ...] = ()
    unsettled: bool = False


def fold(pair: Pair, row: Relation | None, happened: Sequence[Happened]) -> Folded:
    """What several things, oldest first, make of a row. Each of them may have been folded before."""
    relation, turns, unsettled = row or Relation(*pair), [], False
    known = row is not None
    for one in happened:
        step = _STEPS[type(one)](relation, known, one)
        relation, known = step.relation, known or step.relation != relation
        turns += step.turns
        unsettled = unsettled or step.unsettled
    return Folded(relation, tuple(turns), unsettled)


def _added(row: Relation, known: bool, one: Added) -> Folded:
    state = "pending" if one.half else "active"
    fresh = replace(row, state=state, since=one.at, lost_at=None, state_param=one.state_param, add_way=None, tags=(),
                    personal_tags=(), remark="", description="", changed_at=_later(row.changed_at, one.at), synced_at=None)  # fmt: skip
    if not known or (row.lost_at is not None and one.at > row.lost_at):
        return Folded(fresh, (Turn(fresh, "contact_added", one.at),))
    if row.lost_at is not None:
        return _added_before_its_end(row, fresh, one)
    assert row.since is not None
    if row.state == "pending" and not one.half and one.at >= row.since:
        return Folded(replace(row, state="active", changed_at=fresh.changed_at))
    if abs(one.at - row.since) <= SAME or one.at < row.since:
        return Folded(row)
    return Folded(fresh, (Turn(row, "contact_lost", one.at), Turn(fresh, "contact_added", one.at)))


def _added_before_its_end(row: Relation, fresh: Relation, one: Added) -> Folded:
    """The end was heard first, and told; or this was heard before."""
    if row.since is not None and one.at <= row.since + SAME:
        return Folded(row)
    ended = replace(fresh, state=row.state, lost_at=row.lost_at, changed_at=row.changed_at)
    return Folded(ended, (Turn(ended, "contact_added", one.at),))


def _ended(row: Relation, known: bool, one: Ended) -> Folded:
    ended = replace(row, state=STATES[one.by], lost_at=one.at, changed_at=_later(row.changed_at, one.at))
    if not known:
        return Folded(ended, (Turn(ended, "contact_lost", one.at, one.by),))
    if row.alive:
        assert row.since is not None
        return Folded(row) if one.at < row.since else Folded(ended, (Turn(ended, "contact_lost", one.at, one.by),))
    # The second of two who ended it, or the one that a reading could not name.
    if row.since is not None and one.at < row.since:
        return Folded(row)
    state = STATES[one.by] if row.state == "lost" else row.state
    return Folded(replace(row, state=state, changed_at=_later(row.changed_at, one.at)))


def _seen(row: Relation, known: bool, one: Seen) -> Folded:
    personal = row.personal_tags if one.personal_tags is None else one.personal_tags
    told = replace(row, state_param=one.state_param or row.state_param, add_way=one.add_way, remark=one.remark,
                   description=one.description, tags=one.tags, personal_tags=personal, synced_at=one.asked,
                   seen_run=one.run or row.seen_run)  # fmt: skip
    fresh = replace(told, state="active", since=one.at, lost_at=None)
    if not known:
        return Folded(fresh, (Turn(fresh, "contact_added", one.at),))
    if row.lost_at is not None:
        if one.at <= row.lost_at and not _settled(row, one.asked):
            return Folded(replace(row, seen_run=told.seen_run), unsettled=True)
        again = row.since is None or abs(one.at - row.since) > SAME or one.at > row.lost_at
        return Folded(fresh, (Turn(fresh, "contact_added", one.at),) if again else ())
    assert row.since is not None
    if one.at > row.since + SAME:
        return Folded(fresh, (Turn(row, "contact_lost", one.at), Turn(fresh, "contact_added", one.at)))
    return Folded(replace(told, state="active"))


def _missing(row: Relation, known: bool, one: Missing) -> Folded:
    if not known or not row.alive:
        return Folded(row)
    if not _settled(row, one.asked):
        return Folded(row, unsettled=True)
    ended = replace(row, state="lost", lost_at=one.asked)
    return Folded(ended, (Turn(ended, "contact_lost", one.asked),))


def _settled(row: Relation, asked: datetime) -> bool:
    """Was it asked so long after the newest callback that the API must know of it?"""
    return row.changed_at is None or asked >= row.changed_at + SETTLED


def _later(a: datetime | None, b: datetime) -> datetime:
    return b if a is None else max(a, b)


_STEPS: Mapping[type, Any] = {Added: _added, Ended: _ended, Seen: _seen, Missing: _missing}
