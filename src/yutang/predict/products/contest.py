"""Which way of foretelling products speaks for a brand: all of them foretell baskets of weeks that have passed, from what was known before.

Every candidate is a weighted sum of views. Weights that are learned are learned on an
earlier window than those they are judged by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from yutang.predict.backtest import Missing
from yutang.predict.products.baskets import Baskets
from yutang.predict.products.ranking import TOLD, Hits, best, hits_of
from yutang.predict.products.views import VIEWS, Seen

WINDOW = 28
"""Days in which the next basket is looked for: four weeks that were held out."""
ROUNDS = 2
MOST_PEOPLE = 1_000
"""People who are asked about in each window, every so many-th."""
LEAST_PEOPLE = 200
LEAST_PRODUCTS = 20
"""Of fewer there is nothing to choose: ten are told."""
TIE = 1e-3
"""The weight of what only breaks ties: less than one basket more or less, and enough for the digits of float32."""
GAIN = 0.002
"""By how much recall must rise for another weight: less than that is chance, among the people of one window."""
BLOCK = 256


@dataclass(frozen=True)
class Way:
    """One candidate."""

    name: str
    zh: str
    en: str
    weights: Mapping[str, float]
    baseline: bool = False


POPULAR = Way("popular", "大家都买的", "what everybody buys", {"popular": 1.0}, baseline=True)
OWN = Way(
    "own_popular",
    "自己常买的，再补大家都买的",
    "own habits, then what everybody buys",
    {"own": 1.0, "popular": TIE},
    baseline=True,
)
WAYS = (
    POPULAR,
    OWN,
    Way("together", "常被一起买的", "what is bought by the same people", {"together": 1.0, "popular": TIE}),
    Way("alike", "买得相像的人", "what people alike buy", {"alike": 1.0, "popular": TIE}),
)
MIX = Way(
    "mix",
    "各种看法的加权和",
    "a weighted sum of all views",
    {
        "own": 0.2,
        "own_lately": 0.2,
        "habit": 1.0,
        "alike": 0.2,
        "alike_lately": 0.1,
        "popular": 0.1,
        "popular_now": 0.1,
    },
)
"""With weights that did well on other people's baskets, and from which the search begins."""
LEARNED = "learned"
STEPS = (0.0, 0.3, 0.6, 1.6, 3.0)
"""By what a weight is multiplied in the search."""
SEED = 0.03
"""What a weight of nothing is, where it is tried."""


@dataclass(frozen=True)
class Ranked:
    """How one candidate did over all windows. accuracy: recall, ndcg, hit, novel (see `ranking`)."""

    name: str
    zh: str
    en: str
    baseline: bool
    accuracy: dict[str, float]


