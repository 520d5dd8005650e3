"""What each score looks at: the literal lists. A feature is a number of a person on a day, and the sentence that tells it.

Features of one topic tell nearly the same thing, so their effects are added up before they are told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from yutang.predict.scores.days import LONG, Seen

KINDS: dict[str, tuple[str, ...]] = {
    "ordered": ("ordered",),
    "refunded": ("refunded",),
    "viewed": ("viewed",),
    "answered": ("message_opened", "message_clicked", "message_replied"),
    "wrote": ("message_received",),
    "served": ("staff_messaged", "task_done"),
    "registered": ("registered",),
    "joined": ("registered", "contact_added", "followed", "group_joined", "consent_given"),
    "contact": ("contact_added",),
    "group": ("group_joined",),
    "left": ("contact_lost", "unfollowed", "group_left", "consent_withdrawn"),
    "visited": ("scanned", "located"),
}
"""Types of events by what they mean for a score."""
OWN = ("viewed", "answered", "wrote", "joined", "visited")
"""What people do themselves, short of ordering."""


@dataclass(frozen=True)
class Feature:
    """One column. zh, en: a sentence with {value} and {usual}; value: the raw number, shape (n,); how: what the models see of it (``log``:
    of 1 + value, ``odds``: of a share, ``as``: itself) and how it is told; unit: what it is counted in, in both languages."""

    name: str
    topic: str
    zh: str
    en: str
    value: Callable[[Seen], np.ndarray]
    how: str = "log"
    told: str = "number"

    def seen(self, rows: Seen) -> np.ndarray:
        """The column as models see it."""
        value = self.value(rows)
        return np.log1p(value) if self.how == "log" else logit(value) if self.how == "odds" else value

    def back(self, seen: float) -> float:
        """The raw number behind what models see."""
        return float(np.expm1(seen) if self.how == "log" else expit(seen) if self.how == "odds" else seen)


def _own_days(rows: Seen, last: int) -> np.ndarray:
    return sum((rows.days(kind, last) for kind in OWN), np.zeros(len(rows)))


def _quiet(rows: Seen) -> np.ndarray:
    return np.minimum.reduce([rows.ago(kind) for kind in OWN])


def _pace(rows: Seen) -> np.ndarray:
    """Order days in 30 days, since the first; of one who has just begun, as if a month had passed."""
    return rows.days("ordered") / np.maximum(rows.since("ordered"), 30) * 30


def _reachable(rows: Seen) -> np.ndarray:
    return (rows.times("joined") > rows.times("left")).astype(float)


def habit(rows: Seen) -> np.ndarray:
    """The share of earlier coupons that was used, pulled towards one in ten."""
    return (rows.times("used") + 0.3) / (np.maximum(rows.times("given"), rows.times("used")) + 3)


CHURN = (
    Feature("silence", "recency", "已经 {value} 天没有下单（一般 {usual} 天）", "no order for {value} days (usually {usual})", lambda s: s.ago("ordered")),
    Feature("pace", "orders", "平均每 30 天有 {value} 个下单日（一般 {usual} 个）", "{value} days with orders in 30 days, all in all (usually {usual})", _pace),
    Feature("overdue", "recency", "按自己的节奏，最近一次之后本该又有 {value} 个下单日（一般 {usual} 个）", "by their own pace {value} more days with orders were due since the last one (usually {usual})", lambda s: s.ago("ordered") * _pace(s) / 30),
    Feature("orders", "orders", "有 {value} 个下单日（一般 {usual} 个）", "{value} days with orders (usually {usual})", lambda s: s.days("ordered")),
    Feature("orders_28d", "lately", "最近 28 天有 {value} 个下单日（一般 {usual} 个）", "{value} days with orders in the last 28 (usually {usual})", lambda s: s.days("ordered", 28)),
    Feature("orders_90d", "lately", "最近 90 天有 {value} 个下单日（一般 {usual} 个）", "{value} days with orders in the last 90 (usually {usual})", lambda s: s.days("ordered", 90)),
    Feature("before_90d", "orders", "再往前的 90 天有 {value} 个下单日（一般 {usual} 个）", "{value} days with orders in the 90 days before those (usually {usual})", lambda s: s.days("ordered", 180) - s.days("ordered", 90)),
    Feature("tenure", "tenure", "第一次下单在 {value} 天前（一般 {usual} 天）", "first ordered {value} days ago (usually {usual})", lambda s: s.since("ordered")),
    Feature("spent_90d", "money", "最近 90 天消费 {value} 元（一般 {usual} 元）", "spent {value} yuan in the last 90 days (usually {usual})", lambda s: s.fen("ordered", 90) / 100),
    Feature("refunds", "refunds", "退款 {value} 天次（一般 {usual}）", "{value} days with refunds (usually {usual})", lambda s: s.days("refunded", 90)),
    Feature("seen_28d", "interest", "最近 28 天有 {value} 天浏览、回应或到访（一般 {usual} 天）", "looked, answered or came by on {value} of the last 28 days (usually {usual})", lambda s: _own_days(s, 28)),
    Feature("quiet", "interest", "已经 {value} 天没有浏览、回应、来信、加入或到访（一般 {usual} 天）", "has not looked, answered, written, joined or come by for {value} days (usually {usual})", _quiet),
    Feature("coupons_90d", "coupons", "最近 90 天用过 {value} 张券（一般 {usual} 张）", "used {value} coupons in the last 90 days (usually {usual})", lambda s: s.times("used", 90)),
    Feature("left", "left", "退群、取关、删除联系人或撤回同意 {value} 次（一般 {usual} 次）", "left a group, unfollowed, ended a contact or withdrew consent {value} times (usually {usual})", lambda s: s.times("left")),
)  # fmt: skip
LEAD = (
    Feature("quiet", "interest", "已经 {value} 天没有浏览、回应、来信、加入或到访（一般 {usual} 天）", "has not looked, answered, written, joined or come by for {value} days (usually {usual})", _quiet),
    Feature("age", "age", "来到 {value} 天了（一般 {usual} 天）", "came {value} days ago (usually {usual})", lambda s: s.since("any")),
    Feature("views_7d", "views", "最近 7 天浏览 {value} 次（一般 {usual} 次）", "looked {value} times in the last 7 days (usually {usual})", lambda s: s.times("viewed", 7)),
    Feature("views_28d", "views", "最近 28 天浏览 {value} 次（一般 {usual} 次）", "looked {value} times in the last 28 days (usually {usual})", lambda s: s.times("viewed", 28)),
    Feature("days_28d", "views", "最近 28 天有 {value} 天有动静（一般 {usual} 天）", "showed interest on {value} of the last 28 days (usually {usual})", lambda s: _own_days(s, 28)),
    Feature("answers_28d", "answers", "最近 28 天打开、点击或回复消息 {value} 次（一般 {usual} 次）", "opened, clicked or answered {value} messages in the last 28 days (usually {usual})", lambda s: s.times("answered", 28)),
    Feature("wrote_28d", "talk", "最近 28 天主动来信 {value} 次（一般 {usual} 次）", "wrote to us {value} times in the last 28 days (usually {usual})", lambda s: s.times("wrote", 28)),
    Feature("served_28d", "talk", "员工最近 28 天联系过 {value} 次（一般 {usual} 次）", "staff turned to them {value} times in the last 28 days (usually {usual})", lambda s: s.times("served", 28)),
    Feature("contact", "contact", "加员工为联系人 {value} 次（一般 {usual} 次）", "became a contact of staff {value} times (usually {usual})", lambda s: s.times("contact")),
    Feature("groups", "groups", "进群 {value} 次（一般 {usual} 次）", "joined {value} groups (usually {usual})", lambda s: s.times("group")),
    Feature("visits_28d", "visits", "最近 28 天扫码或到店 {value} 次（一般 {usual} 次）", "scanned a code or came by {value} times in the last 28 days (usually {usual})", lambda s: s.times("visited", 28)),
    Feature("given_28d", "coupons", "最近 28 天收到 {value} 张券（一般 {usual} 张）", "was given {value} coupons in the last 28 days (usually {usual})", lambda s: s.times("given", 28)),
    Feature("reachable", "reachable", "{value}可触达（一般 {usual}的人是）", "{value} reachable (usually {usual} are)", _reachable, "as", "yes"),
    Feature("member", "member", "{value}注册会员（一般 {usual}的人是）", "{value} a registered member (usually {usual} are)", lambda s: (s.times("registered") > 0).astype(float), "as", "yes"),
)  # fmt: skip
REDEEM = (
    Feature("habit", "habit", "过去的券用掉 {value}（一般 {usual}）", "used {value} of earlier coupons (usually {usual})", habit, "odds", "share"),
    Feature("same", "habit", "同样的券以往用掉 {value}（一般 {usual}）", "used {value} of earlier coupons like it (usually {usual})", lambda s: s.extra["same"], "odds", "share"),
    Feature("used", "habit", "用过 {value} 张券（一般 {usual} 张）", "has used {value} coupons (usually {usual})", lambda s: s.times("used")),
    Feature("given", "habit", "收到过 {value} 张券（一般 {usual} 张）", "was given {value} coupons before (usually {usual})", lambda s: s.times("given")),
    Feature("used_ago", "habit", "上次用券在 {value} 天前（一般 {usual} 天）", "last used a coupon {value} days ago (usually {usual})", lambda s: s.ago("used")),
    Feature("orders_28d", "orders", "最近 28 天有 {value} 个下单日（一般 {usual} 个）", "{value} days with orders in the last 28 (usually {usual})", lambda s: s.days("ordered", 28)),
    Feature("orders_90d", "orders", "最近 90 天有 {value} 个下单日（一般 {usual} 个）", "{value} days with orders in the last 90 (usually {usual})", lambda s: s.days("ordered", 90)),
    Feature("spent_28d", "money", "最近 28 天消费 {value} 元（一般 {usual} 元）", "spent {value} yuan in the last 28 days (usually {usual})", lambda s: s.fen("ordered", 28) / 100),
    Feature("spent_90d", "money", "最近 90 天消费 {value} 元（一般 {usual} 元）", "spent {value} yuan in the last 90 days (usually {usual})", lambda s: s.fen("ordered", 90) / 100),
    Feature("silence", "recency", "已经 {value} 天没有下单（一般 {usual} 天）", "no order for {value} days (usually {usual})", lambda s: s.ago("ordered")),
    Feature("offer", "offer", "这类券以往的使用率 {value}（一般 {usual}）", "{value} of such coupons were used so far (usually {usual})", lambda s: s.extra["offer"], "odds", "share"),
    Feature("together", "offer", "同一天发出 {value} 张同样的券（一般 {usual} 张）", "given together with {value} like it (usually {usual})", lambda s: s.extra["together"]),
    Feature("valid", "offer", "券的有效期 {value} 天（一般 {usual} 天）", "valid for {value} days (usually {usual})", lambda s: s.extra["valid"]),
)  # fmt: skip


def matrix(features: tuple[Feature, ...], rows: Seen) -> np.ndarray:
    """What models see, shape (rows, features), float64."""
    return np.column_stack([one.seen(rows) for one in features]) if len(rows) else np.zeros((0, len(features)))


def written(feature: Feature, raw: float) -> tuple[str, str]:
    """A value in Chinese and English: a whole number without digits behind the point, a share in percent, a yes or no."""
    if feature.told == "share":
        return (f"{raw:.0%}",) * 2
    if feature.told == "yes":
        return ("是" if raw >= 0.5 else "不是"), ("is" if raw >= 0.5 else "is not")
    text = (
        f"{LONG}+"
        if raw >= LONG - 0.5 and feature.name in AGES
        else f"{raw:,.0f}"
        if raw >= 10 or abs(raw - round(raw)) < 1e-6
        else f"{raw:.1f}"
    )
    return text, text


def usually(feature: Feature, raw: float) -> str:
    return f"{raw:.0%}" if feature.told in ("share", "yes") else written(feature, raw)[0]


AGES = ("silence", "quiet", "age", "tenure", "used_ago")
