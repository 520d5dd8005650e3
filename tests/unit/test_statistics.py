"""The statistics of experiments, against other packages' numbers and against what they promise."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.api import OLS
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from yutang.insight.statistics import (
    Cell,
    Estimate,
    Interval,
    Pair,
    always_p,
    always_valid,
    audience,
    audience_always,
    boundary,
    classic,
    cuped,
    detectable,
    detectable_always,
    difference,
    enough,
    join,
    mismatch,
    ratio,
    relative,
    tuned,
)

# Sums of 1,500 made-up customers, and what gbstats 0.8.0 (GrowthBook) says of them.
CONTROL = Cell(300, 3602.78, 3492963.7708361214, 3088.0033333333336, 6308115.655507247, 3508850.3385284273)
TREATED = Cell(1200, 3748.610833333333, 3559331.1937107304, 2984.2233333333334, 5517225.569763691, 3313138.948537669)
PAIR = Pair(TREATED, CONTROL)
EVERYBODY = join([TREATED, CONTROL])
THETA = EVERYBODY.covariance / EVERYBODY.x_variance
"""Theirs is pooled over everybody, ours inside the arms."""


def said(e: Estimate, i: Interval) -> list[float]:
    return [e.difference, e.variance, e.df, i.low, i.high]


@pytest.mark.parametrize(
    ("found", "theirs"),
    [
        (difference([PAIR]), [145.83083333333298, 14609.321897546011, 463.24781808175806, -91.68866582189449, 383.3503324885604]),
        (difference([PAIR.less(THETA)]), [207.06942125385376, 6470.003077259028, 462.427692835971, 49.00340757547454, 365.135434932233]),
        (ratio([PAIR]), [0.08944075169249421, 0.0017292917792618833, 474.3908644628954, 0.00772765711934599, 0.17115384626564245]),
    ],
)  # fmt: skip
def test_differences_agree_with_gbstats(found: Estimate, theirs: list[float]) -> None:
    assert said(found, classic(found)) == pytest.approx(theirs, rel=1e-11)


def test_a_relative_difference_agrees_with_gbstats() -> None:
    """Theirs takes the degrees of freedom of the plain difference."""
    found = relative([PAIR])
    assert (found.difference, found.variance) == pytest.approx((0.04047730733859213, 0.0011996102930536736), rel=1e-11)
    plain = Estimate(found.difference, found.variance, difference([PAIR]).df, found.n)
    interval = classic(plain)
    assert (interval.low, interval.high) == pytest.approx((-0.027584633849950302, 0.10853924852713456), rel=1e-11)


def test_the_always_valid_interval_agrees_with_gbstats() -> None:
    interval = always_valid(difference([PAIR]), tuned(4000))
    assert (interval.low, interval.high) == pytest.approx((-233.4895217648102, 525.1511884314762), rel=1e-11)
    assert always_p(difference([PAIR]), tuned(4000)) == 1.0


def test_means_agree_with_statsmodels() -> None:
    rng = np.random.default_rng(1)
    treated, control = rng.gamma(1, 3000, 700), rng.gamma(1, 2800, 90)
    found = difference([Pair(Cell.of(treated), Cell.of(control))])
    theirs = CompareMeans(DescrStatsW(treated), DescrStatsW(control)).tconfint_diff(usevar="unequal")
    assert (classic(found).low, classic(found).high) == pytest.approx(theirs, rel=1e-11)


def test_proportions_agree_with_statsmodels() -> None:
    found = difference([Pair(Cell.share(230, 2000), Cell.share(150, 1800))])
    theirs = confint_proportions_2indep(230, 2000, 150, 1800, method="wald")
    assert (classic(found).low, classic(found).high) == pytest.approx(theirs, rel=2e-3)  # 1/n there, 1/(n−1) here


def test_cuped_is_the_regression_of_the_outcome_on_arm_and_history() -> None:
    rng = np.random.default_rng(2)
    arm = rng.random(2000) < 0.8
    x = rng.gamma(1, 100, 2000)
    y = 2 * x + 30 * arm + rng.normal(0, 80, 2000)
    found = cuped([Pair(Cell.of(y[arm], x[arm]), Cell.of(y[~arm], x[~arm]))])
    assert found is not None
    _, effect, theta = OLS(y, np.column_stack([np.ones(2000), arm, x])).fit().params
    assert (found.estimate.difference, found.theta) == pytest.approx((effect, theta), rel=1e-9)
    assert found.removed == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, abs=0.02), "variance falls by ρ²"


def test_without_history_there_is_nothing_to_adjust() -> None:
    assert cuped([Pair(Cell(50, 1, 2), Cell(50, 1, 2))]) is None
    assert cuped([Pair(Cell(50, 1, 0, 1, 1, 0), Cell(50, 1, 0, 1, 1, 0))]) is None, "nor where everybody did the same"


def test_the_draw_is_checked_by_chi_square() -> None:
    theirs = stats.chisquare([830, 170], [900, 100]).pvalue
    assert mismatch([(830, 170, 0.1)]) == pytest.approx(theirs, rel=1e-9)
    two = stats.chi2.sf(stats.chisquare([830, 170], [900, 100]).statistic + stats.chisquare([505, 495]).statistic, 2)
    assert mismatch([(830, 170, 0.1), (505, 495, 0.5)]) == pytest.approx(two, rel=1e-9)
    assert mismatch([(900, 0, 0.0)]) == 1.0, "where nobody was to be held out nothing can be wrong"


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_power_agrees_with_statsmodels(share: float) -> None:
    found = audience(variance=4.0, effect=0.3, share=share)
    theirs = NormalIndPower().solve_power(0.15, alpha=0.05, power=0.8, ratio=share / (1 - share)) / (1 - share)
    assert found == pytest.approx(theirs, rel=1e-3)  # theirs counts the other tail too
    assert detectable(4.0, found, share) == pytest.approx(0.3, rel=1e-12)
    assert detectable_always(4.0, audience_always(4.0, 0.3, share), share) == pytest.approx(0.3, rel=1e-12)


def test_the_smallest_effects_of_the_published_table() -> None:
    """Base 10%, 100,000 people: 1.22, 0.89 and 0.53 points at 5, 10 and 50% control."""
    assert [round(100 * detectable(0.09, 100_000, h), 2) for h in (0.05, 0.1, 0.5)] == [1.22, 0.89, 0.53]


def test_rho_is_where_the_interval_is_narrowest() -> None:
    widths = {n: boundary(tuned(n) * 1000) for n in range(100, 10_000, 10)}
    assert min(widths, key=widths.get) == pytest.approx(1000, rel=0.05)
    assert boundary(tuned(1)) == pytest.approx(9.2, abs=0.1), "3.03 standard errors instead of 1.96"
    assert boundary(0) == inf


def test_the_p_value_and_the_interval_say_the_same() -> None:
    rho2 = tuned(5000)
    for size in np.linspace(0.5, 6, 40):
        e = Estimate(float(size), 1.0, inf, 2000)
        assert (always_p(e, rho2) < 0.05) == (not always_valid(e, rho2).holds(0.0))


def test_the_mixture_is_that_of_the_msprt() -> None:
    """Johari et al.: Λ = √(V/(V+τ²))·exp(τ²Δ²/(2V(V+τ²))) with τ² = ρ²·V·n."""
    v, delta, n, rho2 = 0.7, 2.4, 900, tuned(1000)
    tau2 = rho2 * v * n
    ratio_ = sqrt(v / (v + tau2)) * np.exp(tau2 * delta**2 / (2 * v * (v + tau2)))
    assert always_p(Estimate(delta, v, inf, n), rho2) == pytest.approx(1 / ratio_, rel=1e-12)


def test_enough_people_clear_the_interval() -> None:
    e, rho2 = Estimate(0.1, 0.01, inf, 1000), tuned(3000)
    n = enough(e, rho2, 1000)
    assert n > 1000
    assert not always_valid(Estimate(0.1, 10 / (n + 1), inf, int(n) + 1), rho2).holds(0.0)
    assert always_valid(Estimate(0.1, 10 / (n - 2), inf, int(n) - 2), rho2).holds(0.0)
    assert enough(Estimate(0.0, 1.0, inf, 10), rho2, 10) == inf
    assert enough(e, tuned(30), 10) == pytest.approx(n / 100, rel=1e-4), "people or days, it is all the same"


NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_cells_join_to_the_cell_of_all(a: list[float], b: list[float], c: list[float]) -> None:
    values = [np.array(part) for part in (a, b, c)]
    whole = np.concatenate(values)
    joined, direct = (
        join(Cell.of(v, v[::-1]) for v in values),
        Cell.of(whole, np.concatenate([v[::-1] for v in values])),
    )
    assert [joined.n, joined.mean, joined.x_mean] == pytest.approx([direct.n, direct.mean, direct.x_mean], abs=1e-6)
    spread = [direct.variance, direct.x_variance, direct.covariance]
    assert [joined.variance, joined.x_variance, joined.covariance] == pytest.approx(spread, rel=1e-6, abs=1e-3)


# --- what the intervals promise, by simulation ---------------------------------------------------------------------------


def spenders(rng: np.random.Generator, n: int) -> np.ndarray:
    """Fen spent: most buy nothing, a few buy a lot."""
    return np.where(rng.random(n) < 0.15, rng.lognormal(8, 1, n), 0.0)


def test_the_classic_interval_covers_the_truth_95_times_in_100() -> None:
    rng, hits, runs = np.random.default_rng(3), 0, 2000
    for _ in range(runs):
        t, c = spenders(rng, 3000) + 40, spenders(rng, 600)
        hits += classic(difference([Pair(Cell.of(t), Cell.of(c))])).holds(40)
    assert hits / runs == pytest.approx(0.95, abs=0.015)


def looks(y: np.ndarray, treated: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Difference and variance at each look, of many runs at once (runs × people)."""
    estimates = []
    for arm in (treated, ~treated):
        n = np.cumsum(arm, 1)[:, at - 1]
        s = np.cumsum(y * arm, 1)[:, at - 1]
        q = np.cumsum(y * y * arm, 1)[:, at - 1]
        estimates.append((s / n, (q - s * s / n) / (n - 1) / n))
    return estimates[0][0] - estimates[1][0], estimates[0][1] + estimates[1][1]


