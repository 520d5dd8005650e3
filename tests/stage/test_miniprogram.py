"""Subscribe messages against the city: grants counted once, taken before the call, and never more used than given."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from cities import VAULT, Clock, Living, living
from posts import called_back, letter, listen, raw, sound
from yutang.channels.contract import Answer, Fact, Result
from yutang.channels.miniprogram.send import SEND, MiniProgram
from yutang.channels.platform.calls import caller
from yutang.channels.platform.grants import fields
from yutang.emulator import miniprogram as mp
from yutang.emulator import official_account as oa
from yutang.emulator.people import Customer
from yutang.model import Reason

KIND = "miniprogram"
COUPON = {
    "kind": "subscribe",
    "template": "SUB_COUPON",
    "page": "pages/coupon?id=1",
    "data": {"thing1": "生日券", "time2": "2026-03-31 23:59", "thing3": "到店即用"},
}
CHANGE = (
    "<xml><FromUserName>{openid}</FromUserName><CreateTime>{at}</CreateTime><MsgType>event</MsgType>"
    "<Event>subscribe_msg_change_event</Event><SubscribeMsgChangeEvent><List><TemplateId>SUB_COUPON</TemplateId>"
    "<SubscribeStatusString>reject</SubscribeStatusString></List></SubscribeMsgChangeEvent></xml>"
)


class Desk:
    """The mini-program's channel and the city's side of it."""

    def __init__(self, conn: psycopg.Connection, world: Living, clock: Clock) -> None:
        self.conn, self.city, self.clock = conn, world.city, clock
        self.account = mp.main(world.city)
        self.channel = MiniProgram(VAULT, world.accounts[KIND], clock)
        listen(world.city, KIND)

    def customer(self, grants: int = 0) -> Customer:
        """Somebody who has agreed to so many messages; the channel has heard of it."""
        customer = self.city.add_customer()
        for _ in range(grants):
            oa.grants(self.city, self.account, customer, "SUB_COUPON")
            self.clock.forward(seconds=1)
        self.hear()
        return customer

    def openid(self, customer: Customer) -> str:
        return self.city.openid(customer, self.account.app.id)

    def hear(self) -> None:
        self.hears(called_back(self.city, KIND))

    def hears(self, raws: list[Any]) -> None:
        with self.conn.transaction():
            self.channel.hear(self.conn, self.clock(), raws)

    def news(self) -> list[Answer | Fact]:
        with self.conn.transaction():
            return self.channel.receive(self.conn, self.clock())

    def send(self, touch: int, customer: Customer, attachment: dict[str, Any] = COUPON) -> Result:
        (result,) = self.channel.send(
            self.conn, self.clock(), [letter(touch, self.openid(customer), "words", attachment)]
        )
        return result

    def got(self, customer: Customer) -> int:
        return len(self.city.inbox(customer))

    def left(self, customer: Customer) -> int:
        """Grants by our count."""
        row = self.conn.execute("select sum(count) as n from channel_grant where openid = %s", (self.openid(customer),))
        return (row.fetchone() or (0,))[0] or 0

    def there(self, customer: Customer) -> int:
        """Grants by the platform's count."""
        fan = self.account.fans.get(self.openid(customer))
        return fan.grants.get("SUB_COUPON", 0) if fan else 0

    def calls(self) -> list[int | None]:
        return [
            r.errcode
            for r in self.conn.execute("select errcode from channel_call where path = %s order by at", (SEND,))
        ]


