"""Why a person is in a segment, or is not: every condition with the value seen, and when time alone may change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import psycopg

from yutang import definitions
from yutang.model import YutangError
from yutang.segment.evaluate import evaluate
from yutang.segment.language import And, Condition, Not, Or, Rule, conditions
from yutang.segment.live import live
from yutang.segment.load import Pond, load
from yutang.segment.moment import NEVER, Moment, instant
from yutang.segment.wording import condition_sentence, known_events

_GROUPS = {
    And: ("all", "以下全部满足", "all of these"),
    Or: ("any", "以下至少一项满足", "at least one of these"),
    Not: ("not", "以下不满足", "not this"),
}


@dataclass(frozen=True)
class Explanation:
    """One part of a rule: does it hold for the person, what was seen (conditions only), when time alone may change that."""

    kind: str
    holds: bool
    zh: str
    en: str
    seen: Any
    changes_at: datetime | None
    parts: tuple[Explanation, ...] = ()

    def reasons(self) -> list[Explanation]:
        """The conditions that decide: all that hold of an `all` that holds, those that fail of one that fails, and so on."""
        if self.kind == "condition":
            return [self]
        deciding = [part for part in self.parts if self.kind == "not" or part.holds == self.holds]
        return [reason for part in deciding for reason in part.reasons()]

    def because(self, language: str) -> str:
        """Why, in one sentence; `language` is ``zh`` or ``en``."""
        join, yes, no = ("；", "符合", "不符合") if language == "zh" else ("; ", "true", "not true")
        told = [
            f"{getattr(reason, language)}：{yes if reason.holds else no}{_seen(reason.seen, language)}"
            for reason in self.reasons()
        ]
        return join.join(told).replace("：", ": ") if language == "en" else join.join(told)

    def to_json(self) -> dict[str, Any]:
        """The tree as plain JSON."""
        return {
            "kind": self.kind,
            "holds": self.holds,
            "zh": self.zh,
            "en": self.en,
            "seen": self.seen.isoformat() if isinstance(self.seen, date) else self.seen,
            "changes_at": self.changes_at.isoformat() if self.changes_at else None,
            "parts": [part.to_json() for part in self.parts],
        }


def explain(conn: psycopg.Connection, person_id: int, name: str, now: datetime) -> Explanation:
    """Why the person is in the segment or not, as of `now`. Raises YutangError when either does not exist."""
    found = next((segment for segment in live(conn) if segment.name == name), None)
    if found is None:
        raise YutangError(f"线上没有人群“{name}”，见 yutang segment list。 there is no segment '{name}' in service")
    return explain_rule(conn, person_id, found.rule, now)


def explain_rule(conn: psycopg.Connection, person_id: int, rule: Rule, now: datetime) -> Explanation:
    """The same for any rule, for example a journey's condition."""
    moment = Moment(now, definitions.pond(conn)["time_zone"])
    pond = load(conn, moment, conditions(rule), people=np.array([person_id], np.int64), counted=True)
    if not len(pond.people):
        raise YutangError(
            f"没有顾客 {person_id} 的资料，或已并入别人，请查那一位。 "
            f"nothing is known of person {person_id}, or it was merged into another; ask for that one"
        )
    return _tree(rule, pond)


def _tree(rule: Rule, pond: Pond) -> Explanation:
    answer = evaluate(rule, pond, {}, {})
    holds, due = bool(answer.holds[0]), int(answer.due[0])
    changes_at = None if due == NEVER else instant(due)
    if isinstance(rule, Condition):
        zh, en = (condition_sentence(rule, language, known_events(language)) for language in ("zh", "en"))
        return Explanation("condition", holds, zh, en, answer.seen(0), changes_at)
    parts = (rule.part,) if isinstance(rule, Not) else rule.parts
    kind, zh, en = _GROUPS[type(rule)]
    return Explanation(kind, holds, zh, en, None, changes_at, tuple(_tree(part, pond) for part in parts))


def _seen(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return ""
    if value is None:
        return "（无记录）" if language == "zh" else " (nothing on record)"
    text = f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
    return f"（实际 {text}）" if language == "zh" else f" (seen: {text})"
