"""How likely a person answers a touch on a channel: the rate of the channel and class, times what the person's own answers make of it.

A touch is answered where it was opened, clicked or replied to, or its coupon used, within 72 hours of being sent. An order alone is no
answer: most would have come anyway, and what a journey changes is measured by its holdout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import betaln

from yutang.predict.accuracy import Accuracy, Decile, accuracy, bernoulli, reliability
from yutang.predict.backtest import Missing

ANSWER_HOURS = 72
TEST_SHARE = 0.25
"""The latest of all touches, on which every way is judged."""
LEAST_TOUCHES, LEAST_ANSWERS = 400, 40
"""Sent touches on channels that tell anything back, and answers, for anything to be said."""
PRIOR_TOUCHES = 50.0
"""So many touches of the channel stand beside those of one of its classes, and of all channels beside those of one."""
HIGHEST = 0.99


@dataclass(frozen=True)
class Sent:
    """Touches that were sent at least 72 hours ago, one row each, in the order in which they were sent.

    person: ids; channel, kind: indexes into `channels` and `kinds` (classes of journeys); answered: bool. Channels that never told of any
    answer are not in it: of them nothing can be known.
    """

    channels: tuple[str, ...]
    kinds: tuple[str, ...]
    person: np.ndarray
    channel: np.ndarray
    kind: np.ndarray
    answered: np.ndarray

    def __len__(self) -> int:
        return len(self.person)

    def rows(self, rows: np.ndarray | slice) -> Sent:
        """Some of the touches."""
        return replace(
            self,
            person=self.person[rows],
            channel=self.channel[rows],
            kind=self.kind[rows],
            answered=self.answered[rows],
        )

    def telling(self) -> Sent:
        """Without the channels of which no answer was ever told."""
        tells = np.bincount(self.channel, self.answered, len(self.channels)) > 0
        return self.rows(tells[self.channel])


@dataclass(frozen=True)
class Rates:
    """all: of every touch; channel: shape (channels,); kind: of each class on each channel, shape (channels, kinds); strength: touches of the
    prior that stand beside a person's own, by channel; inf where people do not differ."""

    all: float
    channel: np.ndarray
    kind: np.ndarray
    strength: np.ndarray

    @classmethod
    def of(cls, sent: Sent) -> Rates:
        """Each rate drawn to the one above it; the strength of persons by maximum likelihood of a beta-binomial."""
        size = (len(sent.channels), len(sent.kinds))
        cell = sent.channel * size[1] + sent.kind
        n = np.bincount(cell, minlength=size[0] * size[1]).reshape(size).astype(float)
        y = np.bincount(cell, sent.answered, size[0] * size[1]).reshape(size)
        whole = float((y.sum() + 1) / (n.sum() + 2))
        channel = (y.sum(axis=1) + PRIOR_TOUCHES * whole) / (n.sum(axis=1) + PRIOR_TOUCHES)
        kind = (y + PRIOR_TOUCHES * channel[:, None]) / (n + PRIOR_TOUCHES)
        strength = np.array([_strength(sent.rows(sent.channel == c), float(channel[c])) for c in range(size[0])])
        return cls(whole, channel, kind, strength)

    def told(self, sent: Sent) -> np.ndarray:
        """The rate of each touch's class on its channel."""
        return self.kind[sent.channel, sent.kind]


def _strength(sent: Sent, rate: float) -> float:
    """a + b of the beta from which people's own rates are drawn, its mean being `rate`: the most likely one."""
    if not len(sent):
        return np.inf
    _, who = np.unique(sent.person, return_inverse=True)
    n, y = np.bincount(who).astype(float), np.bincount(who, sent.answered)

    def loss(log: float) -> float:
        a, b = np.exp(log) * rate, np.exp(log) * (1 - rate)
        return -float(np.sum(betaln(a + y, b + n - y) - betaln(a, b)))

    found = minimize_scalar(loss, bounds=(np.log(0.5), np.log(1e5)), method="bounded")
    return float(np.exp(found.x))


