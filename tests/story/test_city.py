"""The coffee brand in the city: a card in a parcel, and all that follows; seen on the customer's phone, at the platform, and in why."""

from __future__ import annotations

import threading
import time as stopwatch
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from towns import MIRRORED, PATIENCE_S, START, Town, town, wait_for
from yutang import channels
from yutang.cli.loop import Loop
from yutang.emulator import shop
from yutang.emulator.people import Customer, Message
from yutang.emulator.wecom.codes import Ways
from yutang.emulator.wecom.transfer import WAITING, Transfers
from yutang.emulator.wecom.welcome import Welcomes

DAY = timedelta(days=1)


@contextmanager
def at_work(here: Town) -> Iterator[None]:
    """The real loop and its ear, on threads of their own, while the clock runs."""
    idle = threading.Event()
    loop = Loop(here.app, here.app.url, here.clock, lambda done: None if done.busy() else idle.set())
    with here.clock.running():
        loop.start()
        try:
            assert idle.wait(PATIENCE_S)
            wait_for(here.has_ears)
            yield
        finally:
            loop.stop()


def welcomed(here: Town, customer: Customer) -> tuple[float, Message]:
    """Seconds from the callback's POST to the welcome in the phone, and the welcome."""
    here.scan(customer, "package_card")
    began = stopwatch.perf_counter()
    assert here.city.deliver() == 1
    wait_for(lambda: here.city.inbox(customer))
    return stopwatch.perf_counter() - began, here.city.inbox(customer)[0]


