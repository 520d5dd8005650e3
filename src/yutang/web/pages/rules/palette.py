"""What can be asked, in groups, and the search through it."""

from __future__ import annotations

from typing import NamedTuple

from yutang.segment.operators import OPERATORS, Operator
from yutang.web.pages.rules import holes
from yutang.why.chain import Words
from yutang.why.words import both

ONE_ROW = ("attribute", "count", "sum", "average", "active_days", "score", "predicted")
"""Heads that stand in the list once: the comparison is chosen in the sentence."""

GROUPS: tuple[tuple[Words, tuple[str, ...]], ...] = (
    (both("做过什么", "What they did"), ("count", "none", "last", "first", "sum", "average", "active_days", "sequence")),
    (both("是什么样的人", "Who they are"), ("life_stage", "score", "predicted", "attribute", "known", "unknown", "anniversary")),
    (both("标签与同意", "Tags and consent"), ("tag", "no_tag", "consent", "withdrawn")),
    (both("券与阶梯", "Coupons and ladders"), ("coupon", "ladder")),
    (both("人群、旅程与触达", "Segments, journeys, touches"),
     ("segment", "in_journey", "finished_journey", "never_in_journey", "touched_at_least", "touched_at_most")),
)  # fmt: skip

ALIKE: dict[str, str] = {
    "count": "次数 频次 下单 购买 买过 复购 浏览 签到 order bought visits frequency",
    "none": "没有 没下单 没买过 未购买 沉默 从未 silent never",
    "last": "最近 多久没来 沉睡 流失 没来 距今 since recency dormant",
    "first": "首次 首单 注册 入会 新客 加入 registered joined new",
    "sum": "消费 金额 累计 花了 客户价值 spent money amount",
    "average": "客单价 笔单价 平均 basket mean",
    "active_days": "活跃 天数 签到 active",
    "sequence": "之后 转化 加购 浏览未下单 then after funnel",
    "life_stage": "生命周期 阶段 新客 成熟 沉睡 流失 life cycle",
    "predicted": "预测 概率 流失 复购 下次下单 价值 LTV churn next order",
    "score": "RFM 分 价值 高价值 最近购买 购买频次 购买金额 value",
    "attribute": "属性 资料 城市 性别 年龄 等级 门店 city gender age level",
    "anniversary": "生日 周年 纪念日 birthday",
    "tag": "标签 label", "no_tag": "标签 label",
    "consent": "同意 授权 订阅", "withdrawn": "退订 撤回 unsubscribe",
    "coupon": "券 优惠券 核销 过期 用券 coupon", "ladder": "阶梯 档 ladder rung",
    "segment": "人群 分群 segment", "in_journey": "旅程 自动化", "finished_journey": "旅程", "never_in_journey": "旅程",
    "touched_at_least": "触达 打扰 发送 次数 messages", "touched_at_most": "触达 打扰 没收到 messages",
}  # fmt: skip
"""Other words by which people look for a question."""


class Entry(NamedTuple):
    """A question to add: its operator, and how it reads."""

    key: str
    words: Words


def groups(find: str = "") -> list[tuple[Words, list[Entry]]]:
    """The list, or what of it a search finds: then every comparison stands for itself."""
    found = []
    for title, heads in GROUPS:
        rows = [row for head in heads for row in OPERATORS if row.head == head]
        rows = [row for row in rows if matches(row, find)] if find.strip() else _once(rows)
        if rows:
            found.append((title, [_entry(row) for row in rows]))
    return found


def best(find: str) -> Operator | None:
    """What fits a search best: where the words themselves say it, before other words for it."""
    found = [
        row for _, heads in GROUPS for head in heads for row in OPERATORS if row.head == head and matches(row, find)
    ]
    return min(found, key=lambda row: _missing(find, _own(row)), default=None)


def matches(row: Operator, find: str) -> bool:
    """Does every word of a search occur?"""
    return _missing(find, f"{_own(row)} {ALIKE.get(row.head, '')}".lower()) == 0


def _missing(find: str, text: str) -> int:
    return sum(word not in text for word in find.lower().split())


def _own(row: Operator) -> str:
    return f"{holes.title(row, 'zh')} {holes.title(row, 'en')} {row.key}".lower()


def _once(rows: list[Operator]) -> list[Operator]:
    first = {row.head: row for row in reversed(rows)}
    return [row for row in rows if row.head not in ONE_ROW or first[row.head] is row]


def _entry(row: Operator) -> Entry:
    return Entry(row.key, both(holes.title(row, "zh"), holes.title(row, "en")))
