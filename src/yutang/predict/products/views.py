"""What is known of people and products at the beginning of a day, seen in several ways; each view says how likely a product is in somebody's next basket.

own: the share of a person's baskets with it, all of them or the late ones above all. habit: the same, told apart by how often anybody buys the
product again, and by how much more of it is bought now than before. alike: what people with similar baskets buy (user kNN as
in Hu et al., TIFU-KNN, SIGIR 2020, on log counts). together: what is bought by the same people (item-item). popular: by everybody, lately.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags

from yutang.predict.products.baskets import Baskets

NEAREST = 300
"""People who are asked what they buy."""
POOL = 10_000
"""Those who ordered last, among whom the nearest are looked for."""
LONG, LATELY, SOON = 90.0, 30.0, 7.0
"""Half-lives in days."""
NOW = 14.0
"""Half-life by which it is told how much of a product is bought now."""
PARTNERS = 100
"""Products that are kept beside each product."""
LINES = 50
"""A person's latest lines that say what is bought by the same people."""
ASKED = 50_000
"""People who are asked for it at most."""
VIEWS = ("own", "own_lately", "habit", "alike", "alike_lately", "together", "popular", "popular_now")


@dataclass(frozen=True)
class Seen:
    """The baskets before the day `end`. Whatever is made of them is made once."""

    baskets: Baskets
    end: int
    kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    def shares(self, half_life: float | None) -> csr_matrix:
        """People × products: in what part of a person's baskets each product is, baskets of `half_life` days ago counting half."""
        if half_life not in self.kept:
            of = self.baskets
            person, day = of.days()
            total = np.bincount(person, self._weights(day, half_life), of.people)
            made = of.table(self._weights(of.day, half_life) / np.maximum(total[of.person], 1e-12))
            self.kept[half_life] = made
        return self.kept[half_life]

    def _weights(self, day: np.ndarray, half_life: float | None) -> np.ndarray:
        """Relative to the last day, so that nobody's weights vanish whose baskets lie years back."""
        return np.ones(len(day)) if half_life is None else np.exp2(np.maximum(day - self.end, -1000.0) / half_life)

    def popular(self, half_life: float) -> np.ndarray:
        """Of shape (products,): the part of everybody's baskets that hold it."""
        of = self.baskets
        total = self._weights(of.days()[1], half_life).sum()
        return np.bincount(of.product, self._weights(of.day, half_life), of.products) / max(total, 1e-12)

    @cached_property
    def habits(self) -> csr_matrix:
        """People × products."""
        rising = np.clip((self.popular(NOW) + 2e-5) / (self.popular(LONG) + 2e-5), 0.1, 10.0)
        return (self.shares(LONG) @ diags((self.again * np.sqrt(rising)).astype(np.float32))).tocsr()

    @cached_property
    def again(self) -> np.ndarray:
        """Of shape (products,): what part of its lines is of people who had bought it before; of few lines, near a tenth."""
        of = self.baskets
        distinct = np.bincount(of.table().indices, minlength=of.products)
        lines = np.bincount(of.product, minlength=of.products)
        return (lines - distinct + 0.2) / (lines + 2)

    @cached_property
    def late(self) -> csr_matrix:
        """People × products, what was bought lately: a person who has bought nothing lately says little."""
        return self.baskets.table(self._weights(self.baskets.day, SOON))

    @cached_property
    def directions(self) -> csr_matrix:
        """People × products: log counts, of length 1."""
        made = self.baskets.table()
        made.data = np.log1p(made.data)
        length = np.sqrt(np.asarray(made.multiply(made).sum(axis=1)).ravel())
        return (diags(1 / np.maximum(length, 1e-12)) @ made).tocsr().astype(np.float32)

    @cached_property
    def pool(self) -> np.ndarray:
        """Indexes of those who ordered last, ascending."""
        last = np.full(self.baskets.people, -1, np.int64)
        np.maximum.at(last, self.baskets.person, self.baskets.day)
        order = np.argsort(-last, kind="stable")[:POOL]
        return np.sort(order[last[order] >= 0])

    @cached_property
    def _turned(self) -> csr_matrix:
        return self.directions[self.pool].T.tocsr()

    def nearest(self, people: np.ndarray) -> csr_matrix:
        """`people` × pool: how much each of the pool's nearest is listened to; a row sums to 1, or is empty."""
        alike = (self.directions[people] @ self._turned).toarray()
        at = np.minimum(np.searchsorted(self.pool, people), len(self.pool) - 1)
        mine = self.pool[at] == people
        alike[np.flatnonzero(mine), at[mine]] = 0.0
        most = min(NEAREST, alike.shape[1])
        who = np.sort(np.argpartition(-alike, most - 1, axis=1)[:, :most], axis=1)
        near = np.take_along_axis(alike, who, 1)
        near /= np.maximum(near.sum(axis=1, keepdims=True), 1e-12)
        return csr_matrix((near.ravel(), who.ravel(), np.arange(0, near.size + 1, most)), alike.shape)

    @cached_property
    def together(self) -> csr_matrix:
        """Products × products: the cosine of who bought them, the PARTNERS largest of each row."""
        of = self._latest_lines()
        made = of.table()
        made.data[:] = 1.0
        some = made[:: -(-of.people // ASKED)]
        buyers = np.asarray(some.sum(axis=0)).ravel()
        scale = diags((1 / np.sqrt(buyers + 5)).astype(np.float32))
        return _largest((scale @ (some.T @ some) @ scale).tocsr(), PARTNERS)

    def _latest_lines(self) -> Baskets:
        of = self.baskets
        counts = np.bincount(of.person, minlength=of.people)
        position = np.cumsum(counts)[of.person] - np.arange(len(of.person))
        return of.where(position <= LINES)

    def view(self, name: str, people: np.ndarray) -> np.ndarray:
        """One view of some people, float32 of shape (people, products)."""
        if name in ("popular", "popular_now"):
            many = self.popular(LATELY if name == "popular" else SOON)
            return np.broadcast_to(many.astype(np.float32), (len(people), len(many)))
        return self.mixed({name: 1.0}, people).toarray()

    def mixed(self, weights: Mapping[str, float], people: np.ndarray) -> csr_matrix:
        """The weighted sum of the views that differ from person to person: `people` × products."""
        total = csr_matrix((len(people), self.baskets.products), dtype=np.float32)
        for name in ("own", "own_lately", "habit"):
            if weights.get(name):
                table = self.habits if name == "habit" else self.shares(None if name == "own" else LATELY)
                total = total + weights[name] * table[people]
        if weights.get("alike") or weights.get("alike_lately"):
            total = total + self.nearest(people) @ self._bought(
                weights.get("alike", 0.0), weights.get("alike_lately", 0.0)
            )
        if weights.get("together"):
            total = total + weights["together"] * (self.shares(None)[people] @ self.together)
        return total.tocsr()

    def _bought(self, ever: float, lately: float) -> csr_matrix:
        """What the pool buys, in a fixed mixture of ever and lately."""
        key = ("bought", ever, lately)
        if key not in self.kept:
            self.kept[key] = (ever * self.shares(None)[self.pool] + lately * self.late[self.pool]).tocsr()
        return self.kept[key]


def _largest(table: csr_matrix, most: int) -> csr_matrix:
    """The `most` largest of each row beside the diagonal; of equal ones the first."""
    table.setdiag(0.0)
    table.eliminate_zeros()
    rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    order = np.lexsort((table.indices, -table.data, rows))
    kept = order[np.arange(len(order)) - table.indptr[rows[order]] < most]
    return csr_matrix((table.data[kept], (rows[kept], table.indices[kept])), table.shape)
