"""Hours, answers and worth on paper: against naive loops and SciPy, and against what must hold of any probabilities."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import betabinom

from yutang.predict.backtest import Missing
from yutang.predict.reach.answers import Person, Rates, Sent, trial
from yutang.predict.reach.hours import WAYS, Pond, Visits, Way, best, chance, profiles
from yutang.predict.reach.timing import TEST_DAYS, Season, hours_of, judged, season
from yutang.predict.reach.worth import Measured, per_reach, shrunk

EPOCH = date(2000, 1, 1)
BY_NAME = {way.name: way for way in WAYS}


def made(people: int, days: int, seed: int = 1) -> Visits:
    """Person n comes every third day around one of three hours of their own."""
    dice = np.random.default_rng(seed)
    person, day = np.divmod(np.flatnonzero(dice.random(people * days) < 0.3), days)
    hour = np.rint(8 + 5 * (person % 3) + dice.normal(0, 1.2, len(person))).astype(int) % 24
    return Visits.of(people, person, (day + 9_000) * 24 + hour)


def test_the_week_begins_on_monday():
    at = datetime(2026, 3, 2, 13)
    hour = ((at.date() - EPOCH).days * 24) + at.hour
    visits = Visits.of(1, np.zeros(2, int), np.array([hour, hour + 24 * 6]))
    assert at.weekday() == 0
    assert visits.slot.tolist() == [13, 6 * 24 + 13]


def test_an_hour_counts_once_however_much_happens_in_it():
    visits = Visits.of(2, np.array([0, 0, 1, 0]), np.array([5, 5, 5, 6]))
    assert (visits.person.tolist(), visits.hour.tolist()) == ([0, 0, 1], [5, 6, 5])


def test_own_hours_drawn_to_the_pond_are_the_mean_of_the_dirichlet():
    visits, end = made(30, 60), 9_060
    told = profiles(visits, Pond.of(visits, end, BY_NAME["own"]), BY_NAME["own"], 7.0)
    whole = np.bincount(visits.hour % 24, minlength=24) / len(visits)
    for person in range(30):
        counts = np.bincount(visits.hour[visits.person == person] % 24, minlength=24)
        for day in range(7):
            assert told[person, day] == pytest.approx((counts + 7 * whole) / (counts.sum() + 7), abs=1e-9)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_every_profile_is_a_probability_and_knows_no_future(way: Way):
    visits, end = made(40, 120), 9_100
    told = profiles(visits.between(0, end), Pond.of(visits, end, way), way, 4.0)
    assert told.shape == (40, 7, 24)
    assert told.sum(axis=2) == pytest.approx(np.ones((40, 7)))
    assert (told > 0).all()
    past = visits.between(0, end)
    assert np.array_equal(told, profiles(past, Pond.of(past, end, way), way, 4.0))


def test_the_best_hour_begins_the_likeliest_three_also_over_midnight():
    profile = np.full((2, 24), 0.01)
    profile[0, [22, 23, 0]] = 0.26
    profile[1, [9, 10, 11]] = 0.26
    assert best(profile).tolist() == [22, 9]
    assert chance(profile, np.array([22, 10])) == pytest.approx([0.78, 0.53])


def test_the_losses_are_those_of_a_loop():
    visits, end = made(25, 100), 9_060
    way = BY_NAME["near_days"]
    pond = Pond.of(visits, end, way)
    found = judged(visits, pond, way, 5.0, end + TEST_DAYS)
    told = profiles(visits.between(0, end), pond, way, 5.0)
    windows = best(told)
    loss, hits, n = 0.0, 0, 0
    for who, hour in zip(visits.person, visits.hour, strict=True):
        day = EPOCH + timedelta(int(hour) // 24)
        if end <= (day - EPOCH).days < end + TEST_DAYS:
            loss -= math.log(told[who, day.weekday(), hour % 24])
            hits += (hour - windows[who, day.weekday()]) % 24 < 3
            n += 1
    assert (found.visits, found.log_loss, found.in_window) == (n, pytest.approx(loss / n), pytest.approx(hits / n))


def test_of_people_with_hours_of_their_own_a_model_speaks():
    found = season(made(300, 150), 9_150)
    assert isinstance(found, Season)
    told = {one.name: one for one in found.results}
    assert told[found.chosen].accuracy.log_loss < told["pond"].accuracy.log_loss - 0.4
    assert found.chosen not in ("pond", "pond_by_day")
    way, strength = found.best
    visits = made(300, 150)
    everyday, *days = hours_of(visits, Pond.of(visits, 9_150, way), way, strength)
    people, hours = everyday
    assert np.mean(np.abs(hours + 1 - (8 + 5 * (people % 3))) <= 1) > 0.95
    assert sum(len(who) for who, _ in days) < 0.05 * 7 * len(people), "no day differs from the others"


def test_of_people_without_any_the_pond_speaks():
    dice = np.random.default_rng(2)
    person, day = np.divmod(np.flatnonzero(dice.random(300 * 150) < 0.3), 150)
    visits = Visits.of(300, person, (day + 9_000) * 24 + dice.integers(0, 24, len(person)))
    found = season(visits, 9_150)
    assert isinstance(found, Season)
    told = {one.name: one.accuracy.log_loss for one in found.results}
    assert told[found.chosen] >= math.log(24) - 0.02, "nobody can tell dice"


def test_too_few_visits_are_told():
    found = season(made(30, 60), 9_060)
    assert isinstance(found, Missing)
    assert "还缺 30 天" in found.zh


# answers


def answered(rates: np.ndarray, touches: int, seed: int = 4, kind: int = 0) -> Sent:
    """`touches` to each person, who answers at a rate of their own."""
    dice = np.random.default_rng(seed)
    person = np.tile(np.arange(len(rates)), touches)
    came = dice.random(len(person)) < rates[person]
    return Sent(
        ("letter",),
        ("service", "companion", "marketing"),
        person,
        np.zeros(len(person), int),
        np.full(len(person), kind),
        came,
    )


def test_the_strength_is_the_likeliest_one_of_the_beta_binomial():
    dice = np.random.default_rng(0)
    sent = answered(dice.beta(0.6, 2.4, 800), 12)
    found = Rates.of(sent)
    n, y = 12, np.bincount(sent.person, sent.answered)
    mean, strength = float(found.channel[0]), float(found.strength[0])

    def likelihood(s: float) -> float:
        return float(betabinom.logpmf(y, n, s * mean, s * (1 - mean)).sum())

    assert 2.3 < strength < 4
    assert all(likelihood(strength) >= likelihood(strength * more) for more in (0.8, 0.95, 1.05, 1.2))


def test_a_persons_chance_is_the_mean_of_the_posterior():
    dice = np.random.default_rng(1)
    sent = answered(dice.beta(0.6, 2.4, 300), 8, kind=2)
    rates = Rates.of(sent)
    people = Person.of(sent, rates)
    mean, strength = float(rates.channel[0]), float(rates.strength[0])
    rate = float(rates.kind[0, 2])
    for who, value in zip(people.person, people.chance(rates), strict=True):
        y = sent.answered[sent.person == who].sum()
        assert value == pytest.approx(mean * (strength * mean + y) / (strength * mean + 8 * rate))
        assert value == pytest.approx((strength * mean + y) / (strength + 8), rel=0.02), (
            "one class: the beta-binomial itself"
        )


def test_who_is_of_a_class_that_is_answered_more_is_not_thereby_keener():
    """All have the same rate in each class; half were sent companions, half marketing."""
    one, other = answered(np.full(400, 0.5), 10, seed=1, kind=1), answered(np.full(400, 0.1), 10, seed=2, kind=2)
    sent = Sent(
        one.channels, one.kinds, np.r_[one.person, other.person + 400], np.zeros(8000, int), np.r_[one.kind, other.kind],
        np.r_[one.answered, other.answered],
    )  # fmt: skip
    rates = Rates.of(sent)
    people = Person.of(sent, rates)
    factor = [people.factor[people.person < 400].mean(), people.factor[people.person >= 400].mean()]
    assert factor == pytest.approx([1, 1], abs=0.1)


def test_people_speak_only_where_they_differ():
    dice = np.random.default_rng(3)
    keen = trial(answered(dice.beta(0.4, 2.0, 300), 12))
    alike = trial(answered(np.full(300, 0.2), 12))
    assert keen.chosen == "person"
    assert keen.refused == []
    assert {one.name: one for one in keen.results}["person"].accuracy.deviance < min(
        one.accuracy.deviance for one in keen.results[:2]
    )
    assert sum(part.people for part in keen.reliability) == keen.touches == 900
    assert (
        alike.chosen in ("channel", "class") or alike.results[2].accuracy.deviance < alike.results[0].accuracy.deviance
    )


def test_channels_that_never_told_of_an_answer_are_left_out():
    sent = Sent(
        ("letter", "card"),
        ("service",),
        np.arange(6),
        np.array([0, 0, 0, 1, 1, 1]),
        np.zeros(6, int),
        np.array([1, 0, 0, 0, 0, 0]) > 0,
    )
    assert set(sent.telling().channel.tolist()) == {0}
    assert isinstance(trial(sent.telling()), Missing)


# worth


def test_what_luck_has_added_is_taken_off():
    """James and Stein: 1 − (se / d)²."""
    assert shrunk(300.0, 300 - 1.96 * 100, 300 + 1.96 * 100) == pytest.approx(300 * (1 - 1 / 9))
    assert shrunk(-300.0, -300 - 1.96 * 100, -300 + 1.96 * 100) == pytest.approx(-300 * (1 - 1 / 9))
    assert shrunk(50.0, 50 - 1.96 * 100, 50 + 1.96 * 100) == 0
    assert shrunk(0.0, -10, 10) == 0


def test_the_effect_is_shared_by_the_touches_that_reach():
    """On average the touches of a treated person are worth together what the journey brings per treated person."""
    found = Measured(1, 600.0, 600 - 1.96 * 60, 600 + 1.96 * 60, True, 5_000)
    assert per_reach(found, 1.5) == pytest.approx(600 * 0.99 / 1.5)
    sends, rate = 3, 0.5
    assert per_reach(found, sends * rate) * rate * sends == pytest.approx(shrunk(600.0, found.low, found.high))
    assert per_reach(Measured(1, 600.0, -5.0, 1205.0, False, 5_000), 1.5) is None
    assert per_reach(found, 0.05) is None, "hardly anybody answers"
