"""`yutang bench`: what the work costs, each task checked against a plain reference before its figures count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from yutang.bench import (
    broadcast,
    coupons,
    hours,
    ingesting,
    ladder,
    one_id,
    predicting,
    questions,
    recommending,
    redeeming,
    replaying,
    segments,
)
from yutang.bench.house import House, opened
from yutang.bench.report import Figures
from yutang.model import YutangError

Task = Callable[[House, float], Iterator[Figures]]

TASKS: dict[str, Task] = {
    "T1": ingesting.through_the_door,
    "T1b": ingesting.whole_loop,
    "T2": segments.from_cold,
    "T3": segments.freshness,
    "T4": segments.five_hundred,
    "T5": ladder.tick,
    "T6": broadcast.send_to_all,
    "T7": coupons.issue_and_redeem,
    "T8": one_id.resolve,
    "T9": questions.dashboard,
    "T11": replaying.year,
    "M2": predicting.orders,
    "M8": recommending.lists,
    "M4": redeeming.redemption,
    "M9": hours.tell,
}


def main(task: str | None, scale: float) -> int:
    """Run one task or all of them; prints one JSON object per line. Returns 1 when a result was wrong, else 0.

    scale 1 is 1,000,000 persons and 20,000,000 events. Raises YutangError for an unknown task or a scale that is not positive.
    """
    if task is not None and task not in TASKS:
        raise YutangError(f"there is no task '{task}'; write one of: {', '.join(TASKS)}")
    if scale <= 0:
        raise YutangError("the scale must be more than 0; write for example --scale 0.05")
    right = True
    with opened() as house:
        for name in [task] if task else TASKS:
            for figures in TASKS[name](house, scale):
                print(json.dumps(figures.line()), flush=True)
                right &= not figures.wrong
    return 0 if right else 1
