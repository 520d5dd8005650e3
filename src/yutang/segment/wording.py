"""Rules as sentences, in Chinese and English."""

from __future__ import annotations

from typing import Any

from yutang.segment.language import And, Condition, Not, Or, Rule

_STAGES = {"visitor": "访客", "new": "新客", "growing": "成长", "mature": "成熟", "dormant": "沉睡", "lost": "流失"}
_WORDS_ZH = _STAGES | {
    "down": "下行",
    "up": "上行",
    "recency": "最近购买",
    "frequency": "购买频次",
    "monetary": "购买金额",
}
_JOIN = {
    "zh": ("并且", "或者", "不满足：", "所有人", "没有人"),
    "en": (" and ", " or ", "not: ", "everybody", "nobody"),
}


def sentence(rule: Rule, language: str) -> str:
    """A whole rule in words; `language` is ``zh`` or ``en``."""
    both, either, negated, everybody, nobody = _JOIN[language]
    if isinstance(rule, Condition):
        return condition_sentence(rule, language)
    if isinstance(rule, Not):
        return f"{negated}{_nested(rule.part, language)}"
    if not rule.parts:
        return everybody if isinstance(rule, And) else nobody
    return (both if isinstance(rule, And) else either).join(_nested(part, language) for part in rule.parts)


def condition_sentence(condition: Condition, language: str) -> str:
    """One condition in words."""
    words = {name: _word(value, language) for name, value in condition.params}
    words |= {"window": _window(condition, language), "where": _where(condition, language)}
    if condition.row.head == "coupon":
        words["offer"] = _offer(condition.get("offer"), language)
    return getattr(condition.row, language).format(**words).strip()


def _nested(rule: Rule, language: str) -> str:
    text = sentence(rule, language)
    return (
        f"（{text}）"
        if isinstance(rule, And | Or) and len(rule.parts) > 1 and language == "zh"
        else (f"({text})" if isinstance(rule, And | Or) and len(rule.parts) > 1 else text)
    )


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


def _offer(name: str | None, language: str) -> str:
    if name is None:
        return ""
    return f"「{name}」" if language == "zh" else f" of '{name}'"
