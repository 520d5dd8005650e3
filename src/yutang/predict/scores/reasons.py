"""Why a score says what it says of a person: the facts that move it most against the average, as sentences.

They are reckoned when they are asked for, from the same tables and the same day that the model has seen: see `docs/decisions/033-scores.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg

from yutang.model import Only
from yutang.predict.scores import coupons
from yutang.predict.scores.features import CHURN, LEAD, REDEEM, Feature, matrix, usually, written
from yutang.predict.scores.learners import Learned, restored
from yutang.predict.scores.reading import Pond, read, sql
from yutang.segment.moment import day_number

FEATURES = {"churn_90d": CHURN, "lead_30d": LEAD, "p_redeem": REDEEM}
TURNS = {
    "churn_90d": (("更可能流失", "more likely to leave"), ("更可能留下", "less likely to leave")),
    "lead_30d": (("更可能下首单", "more likely to order"), ("更不可能下首单", "less likely to order")),
    "p_redeem": (("更可能用券", "more likely to use a coupon"), ("更不可能用券", "less likely to use a coupon")),
}
"""What a positive effect does, and a negative one."""
MOST = 4
LEAST = 0.05
"""Effects below it, in log odds, are not worth a sentence: about one in a hundred of a chance of a half."""


@dataclass(frozen=True)
class Because:
    """One fact. value: the person's own; usual: that of the average person; effect: of its whole topic on the log odds, against the average."""

    feature: str
    value: float
    usual: float
    effect: float
    zh: str
    en: str


def because(conn: psycopg.Connection, person_id: int, zone: str, names: list[str]) -> dict[str, list[Because]]:
    """Of each of these scores what moved it; the strongest first. Nothing where the trees of a model cannot be read here."""
    found: dict[str, list[Because]] = {}
    ponds: dict[int, Pond] = {}
    for row in sql.learned(conn, names=[name for name in names if name in FEATURES]):
        until = day_number(row.until)
        if until not in ponds:
            ponds[until] = read(conn, until, zone, Only(persons=(person_id,)))
        if len(ponds[until].ids):
            found[row.name] = _told(row.name, row.parameters, ponds[until])
    return found


def _told(name: str, parameters: Mapping[str, Any], pond: Pond) -> list[Because]:
    try:
        model = restored(parameters["learned"])
        seen = _seen(name, parameters, pond)
        return reasons(name, FEATURES[name], model, np.array(parameters["usual"]), seen)
    except (ImportError, OSError):
        return []


def _seen(name: str, parameters: Mapping[str, Any], pond: Pond) -> np.ndarray:
    one = np.zeros(1, np.int64)
    rows = coupons.next_one(pond, one, parameters["lately"]) if name == coupons.NAME else pond.seen(one, pond.until)
    return matrix(FEATURES[name], rows)


def reasons(
    name: str, features: tuple[Feature, ...], model: Learned, usual: np.ndarray, seen: np.ndarray
) -> list[Because]:
    """seen: one row, shape (1, features); usual: the mean of what was learned from, shape (features,).

    Effects of one topic are added up, and told by the feature that moves it most in that direction.
    """
    effects = model.effects(seen)[0]
    topics: dict[str, list[int]] = {}
    for n, one in enumerate(features):
        topics.setdefault(one.topic, []).append(n)
    found = []
    for mine in topics.values():
        whole = float(effects[mine].sum())
        told = max(mine, key=lambda n: effects[n] * np.sign(whole))
        if abs(whole) >= LEAST:
            found.append(_sentence(name, features[told], seen[0, told], usual[told], whole))
    return sorted(found, key=lambda one: -abs(one.effect))[:MOST]


def _sentence(name: str, feature: Feature, seen: float, usual: float, effect: float) -> Because:
    value, typical = feature.back(seen), feature.back(usual)
    zh, en = written(feature, value)
    turn_zh, turn_en = TURNS[name][0 if effect > 0 else 1]
    often = usually(feature, typical)
    return Because(
        feature.name, value, typical, effect,
        f"{feature.zh.format(value=zh, usual=often)} → {turn_zh}",
        f"{feature.en.format(value=en, usual=often)} → {turn_en}",
    )  # fmt: skip
