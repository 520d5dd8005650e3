"""Facts of which a person has one, and things in order: tags, consents, coupons, ladders, journeys, sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from yutang.segment.answer import Answer, all_of, compare, dense, item, negate, static
from yutang.segment.language import Condition
from yutang.segment.load import MICRO, NO_DAY, Pond, Rows
from yutang.segment.moment import DAY, NEVER, day_of, instant
from yutang.segment.operators import STAGES


def _ago(days: np.ndarray, condition: Condition, pond: Pond) -> Answer:
    """A day (-1: none) within the last so many days, or before them."""
    age = condition.get(condition.row.test)
    exists, recent = days != NO_DAY, days > pond.moment.today - age
    due = np.where(exists & recent, pond.moment.starts(days + age), NEVER)
    holds = exists & (recent if condition.row.test == "within_days" else ~recent)
    return Answer(holds, due, lambda at: day_of(days[at]) if days[at] != NO_DAY else None)


def last(condition: Condition, pond: Pond) -> Answer:
    return _ago(dense(condition, pond)["last"], condition, pond)


def first(condition: Condition, pond: Pond) -> Answer:
    return _ago(dense(condition, pond)["first"], condition, pond)


def tag(condition: Condition, pond: Pond) -> Answer:
    """A tag counts until it expires; its age runs from the day it was put on."""
    found = dense(condition, pond)
    alive = found["expires"] > pond.moment.micros

    def seen(at: int) -> Any:
        return day_of(found["day"][at]) if alive[at] else None

    holds = Answer(alive, np.where(alive, found["expires"], NEVER), seen)
    if condition.row.test == "for_days":
        both = all_of([holds, _ago(found["day"], condition, pond)], len(alive))
        return Answer(both.holds, both.due, seen)
    return holds if condition.row.test == "holds" else negate(holds)


def consent(condition: Condition, pond: Pond) -> Answer:
    given = dense(condition, pond)["given"]
    return static(given == (condition.row.test == "given"), lambda at: None if given[at] < 0 else bool(given[at]))


def score(condition: Condition, pond: Pond) -> Answer:
    values = dense(condition, pond)[condition.subject]
    return static((values > 0) & compare(condition, values), item(values, 0))


def life_stage(condition: Condition, pond: Pond) -> Answer:
    stage = dense(condition, pond)["stage"]
    wanted = [STAGES.index(name) + 1 for name in condition.subject]
    return static(np.isin(stage, wanted), lambda at: STAGES[stage[at] - 1] if stage[at] else None)


def predicted(condition: Condition, pond: Pond) -> Answer:
    """A number that is foretold, or a day: near, or past. Of whom nothing is foretold nothing holds."""
    found, test = dense(condition, pond), condition.row.test
    known, value = found["known"] > 0, found["micro"] / MICRO
    if test in ("at_least", "at_most"):
        return static(known & compare(condition, value), lambda at: value[at].item() if known[at] else None)
    day, days = np.rint(value).astype(np.int64), condition.get(condition.row.mark or "")
    today, starts = pond.moment.today, pond.moment.starts

    def seen(at: int) -> Any:
        return day_of(day[at]) if known[at] else None

    if test == "day_passed":
        passed = known & (day <= today - days)
        return Answer(passed, np.where(known & ~passed, starts(day + days), NEVER), seen)
    near = known & (day >= today) & (day < today + days)
    ahead = known & (day >= today + days)
    return Answer(near, np.where(near, starts(day + 1), np.where(ahead, starts(day - days + 1), NEVER)), seen)


def coupon(condition: Condition, pond: Pond) -> Answer:
    """Coupons live until an instant; `expiring` looks so many times 24 hours ahead."""
    found, now = dense(condition, pond), pond.moment.micros
    until, soonest = found["until"], found["soonest"]
    held = until > now
    if condition.row.test == "held":
        return Answer(held, np.where(held, until, NEVER), lambda at: _until(until[at]) if held[at] else None)
    ahead = condition.get("within_days") * DAY
    finite = soonest < NEVER
    begins = np.where(finite, soonest - ahead, NEVER)
    holds = finite & (begins <= now)
    return Answer(holds, np.where(holds, soonest, begins), lambda at: _until(soonest[at]) if held[at] else None)


def _until(value: int) -> Any:
    return instant(value) if value < NEVER else "∞"


def redeemed(condition: Condition, pond: Pond) -> Answer:
    n = dense(condition, pond)["n"]
    return static(compare(condition, n), item(n))


def ladder(condition: Condition, pond: Pond) -> Answer:
    found = dense(condition, pond)
    if condition.row.test == "side":
        wanted = 1 if condition.get("side") == "up" else 0
        return static(found["up"] == wanted, lambda at: {0: "down", 1: "up"}.get(int(found["up"][at])))
    return static((found["rung"] >= 0) & compare(condition, found["rung"]), item(found["rung"], -1))


def journey(condition: Condition, pond: Pond) -> Answer:
    found = dense(condition, pond)
    test = condition.row.test

    def seen(at: int) -> Any:
        return "active" if found["active"][at] == 1 else "done" if found["done"][at] == 1 else None

    return static(found["active"] < 0 if test == "never" else found[test] == 1, seen)


def segment(condition: Condition, pond: Pond, fresh: dict[str, Answer]) -> Answer:
    """Another segment: as decided in this pass, else as it is kept. Whoever leaves in this pass was in until now."""
    ended, now = dense(condition, pond)["ended"], pond.moment.micros
    decided = fresh.get(condition.subject)
    inside = decided.holds if decided else ended == NEVER
    due = decided.due if decided else np.full(len(inside), NEVER)
    if condition.row.test == "in_now":
        return Answer(inside, due, lambda at: bool(inside[at]))
    return _was_in(condition, pond, inside, np.where(ended == NEVER, now, ended))


def _was_in(condition: Condition, pond: Pond, inside: np.ndarray, ended: np.ndarray) -> Answer:
    """Leaving is an event of its own, so only the days since the last end matter to time."""
    days = condition.get("within_days")
    since = pond.moment.starts(np.array([pond.moment.today - days + 1]))[0]
    recent = ended >= since
    leaves = np.where(~inside & recent, pond.moment.starts(_local_days(ended, pond) + days), NEVER)
    return Answer(inside | recent, leaves, lambda at: bool(inside[at] or recent[at]))


def _local_days(instants: np.ndarray, pond: Pond) -> np.ndarray:
    """The business day of each instant."""
    guess = instants // DAY
    nearby = np.stack([guess - 1, guess, guess + 1])
    return nearby[0] + (pond.moment.starts(nearby) <= instants).sum(axis=0) - 1


def sequence(condition: Condition, pond: Pond) -> Answer:
    """One event followed, or not followed, by another within so many times 24 hours; `days` bounds the day of the first."""
    follower = condition.get("then") or condition.get("then_not")
    starts, ends = pond.data[("instants", condition.subject)], pond.data[("instants", follower)]
    assert isinstance(starts, Rows)
    assert isinstance(ends, Rows)
    starts = _recent(starts, condition.get("days"), pond)
    now, span = pond.moment.micros, condition.get("within_days") * DAY
    at = starts.values["at"]
    deadline = at + span
    following = _next(starts, ends)
    answered = following <= np.minimum(deadline, now)
    if condition.row.test == "then":
        return _some(starts, answered, np.where(following <= deadline, following, NEVER), condition, pond)
    return _some(starts, ~answered & (deadline <= now), np.where(answered, NEVER, deadline), condition, pond)


def _recent(rows: Rows, days: int | None, pond: Pond) -> Rows:
    if days is None:
        return rows
    kept = rows.values["day"] > pond.moment.today - days
    return Rows(rows.pos[kept], {name: column[kept] for name, column in rows.values.items()})


def _next(starts: Rows, ends: Rows) -> np.ndarray:
    """For each start the instant of the same person's next end after it; NEVER without one."""
    pos = np.concatenate([ends.pos, starts.pos])
    at = np.concatenate([ends.values["at"], starts.values["at"]])
    is_start = np.arange(len(pos)) >= len(ends.pos)
    # At the same instant ends sort first: what happens together does not follow.
    order = np.lexsort((is_start, at, pos))
    place = np.where(is_start[order], len(order), np.arange(len(order)))
    following = np.minimum.accumulate(place[::-1])[::-1]
    mine = np.flatnonzero(is_start[order])
    found = following[mine]
    valid = found < len(order)
    target = order[np.where(valid, found, 0)]
    valid &= pos[target] == pos[order[mine]]
    result = np.full(len(starts.pos), NEVER)
    result[order[mine] - len(ends.pos)] = np.where(valid, at[target], NEVER)
    return result


def _some(starts: Rows, holds: np.ndarray, pending: np.ndarray, condition: Condition, pond: Pond) -> Answer:
    """At least one start holds. Time ends that when the newest such start leaves `days`, and begins it at a pending deadline."""
    size, days = len(pond.people), condition.get("days")
    some = np.bincount(starts.pos[holds], minlength=size) > 0
    due = np.full(size, NEVER)
    if days is not None:
        newest = np.full(size, -1)
        np.maximum.at(newest, starts.pos[holds], starts.values["day"][holds])
        due = np.where(some, pond.moment.starts(newest + days), NEVER)
    waiting = np.full(size, NEVER)
    np.minimum.at(waiting, starts.pos[~holds], pending[~holds])
    return Answer(some, np.where(some, due, waiting), lambda at: bool(some[at]))
