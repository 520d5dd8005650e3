"""The city's people: the same seed makes the same lives, and each of their habits is really lived."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cities import Clock
from yutang.emulator import City, shop
from yutang.emulator.habits import CHINA
from yutang.emulator.people import receives
from yutang.emulator.population import Act, Population
from yutang.emulator.sms import Sms
from yutang.emulator.wecom import codes, mass
from yutang.emulator.wecom.groups import Groups


def town(seed: int = 7, customers: int = 20) -> tuple[City, Clock, Population]:
    """A city with one code per member of staff, and its people."""
    clock = Clock()
    city = City(seed, clock)
    people = Population(city, seed, customers, arrive_days=3)
    for staff in list(city.people.staff):
        way = {"type": 1, "scene": 2, "user": [staff], "state": f"s_{staff}", "remark": "包裹卡"}
        codes.add(city, city.app("wecom"), way)
    return city, clock, people


def send(city: City, number: int) -> None:
    """A mass task to everybody, with a coupon for each."""
    everybody = [one for one in city.people.customers if city.people.followers_of(one)]
    if everybody:
        text = {"content": f"会员日，拿铁立减5元，券码 DAY{number:04d}"}
        mass.add(city, city.app("wecom"), {"chat_type": "single", "external_userid": everybody, "text": text})


def life(seed: int, days: int, every: int = 0, customers: int = 20) -> tuple[City, list[Act]]:
    """So many days in steps of an hour; a mass task on each `every`-th day."""
    city, clock, people = town(seed, customers)
    for hour in range(days * 24):
        people.live(clock.forward(hours=1))
        if every and hour % (24 * every) == 0:
            send(city, hour)
    return city, people.acts


def counted(acts: list[Act]) -> dict[str, int]:
    return {what: sum(act.what == what for act in acts) for what in {act.what for act in acts}}


def test_the_same_seed_and_messages_make_the_same_acts() -> None:
    (_, one), (_, two), (_, other) = life(7, 20, 2), life(7, 20, 2), life(8, 20, 2)
    assert len(one) > 100
    assert one == two
    assert one != other


def test_people_act_in_order_and_by_day() -> None:
    city, acts = life(7, 20)
    assert [act.at for act in acts] == sorted(act.at for act in acts)
    assert all(7 <= act.at.astimezone(CHINA).hour < 24 for act in acts)
    assert {len(city.people.followers_of(one)) for one in city.people.customers} == {1}, "everybody scanned a code"


def test_some_drink_daily_and_some_fall_silent() -> None:
    city, acts = life(7, 60, customers=40)
    bought = [sum(act.what == "buy" and act.who == one.name for act in acts) for one in city.people.customers.values()]
    assert min(bought) <= 2 < 30 < max(bought)
    assert counted(acts)["resign"] == 1


def test_staff_tap_and_customers_use_the_coupon() -> None:
    city, acts = life(7, 30, every=7)
    done = counted(acts)
    tasks = [task for userid in city.people.staff for task in city.tasks(userid)]
    assert 0 < done["tap"] <= len(tasks)
    received = [m for one in city.people.customers.values() for m in city.inbox(one) if m.kind == "mass"]
    orders = [o for one in city.people.customers.values() for o in shop.orders_of(city, one)]
    with_coupon = [o for o in orders if o.coupon_codes]
    assert received
    assert with_coupon
    assert all(o.amount_fen == max(0, o.product.fen * o.quantity - 500) for o in with_coupon)


def test_too_many_messages_are_blocked() -> None:
    _, calm = life(7, 30, every=7)
    _, loud = life(7, 30, every=1)
    assert counted(calm).get("block", 0) < counted(loud)["block"]


@pytest.mark.parametrize(("kind", "what"), [("sms", "refuse sms"), ("custom", "unfollow"), ("group", "leave")])
def test_each_channel_has_its_own_way_out(kind: str, what: str) -> None:
    city, clock, people = town()
    customer = next(iter(city.people.customers.values()))
    city.follows(customer)
    chat_id = city.makes_group("guide01", "福利群").chat_id
    city.joins(customer, chat_id)
    city.part(Sms).provider[customer.phone] = "aliyun"
    for _ in range(25):
        receives(city, customer, kind, chat_id, "又一条")
    for _ in range(24 * 7):
        people.live(clock.forward(hours=1))
    assert what in {act.what for act in people.acts if act.who == customer.name}


def test_a_shop_that_does_not_answer_is_told_and_life_goes_on() -> None:
    city, clock, people = town()
    city.shop = ("http://127.0.0.1:9", "key")
    people.live(clock.forward(days=5))
    assert "did not answer" in people.problem
    assert counted(people.acts)["buy"] > 5


def test_people_join_the_groups_there_are() -> None:
    city, clock, people = town()
    group = city.makes_group("guide01", "福利群")
    joinways: dict[str, Any] = {
        "config_id": "jc1", "remark": "群码", "chat_id_list": [group.chat_id], "auto_create_room": 0,
        "room_base_name": "", "room_base_id": 1, "state": "g", "qr_code": "http://x/jc1",
    }  # fmt: skip
    city.part(Groups).ways["jc1"] = joinways
    people.live(clock.forward(days=30))
    assert group.customers()
    assert set(group.customers()) < set(city.people.customers)


def test_nobody_acts_before_their_time() -> None:
    _, clock, people = town()
    assert people.live(clock() - timedelta(hours=1)) == 0
