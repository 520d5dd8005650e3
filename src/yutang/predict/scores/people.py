"""Who leaves, and who becomes a customer: both asked of everybody on a day, learned on earlier days of the same past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from yutang.predict.candidates import RETURNS, Candidate
from yutang.predict.past import Past
from yutang.predict.scores.days import Seen
from yutang.predict.scores.features import CHURN, LEAD, Feature, matrix
from yutang.predict.scores.reading import Pond
from yutang.predict.scores.rounds import Round, Scored, Table, candidates, missing, scored

ROUNDS = 3
LESSONS = 3
LEAST_PEOPLE = 200
LEAST_CAME = 50
"""People with each outcome on the days that are learned from, so that there is something to tell apart."""


@dataclass(frozen=True)
class Score:
    """One question. days: how far ahead it looks; before: days that must have been seen before anybody is asked about;
    who: of everybody on a day, whether they are asked about; came: the outcome, 0 or 1, from the order days in the window; lineup: who competes;
    people_zh, people_en: what the people who are asked about are called."""

    name: str
    days: int
    before: int
    features: tuple[Feature, ...]
    who: Callable[[Seen], np.ndarray]
    came: Callable[[np.ndarray], np.ndarray]
    lineup: tuple[Candidate, ...]
    people_zh: str
    people_en: str


CHURN_90D = Score(
    "churn_90d", 90, 45, CHURN,
    lambda all: all.days("ordered", 90) > 0, lambda orders: (orders == 0).astype(float),
    candidates(("只看多久没下单", "days of silence alone"), ("一减下单概率（MBG/NBD）", "one less the chance of an order (MBG/NBD)")),
    "位近 90 天下过单的顾客", "people who had ordered within 90 days",
)  # fmt: skip
LEAD_30D = Score(
    "lead_30d", 30, 15, LEAD,
    lambda all: (all.days("any") > 0) & (all.days("ordered") == 0), lambda orders: (orders > 0).astype(float),
    candidates(("只看多久没动静", "days without a sign alone")),
    "位还没下过单的顾客", "people who had never ordered",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """The pond as it was at the beginning of a day, for one score."""

    pond: Pond
    score: Score
    day: int
    kept: dict[str, object] = field(default_factory=dict, repr=False)

    def people(self) -> np.ndarray:
        everybody = self.pond.seen(np.arange(len(self.pond.ids)), self.day)
        return np.flatnonzero(self.score.who(everybody))

    def matrix(self) -> tuple[np.ndarray, np.ndarray]:
        """(people, what models see)."""
        people = self.people()
        return people, matrix(self.score.features, self.pond.seen(people, self.day))

    def table(self) -> tuple[np.ndarray, Table]:
        """(people, what models see with what followed). The window must have passed."""
        people, seen = self.matrix()
        after = self.pond.seen(people, self.day + self.score.days)
        return people, Table(seen, self.score.came(after.days("ordered", self.score.days)))


def learn(pond: Pond, score: Score) -> Scored:
    """One score from the days before `pond.until`."""
    lack = score.days * 2 + score.before - (pond.until - pond.first)
    if lack > 0:
        return missing(
            score.name,
            f"还缺 {lack} 天的记录（至少 {score.days * 2 + score.before} 天）",
            f"{lack} more days of records are needed ({score.days * 2 + score.before} at least)",
        )
    views: dict[int, tuple[np.ndarray, Table]] = {}

    def view(day: int) -> tuple[np.ndarray, Table]:
        if day not in views:
            views[day] = View(pond, score, day).table()
        return views[day]

    ends = [pond.until - score.days - n * score.days // 2 for n in range(ROUNDS)]
    rounds = [(end, _days(end, pond, score)) for end in ends]
    first, table = view(ends[0])
    if len(first) < LEAST_PEOPLE:
        lack = LEAST_PEOPLE - len(first)
        return missing(
            score.name,
            f"还缺 {lack} {score.people_zh}（至少 {LEAST_PEOPLE} 位）",
            f"{lack} more {score.people_en} are needed ({LEAST_PEOPLE} at least)",
        )
    lessons = [view(day)[1] for day in rounds[0][1]]
    rarer = min(
        min(one.sum(), len(one) - one.sum()) for one in (table.came, np.concatenate([one.came for one in lessons]))
    )
    if rarer < LEAST_CAME:
        lack = LEAST_CAME - int(rarer)
        return missing(
            score.name,
            f"两种结果中较少的一种还缺 {lack} 位（至少 {LEAST_CAME} 位）",
            f"{lack} more people with the rarer outcome are needed ({LEAST_CAME} at least)",
        )
    played = [
        Round(end, [view(day)[1] for day in days], view(end)[1], _other(pond, score, end, view(end)[0]))
        for end, days in rounds if days
    ]  # fmt: skip
    return scored(
        score.name, score.lineup, score.features, played, [view(day)[1] for day in _days(pond.until, pond, score)]
    )


def _days(end: int, pond: Pond, score: Score) -> list[int]:
    """The earlier days that may be learned from on a day: their windows have passed, and enough had been seen before them."""
    days = [end - score.days - n * score.days // 2 for n in range(LESSONS)]
    return [day for day in days if day - pond.first >= score.before]


def _other(pond: Pond, score: Score, day: int, people: np.ndarray) -> Callable[[], np.ndarray] | None:
    """What the model of orders says: one less the chance of an order."""
    if score is not CHURN_90D:
        return None

    def leave() -> np.ndarray:
        past = Past(pond.ledger(), day, score.days)
        told = 1 - next(one for one in RETURNS if one.name == "mbg_nbd").predict(past)
        return told[np.searchsorted(past.people, people)]

    return leave
