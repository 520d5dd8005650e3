"""The invented customers of a coffee brand: who they are, how often they drink, how much a coupon moves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CITIES = ("上海", "杭州", "南京", "苏州", "宁波")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = ("欣怡", "子涵", "浩然", "雨桐", "思远", "佳琪", "文博", "晓雯", "志强", "梦洁", "一凡", "若曦")


@dataclass(frozen=True)
class Population:
    """One entry per person in every array. Days count from the first day of the demo."""

    joined: np.ndarray
    """Day of registration."""
    rate: np.ndarray
    """Orders per day without any coupon; 0 for those who only look."""
    leaves: np.ndarray
    """Day on which the taste is lost: from then on hardly any order without a coupon."""
    swayed: np.ndarray
    """Chance per day that a free cup would bring them in; a smaller discount brings its share."""
    cups: np.ndarray
    """Cups per order, on average."""
    withdraws: np.ndarray
    """Day on which they want no more messages; beyond the end for most."""
    city: np.ndarray
    name: list[str]

    def __len__(self) -> int:
        return len(self.joined)


def populate(rng: np.random.Generator, size: int, days: int) -> Population:
    """`size` people who register over `days`: many at the opening, the rest evenly."""
    at_opening = rng.random(size) < 0.3
    rate = rng.gamma(0.9, 0.16, size) * (rng.random(size) > 0.25)
    surnames, given = rng.integers(len(SURNAMES), size=size), rng.integers(len(GIVEN), size=size)
    return Population(
        joined=np.where(at_opening, rng.integers(0, 7, size), rng.integers(0, days, size)),
        rate=rate,
        leaves=rng.exponential(55, size),
        swayed=rng.beta(1.2, 9, size),
        cups=1 + rng.poisson(0.35, size) + 4 * (rng.random(size) < 0.03),
        withdraws=np.where(rng.random(size) < 0.05, rng.integers(5, 2 * days, size), 10 * days),
        city=rng.choice(len(CITIES), size, p=[0.5, 0.2, 0.12, 0.12, 0.06]),
        name=[SURNAMES[s] + GIVEN[g] for s, g in zip(surnames, given, strict=True)],
    )
