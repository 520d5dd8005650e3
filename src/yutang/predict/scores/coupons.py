"""Who uses the next coupon: learned from coupons that were given and have ended, each as its holder was on the day before it.

These are coupons that somebody chose to give: who uses one might have bought without it. It is no effect of the coupon.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from yutang.predict.scores.days import WIDE, Seen
from yutang.predict.scores.features import REDEEM, habit, matrix
from yutang.predict.scores.reading import Coupons, Pond
from yutang.predict.scores.rounds import Round, Scored, Table, candidates, missing, scored

NAME = "p_redeem"
LINEUP = candidates(("只看过去的用券率", "the own rate of use alone"))
ROUNDS = 3
LEAST_COUPONS = 300
"""Coupons that have ended, for anything to be said."""
LEAST_USED = 50
LATELY = 90
"""Days of which the coupons say what the next one will be like."""
PRIOR, STRENGTH = 0.1, 3.0
"""What nothing is known of yet: as if three coupons had been given, and one in ten were used."""


def learn(pond: Pond) -> Scored:
    """The score from the coupons given before `pond.until`."""
    ended = np.flatnonzero(pond.coupons.end < pond.until)
    came = pond.coupons.in_time[ended]
    if len(ended) < LEAST_COUPONS:
        lack = LEAST_COUPONS - len(ended)
        return missing(
            NAME,
            f"还缺 {lack} 张已到期的券（至少 {LEAST_COUPONS} 张）",
            f"{lack} more coupons that have ended are needed ({LEAST_COUPONS} at least)",
        )
    rarer = int(min(came.sum(), (~came).sum()))
    if rarer < LEAST_USED:
        return missing(
            NAME,
            f"用掉与没用的券中，较少的一种还缺 {LEAST_USED - rarer} 张（至少 {LEAST_USED} 张）",
            f"{LEAST_USED - rarer} more coupons with the rarer outcome, used or not, are needed ({LEAST_USED} at least)",
        )
    table = Table(matrix(REDEEM, asked(pond)), pond.coupons.in_time.astype(float))
    rounds = _rounds(pond.coupons, ended, table)
    if not rounds:
        return missing(
            NAME,
            "券都集中在几天内发出，还没有先后可比",
            "all coupons were given within a few days: none had ended when the others were given",
        )
    found = scored(NAME, LINEUP, REDEEM, rounds, [_of(table, ended)])
    return found if found.model is None else _with_terms(found, pond.coupons)


def asked(pond: Pond) -> Seen:
    """One row per coupon: its holder on the day of issue, and what is known of its offer by then."""
    rows = Seen(pond.kinds, pond.coupons.person, pond.coupons.issued)
    own = _rate(
        pond.coupons,
        pond.coupons.offer.astype(np.int64) * (len(pond.ids) + 1) + pond.coupons.person,
        habit(rows),
        STRENGTH,
    )
    return replace(rows, extra=terms(pond.coupons) | {"same": own})


def next_one(pond: Pond, people: np.ndarray, lately: dict[str, float]) -> Seen:
    """These people on the day `pond.until`, before a coupon like those of late."""
    rows = pond.seen(people, pond.until)
    extra = {name: np.full(len(people), value) for name, value in lately.items()}
    return replace(rows, extra=extra | {"same": habit(rows)})


def terms(coupons: Coupons) -> dict[str, np.ndarray]:
    """Of each coupon: the share of its offer's coupons that was used before its day, how many were given on that day, its days."""
    day = coupons.offer.astype(np.int64) * WIDE + coupons.issued
    given = np.sort(day)
    together = np.searchsorted(given, day, side="right") - np.searchsorted(given, day)
    return {
        "offer": _rate(coupons, coupons.offer, PRIOR, STRENGTH),
        "together": together.astype(float),
        "valid": np.maximum(coupons.end - coupons.issued, 0).astype(float),
    }


def _rate(coupons: Coupons, group: np.ndarray, prior: np.ndarray | float, strength: float) -> np.ndarray:
    """Of each coupon, the share of those of its group (a number each, shape (n,)) that was used, of what had ended before its day; as if
    `strength` coupons had come out at `prior` before."""
    number = np.unique(group, return_inverse=True)[1]
    begin, day, mine = number * WIDE, number * WIDE + coupons.issued, coupons.in_time
    counts = []
    for which in (mine, ~mine):
        ended = np.sort((begin + coupons.end)[which])
        counts.append(np.searchsorted(ended, day) - np.searchsorted(ended, begin))
    return (counts[0] + strength * prior) / (counts[0] + counts[1] + strength)


def _of(table: Table, rows: np.ndarray) -> Table:
    return Table(table.seen[rows], table.came[rows])


def _rounds(coupons: Coupons, ended: np.ndarray, table: Table) -> list[Round]:
    """The later half of the coupons in three parts of their days; each is asked about from what had ended before its first day."""
    issued = coupons.issued[ended]
    days = np.unique(np.quantile(issued, [0.5, 2 / 3, 5 / 6]).astype(int)).tolist()
    bounds = [*days, int(issued.max()) + 1]
    found = []
    for day, until in pairwise(bounds):
        before, rows = ended[coupons.end[ended] < day], ended[(issued >= day) & (issued < until)]
        used = table.came[before].sum()
        if len(rows) and min(used, len(before) - used) >= LEAST_USED / 2:
            found.append(Round(day, [_of(table, before)], _of(table, rows)))
    return found


def _with_terms(found: Scored, coupons: Coupons) -> Scored:
    """What the coupons of late were like, so that people can be asked about before the next one."""
    late = coupons.issued >= int(coupons.issued.max()) - LATELY
    lately = {name: float(np.median(values[late])) for name, values in terms(coupons).items()}
    return Scored(found.name, found.state, found.metrics, found.parameters | {"lately": lately}, found.model)
