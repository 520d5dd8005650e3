"""One journey from the side of one person: what kept a cause from beginning a run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from yutang.definitions import Definition
from yutang.model import Reason, YutangError
from yutang.segment import language
from yutang.segment.explain import Explanation, explain, explain_rule
from yutang.why import words
from yutang.why.book import Book, sql
from yutang.why.chain import Outside, Words

LATEST = 5
"""Causes without a run that are told of each journey."""
_SOON = timedelta(seconds=1)


class Look:
    """The person's runs and stays, seen from journey `d`."""

    def __init__(self, book: Book, person_id: int, d: Definition, runs: list[Any], stays: list[Any]) -> None:
        self.book, self.person_id, self.d, self.runs, self.stays = book, person_id, d, runs, stays
        started = sql.started(book.conn, journey=d.definition_id).fetchone()
        self.started_at: datetime | None = started.started_at if started else None

    @property
    def trigger(self) -> dict[str, Any]:
        return self.d.body["trigger"]

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

    def without_run(self, at: datetime, before: datetime) -> Outside:
        """What is said of a cause at `at`, known since `before`, that began no run."""
        return self.refused(at, before) or self.say(None, not_seen(), at)

    def refused(self, at: datetime, before: datetime) -> Outside | None:
        """What kept it from beginning one: the re-entry rule, or the audience."""
        if said := self._too_soon(before):
            return self.say(Reason.REENTRY, words.add(words.reason(Reason.REENTRY), said), at)
        audience = self.d.body["audience"]
        why = self.explained(audience) if audience is not None else None
        if why is not None and not why.holds:
            return self.say(None, words.both("不在旅程的受众范围内", "not in the journey's audience"), at, why)
        return None

    def _too_soon(self, at: datetime) -> Words | None:
        rule = self.d.body["reentry"]
        earlier = [run for run in self.runs if run.entered_at <= at + _SOON]
        if not earlier or rule == "each_time":
            return None
        if rule == "never":
            return words.both("每人只进入一次", "each person enters once")
        if any(run.ended_at is None or run.ended_at >= at for run in earlier):
            return words.both("上一次还未结束", "the run before had not ended")
        days = rule["after_days"] if isinstance(rule, dict) else 0
        if any(run.entered_at > at - timedelta(days=days) for run in earlier):
            return words.both(f"间隔需满 {days} 天", f"not within {days} days")
        return None

    def explained(self, asked: str | dict[str, Any]) -> Explanation | None:
        """The conditions of a segment or a rule; None where it cannot be asked any more."""
        try:
            if isinstance(asked, str):
                return explain(self.book.conn, self.person_id, asked, self.book.now)
            return explain_rule(self.book.conn, self.person_id, language.from_json(asked), self.book.now)
        except YutangError:
            return None


def not_seen() -> Words:
    return words.both("还未处理，或当时不满足受众条件", "not looked at yet, or not in the audience at that time")
