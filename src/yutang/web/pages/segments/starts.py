"""Ready questions to begin a segment with: what operators ask first."""

from __future__ import annotations

from typing import Any, NamedTuple

from yutang.why.chain import Words
from yutang.why.words import both


class Start(NamedTuple):
    """A segment to begin with. name: its code, if nobody has it yet."""

    name: str
    title: Words
    rule: dict[str, Any]


def _all(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"all": list(parts)}


STARTS: dict[str, Start] = {
    start.name: start
    for start in (
        Start("silent_new", both("沉默新客", "Silent new members"),
              _all({"first": "registered", "more_than_days": 30}, {"first": "registered", "within_days": 90}, {"none": "ordered", "days": 30})),
        Start("sleeping_value", both("高价值沉睡", "Valuable sleepers"),
              _all({"score": "monetary", "at_least": 4}, {"life_stage": ["dormant", "lost"]})),
        Start("coupon_minded", both("券敏感", "Coupon-minded"),
              _all({"count": "coupon_redeemed", "at_least": 3, "days": 180}, {"last": "ordered", "within_days": 90})),
        Start("second_order", both("首单后未复购", "No second order"),
              _all({"count": "ordered", "exactly": 1}, {"last": "ordered", "more_than_days": 14}, {"last": "ordered", "within_days": 60})),
        Start("regulars", both("高频老客", "Regulars"),
              _all({"count": "ordered", "at_least": 5, "days": 90}, {"first": "ordered", "more_than_days": 90})),
        Start("birthday_soon", both("近期生日", "Birthday soon"),
              _all({"anniversary": "birthday", "within_days": 7})),
        Start("coupon_ends", both("券快过期", "Coupon about to expire"),
              _all({"coupon": "expiring", "within_days": 3})),
        Start("quiet_lately", both("近 30 天没被打扰的活跃客", "Active and not written to"),
              _all({"last": "ordered", "within_days": 30}, {"touched_at_most": 0, "days": 30})),
    )
}  # fmt: skip
