"""The forecast: equal to enumeration where that is possible, calibrated where it is not."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yutang.offer.liability import BINS, NODES, Open, Rate, forecast, overdispersion, rates, remaining, timing

EVENLY = timing([0] * BINS)


def enumerated(parts: list[Open], shape: np.ndarray) -> dict[int, float]:
    """By every outcome of every coupon: used for one of its amounts, or not used."""
    total: dict[int, float] = {0: 1.0}
    for part in parts:
        mixed: dict[int, float] = {}
        for node in part.rate.nodes():
            sums: dict[int, float] = {0: 1.0}
            for age, n in part.ages:
                chance = float(remaining(np.array([node]), float(shape[age]))[0])
                weights = sum(w for _, w in part.worth)
                outcomes = [(0, 1 - chance), *((fen, chance * w / weights) for fen, w in part.worth)]
                for _ in range(n):
                    grown: dict[int, float] = {}
                    for (fen, p), (more, q) in product(sums.items(), outcomes):
                        grown[fen + more] = grown.get(fen + more, 0) + p * q
                    sums = grown
            for fen, p in sums.items():
                mixed[fen] = mixed.get(fen, 0) + p / NODES
        total_now: dict[int, float] = {}
        for (fen, p), (more, q) in product(total.items(), mixed.items()):
            total_now[fen + more] = total_now.get(fen + more, 0) + p * q
        total = total_now
    return total


parts = st.lists(
    st.builds(
        lambda mean, size, ages, worth: Open(Rate(mean, size), list(ages.items()), worth),
        st.floats(0.05, 0.95),
        st.floats(1, 50),
        st.dictionaries(st.integers(0, BINS - 1), st.integers(0, 3), min_size=1, max_size=2),
        st.lists(st.tuples(st.integers(0, 40), st.floats(0.1, 5)), min_size=1, max_size=3),
    ),
    min_size=1, max_size=2,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(parts)
def test_the_distribution_is_that_of_every_outcome(found: list[Open]) -> None:
    spread = forecast(found, EVENLY)
    assert spread.step == 1
    expected = enumerated(found, EVENLY)
    for fen, chance in enumerate(spread.chances):
        assert chance == pytest.approx(expected.get(fen, 0.0), abs=1e-9)
    assert spread.mean == pytest.approx(sum(fen * p for fen, p in expected.items()), abs=1e-6)


def test_a_coarse_grid_keeps_the_mean_and_the_width() -> None:
    """A million coupons of many values: the same mean and deviation as by moments."""
    worth = [(997, 1.0), (2_003, 2.0), (5_011, 1.0)]
    spread = forecast([Open(Rate(0.3, 400.0), [(0, 1_000_000)], worth)], EVENLY)
    assert spread.step > 1
    first = (997 + 2 * 2_003 + 5_011) / 4
    assert spread.mean == pytest.approx(1_000_000 * 0.3 * first, rel=1e-3)
    deviation = 1_000_000 * first * (0.3 * 0.7 / 401) ** 0.5
    assert (spread.quantile(0.9) - spread.quantile(0.1)) == pytest.approx(2 * 1.2816 * deviation, rel=0.03)


def test_quantiles_of_a_sure_thing_and_of_nothing() -> None:
    sure = forecast([Open(Rate(0.5, 1e9), [(0, 1)], [(10, 1.0)])], EVENLY)
    assert (sure.quantile(0.1), sure.quantile(0.49), sure.quantile(0.51), sure.quantile(0.9)) == (0, 0, 10, 10)
    assert forecast([], EVENLY).quantile(0.9) == 0


def test_what_is_left_of_a_coupons_chance() -> None:
    rate = np.array([0.5])
    assert remaining(rate, 0.0)[0] == pytest.approx(0.5)
    assert remaining(rate, 0.5)[0] == pytest.approx(0.25 / 0.75), "by Bayes: not used so far"
    assert remaining(rate, 1.0)[0] == 0


def test_little_history_is_drawn_to_the_others_and_much_is_not() -> None:
    much, others = [(1_000, 500)], [[(1_000, 100)], [(1_000, 110)], [(1_000, 90)]]
    low, high = rates([*others, [(2, 2)]])[-1], rates([*others, much])[-1]
    assert low.mean < 0.4
    assert high.mean == pytest.approx(0.5, abs=0.02)
    assert high.concentration > low.concentration
    assert rates([[]])[0].mean == pytest.approx(0.5), "nothing is known"


def test_cohorts_that_differ_beyond_chance_are_seen() -> None:
    dice = np.random.default_rng(4)
    plain = [[(500, int(dice.binomial(500, 0.3))) for _ in range(20)] for _ in range(5)]
    wild = [[(500, int(dice.binomial(500, dice.beta(3, 7)))) for _ in range(20)] for _ in range(5)]
    assert overdispersion(plain) < 0.005
    assert overdispersion(wild) == pytest.approx(1 / 11, rel=0.5)


def test_the_band_from_p10_to_p90_holds_four_times_out_of_five() -> None:
    """Ponds that were made up: offers differ, weeks differ, coupons run. What really came lies in the band as often as it says."""
    dice, inside, rounds = np.random.default_rng(7), 0, 200
    for _ in range(rounds):
        rho, mean = dice.uniform(0.0, 0.08), dice.uniform(0.1, 0.6)
        histories, truth, opened = [], 0, []
        sizes = dice.integers(30, 300, 4)
        weekly = (1 - rho) / max(rho, 1e-4)
        own = np.clip(dice.normal(mean, 0.05, 4), 0.03, 0.95)
        for p, size in zip(own, sizes, strict=True):
            draws = dice.beta(p * weekly, (1 - p) * weekly, 13)
            histories.append([(int(size), int(dice.binomial(size, q))) for q in draws[:-1]])
            truth += int(dice.choice([300, 500, 900], dice.binomial(size, draws[-1])).sum())
            opened.append(int(size))
        worth = [(300, 1.0), (500, 1.0), (900, 1.0)]
        spread = forecast([Open(r, [(0, n)], worth) for r, n in zip(rates(histories), opened, strict=True)], EVENLY)
        inside += spread.quantile(0.1) <= truth <= spread.quantile(0.9)
    assert 0.73 <= inside / rounds <= 0.89, inside / rounds