@pytest.fixture
def desk(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(caller, "PAUSES", {sort: tuple(0.0 for _ in waits) for sort, waits in caller.PAUSES.items()})
    clock = Clock()
    with living(conn, clock=clock, kinds=(KIND,), staff=()) as world:
        yield Desk(conn, world, clock)


def test_one_grant_is_one_message(desk: Desk) -> None:
    customer = desk.customer(grants=2)
    handles = {desk.channel.handle: desk.openid(customer)}
    grants = desk.news()
    assert [(fact.type, fact.handles, fact.props) for fact in grants if isinstance(fact, Fact)] == [
        ("grant_given", handles, {"template": "SUB_COUPON", "channel": KIND})
    ] * 2
    sound(grants)
    results = [desk.send(n, customer) for n in (1, 2, 3)]
    assert [r.state for r in results] == ["sent", "sent", "failed"]
    assert results[2].reason is Reason.NO_GRANT
    assert desk.got(customer) == 2
    assert len(desk.calls()) == 2, "the third was not even tried"
    desk.hear()
    assert {(a.touch_id, a.person_id, a.type) for a in desk.news() if isinstance(a, Answer)} == {
        (1, 1001, "message_delivered"),
        (2, 1002, "message_delivered"),
    }
    assert desk.news() == []


def test_a_callback_counts_once(desk: Desk) -> None:
    customer = desk.city.add_customer()
    desk.city.faults.duplicate_callbacks = 1
    oa.grants(desk.city, desk.account, customer, "SUB_COUPON")
    oa.grants(desk.city, desk.account, customer, "SUB_COUPON", accepts=False)
    raws = called_back(desk.city, KIND)
    assert len(raws) == 4
    desk.hears(raws)
    desk.hears(raws)
    assert desk.left(customer) == 1 == desk.there(customer)


def test_json_callbacks_are_understood_too(desk: Desk) -> None:
    customer = desk.city.add_customer()
    body = {
        "FromUserName": desk.openid(customer), "CreateTime": int(desk.clock().timestamp()), "MsgType": "event",
        "Event": "subscribe_msg_popup_event",
        "List": [{"TemplateId": name, "SubscribeStatusString": said} for name, said in
                 (("A", "accept"), ("B", "reject"), ("C", "accept"))],
    }  # fmt: skip
    desk.hears([raw(msgspec.json.encode(body), desk.clock())])
    assert [fact.props["template"] for fact in desk.news()] == ["A", "C"]
    assert desk.left(customer) == 2


def test_switching_off_takes_the_grants_that_came_before(desk: Desk) -> None:
    customer = desk.customer(grants=3)
    stamp = int(desk.clock().timestamp())
    off = raw(CHANGE.format(openid=desk.openid(customer), at=stamp).encode(), desk.clock())
    desk.clock.forward(seconds=5)
    oa.grants(desk.city, desk.account, customer, "SUB_COUPON")
    later = called_back(desk.city, KIND)
    desk.hears([*later, off])
    assert desk.left(customer) == 1
    desk.hears([off])
    assert desk.left(customer) == 1, "heard again, it takes nothing more"


def test_the_platform_knows_of_no_grant(desk: Desk) -> None:
    customer = desk.customer(grants=2)
    desk.account.fans[desk.openid(customer)].grants.clear()
    assert desk.send(1, customer).reason is Reason.NO_GRANT
    assert desk.send(2, customer).reason is Reason.NO_GRANT
    assert desk.calls() == [43101]
    assert desk.left(customer) == 0


def test_a_call_that_surely_failed_gives_the_grant_back(desk: Desk) -> None:
    customer = desk.customer(grants=1)
    desk.city.faults.rate_limited = {SEND}
    later = desk.send(1, customer)
    assert (later.state, later.reason) == ("retry", Reason.QUOTA)
    assert later.until
    assert desk.left(customer) == 1
    desk.city.faults.rate_limited = set()
    desk.clock.at = later.until + timedelta(hours=1)
    desk.city.faults.busy_rate = 1
    assert desk.send(1, customer).reason is Reason.TEMPORARY
    desk.city.faults.busy_rate = 0
    assert desk.left(customer) == 1
    assert desk.send(1, customer).state == "sent"
    assert desk.got(customer) == 1


def test_a_letter_without_an_answer_is_settled_by_its_receipt(desk: Desk) -> None:
    customer = desk.customer(grants=3)
    desk.send(1, customer)
    desk.hear()
    desk.news()
    desk.city.faults.lost_answers = 1
    waits = desk.send(2, customer)
    desk.city.faults.lost_answers = 0
    assert (waits.state, waits.reason) == ("retry", Reason.TEMPORARY)
    assert waits.until
    desk.hear()
    assert [answer.type for answer in desk.news()] == ["message_delivered"]
    desk.clock.at = waits.until
    assert desk.send(2, customer).state == "sent"
    assert desk.got(customer) == 2


def test_a_letter_without_answer_and_receipt_is_given_up(desk: Desk) -> None:
    customer = desk.customer(grants=2)
    desk.send(1, customer)
    desk.city.faults.lost_answers = desk.city.faults.lost_callbacks = 1
    waits = desk.send(2, customer)
    desk.city.faults.lost_answers = desk.city.faults.lost_callbacks = 0
    desk.hear()
    desk.news()
    assert desk.send(2, customer) == waits, "too early"
    assert waits.until
    desk.clock.at = waits.until
    assert desk.send(2, customer).reason is Reason.GAVE_UP
    assert desk.got(customer) == 2


def test_another_systems_message_uses_up_a_grant(desk: Desk) -> None:
    customer = desk.customer(grants=2)
    sent = {"touser": desk.openid(customer), "template_id": "SUB_COUPON", "data": fields.data_of(COUPON)}
    mp.subscribe_send(desk.city, desk.account.app, sent)
    desk.hear()
    assert desk.news()[2:] == []
    desk.channel.tend(desk.conn, desk.clock())
    assert desk.left(customer) == 2, "it might still be ours"
    desk.clock.forward(hours=2)
    desk.channel.tend(desk.conn, desk.clock())
    assert desk.left(customer) == 1 == desk.there(customer)


@pytest.mark.parametrize("seed", range(4))
def test_no_more_is_used_than_was_granted(desk: Desk, seed: int) -> None:
    """Grants, letters and repeats in any order, with callbacks doubled, late and lost: the platform refuses nothing for want of a
    grant, nobody gets a letter twice, and our count is never above the platform's."""
    dice = random.Random(seed)
    desk.city.faults.duplicate_callbacks = desk.city.faults.reordered_callbacks = 0.3
    desk.city.faults.lost_callbacks = 0.1
    customers = [desk.customer(), desk.customer()]
    sent: dict[int, tuple[Customer, Result]] = {}
    for step in range(1, 60):
        customer = dice.choice(customers)
        desk.clock.forward(seconds=1)
        match dice.choice(("grants", "grants", "hears", "send", "send", "again")):
            case "grants":
                oa.grants(desk.city, desk.account, customer, "SUB_COUPON", accepts=dice.random() < 0.8)
            case "hears":
                desk.hear()
                desk.news()
            case "send":
                data = COUPON | {"data": COUPON["data"] | {"thing1": f"第{step}封"}}
                sent[step] = (customer, desk.send(step, customer, data))
            case "again" if sent:
                touch = dice.choice(list(sent))
                if sent[touch][1].state == "sent":
                    assert desk.send(touch, sent[touch][0]).state == "sent"
        assert all(desk.left(one) <= desk.there(one) for one in customers)
    assert 43101 not in desk.calls()
    texts = [message.text for one in customers for message in desk.city.inbox(one)]
    assert len(texts) == len(set(texts)) == sum(result.state == "sent" for _, result in sent.values()) > 3


def test_long_words_are_cut_and_wrong_fields_named(desk: Desk) -> None:
    customer = desk.customer(grants=2)
    long = COUPON | {"data": COUPON["data"] | {"thing1": "满三十减十二\n" + "元" * 30}}
    assert desk.send(1, customer, long).state == "sent"
    assert desk.city.inbox(customer)[0].text.splitlines()[0] == "满三十减十二 " + "元" * 12 + "…"
    empty = desk.send(2, customer, COUPON | {"data": COUPON["data"] | {"thing3": " "}})
    assert empty.state == "failed"
    assert "data.thing3" in empty.detail
    assert desk.left(customer) == 1, "not even taken"


@pytest.mark.parametrize(
    ("attachment", "says"),
    [
        ({"kind": "link"}, "subscribe"),
        (COUPON | {"template": ""}, "模板 ID"),
        (COUPON | {"data": None}, "{field: text}"),
        (COUPON | {"data": {"thing1": "很" * 21}}, "data.thing1: 最多 20"),
        (COUPON | {"data": {"name3": "名" * 11}}, "data.name3: 最多 10"),
        (COUPON | {"data": {"title": "x"}}, "data.title"),
        (COUPON | {"data": {"thing1": ""}}, "data.thing1"),
    ],
)
def test_the_check_names_the_field(attachment: dict[str, Any], says: str) -> None:
    (problem,) = fields.check(attachment)
    assert says in problem


def test_what_will_be_rendered_is_judged_later() -> None:
    assert fields.check(COUPON | {"data": {"thing1": "{{ person.name }}，" + "欢迎" * 20}}) == []
    assert fields.cut("thing1", "很" * 20) == "很" * 20
    assert fields.cut("thing1", "很" * 21) == "很" * 19 + "…"
    assert fields.cut("number2", "1" * 40) == "1" * 40, "a number is not cut"
    assert fields.problems(COUPON | {"data": {"number2": "1" * 40}}) != []
    assert fields.longest("name1", "Ada Lovelace") == 20
