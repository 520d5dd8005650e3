"""Who may predict what: the literal lists, baselines first. A past in, one number per person out.

A candidate that cannot say anything about a past raises ValueError, and is left out with its sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from yutang.predict import baselines, boosted
from yutang.predict.calibrate import LEAST, logistic
from yutang.predict.dropout import Model, bg_nbd, mbg_nbd
from yutang.predict.histories import Histories
from yutang.predict.pareto import Pareto, pareto_nbd
from yutang.predict.past import Past
from yutang.predict.value import Value, gamma_gamma

MANY = 50_000
"""The Pareto/NBD costs twenty times as much as the others, so it is fitted on so many people."""


@dataclass(frozen=True)
class Candidate:
    """One way to predict. predict: array of shape (people of the past,)."""

    name: str
    zh: str
    en: str
    predict: Callable[[Past], np.ndarray]
    baseline: bool = False
    extra: bool = False
    """Only where the extra `predict` is installed."""


def _some_pareto(of: Histories) -> Pareto:
    step = -(-len(of) // MANY)
    return pareto_nbd(Histories(of.repeats[::step], of.last[::step], of.span[::step]))


def last_window(past: Past) -> np.ndarray:
    """As often as in the last window of the same length."""
    return past.counted(past.end - past.days, past.end)


def _by(fit: Callable[[Histories], Model | Pareto]) -> Callable[[Past], np.ndarray]:
    """The expectation of a closed form; histories that are alike are reckoned once."""

    def predict(past: Past) -> np.ndarray:
        model = past.fitted(fit)
        distinct, _, mine = past.once(_merged)
        return model.expected(distinct, past.days)[mine]

    return predict


def _merged(past: Past) -> tuple[Histories, np.ndarray, np.ndarray]:
    return past.of.merged()


ORDERS = (
    Candidate("nobody", "都不再买", "nobody orders", lambda past: baselines.nobody(past.of, past.days), baseline=True),
    Candidate("own_rate", "本人频率", "own rate", lambda past: baselines.own_rate(past.of, past.days), baseline=True),
    Candidate("last_window", "上一个同样长的窗口", "the last window", last_window, baseline=True),
    Candidate("shrunken_rate", "收缩后的频率（NBD）", "shrunken rate (NBD)", lambda past: baselines.shrunken_rate(past.of, past.days), baseline=True),
    Candidate("bg_nbd", "BG/NBD", "BG/NBD", _by(bg_nbd)),
    Candidate("mbg_nbd", "MBG/NBD", "MBG/NBD", _by(mbg_nbd)),
    Candidate("pareto_nbd", "Pareto/NBD", "Pareto/NBD", _by(_some_pareto)),
    Candidate("boosted", "梯度提升树", "gradient-boosted trees", lambda past: past.once(boosted.boosted), extra=True),
    Candidate("mean", "树与 MBG/NBD 的平均", "mean of trees and MBG/NBD", lambda past: past.once(boosted.mean), extra=True),
    Candidate("hybrid", "MBG/NBD 上的提升树", "trees on top of MBG/NBD", lambda past: past.once(boosted.hybrid), extra=True),
)  # fmt: skip
"""Order days to come."""


# whether they order at all


def _returns(fit: Callable[[Histories], Model]) -> Callable[[Past], np.ndarray]:
    """One who is still there orders within the window unless the gamma of rates says nothing happens."""

    def predict(past: Past) -> np.ndarray:
        model = past.fitted(fit)
        silent = ((model.alpha + past.of.span) / (model.alpha + past.of.span + past.days)) ** (
            model.r + past.of.repeats
        )
        return model.alive(past.of) * (1 - silent)

    return predict


def _always_there(past: Past) -> np.ndarray:
    r, alpha = past.fitted(baselines.nbd)
    return 1 - ((alpha + past.of.span) / (alpha + past.of.span + past.days)) ** (r + past.of.repeats)


def _as_before(past: Past) -> np.ndarray:
    """The share of those who came back last time, by whether they had ordered in the window before."""
    before = past.earlier(past.end - past.days)
    if not len(before.people):
        raise ValueError("一个时间窗之前还没有人下过单。 nobody had ordered one window ago")
    back = last_window(past) > 0
    came = before.counted(before.end, past.end) > 0
    fresh = last_window(before) > 0
    shares = [came[fresh == group].mean() if (fresh == group).any() else came.mean() for group in (False, True)]
    return np.where(back, shares[1], shares[0])


def _calibrated(past: Past) -> np.ndarray:
    """The two views together, weighed by what came of them one window ago: a logistic regression on their log odds."""
    before = past.earlier(past.end - past.days)
    came = before.counted(before.end, past.end) > 0
    if min(came.sum(), (~came).sum()) < LEAST:
        raise ValueError(
            f"一个时间窗之前，回来的或没回来的不足 {LEAST} 人。 "
            f"one window ago fewer than {LEAST} people came back, or fewer did not"
        )
    weights = logistic(_views(before), came)
    return expit(_views(past) @ weights)


def _views(past: Past) -> np.ndarray:
    odds = [logit(np.clip(view(past), 1e-4, 1 - 1e-4)) for view in (_returns(mbg_nbd), _always_there)]
    return np.column_stack([np.ones(len(past.of)), *odds])


RETURNS = (
    Candidate("as_before", "上次的回购比例", "the shares of last time", _as_before, baseline=True),
    Candidate("always_there", "没有人流失（NBD）", "nobody ever leaves (NBD)", _always_there, baseline=True),
    Candidate("bg_nbd", "BG/NBD", "BG/NBD", _returns(bg_nbd)),
    Candidate("mbg_nbd", "MBG/NBD", "MBG/NBD", _returns(mbg_nbd)),
    Candidate("calibrated", "校准后的 MBG/NBD", "MBG/NBD, calibrated", _calibrated),
)
"""The probability of at least one order."""


# what it is worth


def own_mean(past: Past) -> np.ndarray:
    """Each person's mean fen per order day."""
    return np.maximum(past.ledger.sums(past.people, 0, past.end), 0.0) / (past.of.repeats + 1)


def basket(past: Past) -> Value:
    """The gamma-gamma of all order days so far."""
    return gamma_gamma(past.of.repeats + 1, own_mean(past))


def worth(orders: Callable[[Past], np.ndarray]) -> tuple[Candidate, ...]:
    """The candidates for value, given the one that predicts orders best."""
    return (
        Candidate("nothing", "都不再花钱", "nobody spends", lambda past: np.zeros(len(past.of)), baseline=True),
        Candidate("own_rate", "本人消费速度", "own rate of spending", lambda past: baselines.own_rate(past.of, past.days) * own_mean(past), baseline=True),
        Candidate("last_window", "上一个同样长的窗口", "the last window", lambda past: past.spent(past.end - past.days, past.end), baseline=True),
        Candidate("own_basket", "预计单数 × 本人客单价", "orders × own mean basket", lambda past: orders(past) * own_mean(past)),
        Candidate("gamma_gamma", "预计单数 × gamma-gamma", "orders × gamma-gamma", lambda past: orders(past) * past.once(basket).expected(past.of.repeats + 1, own_mean(past))),
    )  # fmt: skip
