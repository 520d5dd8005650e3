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
"""Without the unit in which rules ask: money is shown in yuan."""
UNITS: dict[str, Words] = {
    "orders_90d": both("天", "days"),
    "p_order_90d": both("概率", "probability"),
    "value_90d": both("元", "yuan"),
    "next_order_day": both("天", "days"),
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
    "mae": both("平均绝对误差", "MAE"),
    "near": both("±3 天命中", "within 3 days"),
    "week": both("±7 天命中", "within 7 days"),
}
NEVER_BY_MAE = both(
    "平均绝对误差只供参考，从不据以选择：多数人不再来时，「都不再买」就能赢",
    "the mean absolute error is shown and never chosen by: where most never come back, 'nobody does' wins it",
)
UNTRAINED = both("还没有训练过：运行 yutang predict train", "nothing was trained yet: run yutang predict train")


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