def test_from_the_card_in_the_parcel_to_the_heir(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with town(conn, url, monkeypatch, "guide01", "guide02") as here:
        here.code("package_card", "guide01", tags=("来源/包裹卡",), remark="卡-{name}")
        fish = scanned_and_welcomed(here)
        tagged_and_named(here, fish)
        silent_for_thirty_days(here, fish)
        code = first_rung(here, fish)
        back_up(here, fish, code)
        handed_over(here, fish)
        what_why_says(here, fish)


def scanned_and_welcomed(here: Town) -> Customer:
    """Three scans, so that a loaded machine may be slow at two of them; no welcome may miss its twenty seconds."""
    people = [here.city.add_customer(name) for name in ("小鱼", "阿澄", "木木")]
    with at_work(here):
        found = [welcomed(here, one) for one in people]
    assert min(seconds for seconds, _ in found) < 1
    dies = {one.external_userid: one.expires_at for one in here.city.part(Welcomes).codes.values()}
    for customer, (_, welcome) in zip(people, found, strict=True):
        assert (welcome.kind, welcome.sender) == ("welcome", "guide01")
        assert "谢谢你扫了包裹里的卡片" in welcome.text
        assert [one["msgtype"] for one in welcome.attachments] == ["link"]
        assert welcome.at.timestamp() < dies[customer.external_userid]
    return people[0]


def tagged_and_named(here: Town, fish: Customer) -> None:
    here.clock.forward(minutes=1)
    here.look()
    assert here.tags(fish, "guide01") == {"来源/包裹卡", MIRRORED}
    assert here.relation(fish, "guide01").remark == "卡-小鱼"
    assert {one["tag"] for one in here.events(fish, "tagged")} == {"来源/包裹卡", MIRRORED}
    assert here.events(fish, "contact_added")[0].items() >= {"staff": "guide01", "code": "package_card"}.items()
    assert here.made() == [], "a welcome needs no task"


def silent_for_thirty_days(here: Town, fish: Customer) -> None:
    """The first cup is offered and not taken; then nobody says a word until the thirtieth day."""
    here.city.registers(fish)
    here.look()
    here.tapping = {"guide01"}
    here.until(START + 3 * DAY)
    assert [one.kind for one in here.phone(fish)] == ["welcome", "mass"]
    here.tapping = set()
    here.until(START + 29 * DAY)
    assert len(here.phone(fish)) == 2
    assert here.waiting("guide01") == []
    assert here.ladder(fish) == ("down", 0)


def first_rung(here: Town, fish: Customer) -> str:
    """The code of its coupon, which is on the phone only after the tap."""
    here.until(START + 30 * DAY + timedelta(hours=1))
    assert here.ladder(fish) == ("down", 1)
    (task,) = here.waiting("guide01")
    assert task.recipients == [fish.external_userid]
    assert "8.5折" in task.text
    assert len(here.phone(fish)) == 2
    assert (here.touches(fish)[-1].rung, here.touches(fish)[-1].attempt.state) == (1, "assigned")

    here.tap("guide01")
    received = here.phone(fish)[-1]
    assert (received.kind, received.sender, received.text) == ("mass", "guide01", task.text)
    (code, _) = shop.coupons_of(here.city, fish)
    here.clock.forward(hours=1)
    here.look()
    touch = here.touches(fish)[-1]
    assert (touch.attempt.state, touch.coupon.code, touch.coupon.state) == ("sent", code, "issued")
    assert [one.type for one in touch.follow_ups] == ["message_assigned", "message_sent"]
    return code


def back_up(here: Town, fish: Customer, code: str) -> None:
    """An order with the coupon: the ladder turns, and the next message offers the first rung up."""
    here.until(START + 32 * DAY)
    here.city.buys(fish, round(1900 * 0.85), [code])
    here.look()
    assert here.ladder(fish) == ("up", 4)
    assert [t.coupon.state for t in here.touches(fish) if t.coupon and t.coupon.code == code] == ["redeemed"]
    (task,) = here.waiting("guide01")
    assert "4.3折" in task.text
    here.tap("guide01")
    assert here.phone(fish)[-1].text == task.text
    here.clock.forward(hours=1)
    here.look()
    assert (here.touches(fish)[-1].rung, here.touches(fish)[-1].attempt.state) == (4, "sent")


def handed_over(here: Town, fish: Customer) -> None:
    """Who leaves is followed by an heir, a day after the operator has named one; the next task is the heir's."""
    here.until(START + 34 * DAY)
    here.city.resigns("guide01")
    here.hear()
    here.look()
    inherit = channels.INHERITANCE["wecom"]
    assert inherit.begin(here.conn, here.clock(), here.account, "guide01", "guide02", resigned=True) == 4
    here.look()
    asked = here.city.part(Transfers).rows.values()
    assert {one.external_userid for one in asked if one.status == WAITING} >= {fish.external_userid}
    assert here.events(fish, "contact_moved") == []

    here.until(here.clock() + DAY + timedelta(hours=2))
    here.hear()
    here.look()
    assert here.events(fish, "contact_moved") == [{"staff": "guide02", "before": "guide01", "channel": "wecom"}]
    assert here.events(fish, "contact_lost") == []
    assert here.relation(fish, "guide02").there
    assert [way["user"] for way in here.city.part(Ways).ways.values()] == [["guide02"]]

    here.until(START + 43 * DAY)
    (task,) = here.waiting("guide02")
    assert task.recipients == [fish.external_userid]
    assert "有些日子没见啦" in task.text
    here.tap("guide02")
    assert here.phone(fish)[-1].sender == "guide02"
    here.clock.forward(hours=1)
    here.look()


def what_why_says(here: Town, fish: Customer) -> None:
    touches = here.touches(fish)
    assert [(one.journey, one.message) for one in touches] == [
        ("reception", "welcome_card"),
        ("first_cup", "first_cup"),
        ("silent_ladder", "ladder_rung"),
        ("silent_ladder", "ladder_rung"),
        ("repurchase", "coffee_break"),
    ]
    assert [one.attempt.state for one in touches] == ["sent"] * 5
    staff = [[f.props["staff"] for f in one.follow_ups if f.type == "message_assigned"] for one in touches]
    assert staff == [[], ["guide01"], ["guide01"], ["guide01"], ["guide02"]]
    assert len(here.phone(fish)) == 5, "each of them once"