def test_forty_looks_deceive_the_classic_interval_and_not_the_always_valid_one() -> None:
    rng, runs, people = np.random.default_rng(4), 600, 8000
    at = np.arange(1, 41) * (people // 40)
    y, treated = rng.random((runs, people)) < 0.1, rng.random((runs, people)) < 0.8
    delta, v = looks(y.astype(float), treated, at)
    naive = (np.abs(delta) > 1.96 * np.sqrt(v)).any(1).mean()
    half = np.sqrt([boundary(tuned(people) * n) for n in at])
    always = (np.abs(delta) > half * np.sqrt(v)).any(1).mean()
    assert naive > 0.2, "who looks forty times at a classic interval finds what is not there"
    assert always < 0.05
    # And with an effect of 4 points it finds it, and never in the wrong direction.
    delta, v = looks(y + 0.04 * treated, treated, at)
    assert (delta > half * np.sqrt(v)).any(1).mean() > 0.6
    assert (delta < -half * np.sqrt(v)).any(1).mean() < 0.005


def test_cuped_is_unbiased_and_narrower() -> None:
    rng, plain, adjusted, hits = np.random.default_rng(5), [], [], 0
    for _ in range(800):
        x = rng.gamma(0.5, 200, 1200)
        y = 0.8 * x + rng.gamma(0.5, 100, 1200)
        treated = rng.random(1200) < 0.8
        y = y + 15 * treated
        pairs = [Pair(Cell.of(y[treated], x[treated]), Cell.of(y[~treated], x[~treated]))]
        found = cuped(pairs)
        assert found is not None
        plain.append(difference(pairs).difference)
        adjusted.append(found.estimate.difference)
        hits += classic(found.estimate).holds(15)
    error = np.std(adjusted) / sqrt(800)
    assert np.mean(adjusted) == pytest.approx(15, abs=3.5 * error)
    assert np.var(adjusted) < 0.5 * np.var(plain)
    assert hits / 800 == pytest.approx(0.95, abs=0.025)


def test_a_share_that_changes_with_the_season_does_no_harm() -> None:
    """People of the quiet month are held out by 10%, those of the strong one by half: pooled, the control looks better."""
    rng, stratified, pooled = np.random.default_rng(6), [], []
    for _ in range(300):
        pairs = []
        for mean, share in ((10.0, 0.1), (40.0, 0.5)):
            y, held = rng.exponential(mean, 2000), rng.random(2000) < share
            pairs.append(Pair(Cell.of(y[~held]), Cell.of(y[held])))
        stratified.append(difference(pairs))
        pooled.append(difference([Pair(join(p.treated for p in pairs), join(p.control for p in pairs))]).difference)
    assert np.mean(pooled) < -5
    assert np.mean([e.difference for e in stratified]) == pytest.approx(0, abs=0.25)
    assert np.mean([classic(e).holds(0) for e in stratified]) == pytest.approx(0.95, abs=0.04)