@dataclass(frozen=True)
class Ranking:
    """The outcome. chosen: who speaks, by `weights`; baseline: the best baseline; held_out: the first days of the windows; people: asked about."""

    results: list[Ranked]
    chosen: str
    baseline: str
    refused: list[str]
    held_out: list[int]
    people: int
    weights: dict[str, float] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A window: what was known before it, who is asked about, and what they bought next (people × products)."""

    seen: Seen
    people: np.ndarray
    real: csr_matrix


def ask(baskets: Baskets, end: int, days: int = WINDOW, most: int = MOST_PEOPLE) -> Asked:
    """The window that begins on the day `end`."""
    following = baskets.next_of(end, end + days)
    people = np.unique(following.person)
    people = people[:: max(1, -(-len(people) // most))]
    return Asked(Seen(baskets.before(end), end), people, following.table()[people])


def missing(baskets: Baskets, today: int) -> Missing | None:
    """What it takes to say anything at all."""
    days = 3 * WINDOW - (today - int(baskets.day.min())) if len(baskets.day) else 3 * WINDOW
    if days > 0:
        return Missing(
            f"还缺 {days} 天带商品行的订单（至少 {3 * WINDOW} 天）",
            f"{days} more days of orders with their products are needed ({3 * WINDOW} at least)",
        )
    if (lack := LEAST_PRODUCTS - len(np.unique(baskets.product))) > 0:
        return Missing(
            f"还缺 {lack} 种卖过的商品（至少 {LEAST_PRODUCTS} 种）",
            f"{lack} more products that were sold are needed ({LEAST_PRODUCTS} at least)",
        )
    people = len(np.unique(baskets.next_of(today - WINDOW, today).person))
    if (lack := LEAST_PEOPLE - people) > 0:
        return Missing(
            f"最近四周还缺 {lack} 位再次购买的顾客（至少 {LEAST_PEOPLE} 位）",
            f"{lack} more people who came back in the last four weeks are needed ({LEAST_PEOPLE} at least)",
        )
    return None


def contest(baskets: Baskets, today: int) -> Ranking | Missing:
    """Let all candidates foretell the last windows. Weights are learned where an earlier window has people enough."""
    if (lack := missing(baskets, today)) is not None:
        return lack
    windows = [ask(baskets, today - (n + 1) * WINDOW) for n in range(ROUNDS)]
    windows = [one for n, one in enumerate(windows) if n == 0 or len(one.people) >= LEAST_PEOPLE]
    ways, silent = [*WAYS, MIX], {}
    lesson = ask(baskets, today - (ROUNDS + 1) * WINDOW)
    if len(lesson.people) >= LEAST_PEOPLE:
        ways.append(
            Way(LEARNED, "同上，权重从更早的四周学来", "the same with weights learned on earlier weeks", learn(lesson))
        )
    else:
        silent[LEARNED] = (
            "能拿来学的那段时间里，回来的顾客太少。 too few people came back in the window that would teach it"
        )
    return _chosen(ways, silent, windows)


def _chosen(ways: list[Way], silent: dict[str, str], windows: list[Asked]) -> Ranking:
    found = {way.name: judge(way.weights, windows) for way in ways}
    results = [
        Ranked(
            way.name,
            way.zh,
            way.en,
            way.baseline,
            {"recall": hits.recall, "ndcg": hits.ndcg, "hit": hits.hit, "novel": hits.novel},
        )
        for way in ways
        for hits in [found[way.name]]
    ]
    base = max((way for way in ways if way.baseline), key=lambda way: found[way.name].recall)
    least = found[base.name]
    better = [way for way in ways if not way.baseline and found[way.name].recall > least.recall]
    chosen = max(better, key=lambda way: found[way.name].recall, default=base)
    refused = [way.name for way in ways if not way.baseline and way not in better]
    ends, people = [one.seen.end for one in windows], least.people
    return Ranking(results, chosen.name, base.name, refused, ends, people, dict(chosen.weights), silent)


def judge(weights: Mapping[str, float], windows: list[Asked]) -> Hits:
    """Lists of ten for everybody who is asked about, against what they bought."""
    parts = [part for one in windows for part in _judged(weights, one)]
    recall, ndcg, hit, novel, new = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Hits(
        len(recall),
        float(recall.mean()),
        float(ndcg.mean()),
        float(hit.mean()),
        float(novel[new].mean()) if new.any() else 0.0,
    )


def _judged(weights: Mapping[str, float], one: Asked) -> list[tuple[np.ndarray, ...]]:
    found = []
    for begin in range(0, len(one.people), BLOCK):
        people, real = one.people[begin : begin + BLOCK], one.real[begin : begin + BLOCK]
        scores = score(one.seen, weights, people)
        told = hits_of(best(scores, TOLD), real)
        had = one.seen.shares(None)[people]
        new = (real - real.multiply(had > 0)).tocsr()
        new.eliminate_zeros()
        scores[had.nonzero()] = -np.inf
        found.append((*told, hits_of(best(scores, TOLD), new)[0], np.diff(new.indptr) > 0))
    return found


def score(seen: Seen, weights: Mapping[str, float], people: np.ndarray) -> np.ndarray:
    """People × products, float32: the higher, the likelier in the next basket."""
    made = seen.mixed(weights, people).toarray()
    for name in ("popular", "popular_now"):
        if weights.get(name):
            made += np.float32(weights[name]) * seen.view(name, people[:1])
    return made


@dataclass(frozen=True)
class Cells:
    """The products that any view would tell people, and how likely each view holds them; of people in order, `starts` are their first rows."""

    starts: np.ndarray
    person: np.ndarray
    real: np.ndarray
    views: np.ndarray
    size: np.ndarray

    def recall(self, weights: np.ndarray) -> float:
        """recall@10 of lists by these weights, shape (views,)."""
        order = np.lexsort((-(self.views @ weights), self.person))
        place = np.arange(len(order)) - self.starts[self.person[order]]
        hit = self.real[order] & (place < TOLD)
        return float(np.mean(np.bincount(self.person[order], hit, len(self.size)) / self.size))


def learn(window: Asked) -> dict[str, float]:
    """The weights with the highest recall in a window: each is tried with more and with less, twice around."""
    cells = gathered(window)
    weights = np.array([MIX.weights.get(name, 0.0) for name in VIEWS])
    most = cells.recall(weights)
    for which in list(range(len(VIEWS))) * 2:
        for step in STEPS:
            tried = weights.copy()
            tried[which] = tried[which] * step if tried[which] else SEED * step
            if (recall := cells.recall(tried)) > most + GAIN:
                most, weights = recall, tried
    return {name: round(float(weight), 6) for name, weight in zip(VIEWS, weights, strict=True) if weight}


def gathered(window: Asked) -> Cells:
    parts = [_cells(window, slice(begin, begin + BLOCK)) for begin in range(0, len(window.people), BLOCK)]
    rows, real, views = (np.concatenate([part[n] for part in parts]) for n in range(3))
    starts = np.searchsorted(rows, np.arange(len(window.people)))
    return Cells(starts, rows, real, views, np.diff(window.real.indptr))


def _cells(window: Asked, some: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    people, real = window.people[some], window.real[some].toarray() > 0
    views = [window.seen.view(name, people) for name in VIEWS]
    wanted = np.zeros(real.shape, bool)
    for one in views:
        told = best(np.asarray(one, np.float32), 3 * TOLD)
        np.put_along_axis(wanted, np.maximum(told, 0), True, 1)
    rows, columns = np.nonzero(wanted)
    return rows + (some.start or 0), real[rows, columns], np.column_stack([one[rows, columns] for one in views])


def as_metrics(found: Ranking) -> dict[str, Any]:
    """As it is stored with the model."""
    return {
        "results": [vars(one) for one in found.results],
        "chosen": found.chosen,
        "baseline": found.baseline,
        "refused": found.refused,
        "held_out": found.held_out,
        "people": found.people,
        "silent": found.silent,
    }
