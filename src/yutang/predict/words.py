"""Predictions in Chinese and English."""

from __future__ import annotations

from typing import Any

from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS
from yutang.why.chain import Words
from yutang.why.words import both

TITLES: dict[str, Words] = {
    name: both(zh.removesuffix("（分）"), en.removesuffix(" (fen)"))
    for name, (zh, en) in (PREDICTIONS | PREDICTED_DAYS).items()
}
TITLES["products"] = both("接下来会买的商品", "products likely to be bought next")
"""Without the unit in which rules ask: money is shown in yuan."""
UNITS: dict[str, Words] = {
    "products": both("件", "products"),
    "orders_90d": both("天", "days"),
    "p_order_90d": both("概率", "probability"),
    "value_90d": both("元", "yuan"),
    "next_order_day": both("天", "days"),
    "churn_90d": both("概率", "probability"),
    "lead_30d": both("概率", "probability"),
    "p_redeem": both("概率", "probability"),
    "best_hour": both("点", "o'clock"),
    "reach": both("概率", "probability"),
}
STATES: dict[str, Words] = {
    "serving": both("在用", "serving"),
    "refused": both("不采用", "refused"),
    "abstained": both("数据不足", "too little data"),
}
COLUMNS: dict[str, Words] = {
    "rmse": both("均方根误差", "RMSE"),
    "deviance": both("偏差度", "deviance"),
    "bias": both("总量偏差", "total bias"),
    "gini": both("基尼", "Gini"),
    "auc": both("AUC", "AUC"),
    "precision": both("平均精确率", "average precision"),
    "lift": both("前 10% 提升", "lift of the top tenth"),
    "recall": both("前 10 命中的份额", "recall@10"),
    "ndcg": both("NDCG@10", "NDCG@10"),
    "hit": both("至少命中一件", "any hit"),
    "novel": both("没买过的：前 10 命中的份额", "recall@10 of what is new"),
    "mae": both("平均绝对误差", "MAE"),
    "near": both("±3 天命中", "within 3 days"),
    "week": both("±7 天命中", "within 7 days"),
    "log_loss": both("对数损失", "log-loss"),
    "in_window": both("3 小时命中", "within the 3 hours"),
}
NOTES: dict[str, Words] = {
    "p_redeem": both(
        "说的是谁会用券，不是券带来了什么：发给谁是挑过的，不是随机的。用券率高的人没有券也可能会买；要知道增量，看旅程的对照组（yutang experiment）",
        "this says who uses coupons, not what coupons bring: who was given one was chosen, not drawn by lot. People who use many might have bought without; what is gained, the holdout of a journey tells (yutang experiment)",
    ),
}
"""What must stand beside a model's figures, lest they be taken for something else."""
NEVER_BY_MAE = both(
    "平均绝对误差只供参考，从不据以选择：多数人不再来时，「都不再买」就能赢",
    "the mean absolute error is shown and never chosen by: where most never come back, 'nobody does' wins it",
)
UNTRAINED = both("还没有训练过：运行 yutang predict train", "nothing was trained yet: run yutang predict train")

_DAYS = (
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
)


def part(kind: str, of: str) -> Words:
    """What stands behind the colon of a prediction's name: a day of the week, a channel, a category."""
    return both(*_DAYS[int(of) - 1]) if kind == "best_hour" and of else both(of, of)


def verdict(state: str, metrics: dict[str, Any]) -> Words:
    """What came of a training, in one sentence."""
    if state == "abstained":
        missing = metrics["missing"]
        return both(f"不作预测：{missing['zh']}", f"nothing is predicted: {missing['en']}")
    names = {one["name"]: one for one in metrics["results"]}
    chosen, baseline = names[metrics["chosen"]], names[metrics["baseline"]]
    if state == "refused":
        return both(
            f"不作预测：没有一个模型胜过基线「{baseline['zh']}」",
            f"nothing is predicted: no model was better than the baseline '{baseline['en']}'",
        )
    if chosen is baseline:
        return both(
            f"由基线「{baseline['zh']}」预测：没有一个模型胜过它",
            f"the baseline '{baseline['en']}' speaks: no model was better",
        )
    return both(
        f"由「{chosen['zh']}」预测，胜过最好的基线「{baseline['zh']}」",
        f"'{chosen['en']}' speaks: better than the best baseline, '{baseline['en']}'",
    )
