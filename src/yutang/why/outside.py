"""The journeys that the person is not in: what keeps them out, and what they did that began no run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.journey.trigger import by_clock
from yutang.model import Reason
from yutang.why import words
from yutang.why.book import Book, grouped
from yutang.why.chain import Outside
from yutang.why.firings import by_schedule
from yutang.why.look import LATEST, Look
from yutang.why.runs import cause_event, cause_instant


def outside(book: Book, person_id: int, runs: list[Any], stays: list[Any]) -> list[Outside]:
    """One entry for each journey without a run, and one for each newer cause that began none."""
    by_journey = grouped(runs, lambda row: row.journey_id)
    found: list[Outside] = []
    for d in definitions.all_current(book.conn, "journey"):
        found += _kept_out(Look(book, person_id, d, by_journey.get(d.definition_id, []), stays))
    return found


def _kept_out(look: Look) -> Iterator[Outside]:
    if by_clock(look.d.body):
        return by_schedule(look)
    if "event" in look.trigger:
        return _by_event(look)
    if "near" in look.trigger:
        return _by_place(look)
    return _by_segment(look) if "segment" in look.trigger else _by_call(look)


def _by_event(look: Look) -> Iterator[Outside]:
    """Trigger events that began no run; without any: that there was none."""
    types, where = look.trigger["event"], Jsonb(look.trigger["where"])
    seen = look.book.rows("triggers", types=types, where=where, limit=LATEST)
    if not seen and not look.runs:
        zh = "」或「".join(words.event_title(type)["zh"] for type in types)
        yield look.say(
            None, words.both(f"没有发生触发事件「{zh}」", f"the trigger event '{' or '.join(types)}' never happened")
        )
    yield from _without_run(look, seen)


def _by_place(look: Look) -> Iterator[Outside]:
    """Where the person was near a store; without any such place: how far they were."""
    near = look.trigger["near"]
    seen = look.book.rows("located", limit=LATEST, **_stores(look.book, near["store"]))
    close = [place for place in seen if place.metres <= near["within_m"]]
    if not close and not look.runs:
        known = [place.metres for place in seen]
        zh, en = (
            (f"最近时 {min(known)} 米", f"{min(known)} metres at the nearest")
            if known
            else ("没有位置", "no place is known")
        )
        yield look.say(
            None,
            words.both(
                f"没有到过门店 {near['within_m']} 米以内：{zh}",
                f"never within {near['within_m']} metres of a store: {en}",
            ),
        )
    yield from _without_run(look, close)


def _stores(book: Book, name: str | None) -> dict[str, list[Any]]:
    found = [d for d in definitions.all_current(book.conn, "store") if name in (None, d.name)]
    return {f"{axis}s": [d.body[axis] for d in found] for axis in ("lat", "lon")}


def _without_run(look: Look, events: list[Any]) -> Iterator[Outside]:
    taken = {cause_event(run.cause) for run in look.runs}
    return (_unanswered(look, event) for event in events if event.event_id not in taken)


def _unanswered(look: Look, event: Any) -> Outside:
    """Why a trigger event began no run."""
    days = look.d.body["max_age_days"]
    if event.at < event.received_at - timedelta(days=days):
        return look.say(
            Reason.TOO_OLD,
            words.both(f"事件到达时已超过 {days} 天，不再触发", f"the event came in more than {days} days late"),
            event.at,
        )
    if look.started_at is None or event.received_at < look.started_at:
        return look.say(None, words.both("旅程那时还没有上线", "the journey was not in service yet"), event.at)
    return look.without_run(event.at, event.received_at)


def _by_segment(look: Look) -> Iterator[Outside]:
    """Stays in the trigger's segment that began no run; without any: why the person is not in it, or has not left."""
    name, leaving = look.trigger["segment"], look.trigger.get("when") == "left"
    stays = [stay for stay in look.stays if look.book.name(stay.segment_id) == name]
    taken = {cause_instant(run.cause) for run in look.runs}
    if leaving:
        stays = [stay for stay in stays if stay.until is not None]
    if not stays and not look.runs:
        yield _not_there(look, name, leaving)
    for stay in stays[-LATEST:]:
        crossed = stay.until if leaving else stay.since
        if crossed not in taken:
            yield look.without_run(crossed, crossed) if leaving else _unused(look, stay)


def _not_there(look: Look, name: str, leaving: bool) -> Outside:
    title = look.book.titled("segment", name)
    if leaving:
        return look.say(
            None,
            words.both(f"没有离开过触发人群「{title['zh']}」", f"never left the trigger's segment '{title['en']}'"),
        )
    said = words.both(f"不在触发人群「{title['zh']}」中", f"not in the trigger's segment '{title['en']}'")
    return look.say(None, said, None, look.explained(name))


def _unused(look: Look, stay: Any) -> Outside:
    """Why a stay in the segment began no run."""
    if stay.until is not None and (look.started_at is None or stay.until <= look.started_at):
        return look.say(
            Reason.LEFT_SEGMENT,
            words.both("旅程上线前已离开人群", "left the segment before the journey began"),
            stay.since,
        )
    since: datetime = stay.since
    refused = look.refused(since, since)
    if refused is None and stay.until is not None:
        return look.say(Reason.LEFT_SEGMENT, words.reason(Reason.LEFT_SEGMENT), since)
    return refused or look.without_run(since, since)


def _by_call(look: Look) -> Iterator[Outside]:
    if not look.runs:
        yield look.say(None, words.both("只由另一旅程的一步开始", "only a step of another journey begins it"))
