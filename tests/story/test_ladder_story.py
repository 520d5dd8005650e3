"""The ladder as its brand tells it, lived through under a simulated clock: every touch, and every touch that was not sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from yutang import offer, worker
from yutang.brand import load_brand, publish, shipped
from yutang.channels.sandbox.send import Sandbox
from yutang.ingest import record
from yutang.vault import Vault

ZONE = ZoneInfo("Asia/Shanghai")
OPENING = datetime(2026, 3, 1, tzinfo=ZONE)
PEOPLE = [f"m{n}" for n in range(12)]


def at(day: int, hour: float = 12) -> datetime:
    return OPENING + timedelta(days=day, hours=hour)


class Story:
    """A pond with the ladder's journey alone; half of the people are held out."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn, self.vault, self.numbers = conn, Vault(b"k" * 32), iter(range(10**6))
        brand = load_brand(shipped()["luckin"])
        ladder = brand.journeys["cup_ladder"] | {"holdout_percent": 50}
        publish(
            conn, OPENING, replace(brand, pond=brand.pond | {"holdout_percent": 0}, journeys={"cup_ladder": ladder})
        )
        self.say(at(0, 9), "registered", *PEOPLE)
        self.look(at(0))
        arms = dict(
            conn.execute("select h.value, e.arm from enrolment e join handle_shown h using (person_id)").fetchall()
        )
        self.treated = sorted(member for member, arm in arms.items() if arm == "treated")
        self.held_out = sorted(member for member, arm in arms.items() if arm != "treated")

    def say(self, when: datetime, type: str, *members: str, **props: Any) -> None:
        events = [
            {
                "id": f"{type}-{next(self.numbers)}",
                "source": "app",
                "type": type,
                "at": when.isoformat(),
                "handles": {"shop:luckin": m},
                "props": props,
            }
            for m in members
        ]
        answer = record(self.conn, self.vault, when, events)
        assert (answer.accepted, answer.rejected) == (len(events), [])

    def order(self, when: datetime, member: str, code: str | None = None) -> None:
        order = f"o{next(self.numbers)}"
        self.say(when, "ordered", member, order_id=order, amount_fen=2000, items=[{"product": "latte"}])
        if code:
            self.say(when, "coupon_redeemed", member, code=code, order_id=order, amount_fen=1440)

    def look(self, now: datetime) -> None:
        worker.settle(self.conn, now, {"sandbox": Sandbox()})

    def until(self, first: int, last: int) -> None:
        """Noon of each day."""
        for day in range(first, last + 1):
            self.look(at(day))

    def touches(self, member: str) -> list[tuple[float, int, list[str]]]:
        """(day of the last word, price to pay in percent of the rung, every verdict's reason or 'send') in order."""
        rows = self.conn.execute(
            """select d.at, t.rung, array(select coalesce(word ->> 'reason', word ->> 'verdict') from jsonb_array_elements(d.trail) word) as words
               from touch t join decision d using (bucket, person_id, touch_id) join handle_shown h on h.person_id = t.person_id
               where h.value = %s order by t.touch_id""",
            (member,),
        )
        prices = [85, 43, 28, 43, 58, 95]
        return [((row.at - OPENING) / timedelta(days=1), prices[row.rung - 1], row.words) for row in rows]

    def letters(self, member: str) -> list[str]:
        rows = self.conn.execute(
            "select m.body from sandbox_message m join handle_shown h using (person_id) where h.value = %s order by m.touch_id",
            (member,),
        )
        return [row.body for row in rows]

    def coupons(self, member: str) -> list[tuple[int, str, str]]:
        """(percent to pay, state, code) in order of issue."""
        rows = self.conn.execute(
            "select c.pay_percent, c.state, c.code from coupon c join handle_shown h using (person_id) where h.value = %s order by c.issued_at",
            (member,),
        )
        return [tuple(row) for row in rows]


@pytest.fixture
def story(conn: psycopg.Connection) -> Iterator[Story]:
    story = Story(conn)
    assert len(story.treated) >= 4, "both arms are needed"
    assert len(story.held_out) >= 2, "both arms are needed"
    return story


