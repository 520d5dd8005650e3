"""Red packets: the sum is exact, the limits hold, the budget is never passed, and early and late ones are worth the same."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from yutang.offer.packet import split


@given(
    st.integers(1, 50),
    st.integers(0, 100),
    st.integers(1, 40),
    st.floats(0, 1),
    st.integers(0, 2**32),
    st.integers(0, 60),
)
def test_a_number_of_packets_shares_out_the_whole_budget(
    least: int, more: int, packets: int, share: float, seed: int, first: int
) -> None:
    most = least + more
    budget = round(packets * least + share * packets * (most - least))
    dice = random.Random(seed).randint
    begun = split(budget, packets, least, most, first, dice)
    rest = split(budget - sum(begun), packets - len(begun), least, most, 1000, dice)
    found = begun + rest
    assert len(found) == packets
    assert sum(found) == budget, "to the last fen, however it was cut into batches"
    assert all(least <= fen <= most for fen in found)


@given(st.integers(1, 50), st.integers(0, 100), st.integers(0, 5_000), st.integers(0, 2**32))
def test_without_a_number_they_last_as_long_as_the_money(least: int, more: int, budget: int, seed: int) -> None:
    found = split(budget, None, least, least + more, 10_000, random.Random(seed).randint)
    assert sum(found) <= budget
    assert budget - sum(found) < least, "no packet more could have been paid"
    assert all(least <= fen <= least + more for fen in found)


def test_the_first_and_the_last_are_worth_the_same_on_average() -> None:
    dice = random.Random(1).randint
    rounds = [split(10_000, 10, 100, 5_000, 10, dice) for _ in range(4_000)]
    means = [sum(found[n] for found in rounds) / len(rounds) for n in range(10)]
    assert all(abs(mean - 1_000) < 60 for mean in means), means
