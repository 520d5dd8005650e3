"""Every question on DuckDB against the naive evaluator, on small random ponds full of coincidences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakes import ZONE, Event, Order, Person, Pond, Touch, loaded, random_pond
from naive_questions import ASKED, NAIVE, TODAY, check
from yutang.insight.questions import QUESTIONS, ask
from yutang.insight.questions.params import MOST_STEPS

NAMES = [f"{name}-{n}" for n, (name, _) in enumerate(ASKED)]


@pytest.fixture(scope="module")
def ponds():
    made = [Pond(), *(random_pond(seed, people=5 + 20 * seed) for seed in range(4))]
    return [(pond, loaded(pond)) for pond in made]


@pytest.mark.parametrize(("name", "params"), ASKED, ids=NAMES)
def test_an_answer_is_what_plain_python_finds(ponds, name, params):
    for pond, lake in ponds:
        check(lake, pond, name, params)


@pytest.mark.parametrize(("name", "params"), ASKED, ids=NAMES)
def test_an_answer_says_something(ponds, name, params):
    """Else the comparison above would be of nothing with nothing."""
    rows = ask(ponds[-1][1], name, TODAY, ZONE, params).rows
    assert len(rows) > 1 or name == "kfactor"
    assert sum(bool(cell) for row in rows for cell in row) > len(rows)


def test_every_question_is_checked():
    assert {name for name, _ in ASKED} == set(NAIVE) == {known.name for known in QUESTIONS}


kinds = st.sampled_from(
    ["viewed", "ordered", "cart", "viewed[store=徐家汇]", "ordered[ms>10]", "cart[store!=O'Hare;ms<=20]"]
)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(kinds, min_size=2, max_size=5),
    within=st.sampled_from(["1m", "20m", "1d", "11d", "40d"]),
    by=st.sampled_from(["", "first:ms", "trait:age", "stage"]),
    pond=st.integers(0, 4),
)
def test_any_funnel_is_what_plain_python_finds(ponds, steps, within, by, pond):
    check(ponds[pond][1], ponds[pond][0], "funnel", {"steps": ",".join(steps), "within": within, "by": by})


def test_a_funnel_of_as_many_steps_as_there_may_be(ponds):
    steps = ["viewed", "ordered"] * (MOST_STEPS // 2)
    check(ponds[-1][1], ponds[-1][0], "funnel", {"steps": ",".join(steps), "within": "70d"})


def at(hours: float, extra: int = 0):
    """So many hours after midnight in Shanghai of 10 January 2026, and so many microseconds."""
    return datetime(2026, 1, 9, 16, tzinfo=UTC) + timedelta(hours=hours, microseconds=extra)


def touch(person: int, number: int, channel: str, sent: datetime) -> Touch:
    return Touch(person, number, "hello", None, None, None, channel, sent, "send", None, "sent", sent)


EDGES = Pond(
    events=[
        *(Event(1, n, "viewed", when) for n, when in enumerate((at(1), at(1.5), at(2, 1)))),
        Event(1, 10, "contact_lost", at(0)),
        Event(2, 11, "contact_lost", at(0, -1)),
        Event(3, 12, "contact_lost", at(5)),
        Event(3, 13, "contact_added", at(5)),
    ],
    orders=[Order(1, 20, "a", at(48), 100), Order(2, 21, "b", at(0), 10), Order(3, 22, "c", at(48), 1)],
    touches=[
        touch(1, 90, "letter", at(24)),
        touch(1, 91, "call", at(24, -1)),
        touch(1, 92, "group", at(48)),
        touch(3, 93, "call", at(48, 1)),
    ],
    persons=[Person(1, at(0)), Person(2, at(0, -1)), Person(3, at(24, -1))],
)
DAYS = {"since": "2026-01-10", "until": "2026-01-12"}
LATER = {"since": "2026-01-12", "until": "2026-01-31"}


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        # The first touch just within the span, one a microsecond too early, one at the very instant of the order.
        ("attribution", {**DAYS, "within": "1d"}, {("letter", 1), ("group", 1), ("call", 1), (None, 0)}),
        ("attribution", {**LATER, "within": "1d"}, {("letter", 1), ("group", 1), ("call", 1), (None, 0)}),
        # A pause of the gap itself is none.
        ("sessions", {**DAYS, "gap": "30m"}, {("1", 1), ("2", 1), ("3-5", 0), ("6-10", 0), ("11+", 0), ("all", 2)}),
    ],
)
def test_edges(name, given, found):
    lake = loaded(EDGES)
    check(lake, EDGES, name, given)
    place = 2 if name == "sessions" else 1
    assert {(row[0], row[place]) for row in ask(lake, name, TODAY, ZONE, given).rows} == found


def test_edges_of_coming_and_going():
    """The day begins at its first microsecond; whoever left and came back in one instant is there."""
    check(loaded(EDGES), EDGES, "balance", DAYS)
    (row,) = ask(loaded(EDGES), "balance", TODAY, ZONE, DAYS).rows
    assert row[:4] == [None, 1, 2, 1], (
        "there: the third; came: the first and third; went: the first, for the second went before"
    )
