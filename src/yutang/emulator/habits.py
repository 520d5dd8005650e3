"""How people of the city live: how often they drink coffee, look at the phone, answer, and lose patience."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
NAMES = (
    "小鱼",
    "阿澄",
    "木木",
    "南星",
    "可乐",
    "晚风",
    "豆子",
    "青禾",
    "阿远",
    "米粒",
    "初夏",
    "山山",
    "知了",
    "大白",
    "七七",
    "云朵",
)
GUIDES = (("guide01", "小李"), ("guide02", "阿芳"), ("guide03", "老周"))
QUESTIONS = ("几点关门？", "有没有少糖的？", "今天有什么活动吗", "可以外卖吗？", "豆子还有货吗")
ANSWERS = ("您好，晚上九点半关门～", "可以的，下单时备注就好", "在呢，马上帮您看看")


@dataclass(frozen=True)
class Rhythm:
    """One way of buying. every_days: between purchases; orders: how many before falling silent, None for never."""

    name: str
    share: float
    every_days: float
    orders: int | None


RHYTHMS = (
    Rhythm("daily", 0.15, 1.1, None),
    Rhythm("weekly", 0.35, 6.0, None),
    Rhythm("monthly", 0.25, 24.0, None),
    Rhythm("silent", 0.25, 8.0, 2),
)


@dataclass(frozen=True)
class Drinker:
    """One customer's habits. tolerance: messages within a week that are too many; pull: chance that a coupon leads to a purchase;
    signs_up: that a card leads to a membership."""

    rhythm: Rhythm
    arrives_days: float
    looks_hours: float
    tolerance: int
    chatty: float
    pull: float
    signs_up: float
    follows: bool
    grants: bool
    joins: bool
    stays: bool

    @staticmethod
    def drawn(dice: random.Random, days: float) -> Drinker:
        """Somebody who comes to the city within so many days."""
        return Drinker(
            rhythm=dice.choices(RHYTHMS, [one.share for one in RHYTHMS])[0],
            arrives_days=dice.random() * days,
            looks_hours=dice.uniform(2, 12),
            tolerance=dice.choice((3, 5, 5, 8, 8, 20)),
            chatty=dice.choice((0.0, 0.05, 0.2)),
            pull=dice.uniform(0.1, 0.8),
            signs_up=dice.choice((0.0, 0.7, 0.9)),
            follows=dice.random() < 0.3,
            grants=dice.random() < 0.5,
            joins=dice.random() < 0.4,
            stays=dice.random() < 0.97,
        )


@dataclass(frozen=True)
class Worker:
    """A staff member's habits. prompt: typical minutes until a task is tapped; never: share of tasks that stay untapped."""

    prompt_minutes: float
    never: float

    @staticmethod
    def drawn(dice: random.Random) -> Worker:
        return Worker(dice.choice((6.0, 25.0, 120.0)), dice.choice((0.0, 0.05, 0.15)))

    def delay(self, dice: random.Random) -> timedelta | None:
        """How long until a task is tapped; None for never."""
        if dice.random() < self.never:
            return None
        return timedelta(minutes=self.prompt_minutes * dice.lognormvariate(0, 0.7))


def awake(at: datetime, dice: random.Random, opens: int = 8, shuts: int = 21) -> datetime:
    """The same instant, or some time of the next morning when it falls outside the waking hours of China."""
    local = at.astimezone(CHINA)
    if opens <= local.hour < shuts:
        return at
    day = local.date() + timedelta(days=1 if local.hour >= shuts else 0)
    morning = datetime(day.year, day.month, day.day, opens, tzinfo=CHINA)
    return (morning + timedelta(minutes=dice.uniform(0, 150))).astimezone(at.tzinfo)
