"""Product lists: the measures against naive arithmetic, the views against what a small shop's people really did, and no look ahead."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from goods import habitual
from yutang.predict.backtest import Missing
from yutang.predict.products.baskets import Baskets
from yutang.predict.products.contest import OWN, POPULAR, ask, contest, judge, score
from yutang.predict.products.ranking import best, hits_of
from yutang.predict.products.train import KEPT, listed
from yutang.predict.products.views import VIEWS, Seen

TODAY = 200


def shop(lines: list[tuple[int, int, int]], people: int, products: int) -> Baskets:
    person, day, product = (np.array(part) for part in zip(*lines, strict=True))
    return Baskets.of(person, day, product, people, products)


SMALL = [
    (0, 10, 0), (0, 10, 1), (0, 20, 0), (0, 20, 0), (0, 30, 0),
    (1, 12, 0), (1, 12, 2), (1, 22, 2),
    (2, 15, 3), (2, 40, 1),
]  # fmt: skip


def test_the_best_come_in_order_and_of_equal_ones_the_first() -> None:
    scores = np.array([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0], [-np.inf, 1.0, -np.inf, -np.inf]], np.float32)
    assert best(scores, 3).tolist() == [[1, 2, 3], [0, 1, 2], [1, -1, -1]]


def test_recall_and_ndcg_are_those_of_the_definition() -> None:
    dice = np.random.default_rng(3)
    real = dice.random((50, 30)) < 0.15
    real[:, 0] = True
    told = np.array([dice.permutation(30)[:10] for _ in range(50)])
    recall, ndcg, hit = hits_of(told, csr_matrix(real.astype(np.float32)))
    for n in range(50):
        bought = {int(one) for one in np.flatnonzero(real[n])}
        found = [int(one) in bought for one in told[n]]
        gain = sum(1 / math.log2(place + 2) for place, right in enumerate(found) if right)
        most = sum(1 / math.log2(place + 2) for place in range(min(10, len(bought))))
        assert recall[n] == pytest.approx(sum(found) / len(bought))
        assert ndcg[n] == pytest.approx(gain / most)
        assert hit[n] == any(found)


def test_a_day_is_one_basket_and_the_next_one_is_the_first_in_the_window() -> None:
    baskets = shop(SMALL, 3, 4)
    assert len(baskets.day) == len(SMALL) - 1
    following = baskets.next_of(20, 48)
    assert sorted(zip(following.person.tolist(), following.day.tolist(), following.product.tolist(), strict=True)) == [
        (0, 20, 0), (1, 22, 2), (2, 40, 1),
    ]  # fmt: skip
    assert len(baskets.next_of(12, 13).person) == 0, "whoever was not known before has no next basket"


def test_the_views_are_what_they_say() -> None:
    seen = Seen(shop(SMALL, 3, 4), 41)
    people = np.arange(3)
    assert seen.view("own", people)[0].tolist() == pytest.approx([1.0, 1 / 3, 0.0, 0.0])
    days = {0: [10, 20, 30], 1: [12, 22], 2: [15, 40]}
    total = sum(0.5 ** ((41 - day) / 30) for own in days.values() for day in own)
    share = sum(0.5 ** ((41 - day) / 30) for person, day, product in set(SMALL) if product == 0) / total
    assert seen.view("popular", people)[1, 0] == pytest.approx(share, rel=1e-5)
    late = [0.5 ** ((41 - day) / 30) for day in days[0]]
    assert seen.view("own_lately", people)[0, 1] == pytest.approx(late[0] / sum(late), rel=1e-5)
    buyers = {0: {0, 1}, 1: {0, 2}, 2: {1}, 3: {2}}
    for a, mine in buyers.items():
        for b, theirs in buyers.items():
            if a != b:
                right = len(mine & theirs) / math.sqrt((len(mine) + 5) * (len(theirs) + 5))
                assert seen.together[a, b] == pytest.approx(right, rel=1e-5)
    again = {0: 2, 1: 0, 2: 1, 3: 0}
    lines = {0: 4, 1: 2, 2: 2, 3: 1}
    assert seen.again.tolist() == pytest.approx([(again[n] + 0.2) / (lines[n] + 2) for n in range(4)])


def test_people_alike_are_those_with_similar_baskets() -> None:
    """Against the plain formula: cosines of log counts, everybody else weighed by them."""
    baskets = habitual(40, 12, 120, seed=5)
    seen, people = Seen(baskets, 120), np.arange(40)
    counts = np.zeros((40, 12))
    np.add.at(counts, (baskets.person, baskets.product), 1)
    days = np.array([len(np.unique(baskets.day[baskets.person == n])) for n in range(40)])
    logs = np.log1p(counts)
    length = np.linalg.norm(logs, axis=1)
    alike = logs @ logs.T / np.outer(length, length)
    np.fill_diagonal(alike, 0)
    expected = (alike / alike.sum(axis=1, keepdims=True)) @ (counts / days[:, None])
    assert np.allclose(seen.view("alike", people), expected, atol=1e-5)


def test_nobody_looks_ahead() -> None:
    whole = habitual(300, 40, TODAY, seed=2)
    cut = whole.before(TODAY - 28)
    people = np.unique(cut.person)[:50]
    weights = dict.fromkeys(VIEWS, 0.3)
    ahead, plain = (score(ask(one, TODAY - 28).seen, weights, people) for one in (whole, cut))
    assert np.array_equal(ahead, plain)


def test_habits_win_where_people_have_habits_and_the_same_data_give_the_same_figures() -> None:
    baskets = habitual(600, 60, TODAY, seed=1)
    found, again = contest(baskets, TODAY), contest(baskets, TODAY)
    assert not isinstance(found, Missing)
    assert found == again
    told = {one.name: one.accuracy for one in found.results}
    assert told["own_popular"]["recall"] > 2 * told["popular"]["recall"]
    assert found.baseline == "own_popular"
    assert told[found.chosen]["recall"] >= told["own_popular"]["recall"]


def test_where_nobody_has_habits_a_baseline_speaks_under_its_own_name() -> None:
    """Everybody draws from the same urn: nothing is to be known of a person but what all buy."""
    dice = np.random.default_rng(4)
    person = np.repeat(np.arange(800), 12)
    day = dice.integers(0, TODAY, len(person))
    share = 1 / np.arange(1, 81)
    product = dice.choice(80, len(person), p=share / share.sum())
    baskets = Baskets.of(person, day, product, 800, 80)
    found = contest(baskets, TODAY)
    assert not isinstance(found, Missing)
    assert found.baseline == "popular"
    told = {one.name: one.accuracy["recall"] for one in found.results}
    assert told[found.chosen] < told["popular"] + 0.02, "nothing can be much better than what is true"
    assert {"together", "alike"} <= set(found.refused)


def test_below_the_data_it_is_said_what_is_missing() -> None:
    few = habitual(100, 40, TODAY, seed=2)
    lack = contest(few, TODAY)
    assert isinstance(lack, Missing)
    assert "more people" in lack.en
    assert "还缺" in lack.zh
    assert isinstance(contest(habitual(600, 5, TODAY, seed=2), TODAY), Missing)
    young = contest(habitual(600, 40, 40, seed=2), 40)
    assert isinstance(young, Missing)
    assert young.en.startswith(f"{84 - 40} more days")


def test_lists_leave_out_what_is_excluded_and_what_was_just_bought() -> None:
    baskets = habitual(300, 60, TODAY, seed=3)
    people = np.unique(baskets.person)
    never = np.zeros(60, bool)
    never[[0, 1, 2]] = True
    told = listed(baskets, TODAY, OWN.weights, people, never, again=60)
    assert told.shape == (len(people), KEPT)
    assert not np.isin(told, [0, 1, 2]).any()
    for row, who in enumerate(people[:50]):
        late = set(baskets.product[(baskets.person == who) & (baskets.day >= TODAY - 60)].tolist())
        assert not late & set(told[row].tolist())
    plain = listed(baskets, TODAY, POPULAR.weights, people, np.zeros(60, bool))
    assert len({tuple(row) for row in plain.tolist()}) == 1, "everybody is told the same"


def test_a_list_that_knows_the_answer_is_perfect() -> None:
    baskets = habitual(600, 60, TODAY, seed=1)
    window = ask(baskets, TODAY - 28)
    blind = judge({"own": 1.0}, [window])
    assert 0 < blind.recall < 1
    recall, ndcg, _ = hits_of(best(window.real.toarray(), 60), window.real)
    assert recall.tolist() == pytest.approx([1.0] * len(recall))
    assert ndcg.tolist() == pytest.approx([1.0] * len(ndcg))
