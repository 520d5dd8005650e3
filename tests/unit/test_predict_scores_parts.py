"""The scores' parts against plain Python: what is seen of people, what is learned, why, and how good it was."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.special import expit

from yutang.predict import boosted
from yutang.predict.accuracy import chances
from yutang.predict.histories import Ledger
from yutang.predict.scores import coupons, drift, learners
from yutang.predict.scores.days import LONG, Days, Seen
from yutang.predict.scores.features import CHURN, LEAD, REDEEM, Feature
from yutang.predict.scores.learners import Card, card, restored
from yutang.predict.scores.people import CHURN_90D, LEAD_30D, View
from yutang.predict.scores.reading import Coupons, Pond, of_coupons
from yutang.predict.scores.reasons import TURNS, reasons

Cell = tuple[int, int, int, int]
"""(person, day, times, fen)"""


def cells(people: int, days: int, dice: random.Random) -> list[Cell]:
    found = {(p, d) for p in range(people) for d in range(1, days) if dice.random() < 0.07}
    return [(p, d, dice.randint(1, 4), dice.randint(0, 900)) for p, d in sorted(found, key=lambda _: dice.random())]


def packed(some: list[Cell]) -> Days:
    return Days.of(*(np.array(column, np.int64) for column in zip(*some, strict=True)))


def test_what_is_seen_is_what_lies_before_the_day() -> None:
    dice = random.Random(1)
    some = cells(25, 120, dice)
    rows = [(dice.randrange(27), dice.randrange(130)) for _ in range(300)]
    seen = Seen({"viewed": packed(some)}, *(np.array(column, np.int64) for column in zip(*rows, strict=True)))
    for n, (person, day) in enumerate(rows):
        mine = [cell for cell in some if cell[0] == person and cell[1] < day]
        late = [cell for cell in mine if cell[1] >= day - 28]
        assert seen.days("viewed")[n] == len(mine)
        assert seen.days("viewed", 28)[n] == len(late)
        assert seen.times("viewed", 28)[n] == sum(cell[2] for cell in late)
        assert seen.fen("viewed")[n] == sum(cell[3] for cell in mine)
        assert seen.ago("viewed")[n] == (day - max(cell[1] for cell in mine) if mine else LONG)
        assert seen.since("viewed")[n] == (day - min(cell[1] for cell in mine) if mine else LONG)
    assert (seen.ago("nothing of the kind") == LONG).all()


def pond(seed: int = 2, until: int = 400) -> Pond:
    dice = random.Random(seed)
    kinds = {kind: packed(cells(60, until, dice)) for kind in ("ordered", "viewed", "joined", "refunded", "answered")}
    kinds["ordered"] = packed([cell for cell in cells(60, until, dice) if cell[0] < 40])
    kinds["any"] = kinds["viewed"]
    rows = []
    for _ in range(400):
        issued = dice.randrange(10, until)
        end = issued + dice.randint(5, 40)
        rows.append(
            (dice.randrange(60), dice.randrange(3), issued, end, dice.choice([0, dice.randint(issued, end + 9)]))
        )
    given = Coupons(*(np.array(column, np.int64) for column in zip(*rows, strict=True)))
    return Pond(np.arange(60), kinds | of_coupons(given), given, until, 1)


def cut(whole: Pond, day: int) -> Pond:
    """The same pond on an earlier day: nothing of that day or later is there."""

    def before(some: Days) -> Days:
        keep = some.key % (1 << 20) < day
        return Days(
            some.key[keep], np.r_[0, np.cumsum(np.diff(some.times)[keep])], np.r_[0, np.cumsum(np.diff(some.fen)[keep])]
        )

    return Pond(whole.ids, {name: before(one) for name, one in whole.kinds.items()}, whole.coupons, day, whole.first)


@pytest.mark.parametrize("score", [CHURN_90D, LEAD_30D])
def test_nobody_looks_ahead(score: Any) -> None:
    whole = pond()
    for day in (120, 260):
        who, seen = View(whole, score, day).matrix()
        again, blind = View(cut(whole, day), score, day).matrix()
        assert list(who) == list(again)
        assert len(who) >= (30 if score is CHURN_90D else 20)
        np.testing.assert_array_equal(seen, blind)


def test_a_coupon_knows_what_had_ended_before_it() -> None:
    given = pond().coupons
    found = coupons.terms(given)
    rows = list(
        zip(
            *(column.tolist() for column in (given.person, given.offer, given.issued, given.end, given.used)),
            strict=True,
        )
    )
    for n, (_, offer, issued, end, _) in enumerate(rows):
        alike = [row for row in rows if row[1] == offer]
        ended = [row for row in alike if row[3] < issued]
        used = [row for row in ended if 0 < row[4] <= row[3]]
        assert found["offer"][n] == pytest.approx((len(used) + 0.3) / (len(ended) + 3))
        assert found["together"][n] == sum(row[2] == issued for row in alike)
        assert found["valid"][n] == end - issued
    same = coupons.asked(pond()).extra["same"]
    assert ((same > 0) & (same < 1)).all()


# learning


def world(n: int = 1500, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    seen = np.column_stack([dice.normal(2, 3, n), dice.normal(0, 1, n), dice.random(n)])
    return seen, (dice.random(n) < 1 / (1 + np.exp(1 - 0.5 * seen[:, 0] + 0.8 * seen[:, 1]))).astype(float)


def test_the_card_is_the_logistic_regression_of_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, came = world()
    monkeypatch.setattr(learners, "RIDGE", 0.0)
    found = card(seen, came)
    other = sm.Logit(came, sm.add_constant(seen)).fit(disp=False)
    np.testing.assert_allclose(found.weights / found.spread, other.params[1:], rtol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-found.odds(seen))), other.predict(), rtol=1e-6)


def test_the_ridge_holds_all_weights_but_the_middle() -> None:
    seen, came = world(200)
    scaled = (seen - seen.mean(0)) / seen.std(0)

    def loss(w: np.ndarray) -> float:
        odds = w[0] + scaled @ w[1:]
        return float(np.sum(np.logaddexp(0, odds) - came * odds) + learners.RIDGE / 2 * np.sum(w[1:] ** 2))

    best = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8}).x
    found = card(seen, came)
    np.testing.assert_allclose(np.r_[found.middle, found.weights], best, atol=1e-4)


def test_a_rare_outcome_far_out_is_learned_too() -> None:
    """A whole Newton step would lead to where every chance is 0 or 1."""
    dice = np.random.default_rng(5)
    far = np.r_[dice.normal(0, 0.01, 50_000), dice.normal(60, 5, 40)]
    came = np.r_[np.zeros(50_000), np.ones(40)]
    found = card(np.column_stack([far, far**2, dice.normal(size=len(far))]), came)
    odds = found.odds(np.column_stack([far, far**2, np.zeros(len(far))]))
    assert odds[came > 0].min() > odds[came == 0].max()
    assert expit(odds).sum() == pytest.approx(came.sum(), rel=0.05)


def test_too_few_of_either_outcome_teach_nothing() -> None:
    seen, came = world(200)
    with pytest.raises(ValueError, match="fewer than 30"):
        card(seen, np.where(np.cumsum(came) <= 20, came, 0.0))


@pytest.mark.parametrize("name", ["card", "alone", "trees", "blend"])
def test_effects_add_up_to_what_is_said_and_survive_being_kept(name: str) -> None:
    if name in ("trees", "blend") and not boosted.installed():
        pytest.skip("the extra 'predict' is not installed")
    seen, came = world()
    model = learners.LEARNERS[name](seen, came)
    np.testing.assert_allclose(model.middle + model.effects(seen).sum(1), model.odds(seen), atol=1e-6)
    again = restored(model.kept())
    np.testing.assert_allclose(again.odds(seen), model.odds(seen), atol=1e-9)
    np.testing.assert_allclose(again.effects(seen), model.effects(seen), atol=1e-9)
    if name == "alone":
        assert not model.effects(seen)[:, 1:].any()


# telling why


def test_the_reasons_are_the_largest_topics_in_both_languages() -> None:
    """By hand: weights 2, −1, −0.5, 0.01 on columns with mean 1, 0, 0, 0 and spread 1."""
    features = (
        Feature("a", "x", "甲 {value}（一般 {usual}）", "a {value} (usually {usual})", lambda _: np.zeros(1), "as"),
        Feature("b", "x", "乙 {value}（一般 {usual}）", "b {value} (usually {usual})", lambda _: np.zeros(1), "as"),
        Feature("c", "y", "丙 {value}（一般 {usual}）", "c {value} (usually {usual})", lambda _: np.zeros(1)),
        Feature("d", "z", "丁 {value}（一般 {usual}）", "d {value} (usually {usual})", lambda _: np.zeros(1), "as"),
    )  # fmt: skip
    model = Card(0.0, np.array([2.0, -1.0, -0.5, 0.01]), np.array([1.0, 0.0, 0.0, 0.0]), np.ones(4))
    found = reasons("churn_90d", features, model, model.mean, np.array([[3.0, 1.0, math.log(75), 1.0]]))
    assert [(one.feature, round(one.effect, 6)) for one in found] == [("a", 3.0), ("c", round(-0.5 * math.log(75), 6))]
    assert found[0].zh == "甲 3（一般 1） → 更可能流失"
    assert found[1].en == "c 74 (usually 0) → less likely to leave"


def test_every_feature_has_its_sentences() -> None:
    for features in (CHURN, LEAD, REDEEM):
        names = [one.name for one in features]
        assert len(set(names)) == len(names)
        for one in features:
            assert "{value}" in one.zh
            assert "{value}" in one.en
            assert "{usual}" in one.zh
            assert "{usual}" in one.en
    assert set(TURNS) == {"churn_90d", "lead_30d", "p_redeem"}


# how good it was


def test_chances_are_measured_as_the_textbook_does() -> None:
    dice = np.random.default_rng(6)
    said, came = np.round(dice.random(400), 2), (dice.random(400) < 0.3).astype(float)
    found = chances(said, came)
    hits, misses = said[came == 1], said[came == 0]
    wins = [(a > b) + (a == b) / 2 for a in hits for b in misses]
    assert found.auc == pytest.approx(sum(wins) / len(wins))
    # Average precision with shared places: Σ (recall gained at a level) × (precision down to that level).
    parts = [np.sum(hits == level) / len(hits) * np.mean(came[said >= level]) for level in set(said.tolist())]
    assert found.precision == pytest.approx(sum(parts))
    sharp = np.arange(400.0) + 1
    assert chances(sharp / 401, came).lift == pytest.approx(came[-40:].mean() / came.mean())
    assert chances(np.full(400, 0.3), came).lift == pytest.approx(1)
    assert chances(np.full(400, 0.3), came).auc == pytest.approx(0.5)
    assert chances(said, np.zeros(400)).auc is None


def test_drift_cuts_a_chance_to_the_days_that_have_passed() -> None:
    """Two people with orders, three told; 9 of 90 days have passed: who stays away with 0.5 orders within them with 1 − 0.5^0.1."""
    ledger = Ledger(2, np.array([0, 1]), np.array([105, 120]), np.array([1, 1]))
    ids = np.array([11, 12])
    told, said = np.array([11, 12, 13]), np.array([0.5, 0.9, 0.2])
    found = drift.judge("churn_90d", told, said, ledger, ids, 100, 109)
    assert found is not None
    assert found["real"] == 1
    assert found["predicted"] == pytest.approx(3 - 0.5**0.1 - 0.9**0.1 - 0.2**0.1)
    first = drift.judge("lead_30d", told, said, ledger, ids, 100, 200)
    assert first is not None
    assert (first["days"], first["real"]) == (30, 2)
    assert first["predicted"] == pytest.approx(1.6)


def test_what_part_of_uses_comes_by_an_age() -> None:
    """Four coupons of ten days were used on their 1st, 2nd, 5th and 10th; one that is not over and one that was used too late tell nothing."""
    issued = np.array([0, 0, 0, 0, 95, 0, 95, 60])
    end = np.array([9, 9, 9, 9, 104, 9, 104, 79])
    used = np.array([0, 1, 4, 9, 96, 15, 0, 0])
    coupons_ = Coupons(
        np.arange(8), np.zeros(8), issued + 1, end + 1, np.where(used, used + 1, [1, 0, 0, 0, 0, 0, 0, 0])
    )
    assert drift.by_now(coupons_, np.array([6, 7, 4]), 101).tolist() == [0.75, 1.0, 0.75]
