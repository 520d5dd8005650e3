"""A second opinion on rules: one person at a time, in plain Python, straight from the words of the reference page."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from yutang.segment.language import And, Condition, Not, Rule, from_json

EVENTS = ("ordered", "viewed")
TAGS = ("vip", "trial")
OFFERS = ("welcome", "silent")
JOURNEYS = ("hello", "wake")
CITIES: tuple[Any, ...] = ("上海", "杭州", "上饶", 1, True, 2.5)
BIRTHDAYS = ("1990-03-01", "2000-02-29", "02-28", "1985-12-31", "nonsense", "1999-01-05")
STAGES = ("visitor", "new", "growing", "mature", "dormant", "lost")


@dataclass
class Someone:
    """All that a rule can ask about one person."""

    events: list[tuple[str, datetime, int, dict[str, Any]]] = field(default_factory=list)
    traits: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, tuple[datetime, datetime | None]] = field(default_factory=dict)
    consents: dict[str, tuple[datetime, bool]] = field(default_factory=dict)
    scores: dict[str, int] = field(default_factory=dict)
    stage: str = "visitor"
    coupons: list[tuple[str, str, datetime | None]] = field(default_factory=list)
    redemptions: list[tuple[str, str]] = field(default_factory=list)
    ladders: dict[str, tuple[str, int]] = field(default_factory=dict)
    enrolments: list[tuple[str, str]] = field(default_factory=list)
    foretold: dict[str, float] = field(default_factory=dict)
    sends: list[datetime] = field(default_factory=list)
    ended: dict[str, datetime | None] = field(default_factory=dict)
    """Segment → when the person left it last; None while inside."""


class Naive:
    """Answers rules about people as of an instant; `segments` are the rules by name."""

    def __init__(self, now: datetime, zone: str, segments: dict[str, Rule]) -> None:
        self.now, self.zone, self.segments = now, ZoneInfo(zone), segments
        self.today = self.day(now)

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def holds(self, rule: Rule, who: Someone) -> bool:
        if isinstance(rule, Condition):
            return bool(getattr(self, "_" + rule.operator.replace(".", "_"))(rule, who))
        if isinstance(rule, Not):
            return not self.holds(rule.part, who)
        return (all if isinstance(rule, And) else any)(self.holds(part, who) for part in rule.parts)

    def ago(self, days: int) -> date:
        return self.today - timedelta(days)

    # attributes

    def trait(self, c: Condition, who: Someone) -> Any:
        return who.traits.get(c.subject)

    def _attribute_is(self, c, who):
        return self.trait(c, who) is not None and equal(self.trait(c, who), c.get("is"))

    def _attribute_is_not(self, c, who):
        return self.trait(c, who) is not None and not equal(self.trait(c, who), c.get("is_not"))

    def _attribute_in(self, c, who):
        return self.trait(c, who) is not None and any(equal(self.trait(c, who), one) for one in c.get("in"))

    def _attribute_not_in(self, c, who):
        return self.trait(c, who) is not None and not any(equal(self.trait(c, who), one) for one in c.get("not_in"))

    def _attribute_contains(self, c, who):
        return isinstance(self.trait(c, who), str) and c.get("contains") in self.trait(c, who)

    def _attribute_starts_with(self, c, who):
        return isinstance(self.trait(c, who), str) and self.trait(c, who).startswith(c.get("starts_with"))

    def _attribute_more_than(self, c, who):
        return numeric(self.trait(c, who)) and self.trait(c, who) > c.get("more_than")

    def _attribute_less_than(self, c, who):
        return numeric(self.trait(c, who)) and self.trait(c, who) < c.get("less_than")

    def _attribute_at_least(self, c, who):
        return numeric(self.trait(c, who)) and self.trait(c, who) >= c.get("at_least")

    def _attribute_at_most(self, c, who):
        return numeric(self.trait(c, who)) and self.trait(c, who) <= c.get("at_most")

    def _attribute_between(self, c, who):
        low, high = c.get("between")
        return numeric(self.trait(c, who)) and low <= self.trait(c, who) <= high

    def _attribute_before(self, c, who):
        found = as_date(self.trait(c, who))
        return found is not None and found < date.fromisoformat(c.get("before"))

    def _attribute_after(self, c, who):
        found = as_date(self.trait(c, who))
        return found is not None and found > date.fromisoformat(c.get("after"))

    def _known(self, c, who):
        return c.subject in who.traits

    def _unknown(self, c, who):
        return c.subject not in who.traits

    def _anniversary(self, c, who):
        word = self.trait(c, who)
        ahead = [self.today + timedelta(n) for n in range(c.get("within_days"))]
        return isinstance(word, str) and any(is_anniversary(word[-5:], day) for day in ahead)

    # tags, consent, segments

    def alive(self, c, who):
        tag = who.tags.get(c.subject)
        return tag is not None and (tag[1] is None or tag[1] > self.now)

    def _tag(self, c, who):
        return self.alive(c, who)

    def _no_tag(self, c, who):
        return not self.alive(c, who)

    def _tag_for_days(self, c, who):
        return self.alive(c, who) and self.day(who.tags[c.subject][0]) <= self.ago(c.get("for_days"))

    def word(self, c, who):
        words = [who.consents[channel] for channel in (c.subject, "*") if channel in who.consents]
        return max(words, key=lambda word: (word[0], not word[1]))[1] if words else None

    def _consent(self, c, who):
        return self.word(c, who) is True

    def _withdrawn(self, c, who):
        return self.word(c, who) is False

    def _segment(self, c, who):
        return self.holds(self.segments[c.subject], who)

    def _segment_within_days(self, c, who):
        if self._segment(c, who):
            return True
        if c.subject not in who.ended:
            return False
        ended = who.ended[c.subject]
        return self.day(self.now if ended is None else ended) > self.ago(c.get("within_days"))

    # events

    def chosen(self, c, who):
        begin = c.get("days") or c.get("from_days")
        end = c.get("to_days") or 0
        where = dict(c.get("where") or ())
        return [
            event
            for event in who.events
            if event[0] == c.subject
            and all(name in event[3] and equal(event[3][name], value) for name, value in where.items())
            and (begin is None or self.ago(begin) < self.day(event[1]) <= self.ago(end))
        ]

    def number(self, c, who):
        found = self.chosen(c, who)
        return {
            "sum": sum(event[2] for event in found),
            "active_days": len({self.day(event[1]) for event in found}),
        }.get(c.row.head, len(found))

    def _at_least(self, c, who):
        return self.number(c, who) >= c.get("at_least")

    def _at_most(self, c, who):
        return self.number(c, who) <= c.get("at_most")

    _count_at_least = _sum_at_least = _active_days_at_least = _at_least
    _count_at_most = _sum_at_most = _active_days_at_most = _at_most

    def _count_exactly(self, c, who):
        return self.number(c, who) == c.get("exactly")

    def _count_between(self, c, who):
        return c.get("between")[0] <= self.number(c, who) <= c.get("between")[1]

    def _none(self, c, who):
        return not self.chosen(c, who)

    def mean(self, c, who):
        found = [event[2] for event in self.chosen(c, who)]
        return sum(found) / len(found) if found else None

    def _average_at_least(self, c, who):
        return self.mean(c, who) is not None and self.mean(c, who) >= c.get("at_least")

    def _average_at_most(self, c, who):
        return self.mean(c, who) is not None and self.mean(c, who) <= c.get("at_most")

    def days(self, c, who):
        return sorted(self.day(event[1]) for event in who.events if event[0] == c.subject)

    def _last_within_days(self, c, who):
        return self.days(c, who) and self.days(c, who)[-1] > self.ago(c.get("within_days"))

    def _last_more_than_days(self, c, who):
        return self.days(c, who) and self.days(c, who)[-1] <= self.ago(c.get("more_than_days"))

    def _first_within_days(self, c, who):
        return self.days(c, who) and self.days(c, who)[0] > self.ago(c.get("within_days"))

    def _first_more_than_days(self, c, who):
        return self.days(c, who) and self.days(c, who)[0] <= self.ago(c.get("more_than_days"))

    def pairs(self, c, who):
        """(start, deadline, the answers in between) for each start."""
        follower = c.get("then") or c.get("then_not")
        for kind, at, _, _ in who.events:
            if kind == c.subject and (c.get("days") is None or self.day(at) > self.ago(c.get("days"))):
                deadline = at + timedelta(days=c.get("within_days"))
                yield deadline, [b for other, b, _, _ in who.events if other == follower and at < b <= deadline]

    def _sequence_then(self, c, who):
        return any(answer <= self.now for _, answers in self.pairs(c, who) for answer in answers)

    def _sequence_then_not(self, c, who):
        return any(deadline <= self.now and not answers for deadline, answers in self.pairs(c, who))

    # predictions

    def _predicted_at_least(self, c, who):
        return c.subject in who.foretold and who.foretold[c.subject] >= c.get("at_least")

    def _predicted_at_most(self, c, who):
        return c.subject in who.foretold and who.foretold[c.subject] <= c.get("at_most")

    def away(self, c, who):
        """Days from today to the day that is foretold; None where none is."""
        category = c.get("category")
        told = who.foretold.get(f"{c.subject}:{category}" if category else c.subject)
        return None if told is None else (date(2000, 1, 1) + timedelta(told) - self.today).days

    def _predicted_within_days(self, c, who):
        return self.away(c, who) is not None and 0 <= self.away(c, who) < c.get("within_days")

    def _predicted_passed_days(self, c, who):
        return self.away(c, who) is not None and self.away(c, who) <= -c.get("passed_days")

    # portrait, offers, journeys

    def _score_at_least(self, c, who):
        return who.scores[c.subject] >= c.get("at_least")

    def _score_at_most(self, c, who):
        return who.scores[c.subject] <= c.get("at_most")

    def _life_stage(self, c, who):
        return who.stage in c.subject

    def live(self, c, who):
        return [
            ends
            for offer, state, ends in who.coupons
            if state == "issued" and offer == (c.get("offer") or offer) and (ends is None or ends > self.now)
        ]

    def _coupon_held(self, c, who):
        return self.live(c, who)

    def _coupon_expiring(self, c, who):
        return any(ends and ends <= self.now + timedelta(days=c.get("within_days")) for ends in self.live(c, who))

    def redeemed(self, c, who):
        return sum(state == "done" and offer == (c.get("offer") or offer) for offer, state in who.redemptions)

    def _coupon_redeemed(self, c, who):
        return self.redeemed(c, who) >= c.get("at_least")

    def _coupon_never_redeemed(self, c, who):
        return self.redeemed(c, who) == 0

    def _ladder_side(self, c, who):
        return c.subject in who.ladders and who.ladders[c.subject][0] == c.get("side")

    def _ladder_rung_at_least(self, c, who):
        return c.subject in who.ladders and who.ladders[c.subject][1] >= c.get("rung_at_least")

    def _ladder_rung_at_most(self, c, who):
        return c.subject in who.ladders and who.ladders[c.subject][1] <= c.get("rung_at_most")

    def _in_journey(self, c, who):
        return (c.subject, "active") in who.enrolments

    def _finished_journey(self, c, who):
        return (c.subject, "done") in who.enrolments

    def _never_in_journey(self, c, who):
        return all(journey != c.subject for journey, _ in who.enrolments)

    def touched(self, c, who):
        return sum(self.ago(c.get("days")) < self.day(at) <= self.today for at in who.sends)

    def _touched_at_least(self, c, who):
        return self.touched(c, who) >= c.subject

    def _touched_at_most(self, c, who):
        return self.touched(c, who) <= c.subject


def equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def is_anniversary(month_day: str, day: date) -> bool:
    if month_day == "02-29" and (day.month, day.day) == (2, 28):
        return (day + timedelta(1)).month == 3
    return f"{day:%m-%d}" == month_day


def some_condition(dice: random.Random, names: list[str]) -> dict[str, Any]:
    """A random condition; every operator can come up. `names` are segments it may name."""
    event, days, few = dice.choice(EVENTS), dice.choice([1, 2, 7, 30]), dice.randint(0, 4)
    window: dict[str, Any] = dice.choice([{}, {"days": days}, {"from_days": days + few + 1, "to_days": days}])
    where = {"where": dice.choice([{"store": "S1"}, {"store": "S2", "big": True}])} if dice.random() < 0.3 else {}
    bounds = sorted([dice.randint(0, 5), dice.randint(0, 5)])
    offer = {"offer": dice.choice(OFFERS)} if dice.random() < 0.6 else {}
    fen = dice.choice([0, 500, 1500, 3000])
    choices: list[dict[str, Any]] = [
        {"attribute": "city", "is": dice.choice(CITIES)},
        {"attribute": "city", "is_not": dice.choice(CITIES)},
        {"attribute": "city", "in": dice.sample(CITIES, 2)},
        {"attribute": "city", "not_in": dice.sample(CITIES, 2)},
        {"attribute": "city", "contains": "海"},
        {"attribute": "city", "starts_with": "上"},
        {"attribute": "age", "more_than": 30},
        {"attribute": "age", "less_than": 30},
        {"attribute": "age", "at_least": 30.5},
        {"attribute": "age", "at_most": 30},
        {"attribute": "age", "between": [20, 40]},
        {"attribute": "birthday", "before": "1995-01-01"},
        {"attribute": "birthday", "after": "1995-01-01"},
        {"known": "age"},
        {"unknown": "birthday"},
        {"anniversary": "birthday", "within_days": dice.choice([1, 7, 60])},
        {"tag": dice.choice(TAGS)},
        {"tag": dice.choice(TAGS), "for_days": days},
        {"no_tag": dice.choice(TAGS)},
        {"consent": dice.choice(["email", "sandbox"])},
        {"withdrawn": dice.choice(["email", "sandbox"])},
        {"count": event, "at_least": few, **window, **where},
        {"count": event, "at_most": few, **window, **where},
        {"count": event, "exactly": few, **window, **where},
        {"count": event, "between": bounds, **window, **where},
        {"none": event, **window, **where},
        {"sum": event, "at_least": fen, **window, **where},
        {"sum": event, "at_most": fen, **window, **where},
        {"average": event, "at_least": fen, **window, **where},
        {"average": event, "at_most": fen, **window, **where},
        {"active_days": event, "at_least": few, **window},
        {"active_days": event, "at_most": few, **window},
        {"last": event, "within_days": days},
        {"last": event, "more_than_days": days},
        {"first": event, "within_days": days},
        {"first": event, "more_than_days": days},
        {"sequence": event, "then": dice.choice(EVENTS), "within_days": dice.choice([1, 3])},
        {"sequence": event, "then_not": dice.choice(EVENTS), "within_days": dice.choice([1, 3])},
        {"sequence": event, "then": dice.choice(EVENTS), "within_days": 3, "days": days},
        {"sequence": event, "then_not": dice.choice(EVENTS), "within_days": 2, "days": days},
        {"score": dice.choice(["recency", "frequency", "monetary"]), "at_least": few + 1},
        {"score": dice.choice(["recency", "frequency", "monetary"]), "at_most": few + 1},
        {"life_stage": dice.sample(STAGES, 2)},
        {"coupon": "held", **offer},
        {"coupon": "expiring", "within_days": days, **offer},
        {"coupon": "redeemed", "at_least": dice.randint(1, 2), **offer},
        {"coupon": "never_redeemed", **offer},
        {"ladder": "silent", "side": dice.choice(["down", "up"])},
        {"ladder": "silent", "rung_at_least": few},
        {"ladder": "silent", "rung_at_most": few},
        {"in_journey": dice.choice(JOURNEYS)},
        {"finished_journey": dice.choice(JOURNEYS)},
        {"never_in_journey": dice.choice(JOURNEYS)},
        {"touched_at_least": few, "days": days},
        {"touched_at_most": few, "days": days},
        {"predicted": dice.choice(["p_alive", "value_90d"]), "at_least": dice.choice([0.3, 0.5, 1000])},
        {"predicted": dice.choice(["p_alive", "value_90d"]), "at_most": dice.choice([0.3, 0.5, 1000])},
        {"predicted": "next_order_day", "within_days": days, **dice.choice([{}, {"category": "奶粉"}])},
        {"predicted": "next_order_day", "passed_days": days, **dice.choice([{}, {"category": "奶粉"}])},
    ]
    if names and dice.random() < 0.15:
        named = dice.choice(names)
        return dice.choice([{"segment": named}, {"segment": named, "within_days": days}])
    return dice.choice(choices)


def some_rule(dice: random.Random, names: list[str], depth: int = 2) -> Rule:
    """A random rule."""
    return from_json(_some(dice, names, depth))


def _some(dice: random.Random, names: list[str], depth: int) -> dict[str, Any]:
    kind = dice.choice(["all", "any", "not", "leaf"]) if depth else "leaf"
    if kind == "leaf":
        return some_condition(dice, names)
    if kind == "not":
        return {"not": _some(dice, names, depth - 1)}
    return {kind: [_some(dice, names, depth - 1) for _ in range(dice.randint(1, 3))]}
