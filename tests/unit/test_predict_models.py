"""The closed forms: published figures of CDNOW, another library's fit, definitions by brute force, and made-up people."""

from __future__ import annotations

import csv
import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import check_grad

import cdnow
from yutang.predict import dropout, pareto
from yutang.predict.baselines import nbd, own_rate, shrunken_rate
from yutang.predict.dropout import Model, bg_nbd, mbg_nbd
from yutang.predict.histories import Histories, Ledger
from yutang.predict.pareto import Pareto, pareto_nbd
from yutang.predict.value import gamma_gamma


def histories(*rows: tuple[int, int, int]) -> Histories:
    return Histories(*(np.array(column, np.int64) for column in zip(*rows, strict=True)))


@pytest.mark.data
@pytest.mark.parametrize(
    ("fit", "parameters", "log_likelihood", "correlation"),
    [
        # Fader, Hardie, Lee 2005; Batislam et al. 2007 and Hoppe, Wagner 2007; Schmittlein et al. 1987: all in weeks.
        (bg_nbd, {"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4259}, -9582.43, 0.626),
        (mbg_nbd, {"r": 0.5248, "alpha": 6.183, "a": 0.8914, "b": 1.614}, -9582.14, 0.627),
        (pareto_nbd, {"r": 0.5533, "alpha": 10.578, "s": 0.6062, "beta": 11.669}, -9594.98, 0.630),
    ],
)
def test_the_published_figures(
    fit: Any, parameters: dict[str, float], log_likelihood: float, correlation: float
) -> None:
    ledger = cdnow.orders("sample")
    people, of = ledger.known(cdnow.END)
    assert len(of) == 2357
    model = fit(of)
    found = model.parameters
    for name, value in parameters.items():
        scale = cdnow.WEEK if name in ("alpha", "beta") else 1
        assert found[name] / scale == pytest.approx(value, rel=2e-4), name
    in_weeks = model.log_likelihood + of.repeats.sum() * math.log(cdnow.WEEK)
    assert in_weeks == pytest.approx(log_likelihood, abs=0.006)
    real = ledger.counts(people, cdnow.END, cdnow.END + cdnow.HOLDOUT)
    assert np.corrcoef(model.expected(of, cdnow.HOLDOUT), real)[0, 1] == pytest.approx(correlation, abs=6e-4)


@pytest.mark.data
def test_the_published_gamma_gamma() -> None:
    """Fader, Hardie 2013: p 6.25, q 3.74, v 15.44, from those who ordered again."""
    with (cdnow.folder() / "cdnow_customers_summary_with_transactions.csv").open() as file:
        rows = [(int(row["x"]), float(row["zbar"])) for row in csv.DictReader(file)]
    orders, mean = (np.array(column) for column in zip(*rows, strict=True))
    found = gamma_gamma(orders, mean)
    assert (found.p, found.q, found.v) == pytest.approx((6.2488, 3.7446, 15.4477), rel=1e-4)
    # Formula 5 of the paper, by hand.
    assert found.expected(np.array([3]), np.array([40.0]))[0] == pytest.approx(
        found.p * (found.v + 3 * 40) / (found.p * 3 + found.q - 1)
    )


@pytest.mark.data
def test_another_library_fits_the_same() -> None:
    lifetimes = pytest.importorskip("lifetimes")
    _, of = cdnow.orders("sample").known(cdnow.END)
    x, last, span = (column.astype(float) for column in (of.repeats, of.last, of.span))
    theirs = lifetimes.BetaGeoFitter()
    theirs.fit(x, last, span)
    ours = bg_nbd(of)
    for name, value in ours.parameters.items():
        assert value == pytest.approx(theirs.params_[name], rel=2e-3), name
    same = Model(**dict(theirs.params_), shift=0, log_likelihood=0, evaluations=0)
    expected = theirs.conditional_expected_number_of_purchases_up_to_time(90, x, last, span)
    assert same.expected(of, 90) == pytest.approx(np.asarray(expected), rel=1e-6)
    assert same.alive(of) == pytest.approx(np.asarray(theirs.conditional_probability_alive(x, last, span)), rel=1e-9)
    modified = lifetimes.ModifiedBetaGeoFitter()
    modified.fit(x, last, span)
    same = Model(**dict(modified.params_), shift=1, log_likelihood=0, evaluations=0)
    expected = modified.conditional_expected_number_of_purchases_up_to_time(90, x, last, span)
    assert same.expected(of, 90) == pytest.approx(np.asarray(expected), rel=1e-6)
    other = lifetimes.ParetoNBDFitter()
    other.fit(x, last, span)
    same_pareto = Pareto(**dict(other.params_), log_likelihood=0, evaluations=0)
    expected = other.conditional_expected_number_of_purchases_up_to_time(90, x, last, span)
    assert same_pareto.expected(of, 90) == pytest.approx(np.asarray(expected), rel=2e-4)


@pytest.mark.data
def test_the_holdout_errors_of_the_whole_of_cdnow() -> None:
    """The table that was measured with other code: RMSE, total bias and Gini of 23,570 people."""
    ledger = cdnow.orders("master")
    people, of = ledger.known(cdnow.END)
    real = ledger.counts(people, cdnow.END, cdnow.END + cdnow.HOLDOUT)
    for told, rmse, bias in (
        (own_rate(of, cdnow.HOLDOUT), 2.158, 0.47),
        (shrunken_rate(of, cdnow.HOLDOUT), 1.859, 0.47),
        (bg_nbd(of).expected(of, cdnow.HOLDOUT), 1.733, -0.14),
        (mbg_nbd(of).expected(of, cdnow.HOLDOUT), 1.740, -0.19),
        (pareto_nbd(of).expected(of, cdnow.HOLDOUT), 1.726, -0.13),
    ):
        assert math.sqrt(((told - real) ** 2).mean()) == pytest.approx(rmse, abs=6e-4)
        assert told.sum() / real.sum() - 1 == pytest.approx(bias, abs=6e-3)


SOME = histories((0, 0, 5), (0, 0, 300), (1, 3, 40), (1, 39, 40), (4, 100, 300), (30, 290, 300), (30, 60, 300))


@pytest.mark.parametrize("shift", [0, 1])
def test_the_slope_of_the_likelihood(shift: int) -> None:
    distinct, people, _ = SOME.merged()
    likelihood = dropout._Likelihood(distinct, people, 0.03, shift)
    for at in ([0.0, 0.0, 0.0, 0.0], [-1.0, 0.5, -0.3, 1.2], [1.0, -1.0, 2.0, -0.5]):
        assert check_grad(lambda x: likelihood(x)[0], lambda x: likelihood(x)[1], np.array(at)) < 3e-6


def test_the_integral_of_the_pareto() -> None:
    """Odds of having left against SciPy's quadrature, history by history."""
    r, alpha, s, beta = 0.55, 74.0, 0.61, 81.7
    odds = pareto._left(SOME.repeats, SOME.last, SOME.span, r, alpha, s, beta)[0]
    for n, (x, last, span) in enumerate(zip(SOME.repeats, SOME.last, SOME.span, strict=True)):

        def inside(y: float, x: int = x, span: int = span) -> float:
            return s * ((alpha + span) / (alpha + y)) ** (r + x) * (beta + span) ** s / (beta + y) ** (s + 1)

        assert odds[n] == pytest.approx(quad(inside, last, span, epsrel=1e-12)[0], rel=1e-3), n


def test_alike_people_are_reckoned_once_and_count_each() -> None:
    once = histories((0, 0, 50), (2, 20, 60), (5, 55, 70), (1, 5, 90))
    dice = np.random.default_rng(3)
    which = dice.integers(0, 4, 400)
    many = Histories(once.repeats[which], once.last[which], once.span[which])
    distinct, people, mine = many.merged()
    assert len(distinct) == 4
    assert people.sum() == 400
    assert (distinct.repeats[mine] == many.repeats).all()
    assert (distinct.last[mine] == many.last).all()
    assert (distinct.span[mine] == many.span).all()
    model = bg_nbd(many)
    one_by_one = sum(density(model, *(int(c[n]) for c in (many.repeats, many.last, many.span))) for n in range(400))
    assert model.log_likelihood == pytest.approx(one_by_one, rel=1e-9)


def density(model: Model, x: int, last: int, span: int) -> float:
    """The log-likelihood of one BG/NBD history as the paper writes it (formula 6)."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    beta = lambda p, q: math.exp(math.lgamma(p) + math.lgamma(q) - math.lgamma(p + q))  # noqa: E731
    stayed = beta(a, b + x) / beta(a, b) * math.gamma(r + x) * alpha**r / (math.gamma(r) * (alpha + span) ** (r + x))
    left = 0.0
    if x:
        left = beta(a + 1, b + x - 1) / beta(a, b) * math.gamma(r + x) * alpha**r / (math.gamma(r) * (alpha + last) ** (r + x))  # fmt: skip
    return math.log(stayed + left)


@pytest.mark.parametrize("shift", [0, 1])
def test_what_is_expected_is_what_the_dice_do(shift: int) -> None:
    """People of the model's own kind, one by one: the mean of what comes, and the share still there, of those with one history."""
    dice = np.random.default_rng(5)
    model = Model(1.2, 20.0, 1.5, 4.0, shift, 0, 0)
    n, span, ahead = 400_000, 60, 40
    rate, stop = dice.gamma(model.r, 1 / model.alpha, n), dice.beta(model.a, model.b, n)
    now, count, late, alive = np.zeros(n), np.zeros(n, int), np.zeros(n, int), np.ones(n, bool)
    if shift:
        alive = dice.random(n) >= stop
    there = alive.copy()
    last = np.zeros(n)
    while alive.any():
        some = np.flatnonzero(alive)
        now[some] += dice.exponential(1 / rate[some])
        early, inside = some[now[some] <= span], some[now[some] <= span + ahead]
        count[early] += 1
        last[early] = now[early]
        late[np.setdiff1d(inside, early, assume_unique=True)] += 1
        stays = dice.random(len(inside)) >= stop[inside]
        gone = inside[~stays]
        there[gone[now[gone] <= span]] = False
        alive[:] = False
        alive[inside[stays]] = True
    for x, low, high in ((0, -1, 1), (2, 20, 30), (3, 50, 58)):
        mine = (count == x) & (last >= low) & (last < high)
        of = Histories(np.full(mine.sum(), x), last[mine], np.full(mine.sum(), span))  # type: ignore[arg-type]
        assert late[mine].mean() == pytest.approx(model.expected(of, ahead).mean(), rel=0.05)
        assert there[mine].mean() == pytest.approx(model.alive(of).mean(), abs=0.02)


def test_nothing_overflows() -> None:
    """Whatever the parameters, nobody orders more than his pace lets him."""
    of = histories((0, 0, 2600), (1, 2500, 2600), (50, 2500, 2600), (2000, 2500, 2600))
    for r, alpha, a, b, shift in product((0.01, 0.5, 2000), (0.1, 300, 3e4), (1e-3, 0.5, 1, 9.9, 3000), (1e-3, 0.5, 3000), (0, 1)):  # fmt: skip
        told = Model(r, alpha, a, b, shift, 0, 0).expected(of, 90)
        assert np.isfinite(told).all()
        assert (told >= 0).all()
        assert (told <= (r + of.repeats) / (alpha + of.span) * 90 * 1.01 + 1e-9).all()


def test_a_pond_in_which_nobody_leaves_is_one_of_paces_alone() -> None:
    dice = np.random.default_rng(2)
    rate, span = dice.gamma(2.0, 0.03, 3000), dice.integers(100, 400, 3000)
    count = dice.poisson(rate * span)
    last = np.where(count > 0, np.floor(span * dice.random(3000) ** (1 / np.maximum(count, 1))), 0).astype(np.int64)
    of = Histories(count.astype(np.int64), last, span.astype(np.int64))
    r, alpha = nbd(of)
    assert (r, 1 / alpha) == pytest.approx((2.0, 0.03), rel=0.1)
    told, paced = mbg_nbd(of).expected(of, 90), shrunken_rate(of, 90)
    assert told.sum() == pytest.approx(paced.sum(), rel=0.03)
    assert told.sum() == pytest.approx(rate.sum() * 90, rel=0.03)


def test_amounts_shrink_towards_everybody() -> None:
    dice = np.random.default_rng(8)
    people = 4000
    scale = dice.gamma(4.0, 1 / 3000, people)
    orders = dice.integers(1, 12, people)
    means = np.array([dice.gamma(5.0 * n, 1 / (n * nu)) for n, nu in zip(orders, scale, strict=True)])
    found = gamma_gamma(orders, means)
    assert (found.p, found.q, found.v) == pytest.approx((5.0, 4.0, 3000), rel=0.12)
    told = found.expected(orders, means)
    whole = found.p * found.v / (found.q - 1)
    assert (np.abs(told - whole) <= np.abs(means - whole) + 1e-9).all()
    with pytest.raises(ValueError, match="30 people"):
        gamma_gamma(np.array([1, 2]), np.array([10.0, 20.0]))


def test_orders_of_one_day_are_one_order_day() -> None:
    ledger, ids = Ledger.of(np.array([70, 5, 70, 70]), np.array([12, 3, 12, 10]), np.array([100, 200, 30, 4]))
    assert ids.tolist() == [5, 70]
    assert (ledger.person.tolist(), ledger.day.tolist(), ledger.amount.tolist()) == (
        [0, 1, 1],
        [3, 10, 12],
        [200, 4, 130],
    )
    people, of = ledger.known(12)
    assert people.tolist() == [0, 1]
    assert (of.repeats.tolist(), of.last.tolist(), of.span.tolist()) == ([0, 0], [0, 0], [8, 1])
    people, of = ledger.known(20)
    assert (of.repeats.tolist(), of.last.tolist(), of.span.tolist()) == ([0, 1], [0, 2], [16, 9])
    assert ledger.counts(people, 10, 13).tolist() == [0, 2]
    assert ledger.sums(people, 10, 12).tolist() == [0, 4]
