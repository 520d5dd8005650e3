"""The journeys that the person is not in: what keeps them out, and what they did that began no run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.definitions import Definition
from yutang.model import Reason, YutangError
from yutang.segment import language
from yutang.segment.explain import Explanation, explain, explain_rule
from yutang.why import words
from yutang.why.book import Book, grouped, sql
from yutang.why.chain import Outside, Words
from yutang.why.runs import cause_event, cause_since

LATEST = 5
"""Causes without a run that are told of each journey."""


def outside(book: Book, person_id: int, runs: list[Any], stays: list[Any]) -> list[Outside]:
    """One entry for each journey without a run, and one for each newer cause that began none."""
    by_journey = grouped(runs, lambda row: row.journey_id)
    found: list[Outside] = []
    for d in definitions.all_current(book.conn, "journey"):
        mine = by_journey.get(d.definition_id, [])
        kept_out = _by_event if "event" in d.body["trigger"] else _by_segment
        found += kept_out(_Look(book, person_id, d, mine, stays))
    return found


class _Look:
    """One journey from the side of one person."""

    def __init__(self, book: Book, person_id: int, d: Definition, runs: list[Any], stays: list[Any]) -> None:
        self.book, self.person_id, self.d, self.runs, self.stays = book, person_id, d, runs, stays
        started = sql.started(book.conn, journey=d.definition_id).fetchone()
        self.started_at: datetime | None = started.started_at if started else None

    def say(
        self, reason: Reason | None, said: Words, at: datetime | None = None, why: Explanation | None = None
    ) -> Outside:
        conditions = (
            [{"zh": r.zh, "en": r.en, "holds": r.holds, "seen": r.to_json()["seen"]} for r in why.reasons()]
            if why
            else []
        )
        title = words.title_of(self.d.body, self.d.name)
        return Outside(self.d.name, title, reason and reason.value, said, at, conditions)

    def refused(self, at: datetime, before: datetime) -> Outside | None:
        """What kept a cause at `at` from beginning a run: the re-entry rule, or the audience."""
        if any(run.entered_at <= before + timedelta(seconds=1) for run in self.runs) and self._too_soon(before):
            return self.say(Reason.REENTRY, _reentry(self.d.body["reentry_days"]), at)
        audience = self.d.body["audience"]
        why = _explained(self, audience) if audience is not None else None
        if why is not None and not why.holds:
            return self.say(None, words.both("不在旅程的受众范围内", "not in the journey's audience"), at, why)
        return None

    def _too_soon(self, at: datetime) -> bool:
        days = self.d.body["reentry_days"]
        earlier = [run for run in self.runs if run.entered_at <= at + timedelta(seconds=1)]
        under_way = any(run.ended_at is None or run.ended_at > at for run in earlier)
        return under_way or days is None or any(run.entered_at > at - timedelta(days=days) for run in earlier)


def _by_event(look: _Look) -> Iterator[Outside]:
    """Trigger events that began no run; without any: that there was none."""
    trigger = look.d.body["trigger"]
    seen = look.book.rows("triggers", type=trigger["event"], where=Jsonb(trigger["where"]), limit=LATEST)
    taken = {cause_event(run.cause) for run in look.runs}
    if not seen and not look.runs:
        title = words.event_title(trigger["event"])
        yield look.say(
            None,
            words.both(f"没有发生触发事件「{title['zh']}」", f"the trigger event '{trigger['event']}' never happened"),
        )
    for event in seen:
        if event.event_id not in taken:
            yield _unanswered(look, event)


def _unanswered(look: _Look, event: Any) -> Outside:
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
    return look.refused(event.at, event.received_at) or look.say(None, _not_seen(), event.at)


def _by_segment(look: _Look) -> Iterator[Outside]:
    """Stays in the trigger's segment that began no run; without any: why the person is not in it."""
    name = look.d.body["trigger"]["segment"]
    stays = [stay for stay in look.stays if look.book.name(stay.segment_id) == name]
    taken = {cause_since(run.cause) for run in look.runs}
    if not stays and not look.runs:
        why, title = _explained(look, name), look.book.titled("segment", name)
        yield look.say(
            None,
            words.both(f"不在触发人群「{title['zh']}」中", f"not in the trigger's segment '{title['en']}'"),
            None,
            why,
        )
    for stay in stays[-LATEST:]:
        if stay.since not in taken:
            yield _unused(look, stay)


def _unused(look: _Look, stay: Any) -> Outside:
    """Why a stay in the segment began no run."""
    if stay.until is not None and (look.started_at is None or stay.until <= look.started_at):
        return look.say(
            Reason.LEFT_SEGMENT,
            words.both("旅程上线前已离开人群", "left the segment before the journey began"),
            stay.since,
        )
    refused = look.refused(stay.since, stay.since)
    if refused is None and stay.until is not None:
        return look.say(Reason.LEFT_SEGMENT, words.reason(Reason.LEFT_SEGMENT), stay.since)
    return refused or look.say(None, _not_seen(), stay.since)


def _explained(look: _Look, asked: str | dict[str, Any]) -> Explanation | None:
    """The conditions of a segment or a rule; None where it cannot be asked any more."""
    try:
        if isinstance(asked, str):
            return explain(look.book.conn, look.person_id, asked, look.book.now)
        return explain_rule(look.book.conn, look.person_id, language.from_json(asked), look.book.now)
    except YutangError:
        return None


def _reentry(days: int | None) -> Words:
    if days is None:
        return words.add(words.reason(Reason.REENTRY), words.both("每人只进入一次", "each person enters once"))
    if days == 0:
        return words.add(words.reason(Reason.REENTRY), words.both("上一次还未结束", "the run before had not ended"))
    return words.add(words.reason(Reason.REENTRY), words.both(f"间隔需满 {days} 天", f"not within {days} days"))


def _not_seen() -> Words:
    return words.both("还未处理，或当时不满足受众条件", "not looked at yet, or not in the audience at that time")
