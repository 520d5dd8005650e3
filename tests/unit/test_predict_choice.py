"""Measures against their definitions, the choice among candidates, the clock, and that nobody looks ahead."""

from __future__ import annotations

import math
import statistics
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from buyers import EPOCH, FIRST, buyers, days_of
from yutang.predict import boosted, drift, rhythm
from yutang.predict.accuracy import Accuracy, accuracy, bernoulli, deviance, gini, reliability
from yutang.predict.backtest import Missing, Result, Task, choose, contest, windows
from yutang.predict.calibrate import logistic
from yutang.predict.candidates import ORDERS, RETURNS, worth
from yutang.predict.dropout import Model
from yutang.predict.histories import Histories, Ledger
from yutang.predict.past import Past
from yutang.predict.punctual import following, last_rows, punctuality, race
from yutang.predict.reading import net

START = (FIRST - EPOCH).days


def ledger(people: int = 500, days: int = 365, **more: Any) -> Ledger:
    bought = buyers(people, days, **more)
    columns = ([one.person for one in bought], [(one.day - EPOCH).days for one in bought], [one.fen for one in bought])
    return Ledger.of(*(np.array(column, np.int64) for column in columns))[0]


# measures


def test_measures_are_those_of_the_textbook() -> None:
    predicted, real = [0.5, 2.0, 0.0, 4.0], [0, 3, 1, 4]
    found = accuracy(np.array(predicted), np.array(real, float))
    assert found.rmse == pytest.approx(math.sqrt(sum((p - r) ** 2 for p, r in zip(predicted, real, strict=True)) / 4))
    assert found.mae == pytest.approx((0.5 + 1 + 1 + 0) / 4)
    assert found.bias == pytest.approx(6.5 / 8 - 1)
    each = [2 * 0.5, 2 * (3 * math.log(3 / 2) - 1), 2 * (math.log(1 / 1e-4) - 1 + 1e-4), 0]
    assert found.deviance == pytest.approx(sum(each) / 4)
    assert bernoulli(np.array([0.9, 0.2]), np.array([1.0, 0.0])) == pytest.approx(-math.log(0.9) - math.log(0.8))
    assert accuracy(np.ones(3), np.zeros(3)).bias is None
    assert deviance(np.zeros(5), np.zeros(5)) == pytest.approx(2e-4)


def test_gini_orders_people() -> None:
    real = np.array([0, 0, 1, 5, 0, 2.0])
    assert gini(real, real) == pytest.approx(1)
    assert gini(-real, real) == pytest.approx(-1)
    assert gini(np.ones(6), real) == pytest.approx(0)
    assert gini(real, np.zeros(6)) is None
    # Of ones and noughts it is twice the area under the ROC curve, less one.
    dice = np.random.default_rng(4)
    score, came = dice.integers(0, 8, 300).astype(float), dice.random(300) < 0.3
    wins = [(a > b) + (a == b) / 2 for a in score[came] for b in score[~came]]
    assert gini(score, came.astype(float)) == pytest.approx(2 * sum(wins) / len(wins) - 1)


def test_the_reliability_diagram() -> None:
    dice = np.random.default_rng(4)
    predicted = dice.random(1003)
    parts = reliability(predicted, predicted * 2)
    assert [part.people for part in parts] == [101, 101, 101, *[100] * 7]
    assert [part.predicted for part in parts] == sorted(part.predicted for part in parts)
    assert all(part.real == pytest.approx(2 * part.predicted) for part in parts)


def test_a_logistic_regression_finds_the_weights() -> None:
    dice = np.random.default_rng(6)
    seen = np.column_stack([np.ones(20_000), dice.normal(size=(20_000, 2))])
    came = dice.random(20_000) < 1 / (1 + np.exp(-seen @ [0.4, 1.2, -0.7]))
    assert logistic(seen, came) == pytest.approx([0.4, 1.2, -0.7], abs=0.06)
    apart = logistic(
        np.column_stack([np.ones(40), np.r_[np.zeros(20), np.ones(20)]]), np.r_[np.zeros(20), np.ones(20)] > 0
    )
    assert np.isfinite(apart).all()


# choice


def result(name: str, rmse: float, deviance: float, baseline: bool = False) -> Result:
    return Result(name, name, name, baseline, Accuracy(100, rmse, 1.0, deviance, 0.0, 0.5))


