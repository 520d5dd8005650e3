"""What a touch is expected to bring of this person decides who gets the last points, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ponds import NOON, Pond
from yutang import decide, why

BUDGET = {"window_days": 7, "marketing": 1, "companion": 2, "service": None, "total": None}
DAY = timedelta(days=1)


@pytest.fixture
def pond(conn) -> Pond:
    return Pond(conn, budget=BUDGET)


def judge(pond: Pond, now=NOON) -> None:
    while decide.judge(pond.conn, now).busy():
        pass


def foretell(pond: Pond, person: int, **values: float) -> None:
    """Predictions as the last training left them; `reach_letter` is the chance on the channel letter."""
    for name, value in values.items():
        pond.conn.execute(
            "insert into prediction (bucket, person_id, name, value, at, model_id) values (%s, %s, %s, %s, %s, 1)",
            (person & 1023, person, name.replace("reach_", "reach:"), value, NOON),
        )


def rate(pond: Pond, channel: str, kind: str, rate: float) -> None:
    pond.conn.execute(
        "insert into reach_rate (channel, class, rate, touches, at) values (%s, %s, %s, 100, %s)",
        (channel, kind, rate, NOON),
    )


def worth(pond: Pond, journey: str, fen: float | None, mean: float | None = 10_000) -> None:
    pond.conn.execute(
        """insert into journey_worth (journey_id, fen, mean_fen, reaches, at)
           select definition_id, %s, %s, 1, %s from definition where kind = 'journey' and name = %s""",
        (fen, mean, NOON, journey),
    )


def touch(pond: Pond, touch_id: int) -> Any:
    return pond.conn.execute(
        "select value_fen, worth, verdict, reason, channel from touch where touch_id = %s", (touch_id,)
    ).fetchone()


def test_the_value_is_reach_times_worth_times_the_person(pond):
    pond.settings(budget=BUDGET | {"marketing": 9}, consent={"sandbox": "assumed"}, holdout_percent=0)
    keen, plain, rich, poor = (pond.person() for _ in range(4))
    asked = [pond.touch(person, 300, expected=True, journey="measured") for person in (keen, plain, rich, poor)]
    declared = pond.touch(keen, 300, expected=True, journey="declared")
    worth(pond, "measured", 500.0)
    rate(pond, "sandbox", "*", 0.2)
    rate(pond, "sandbox", "marketing", 0.1)
    foretell(pond, keen, reach_sandbox=0.5, value_90d=10_000)
    foretell(pond, rich, value_90d=25_000)
    foretell(pond, poor, value_90d=10)
    judge(pond)
    found = [touch(pond, one).value_fen for one in asked]
    # The keen one's chance over all classes is 0.5; marketing is answered half as often as all: 0.25.
    assert found == [round(0.25 * 500 * 1), round(0.1 * 500 * 1), round(0.1 * 500 * 2.5), round(0.1 * 500 * 0.25)]
    assert touch(pond, declared).value_fen == round(0.25 * 300)
    assert touch(pond, asked[0]).worth == {
        "value": 125,
        "reach": 0.25,
        "own": True,
        "fen": 500,
        "measured": True,
        "times": 1,
        "declared": 300,
    }
    assert all(touch(pond, one).verdict == "send" for one in [*asked, declared])


def test_of_two_journeys_the_one_that_matters_more_to_this_person_wins(pond):
    """One point each: letters reach the first, cards the second."""
    first, second = pond.person(), pond.person()
    for channel in ("letter", "card"):
        rate(pond, channel, "*", 0.3)
        for person in (first, second):
            pond.consent(person, True, channel)
    touches = {
        (person, channel): pond.touch(person, 400, expected=True, journey=f"by_{channel}", channel=channel)
        for person in (first, second) for channel in ("letter", "card")
    }  # fmt: skip
    foretell(pond, first, reach_letter=0.6, reach_card=0.1)
    foretell(pond, second, reach_letter=0.1, reach_card=0.6)
    judge(pond)
    assert pond.verdict(touches[first, "letter"]) == ("send", None)
    assert pond.verdict(touches[first, "card"]) == ("hold", "outbid")
    assert pond.verdict(touches[second, "card"]) == ("send", None)
    assert pond.verdict(touches[second, "letter"]) == ("hold", "outbid")


def test_an_untrained_pond_goes_by_what_is_declared(pond):
    person = pond.person()
    small, large, plain = (
        pond.touch(person, 200, expected=True, journey="a"), pond.touch(person, 900, expected=True, journey="b"), pond.touch(person, 500)
    )  # fmt: skip
    judge(pond)
    assert [touch(pond, one).value_fen for one in (small, large, plain)] == [200, 900, 500]
    assert [pond.verdict(one)[0] for one in (small, large, plain)] == ["hold", "send", "hold"]
    assert touch(pond, plain).worth is None


def test_what_is_held_is_reckoned_anew_when_it_is_asked_again(pond):
    person = pond.person()
    pond.touch(person, 10_000)
    held = pond.touch(person, 300, expected=True, journey="asks")
    rate(pond, "sandbox", "*", 0.5)
    judge(pond)
    assert pond.verdict(held) == ("hold", "outbid")
    assert touch(pond, held).value_fen == 150
    pond.conn.execute("update reach_rate set rate = 0.2")
    judge(pond, NOON + 8 * DAY)
    assert pond.verdict(held) == ("send", None)
    assert touch(pond, held).value_fen == 60, "a fifth of what is declared, not of what was said last"


def test_however_much_it_is_worth_it_passes_no_gate(pond):
    """Budget, consent, quiet hours and holdout say what they say of any other touch."""
    night = NOON + timedelta(hours=11)
    silent, spent, held_out, asleep = (pond.person() for _ in range(4))
    for person in (silent, spent, held_out, asleep):
        foretell(pond, person, reach_sandbox=0.99, reach_letter=0.99, value_90d=10**9)
    before = pond.touch(spent, 1)
    judge(pond)
    assert pond.verdict(before) == ("send", None)
    no_consent = pond.touch(silent, 10**9, expected=True, channel="letter", journey="rich")
    capped = pond.touch(spent, 10**9, expected=True, journey="rich")
    control = pond.touch(held_out, 10**9, expected=True, arm="holdout", journey="rich")
    worth(pond, "rich", 1e9, 1.0)
    judge(pond)
    assert pond.verdict(no_consent) == ("no", "no_consent")
    assert pond.verdict(capped) == ("hold", "capped")
    assert pond.verdict(control) == ("no", "holdout")
    quiet = pond.touch(asleep, 10**9, expected=True, at=night, journey="rich")
    judge(pond, night)
    assert pond.verdict(quiet) == ("hold", "quiet_hours")


def test_of_several_channels_the_value_is_that_of_the_one_that_is_taken(pond):
    person = pond.person()
    pond.consent(person, True, "card")
    rate(pond, "letter", "*", 0.9)
    rate(pond, "card", "*", 0.2)
    asked = pond.touch(person, 1_000, expected=True, channel=["letter", "card"])
    judge(pond)
    assert (touch(pond, asked).channel, touch(pond, asked).value_fen) == ("card", 200)


def test_a_journey_that_was_measured_to_do_harm_comes_last(pond):
    person = pond.person()
    harm, plain = pond.touch(person, 5_000, expected=True, journey="harm"), pond.touch(person, 0)
    worth(pond, "harm", -300.0)
    judge(pond)
    assert pond.verdict(plain) == ("send", None)
    assert pond.verdict(harm) == ("hold", "outbid")


def test_no_figure_is_too_large(pond):
    wild, wilder = pond.person(), pond.person()
    asked = [pond.touch(person, 2**62, expected=True, journey="wild") for person in (wild, wilder)]
    worth(pond, "wild", None, 1e-300)
    foretell(pond, wilder, value_90d=1e300)
    judge(pond)
    assert [touch(pond, one).value_fen for one in asked] == [10**15, 10**15]


def test_why_tells_how_the_number_came_about(pond):
    person = pond.person()
    pond.consent(person, True, "letter")
    rate(pond, "letter", "*", 0.5)
    touches = [pond.touch(person, 400, expected=True, journey=name, channel="letter") for name in ("known", "new")]
    worth(pond, "known", 500.0)
    foretell(pond, person, reach_letter=0.64, margin_90d=20_000)
    judge(pond)
    said = {one.touch_id: one for run in why.why(pond.conn, person, NOON).enrolments for one in run.touches}
    known, new = (said[one].worth for one in touches)
    assert known == {
        "zh": "预计价值 6.40 元 = 本人应答概率 64% × 触达一次值 5.00 元（实验测得）× 本人是平均的 2.0 倍",
        "en": "expected to bring 6.40 = their chance to answer 64% × 5.00 for a touch that reaches (measured) × 2.0 times the mean person",
    }
    assert new == {
        "zh": "预计价值 2.56 元 = 本人应答概率 64% × 触达一次值 4.00 元（旅程所写）",
        "en": "expected to bring 2.56 = their chance to answer 64% × 4.00 for a touch that reaches (as the journey says)",
    }
    assert all("worth" in one.__dict__ for one in said.values())
