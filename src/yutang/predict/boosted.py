"""A gradient-boosted model of the order days to come: by itself, or as what is left over by a closed form. Needs the extra `predict` (LightGBM).

It learns at earlier days of the same past, so it sees nothing of the days that it is asked about. Figures: `docs/decisions/029-ltv.md`.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np

from yutang.predict.dropout import mbg_nbd
from yutang.predict.past import Past

WINDOWS = (7, 14, 28, 56, 91, 182)
SETTINGS: dict[str, Any] = {
    "objective": "poisson", "num_leaves": 8, "learning_rate": 0.05, "min_data_in_leaf": 50, "feature_fraction": 0.8, "bagging_fraction": 0.8,
    "bagging_freq": 1, "seed": 7, "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbosity": -1,
}  # fmt: skip
TREES = 120
LEAST = 300
"""People below which trees learn the people by heart."""
MOST = 50_000
"""People that are learned from at each earlier day."""
FLOOR = 1e-3


@cache
def installed() -> bool:
    """Is the extra there, and does it run? (Without the system's libgomp it does not.)"""
    try:
        importlib.import_module("lightgbm")
    except (ImportError, OSError):
        return False
    return True


def boosted(past: Past) -> np.ndarray:
    """Trees alone."""
    return _trees(past, on_top=False)


def mean(past: Past) -> np.ndarray:
    """Half trees, half MBG/NBD."""
    return (past.once(boosted) + past.fitted(mbg_nbd).expected(past.of, past.days)) / 2


def hybrid(past: Past) -> np.ndarray:
    """The MBG/NBD times what trees have learned that it gets wrong."""
    return _trees(past, on_top=True)


def lessons(past: Past) -> list[Past]:
    """Earlier days of the past, each with at least half a window before it and its sequel before the end. Where the past is short the
    window is, too."""
    first = int(past.ledger.day.min())
    window = max(1, min(past.days, (past.end - first) // 2))
    days = [past.end - window, past.end - window * 3 // 2, past.end - window * 2]
    return [past.earlier(day, window) for day in days if day - first >= window // 2]


def _trees(past: Past, on_top: bool) -> np.ndarray:
    """Raises ValueError where there is too little to learn from."""
    import lightgbm

    before = lessons(past)
    parts = [_lesson(earlier) for earlier in before if len(earlier.people)]
    if sum(len(real) for _, _, real in parts) < LEAST:
        raise ValueError(
            f"树模型需要 {LEAST} 位有历史且已知后续的顾客。 trees need {LEAST} people with a past and a known sequel"
        )
    seen, closed, real = (np.concatenate(column) for column in zip(*parts, strict=True))
    data = lightgbm.Dataset(seen, real, init_score=np.log(closed) if on_top else None)
    model = lightgbm.train(SETTINGS, data, TREES)
    short = past.earlier(past.end, before[0].days)
    now, expected = short.once(features)
    raw = model.predict(now, raw_score=True) + (np.log(expected) if on_top else 0)
    # From the window that was learned to the one that is asked: as the closed form has it.
    return np.exp(raw) * (past.once(features)[1] / expected if short.days != past.days else 1)


def _lesson(past: Past) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(features, the closed form's expectation, what happened) of some of the people at an earlier day."""
    seen, closed = past.once(features)
    step = max(1, len(closed) // MOST)
    return seen[::step], closed[::step], past.counted(past.end, past.end + past.days)[::step]


def features(past: Past) -> tuple[np.ndarray, np.ndarray]:
    """What the trees see, shape (people, features), and the MBG/NBD's expectation."""
    of, model = past.of, past.fitted(mbg_nbd)
    closed = np.maximum(model.expected(of, past.days), FLOOR)
    gap = of.last / np.maximum(of.repeats, 1)
    spent = past.ledger.sums(past.people, 0, past.end)
    columns = [
        of.repeats, of.last, of.span, of.span - of.last, of.repeats / np.maximum(of.span, 1), gap,
        (of.span - of.last) / np.maximum(gap, 1), np.log(closed), model.alive(of), spent / (of.repeats + 1),
    ]  # fmt: skip
    columns += [past.counted(past.end - window, past.end) for window in WINDOWS]
    columns += [past.spent(past.end - window, past.end) for window in WINDOWS[2:5]]
    return np.column_stack(columns).astype(np.float32), closed
