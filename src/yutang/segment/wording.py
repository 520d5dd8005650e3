"""Rules as sentences, in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yutang.ingest.catalog import called
from yutang.segment.language import And, Condition, Not, Or, Rule
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS, role_of

_STAGES = {"visitor": "访客", "new": "新客", "growing": "成长", "mature": "成熟", "dormant": "沉睡", "lost": "流失"}
_WORDS_ZH = _STAGES | {
    "down": "下行",
    "up": "上行",
    "recency": "最近购买",
    "frequency": "购买频次",
    "monetary": "购买金额",
}
_FORETOLD = PREDICTIONS | PREDICTED_DAYS
_JOIN = {
    "zh": ("并且", "或者", "不满足：", "所有人", "没有人"),
    "en": (" and ", " or ", "not: ", "everybody", "nobody"),
}

Names = Callable[[Condition, str], str | None]
"""What people call that which a condition names under a key; None: nothing else than what is written."""


def _as_written(_condition: Condition, _key: str) -> None:
    return None


def known_events(language: str) -> Names:
    """In Chinese, events by what people call them; all else, and the English words that types are, as it is written."""

    def name(condition: Condition, key: str) -> str | None:
        is_event = condition.row.params.get(key) == "name" and role_of(condition.row, key) == "event"
        return called(condition.get(key))[0] if is_event and language == "zh" else None

    return name


def sentence(rule: Rule, language: str, names: Names = _as_written) -> str:
    """A whole rule in words; `language` is ``zh`` or ``en``."""
    both, either, negated, everybody, nobody = _JOIN[language]
    if isinstance(rule, Condition):
        return condition_sentence(rule, language, names)
    if isinstance(rule, Not):
        return f"{negated}{_nested(rule.part, language, names)}"
    if not rule.parts:
        return everybody if isinstance(rule, And) else nobody
    return (both if isinstance(rule, And) else either).join(_nested(part, language, names) for part in rule.parts)


def condition_sentence(condition: Condition, language: str, names: Names = _as_written) -> str:
    """One condition in words."""
    words = {name: names(condition, name) or _value(condition, name, language) for name, _ in condition.params}
    words |= {"window": _window(condition, language), "where": _where(condition, language)}
    if condition.row.head == "coupon":
        words["offer"] = _offer(names(condition, "offer") or condition.get("offer"), language)
    if condition.row.head == "predicted":
        words["category"] = _category(condition.get("category"), language)
    return getattr(condition.row, language).format(**words).strip()


def _nested(rule: Rule, language: str, names: Names) -> str:
    text = sentence(rule, language, names)
    return (
        f"（{text}）"
        if isinstance(rule, And | Or) and len(rule.parts) > 1 and language == "zh"
        else (f"({text})" if isinstance(rule, And | Or) and len(rule.parts) > 1 else text)
    )


def _value(condition: Condition, name: str, language: str) -> str:
    """A value as people write it; sums of money in yuan."""
    value = condition.get(name)
    if condition.row.params[name] == "fen":
        return f"{value / 100:,.2f}".removesuffix(".00")
    if name == "predicted":
        return _FORETOLD[value][language != "zh"]
    return _word(value, language)


def _word(value: Any, language: str) -> str:
    if isinstance(value, tuple):
        return ("、" if language == "zh" else ", ").join(_word(item, language) for item in value)
    if isinstance(value, bool):
        return {"zh": ("否", "是"), "en": ("false", "true")}[language][value]
    return _WORDS_ZH.get(value, str(value)) if language == "zh" else str(value)


def _window(condition: Condition, language: str) -> str:
    days, begin, end = (condition.get(name) for name in ("days", "from_days", "to_days"))
    if days is not None:
        return f"最近 {days} 天内" if language == "zh" else f"in the last {days} days"
    if begin is not None:
        return f"{begin} 天前到 {end} 天前" if language == "zh" else f"from {begin} to {end} days ago"
    return "累计" if language == "zh" else "ever"


def _where(condition: Condition, language: str) -> str:
    pairs = condition.get("where")
    if not pairs:
        return ""
    text = ("，" if language == "zh" else ", ").join(f"{name} = {_word(value, language)}" for name, value in pairs)
    return f"（{text}）" if language == "zh" else f" ({text})"


def _category(name: str | None, language: str) -> str:
    if name is None:
        return ""
    return f"（品类「{name}」）" if language == "zh" else f" (category '{name}')"


def _offer(name: str | None, language: str) -> str:
    if name is None:
        return ""
    return f"「{name}」" if language == "zh" else f" of '{name}'"
