"""Everything that happened to one person, the newest first, page after page; each touch with its verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from yutang.clock import parse_time
from yutang.web.pages.person.subject import Subject, sql
from yutang.why.touches import happening

PAGE = 40
END = datetime(9999, 1, 1, tzinfo=UTC)
TYPES: dict[str, tuple[str, ...]] = {
    "order": ("ordered", "refunded"),
    "coupon": ("coupon_issued", "coupon_redeemed", "red_packet_claimed"),
    "consent": ("consent_given", "consent_withdrawn", "tagged", "untagged", "profile_updated", "grant_given"),
    "contact": (
        "contact_added", "contact_lost", "contact_moved", "group_joined", "group_left", "followed", "unfollowed", "scanned",
        "registered", "message_received", "staff_messaged", "located",
    ),
}  # fmt: skip
KINDS = ("all", "touch", "order", "coupon", "journey", "segment", "consent", "contact", "other")


@dataclass(frozen=True)
class Moment:
    """One line. kind: which part of the template tells it; what: an event, a touch, a run, a stay, a coupon or a merge."""

    at: datetime
    kind: Literal["event", "touch", "entered", "ended", "came", "left", "coupon", "merge"]
    what: Any
    order: int = 0

    @property
    def place(self) -> tuple[datetime, int]:
        return self.at, self.order


def timeline(subject: Subject) -> dict[str, Any]:
    """A page of it: ``?kind=`` narrows, ``?before=`` goes on where the last one ended."""
    asked = subject.request.query_params
    kind = asked.get("kind", "all")
    kind = kind if kind in KINDS else "all"
    before = place_of(asked.get("before", ""))
    found = sorted(
        [*_events(subject, kind, before), *_rest(subject, kind, before)], key=lambda one: one.place, reverse=True
    )
    shown = found[:PAGE]
    last = shown[-1].place if len(found) > PAGE else None
    return {
        "moments": shown,
        "kind": kind,
        "kinds": KINDS,
        "before": last and f"{last[0].isoformat()}~{last[1]}",
        "later": "before" in asked,
    }


def place_of(text: str) -> tuple[datetime, int]:
    """Where a page begins; from the newest where it cannot be read."""
    at, _, order = text.rpartition("~")
    try:
        return parse_time(at), int(order)
    except (ValueError, OverflowError):
        return END, 0


def _events(subject: Subject, kind: str, before: tuple[datetime, int]) -> Iterator[Moment]:
    if kind in ("touch", "journey", "segment"):
        return
    types = list(TYPES[kind]) if kind in TYPES else None
    but = [type for some in TYPES.values() for type in some] if kind == "other" else None
    rows = sql.events(
        subject.conn, subject.only, types=types, but=but, before=before[0], event=before[1], limit=PAGE + 1
    )
    for row in rows:
        yield Moment(row.at, "event", happening(row), row.event_id)


def _rest(subject: Subject, kind: str, before: tuple[datetime, int]) -> Iterator[Moment]:
    """What the chain tells besides events, as far as it lies before the place."""
    chain = subject.chain
    if kind in ("all", "touch"):
        yield from _cut(before, ((touch.at, "touch", touch) for run in chain.enrolments for touch in run.touches))
    if kind in ("all", "journey"):
        yield from _cut(before, ((run.entered_at, "entered", run) for run in chain.enrolments))
        yield from _cut(before, ((run.ended_at, "ended", run) for run in chain.enrolments))
    if kind in ("all", "segment"):
        yield from _cut(before, ((stay.since, "came", stay) for stay in chain.segments))
        yield from _cut(before, ((stay.until, "left", stay) for stay in chain.segments))
    if kind == "all":
        yield from _cut(before, ((merge.at, "merge", merge) for merge in chain.merges))


def _cut(before: tuple[datetime, int], moments: Any) -> Iterator[Moment]:
    """Of the same instant, what is told here comes after the events: it has no number of its own."""
    return (
        Moment(at, kind, what, -n)
        for n, (at, kind, what) in enumerate(moments, 1)
        if at is not None and (at, -n) < before
    )