def test_a_model_that_is_worse_than_its_baseline_never_speaks() -> None:
    base, other = result("base", 2.0, 1.0, baseline=True), result("other", 1.0, 3.0, baseline=True)
    good, lucky, best = result("good", 1.9, 0.9), result("lucky", 2.1, 0.5), result("best", 1.99, 0.8)
    assert choose([base, other, good, lucky, best], "deviance") == ("best", "base", ["lucky"])
    assert choose([base, lucky], "deviance") == ("base", "base", ["lucky"])
    assert choose([base, result("same", 2.0, 1.0)], "deviance") == ("base", "base", ["same"])
    assert choose([base, other, good], "rmse") == ("other", "other", ["good"])


def test_who_never_buys_again_is_not_flattered_by_the_mean_error() -> None:
    """Nine in ten never come back: saying so has the best mean absolute error, and is not chosen."""
    found = contest(Task("orders_90d", ORDERS, lambda p: p.counted(p.end, p.end + p.days), "deviance"), windows(ledger(900, drop=0.8, pace=0.02), START + 365, 90))  # fmt: skip
    least = min(found.results, key=lambda one: one.accuracy.mae)
    assert least.name == "nobody"
    assert found.chosen != "nobody"


def test_what_is_missing_is_said_in_numbers() -> None:
    young = windows(ledger(500, 120), START + 120, 90)
    assert isinstance(young, Missing)
    assert young.en == "60 more days of orders are needed (180 at least)"
    once, _ = Ledger.of(np.arange(300), np.full(300, START), np.full(300, 100))
    lack = windows(once, START + 200, 90)
    assert isinstance(lack, Missing)
    assert lack.zh == "还缺 100 位复购顾客（至少 100 位）"
    assert lack.en == "100 more people who came back are needed (100 at least)"


@pytest.mark.parametrize("candidates", [ORDERS, RETURNS, worth(ORDERS[5].predict)])
def test_nobody_looks_ahead(candidates: Any) -> None:
    """What happens after the day that a candidate stands on changes nothing of what it says."""
    whole = ledger(400)
    end = START + 250
    before = whole.day < end
    cut, _ = Ledger.of(whole.person[before], whole.day[before], whole.amount[before])
    for one in candidates:
        if one.extra and not boosted.installed():
            continue
        with_future, without = one.predict(Past(whole, end, 90)), one.predict(Past(cut, end, 90))
        assert with_future == pytest.approx(without), one.name
        assert (with_future >= 0).all()


@pytest.mark.skipif(not boosted.installed(), reason="the extra is not installed")
def test_trees_say_the_same_every_time_and_what_they_need() -> None:
    past = Past(ledger(600), START + 300, 90)
    assert (boosted.boosted(past) == boosted.boosted(Past(past.ledger, past.end, 90))).all()
    assert [(one.end, one.days) for one in boosted.lessons(past)] == [
        (START + 210, 90),
        (START + 165, 90),
        (START + 120, 90),
    ]
    with pytest.raises(ValueError, match="300 people"):
        boosted.boosted(Past(ledger(40), START + 300, 90))


def test_a_sample_of_people_is_one_of_whole_people() -> None:
    whole = ledger(500)
    some = whole.some(100)
    assert some.people == 100
    people, of = some.known(START + 365)
    assert len(people) == 100
    everybody, all_of = whole.known(START + 365)
    assert (of.repeats == all_of.repeats[everybody % 5 == 0]).all()
    assert whole.some(500) is whole


# refunds


def test_a_refund_is_off_the_last_order_before_it() -> None:
    made, ids = Ledger.of(np.array([7, 7, 9]), np.array([10, 20, 15]), np.array([100, 200, 300]))
    left = net(made, ids, np.array([7, 7, 9, 9, 8]), np.array([20, 19, 14, 400, 50]), np.array([1, 2, 4, 8, 16]))
    assert left.tolist() == [98, 199, 292], "one before any order, and one of somebody unknown, are nobody's"


# the clock


def naive_gaps() -> dict[tuple[int, date], list[int]]:
    """(person, order day) → the gaps before it."""
    found = {}
    for person, cells in days_of(buyers(150, 365, shape=9.0)).items():
        days = sorted(cells)
        for n, day in enumerate(days):
            found[person, day] = [(b - a).days for a, b in pairwise(days[: n + 1])]
    return found


