"""Rules over arrays: who satisfies them now, and when time alone could change that.

The other evaluator is `compile` (SQL, for a few people inside another statement). Both read the same operator rows,
and a test holds them, and a plain evaluator, against each other.
"""

from __future__ import annotations

from collections.abc import Callable

from yutang.segment import facts, windows, words
from yutang.segment.answer import Answer, all_of, any_of, negate
from yutang.segment.language import And, Condition, Not, Rule
from yutang.segment.load import Pond

Answers = dict[Condition, Answer]

FEATURES: dict[str, Callable[[Condition, Pond], Answer]] = {
    "attribute": words.attribute,
    "count": windows.total,
    "none": windows.total,
    "sum": windows.total,
    "active_days": windows.total,
    "touches": windows.total,
    "average": windows.average,
    "last": facts.last,
    "first": facts.first,
    "sequence": facts.sequence,
    "tag": facts.tag,
    "consent": facts.consent,
    "score": facts.score,
    "life_stage": facts.life_stage,
    "predicted": facts.predicted,
    "coupon": facts.coupon,
    "redeemed": facts.redeemed,
    "ladder": facts.ladder,
    "journey": facts.journey,
}
"""Every feature but `segment`, which also looks at what this pass has decided."""


def evaluate(rule: Rule, pond: Pond, fresh: dict[str, Answer], known: Answers) -> Answer:
    """Answer a rule for all people of the pond.

    fresh: segments decided earlier in this pass; known: conditions answered earlier. Both belong to this pond.
    """
    if isinstance(rule, Condition):
        if rule not in known:
            known[rule] = _answer(rule, pond, fresh)
        return known[rule]
    if isinstance(rule, Not):
        return negate(evaluate(rule.part, pond, fresh, known))
    parts = [evaluate(part, pond, fresh, known) for part in rule.parts]
    return (all_of if isinstance(rule, And) else any_of)(parts, len(pond.people))


def _answer(condition: Condition, pond: Pond, fresh: dict[str, Answer]) -> Answer:
    if condition.row.feature == "segment":
        return facts.segment(condition, pond, fresh)
    return FEATURES[condition.row.feature](condition, pond)