def test_down_while_silent_and_up_with_every_order(story: Story) -> None:
    anna, *_ = story.treated
    story.until(1, 29)
    assert story.touches(anna) == []
    assert story.coupons(anna) == []

    story.until(30, 45)
    down = [(30.5, 85, ["send"]), (37.5, 43, ["send"]), (44.5, 28, ["send"])]
    assert story.touches(anna) == down
    assert [(price, state) for price, state, _ in story.coupons(anna)] == [
        (85, "expired"),
        (43, "expired"),
        (28, "issued"),
    ]
    for letter, words, coupon in zip(
        story.letters(anna), ("8.5折", "4.3折", "2.8折"), story.coupons(anna), strict=True
    ):
        assert words in letter
        assert coupon[2] in letter

    code = story.coupons(anna)[-1][2]
    story.order(at(46, 10), anna, code)
    story.look(at(46))
    assert story.coupons(anna)[2][:2] == (28, "redeemed")
    for day in (48, 50):
        story.order(at(day, 10), anna)
        story.look(at(day))
    # Three touches in seven days are spent, so the rung of day 50 waits until that of day 44 is seven days old.
    climbed = [(46.5, 43, ["send"]), (48.5, 58, ["send"])]
    assert story.touches(anna) == [*down, *climbed, (50.5, 95, ["capped"])]
    story.look(at(51))
    assert story.touches(anna) == [*down, *climbed, (51.5, 95, ["capped", "send"])]
    assert len(story.letters(anna)) == 6

    story.order(at(60, 10), anna)
    story.look(at(60))
    assert story.touches(anna)[-1] == (60.5, 95, ["send"]), "at the top it stays at the top"


def test_a_new_silence_begins_at_the_first_rung(story: Story) -> None:
    bert = story.treated[1]
    story.until(1, 32)
    story.order(at(33, 10), bert)
    story.until(33, 63)
    assert story.touches(bert) == [(30.5, 85, ["send"]), (33.5, 43, ["send"]), (63.5, 85, ["send"])]


def test_at_night_it_waits_for_the_morning(story: Story) -> None:
    carl = story.treated[2]
    story.order(at(10, 22.5), carl)
    story.look(at(10, 23))
    assert story.touches(carl) == [(10 + 23 / 24, 43, ["quiet_hours"])]
    assert story.letters(carl) == []
    story.look(at(11, 7.9))
    assert story.letters(carl) == []
    story.look(at(11, 9))
    assert story.touches(carl) == [(11 + 9 / 24, 43, ["quiet_hours", "send"])]
    assert len(story.letters(carl)) == 1


def test_whoever_says_no_is_left_alone(story: Story) -> None:
    dora = story.treated[3]
    story.until(1, 31)
    story.say(at(32, 10), "consent_withdrawn", dora, channel="*")
    story.until(32, 38)
    assert story.touches(dora) == [(30.5, 85, ["send"]), (37.5, 43, ["no_consent"])]
    assert [price for price, _, _ in story.coupons(dora)] == [85], "who is not told gets no coupon either"


def test_the_holdout_walks_the_same_ladder_in_silence(story: Story) -> None:
    eva, fred = story.held_out[:2]
    story.until(1, 38)
    story.order(at(39, 10), eva)
    story.until(39, 44)
    assert story.touches(eva) == [(30.5, 85, ["holdout"]), (37.5, 43, ["holdout"]), (39.5, 43, ["holdout"])]
    assert story.touches(fred) == [(30.5, 85, ["holdout"]), (37.5, 43, ["holdout"]), (44.5, 28, ["holdout"])]
    assert all(story.letters(member) == story.coupons(member) == [] for member in story.held_out)
    issued = [coupon for member in story.treated for coupon in story.coupons(member)]
    owed = sum(round(2000 * (100 - price) / 100) for price, state, _ in issued if state == "issued")
    assert owed > 0
    assert offer.totals(story.conn) == {
        "issued": len(issued), "redeemed": 0, "outstanding": sum(state == "issued" for _, state, _ in issued), "liability_fen": owed,
    }  # fmt: skip