@dataclass(frozen=True)
class Person:
    """What people's own answers make of the channels: person (ids, ascending), channel and factor, one row per person and channel on which
    they were ever sent a touch. factor: their chance over the rate of their touches."""

    person: np.ndarray
    channel: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, sent: Sent, rates: Rates) -> Person:
        """(s·m + answers) / (s·m + expected answers), of mean m and strength s: where all touches are of one class, the mean of the
        beta-binomial's posterior over m."""
        if not len(sent):
            return cls(sent.person, sent.channel, np.zeros(0))
        wide = len(sent.channels)
        keys, which = np.unique(sent.person * wide + sent.channel, return_inverse=True)
        person, channel = np.divmod(keys, wide)
        answers, expected = np.bincount(which, sent.answered), np.bincount(which, rates.told(sent))
        prior = np.minimum(rates.strength, 1e9)[channel] * rates.channel[channel]
        return cls(person, channel, (prior + answers) / (prior + expected))

    def chance(self, rates: Rates) -> np.ndarray:
        """The probability that a touch on the channel is answered, over all classes."""
        return np.minimum(self.factor * rates.channel[self.channel], HIGHEST)

    def of_touches(self, sent: Sent) -> np.ndarray:
        """The factor of the person of each touch; 1 where they were never sent one on that channel."""
        wide = len(sent.channels)
        keys, asked = self.person * wide + self.channel, sent.person * wide + sent.channel
        at = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
        return np.where(keys[at] == asked, self.factor[at], 1.0) if len(keys) else np.ones(len(sent))


@dataclass(frozen=True)
class Answered:
    """How one way did."""

    name: str
    zh: str
    en: str
    baseline: bool
    accuracy: Accuracy


@dataclass(frozen=True)
class Trial:
    """The outcome. touches, answers: of those that were told; rates: answered share by channel."""

    results: list[Answered]
    chosen: str
    baseline: str
    refused: list[str]
    reliability: list[Decile]
    touches: int
    rates: dict[str, float]


def trial(sent: Sent) -> Trial | Missing:
    """Each way tells the latest quarter of the touches from those before; people's own answers speak only if they are better than rates."""
    if missing := _missing(sent):
        return missing
    cut = round(len(sent) * (1 - TEST_SHARE))
    before, after = sent.rows(slice(0, cut)), sent.rows(slice(cut, None))
    rates, real = Rates.of(before), after.answered.astype(float)
    person = np.minimum(Person.of(before, rates).of_touches(after) * rates.told(after), HIGHEST)
    said = {
        "channel": (rates.channel[after.channel], "渠道的应答率", "the rate of the channel", True),
        "class": (rates.told(after), "渠道与消息类别的应答率", "the rate of channel and class", True),
        "person": (person, "本人应答，向渠道与类别收缩", "own answers, drawn to channel and class", False),
    }
    results = [
        Answered(name, zh, en, base, accuracy(told, real, bernoulli)) for name, (told, zh, en, base) in said.items()
    ]
    baseline = min(results[:2], key=lambda one: one.accuracy.deviance)
    better = (
        results[2].accuracy.deviance < baseline.accuracy.deviance and results[2].accuracy.rmse < baseline.accuracy.rmse
    )
    chosen = results[2] if better else baseline
    table = reliability(said[chosen.name][0], real)
    by_channel = {name: round(float(rate), 4) for name, rate in zip(sent.channels, Rates.of(sent).channel, strict=True)}
    return Trial(results, chosen.name, baseline.name, [] if better else ["person"], table, len(after), by_channel)


def _missing(sent: Sent) -> Missing | None:
    touches, answers = LEAST_TOUCHES - len(sent), LEAST_ANSWERS - int(sent.answered.sum())
    if touches > 0:
        return Missing(f"还缺 {touches} 次 {ANSWER_HOURS} 小时以前发出的触达（至少 {LEAST_TOUCHES} 次，只算会回报打开、点击或回复的渠道）", f"{touches} more touches that were sent {ANSWER_HOURS} hours ago are needed ({LEAST_TOUCHES} at least, on channels that tell of opens, clicks or replies)")  # fmt: skip
    if answers > 0:
        return Missing(f"还缺 {answers} 次应答（至少 {LEAST_ANSWERS} 次）", f"{answers} more answers are needed ({LEAST_ANSWERS} at least)")  # fmt: skip
    return None
