"""What may be said of an experiment now, in one sentence; nothing that a lucky look alone would show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yutang.insight import words
from yutang.insight.reading import Reading, Row, Scale, pairs_of
from yutang.why.chain import Words

LEAST_PEOPLE = 100
LEAST_BUYERS = 20
"""Below these the normal approximation behind every interval is not to be trusted."""
ALARM = 0.001
PATIENCE = 20
"""Nobody is asked to wait for more than so many times what was seen already."""


@dataclass(frozen=True)
class Verdict:
    """code: no_control, mismatch, waiting, too_few, better, worse, unclear or small (unclear, and waiting will not help)."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Sight:
    """What is seen of an experiment: the share that was to be held out (0: nobody), the check of the draw, and the figures."""

    share: float
    mismatch_p: float
    rows: Sequence[Row]
    primary: Reading | None
    scale: Scale
    days: int | None


def verdict(sight: Sight) -> Verdict:
    """The sentence."""
    if not sight.share:
        return _say("no_control", words.no_control())
    if sight.mismatch_p < ALARM:
        return _say("mismatch", words.mismatch(sight.mismatch_p))
    if not sight.rows:
        return _say("waiting", words.nobody_yet(sight.days))
    return _few(sight) or _judged(sight)


def _few(sight: Sight) -> Verdict | None:
    pairs = pairs_of(sight.rows, "buyers")
    cells = [[p.treated for p in pairs], [p.control for p in pairs]]
    people = min(sum(c.n for c in arm) for arm in cells)
    buyers = round(sum(c.n * c.mean for arm in cells for c in arm))
    if people >= LEAST_PEOPLE and buyers >= LEAST_BUYERS:
        return None
    return _say("too_few", words.too_few(people, buyers, LEAST_PEOPLE, LEAST_BUYERS))


def _judged(sight: Sight) -> Verdict:
    assert sight.primary
    unit, best = sight.primary.unit, sight.primary.best
    low, high = best.always.low, best.always.high
    if not best.always.holds(0):
        return _say("better" if low > 0 else "worse", words.found(best.difference, low, high, unit))
    if best.enough > PATIENCE * sight.scale.seen:
        return _say("small", words.small(low, high, unit))
    more = best.enough - sight.scale.seen
    return _say("unclear", words.unclear(more, words.PEOPLE if sight.days else words.DAYS, low, high, unit))


def _say(code: str, said: Words) -> Verdict:
    return Verdict(code, said["zh"], said["en"])