def test_gaps_are_those_of_the_person_alone() -> None:
    whole = ledger(150, shape=9.0)
    naive = naive_gaps()
    gaps = rhythm.Gaps.at(whole, np.arange(len(whole.day)))
    assert len(naive) == len(whole.day)
    for n, ((_, day), before) in enumerate(sorted(naive.items())):
        assert (day - EPOCH).days == whole.day[n]
        newest = before[::-1][: rhythm.GAPS]
        assert gaps.known[n] == len(newest)
        assert gaps.last[n][: len(newest)].tolist() == newest
        if newest:
            median = next(clock for clock in rhythm.CLOCKS if clock.name == "own_median")
            some = rhythm.pool(gaps.of(gaps.known > 0))
            assert median.predict(gaps.of(np.array([n])), some, 90)[0] == statistics.median(newest)


def test_what_follows_and_what_is_last() -> None:
    made, _ = Ledger.of(np.array([1, 1, 1, 2]), np.array([10, 13, 90, 20]), np.ones(4, np.int64))
    assert following(made, np.arange(4), 30).tolist() == [3, 31, 31, 31]
    assert last_rows(made, 90).tolist() == [1, 3]
    assert last_rows(made, 15).tolist() == [1]


def test_who_never_comes_is_no_hit() -> None:
    found = punctuality(np.array([10.0, 10.0, 90.0, 14.0]), np.array([12.0, 91.0, 91.0, 20.0]), 90)
    assert (found.mae, found.near, found.week) == ((2 + 80 + 0 + 6) / 4, 1 / 4, 2 / 4)


def test_means_are_pulled_by_how_little_is_known() -> None:
    """The posterior of a normal mean with a normal prior, by the formula of the textbook, where spreads are alike."""
    everybody = rhythm.Pool(20, math.log(20), 0.25, 0.09)
    logs = np.log(10) + 0.3 * np.array([1, -1, 1, -1.0])
    last = np.full((1, rhythm.GAPS), np.nan)
    last[0, :4] = np.exp(logs)
    middle, spread = rhythm.shrunken(rhythm.Gaps(last, np.array([4])), everybody)
    variance = (rhythm.PRIOR * 0.09 + 4 * 0.09) / (rhythm.PRIOR + 3)
    weight = 4 / variance + 1 / 0.25
    assert middle[0] == pytest.approx((4 / variance * math.log(10) + math.log(20) / 0.25) / weight)
    assert spread[0] == pytest.approx(math.sqrt(variance + 1 / weight))


@pytest.mark.parametrize(("middle", "spread"), [(3.0, 0.3), (3.0, 1.0), (1.0, 0.5), (4.2, 0.15)])
def test_the_likeliest_week_holds_the_most(middle: float, spread: float) -> None:
    """By drawing: no other week catches more of what comes."""
    gaps = np.maximum(1, np.rint(np.random.default_rng(1).lognormal(middle, spread, 400_000)))
    caught = {day: np.mean(np.abs(gaps - day) <= rhythm.REACH) for day in range(1, 91)}
    told = int(rhythm.likeliest(np.array([middle]), np.array([spread]), 90)[0])
    assert caught[told] == pytest.approx(max(caught.values()), abs=0.006)


def test_regular_people_are_told_their_day_and_irregular_ones_nothing_new() -> None:
    regular = race(ledger(400, shape=25.0), START + 365, 90)
    assert not isinstance(regular, Missing)
    told = {one.name: one.punctuality for one in regular.results}
    assert told[regular.chosen].near > told["everybody"].near + 0.05
    assert regular.covered == pytest.approx(0.8, abs=0.12)
    few = race(ledger(12), START + 365, 90)
    assert isinstance(few, Missing)
    assert "gaps before them" in few.en


# drift


def test_a_prediction_is_cut_to_what_has_passed() -> None:
    closed = Model(0.9, 30.0, 0.8, 2.5, 1, 0, 0)
    of = Histories(np.array([0, 3, 20]), np.array([0, 50, 290]), np.array([10, 60, 300]))
    for name in ("orders_90d", "value_90d", "p_order_90d"):
        parts = [drift.cut(name, closed, of, days) for days in (7, 30, 60, 90)]
        assert parts[-1] == pytest.approx([1, 1, 1])
        assert all((a < b).all() for a, b in pairwise(parts))
    orders = drift.cut("orders_90d", closed, of, 30)
    assert orders == pytest.approx(closed.expected(of, 30) / closed.expected(of, 90))
    assert (orders > 30 / 90).all(), "people leave, so the first days hold more"
