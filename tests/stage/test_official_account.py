"""The official account against the city: windows, template messages, followers, and what is never sent twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from cities import VAULT, Clock, Living, living
from posts import called_back, letter, listen, raw, sound
from touches import attempt, decided, trait
from yutang import deliver, identity, ingest
from yutang.channels.contract import LEASE_SECONDS, Answer, Fact, Result
from yutang.channels.official_account import content
from yutang.channels.official_account.send import OfficialAccount
from yutang.channels.official_account.windows import ACT, MESSAGE, Allowance, allowance
from yutang.channels.platform.calls import caller
from yutang.db.connect import connect
from yutang.emulator import official_account as oa
from yutang.emulator.people import Customer
from yutang.model import Reason

KIND = "official_account"
NOTICE = {
    "kind": "template",
    "template": "TPL_NOTICE",
    "data": {"thing1": "会员日", "thing2": "拿铁", "time3": "2026-03-20 12:00"},
    "url": "https://example.com/day",
}
COUPON = {
    "kind": "subscribe",
    "template": "SUB_OA_COUPON",
    "page": "https://example.com/coupon",
    "data": {"thing1": "生日券", "thing2": "到店即用"},
}
BIZSEND = "cgi-bin/message/subscribe/bizsend"


class Desk:
    """The account's channel and the city's side of it."""

    def __init__(self, conn: psycopg.Connection, world: Living, clock: Clock) -> None:
        self.conn, self.city, self.clock = conn, world.city, clock
        self.account = oa.main(world.city)
        self.channel = OfficialAccount(VAULT, world.accounts[KIND], clock)
        listen(world.city, KIND)

    def fan(self, name: str = "", scene: str = "") -> Customer:
        """A new follower; the account has heard of it."""
        customer = self.city.add_customer(name)
        made = oa.Scene(self.account.app, "T", scene, "http://weixin.qq.com/q/T", None) if scene else None
        oa.subscribe(self.city, self.account, customer, made)
        self.hear()
        return customer

    def openid(self, customer: Customer) -> str:
        return self.city.openid(customer, self.account.app.id)

    def hear(self) -> None:
        with self.conn.transaction():
            self.channel.hear(self.conn, self.clock(), called_back(self.city, KIND))

    def news(self) -> list[Answer | Fact]:
        with self.conn.transaction():
            return self.channel.receive(self.conn, self.clock())

    def send(self, touch: int, customer: Customer, *attachments: Any) -> Result:
        (result,) = self.channel.send(
            self.conn, self.clock(), [letter(touch, self.openid(customer), f"第 {touch} 封", *attachments)]
        )
        return result

    def got(self, customer: Customer) -> list[str]:
        return [message.kind for message in self.city.inbox(customer)]

    def calls(self, path: str) -> list[int | None]:
        rows = self.conn.execute("select errcode from channel_call where path = %s order by at", (path,))
        return [row.errcode for row in rows]


@pytest.fixture
def desk(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(caller, "PAUSES", {sort: tuple(0.0 for _ in waits) for sort, waits in caller.PAUSES.items()})
    clock = Clock()
    with living(conn, clock=clock, kinds=(KIND,), staff=()) as world:
        yield Desk(conn, world, clock)


def test_a_follower_is_told_with_the_code_and_then_by_unionid(desk: Desk) -> None:
    customer = desk.fan(scene="s_hz_01")
    handle = {desk.channel.handle: desk.openid(customer)}
    assert desk.news() == [
        Fact(
            f"subscribe:{desk.openid(customer)}:{int(desk.clock().timestamp())}:qrscene_s_hz_01",
            "followed", desk.clock(), handle, {"channel": KIND, "code": "s_hz_01"},
        )
    ]  # fmt: skip
    assert desk.channel.tend(desk.conn, desk.clock()) == 1
    assert desk.channel.tend(desk.conn, desk.clock()) == 0, "asked once"
    (joined,) = desk.news()
    assert isinstance(joined, Fact)
    assert joined.handles == handle | {"unionid": customer.unionid}
    sound([joined])

    oa.says(desk.city, desk.account, customer, "在吗")
    oa.clicks(desk.city, desk.account, customer, "K_MENU")
    oa.scan(desk.city, customer, oa.Scene(desk.account.app, "T2", "table_5", "http://weixin.qq.com/q/T2", None))
    oa.grants(desk.city, desk.account, customer, "SUB_OA_COUPON")
    oa.grants(desk.city, desk.account, customer, "TPL_ORDER", accepts=False)
    oa.unsubscribe(desk.city, desk.account, customer)
    desk.hear()
    facts = desk.news()
    assert all(fact.handles["unionid"] == customer.unionid for fact in facts if isinstance(fact, Fact))
    assert [(fact.type, fact.props) for fact in facts] == [
        ("message_received", {"channel": KIND, "kind": "text", "text": "在吗"}),
        ("message_received", {"channel": KIND, "kind": "click", "text": "K_MENU"}),
        ("scanned", {"code": "table_5"}),
        ("grant_given", {"template": "SUB_OA_COUPON", "channel": KIND}),
        ("unfollowed", {"channel": KIND}),
    ]
    sound(facts)


def test_the_same_callback_heard_again_has_the_same_keys_and_opens_nothing_new(desk: Desk) -> None:
    customer = desk.fan()
    oa.says(desk.city, desk.account, customer, "你好")
    raws = called_back(desk.city, KIND)
    desk.news()
    with desk.conn.transaction():
        desk.channel.hear(desk.conn, desk.clock(), raws)
    first = desk.news()
    assert [desk.send(n, customer).state for n in range(1, 7)] == ["sent"] * 5 + ["failed"]
    with desk.conn.transaction():
        desk.channel.hear(desk.conn, desk.clock(), raws)
    assert desk.news() == first
    assert desk.send(7, customer).reason is Reason.NO_WINDOW
    assert len(desk.got(customer)) == 5


def test_a_menu_link_is_a_look_and_opens_no_window(desk: Desk) -> None:
    customer = desk.fan()
    desk.clock.forward(minutes=2)
    desk.news()
    stamp = int(desk.clock().timestamp())
    view = f"<xml><FromUserName>{desk.openid(customer)}</FromUserName><CreateTime>{stamp}</CreateTime><MsgType>event</MsgType><Event>VIEW</Event><EventKey>https://example.com/menu</EventKey></xml>"
    with desk.conn.transaction():
        desk.channel.hear(desk.conn, desk.clock(), [raw(view.encode(), desk.clock())])
    (fact,) = desk.news()
    assert (fact.type, fact.props) == ("viewed", {"page": "https://example.com/menu"})
    sound([fact])
    assert desk.send(1, customer).reason is Reason.NO_WINDOW


def test_without_a_window_the_template_goes_and_without_one_nothing(desk: Desk) -> None:
    customer = desk.fan()
    desk.clock.forward(minutes=2)
    shut = desk.send(1, customer)
    assert (shut.state, shut.reason) == ("failed", Reason.NO_WINDOW)
    assert desk.got(customer) == []
    told = desk.send(2, customer, NOTICE)
    assert told.state == "sent"
    assert told.provider_id
    assert desk.got(customer) == ["template"]
    desk.news()
    desk.hear()
    (answer,) = desk.news()
    assert answer == Answer(2, 1002, told.provider_id, "message_delivered", answer.at)


def test_a_receipt_that_is_faster_than_the_sender_waits_for_it(desk: Desk) -> None:
    customer = desk.fan()
    desk.clock.forward(minutes=2)
    desk.news()
    early = f"<xml><FromUserName>{desk.openid(customer)}</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>{desk.account.message_ids + 1}</MsgID><Status>success</Status></xml>"
    desk.channel.hear(desk.conn, desk.clock(), [raw(early.encode(), desk.clock())])
    assert desk.news() == []
    desk.send(1, customer, NOTICE)
    assert [answer.type for answer in desk.news()] == ["message_delivered"]
    assert desk.news() == []


def test_a_reader_who_blocks_templates_is_reported(desk: Desk) -> None:
    customer = desk.fan()
    desk.clock.forward(minutes=2)
    desk.city.faults.block_rate = 1
    assert desk.send(1, customer, NOTICE).state == "sent"
    desk.news()
    desk.hear()
    (answer,) = desk.news()
    assert (answer.type, answer.props) == ("message_failed", {"reason": Reason.BLOCKED.value})


def test_who_has_left_is_not_written_to(desk: Desk) -> None:
    told, secret = desk.fan(), desk.fan()
    oa.unsubscribe(desk.city, desk.account, told)
    desk.hear()
    assert desk.send(1, told).reason is Reason.BLOCKED
    assert desk.calls("cgi-bin/message/custom/send") == [], "known without asking"
    desk.city.faults.lost_callbacks = 1
    oa.unsubscribe(desk.city, desk.account, secret)
    assert desk.send(2, secret).reason is Reason.BLOCKED
    assert desk.send(3, secret).reason is Reason.BLOCKED
    assert desk.calls("cgi-bin/message/custom/send") == [43004], "asked once"


def test_a_custom_message_without_an_answer_is_not_sent_again(desk: Desk) -> None:
    customer = desk.fan()
    desk.send(1, customer)
    desk.city.faults.lost_answers = 1
    lost = desk.send(2, customer)
    desk.city.faults.lost_answers = 0
    assert (lost.state, lost.reason) == ("failed", Reason.GAVE_UP)
    assert desk.send(2, customer, NOTICE) == lost, "not by the other way either"
    assert desk.got(customer) == ["custom", "custom"]


def test_a_template_message_without_an_answer_is_sent_again_under_the_same_name(desk: Desk) -> None:
    customer = desk.fan()
    desk.clock.forward(minutes=2)
    desk.send(1, customer, NOTICE)
    desk.city.faults.lost_answers = 1
    assert desk.send(2, customer, NOTICE).state == "retry"
    desk.city.faults.lost_answers = 0
    oa.clicks(desk.city, desk.account, customer, "K")
    desk.hear()
    desk.clock.forward(minutes=1, seconds=-1)
    again = desk.send(2, customer, NOTICE)
    assert again.state == "sent"
    assert desk.send(2, customer, NOTICE) == again
    assert desk.got(customer) == ["template", "template"]


def test_a_template_message_is_not_repeated_once_the_platform_may_have_forgotten_it(desk: Desk) -> None:
    customer = desk.fan()
    desk.clock.forward(minutes=2)
    desk.send(1, customer, NOTICE)
    desk.city.faults.lost_answers = 1
    desk.send(2, customer, NOTICE)
    desk.city.faults.lost_answers = 0
    desk.clock.forward(minutes=11)
    assert desk.send(2, customer, NOTICE).reason is Reason.GAVE_UP
    assert desk.got(customer) == ["template", "template"]


def test_a_killed_worker_costs_at_most_one_letter(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = desk.fan()
    letters = [letter(n, desk.openid(customer)) for n in (1, 2, 3)]

    class Killed(BaseException):
        pass

    with monkeypatch.context() as patch:
        real = caller.Caller.call

        def dies(self: caller.Caller, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
            answer = real(self, path, body, **more)
            if "custom" in path and len(desk.city.inbox(customer)) == 2:
                raise Killed
            return answer

        patch.setattr(caller.Caller, "call", dies)
        with pytest.raises(Killed):
            desk.channel.send(desk.conn, desk.clock(), letters)
    results = desk.channel.send(desk.conn, desk.clock(), letters)
    assert [(r.state, r.reason) for r in results] == [("sent", None), ("failed", Reason.GAVE_UP), ("sent", None)]
    assert len(desk.got(customer)) == 3


def test_a_quota_gives_the_slot_back(desk: Desk) -> None:
    customer = desk.fan()
    desk.city.faults.rate_limited = {"cgi-bin/message/custom/send"}
    later = desk.send(1, customer)
    assert (later.state, later.reason) == ("retry", Reason.QUOTA)
    assert later.until
    assert later.until > desk.clock()
    desk.city.faults.rate_limited = set()
    desk.clock.at = later.until + timedelta(hours=1)
    oa.clicks(desk.city, desk.account, customer, "K")
    desk.hear()
    assert [desk.send(n, customer).state for n in (1, 2, 3, 4)] == ["sent", "sent", "sent", "failed"]


def test_a_busy_platform_costs_no_slot(desk: Desk) -> None:
    customer = desk.fan()
    desk.send(1, customer)
    desk.city.faults.busy_rate = 1
    assert desk.send(2, customer).reason is Reason.TEMPORARY
    desk.city.faults.busy_rate = 0
    assert [desk.send(n, customer).state for n in (2, 3, 4)] == ["sent", "sent", "failed"]


def test_the_platform_is_believed_when_it_counts_otherwise(desk: Desk) -> None:
    customer = desk.fan()
    desk.city.part(oa.Accounts).by_app[desk.account.app.id].fans[desk.openid(customer)].room.clear()
    assert desk.send(1, customer).reason is Reason.NO_WINDOW
    assert desk.send(2, customer).reason is Reason.NO_WINDOW
    assert desk.calls("cgi-bin/message/custom/send") == [45015], "asked once"
    assert desk.send(3, customer, NOTICE).state == "sent"


@pytest.mark.parametrize("seed", range(6))
def test_no_more_is_sent_than_the_platform_allows(desk: Desk, seed: int) -> None:
    """Acts, silences, letters and repeats in any order, with callbacks doubled and out of order: the platform never has to refuse
    for want of a window, no letter arrives twice, and every letter called sent has arrived."""
    dice = random.Random(seed)
    desk.city.faults.duplicate_callbacks = 0.3
    desk.city.faults.reordered_callbacks = 0.3
    customers = [desk.fan(), desk.fan()]
    sent: dict[int, tuple[Customer, Result]] = {}
    for step in range(1, 60):
        customer = dice.choice(customers)
        match dice.choice(("says", "clicks", "hears", "hears", "waits", "send", "send", "again")):
            case "says":
                oa.says(desk.city, desk.account, customer, "嗯")
            case "clicks":
                oa.clicks(desk.city, desk.account, customer, "K")
            case "hears":
                desk.hear()
            case "waits":
                desk.clock.forward(seconds=dice.choice((1, 1, 5, 61, 3600, 49 * 3600)))
            case "send":
                for touch in range(10 * step, 10 * step + dice.randint(1, 7)):
                    attachments = [NOTICE] if dice.random() < 0.1 else []
                    sent[touch] = (customer, desk.send(touch, customer, *attachments))
            case "again" if sent:
                touch = dice.choice(list(sent))
                again = desk.send(touch, sent[touch][0])
                assert again == sent[touch][1] or sent[touch][1].state == "failed"
                sent[touch] = (sent[touch][0], again)
    assert not {45015, 45047} & set(desk.calls("cgi-bin/message/custom/send"))
    texts = [
        message.text for customer in customers for message in desk.city.inbox(customer) if message.kind == "custom"
    ]
    assert len(texts) == len(set(texts))
    arrived = sum(len(desk.city.inbox(customer)) for customer in customers)
    assert arrived == sum(result.state == "sent" for _, result in sent.values()) > 3


def granted(desk: Desk, times: int) -> Customer:
    """A follower whose window is shut again, and who has agreed to so many notices."""
    customer = desk.fan()
    for _ in range(times):
        desk.clock.forward(minutes=2)
        oa.grants(desk.city, desk.account, customer, "SUB_OA_COUPON")
    desk.clock.forward(minutes=2)
    desk.hear()
    desk.news()
    return customer


def test_a_notice_goes_against_a_grant_and_no_more_than_were_given(desk: Desk) -> None:
    customer = granted(desk, 2)
    long = COUPON | {"data": COUPON["data"] | {"thing2": "券" * 30}}
    results = [desk.send(1, customer, long), desk.send(2, customer, COUPON), desk.send(3, customer, COUPON)]
    assert [(r.state, r.reason) for r in results] == [("sent", None), ("sent", None), ("failed", Reason.NO_GRANT)]
    assert desk.send(2, customer, COUPON).state == "sent", "known"
    assert desk.calls(BIZSEND) == [0, 0], "the third was not even tried"
    first, _ = desk.city.inbox(customer)
    assert first.text.splitlines()[1] == "券" * 19 + "…"
    assert first.attachments[0]["miniprogram"]["page"] == COUPON["page"]
    desk.hear()
    answers = desk.news()
    assert [(a.touch_id, a.person_id, a.type) for a in answers if isinstance(a, Answer)] == [
        (1, 1001, "message_delivered"),
        (2, 1002, "message_delivered"),
    ]
    assert len(answers) == 2
    assert desk.news() == []


def test_an_open_window_costs_no_grant(desk: Desk) -> None:
    customer = granted(desk, 1)
    oa.says(desk.city, desk.account, customer, "在吗")
    desk.hear()
    assert desk.send(1, customer, COUPON).state == "sent"
    desk.clock.forward(hours=49)
    assert desk.send(2, customer, COUPON).state == "sent"
    assert desk.got(customer) == ["custom", "subscribe"]


def test_the_platform_knows_of_no_grant_then_none_is_left_here(desk: Desk) -> None:
    customer = granted(desk, 3)
    desk.account.fans[desk.openid(customer)].grants.clear()
    assert desk.send(1, customer, COUPON).reason is Reason.NO_GRANT
    assert desk.send(2, customer, COUPON).reason is Reason.NO_GRANT
    assert desk.calls(BIZSEND) == [43101], "asked once"
    assert desk.send(3, customer, COUPON, NOTICE).state == "sent"
    assert desk.got(customer) == ["template"], "a message that names both goes by template where no grant is left"


def test_grants_of_two_accounts_are_counted_apart(desk: Desk) -> None:
    customer = granted(desk, 1)
    desk.conn.execute("update channel_grant set account = 'miniprogram:main'")
    assert desk.send(1, customer, COUPON).reason is Reason.NO_GRANT


def test_a_notice_without_an_answer_is_settled_by_its_receipt_or_given_up(desk: Desk) -> None:
    customer, other = granted(desk, 2), granted(desk, 1)
    desk.send(1, customer, COUPON)
    desk.city.faults.lost_answers = 1
    waits = desk.send(2, customer, COUPON, NOTICE)
    desk.city.faults.lost_answers = 0
    assert (waits.state, waits.reason) == ("retry", Reason.TEMPORARY)
    oa.says(desk.city, desk.account, customer, "在吗")
    desk.hear()
    assert desk.send(2, customer, COUPON, NOTICE) == waits, "by no other way, though a window is open now"
    assert [a.touch_id for a in desk.news() if isinstance(a, Answer)] == [1, 2]
    assert desk.send(2, customer, COUPON).state == "sent"
    desk.city.faults.lost_answers = desk.city.faults.lost_callbacks = 1
    desk.send(3, other, COUPON, NOTICE)
    desk.city.faults.lost_answers = desk.city.faults.lost_callbacks = 0
    desk.clock.forward(minutes=11)
    assert desk.send(3, other, COUPON, NOTICE).reason is Reason.GAVE_UP
    assert (desk.got(customer), desk.got(other)) == (["subscribe"] * 2, ["subscribe"])


def test_a_busy_platform_gives_the_grant_back(desk: Desk) -> None:
    customer = granted(desk, 1)
    desk.city.faults.busy_rate = 1
    assert desk.send(1, customer, COUPON).reason is Reason.TEMPORARY
    desk.city.faults.busy_rate = 0
    assert desk.send(1, customer, COUPON).state == "sent"
    assert desk.got(customer) == ["subscribe"]


def test_the_words_carry_their_links(desk: Desk) -> None:
    customer = desk.fan()
    desk.send(1, customer, {"kind": "link", "url": "https://example.com/a", "title": "菜单"})
    (message,) = desk.city.inbox(customer)
    assert message.text == "第 1 封\n\n菜单\nhttps://example.com/a"


@pytest.mark.parametrize(
    ("attachment", "says"),
    [
        ({"kind": "image"}, "image"),
        ({"kind": "link"}, "url"),
        ({"kind": "template", "data": {"a": "b"}}, "模板 ID"),
        ({"kind": "template", "template": "T"}, "data"),
        (NOTICE | {"miniprogram": {"page": "p"}}, "app_id"),
        (COUPON | {"template": ""}, "模板 ID"),
        (COUPON | {"data": {"thing1": "很" * 21}}, "data.thing1: 最多 20"),
    ],
)
def test_a_wrong_attachment_is_named(attachment: dict[str, Any], says: str) -> None:
    assert content.check(NOTICE) == []
    (problem,) = content.check(attachment)
    assert says in problem


def test_the_allowance_of_the_day_counts() -> None:
    rules = (
        Allowance(MESSAGE, date(2020, 1, 1), 20, timedelta(hours=48)),
        Allowance(MESSAGE, date(2026, 1, 1), 5, timedelta(hours=48)),
    )
    noon = datetime(2025, 12, 31, 12, tzinfo=UTC)
    assert allowance(MESSAGE, noon, rules).messages == 20
    assert allowance(MESSAGE, noon + timedelta(days=1), rules).messages == 5
    assert allowance(ACT, noon).lasts == timedelta(minutes=1)
    with pytest.raises(ValueError, match="2019"):
        allowance(MESSAGE, noon.replace(year=2019), rules)


def enters(desk: Desk, news: list[Answer | Fact]) -> None:
    """Through the door and to the people, as the owner of the loop does it."""
    ingest.add_source(desk.conn, desk.clock(), desk.channel.source, "公众号")
    told = [
        {
            "id": f.key,
            "source": desk.channel.source,
            "type": f.type,
            "at": f.at.isoformat(),
            "handles": dict(f.handles),
            "props": dict(f.props),
        }
        for f in news
        if isinstance(f, Fact)
    ]
    answer = ingest.record(desk.conn, VAULT, desk.clock(), told)
    assert answer.accepted == len(told), answer
    while identity.resolve(desk.conn, desk.clock()).busy():
        pass


def test_through_the_stage_a_crash_before_the_record_sends_nothing_twice(desk: Desk) -> None:
    """Deliver hands over, dies before it has written the outcome, and claims the letter again."""
    customer = desk.fan("小鱼")
    desk.clock.forward(minutes=2)
    desk.channel.tend(desk.conn, desk.clock())
    enters(desk, desk.news())
    persons = desk.conn.execute("select kind, person_id from handle_shown order by kind").fetchall()
    assert [row.kind for row in persons] == [desk.channel.handle, "unionid"]
    person = persons[0].person_id
    assert person == persons[1].person_id, "joined"
    trait(desk.conn, person, "name", "小鱼")
    named = NOTICE | {"data": NOTICE["data"] | {"thing1": "{{ person.name }}的会员日"}}
    (touch,) = decided(desk.conn, [person], channel=KIND, now=desk.clock(), attachments=[named])

    class Dies(OfficialAccount):
        def send(self, *args: Any) -> list[Result]:
            super().send(*args)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver.send(desk.conn, desk.clock(), channels={KIND: Dies(VAULT, desk.channel.account, desk.clock)})
    assert attempt(desk.conn, touch).state == "claimed"
    desk.clock.forward(seconds=LEASE_SECONDS + 1)
    deliver.send(desk.conn, desk.clock(), channels={KIND: desk.channel})
    assert attempt(desk.conn, touch).state == "sent"
    (message,) = desk.city.inbox(customer)
    assert message.text.splitlines()[0] == "小鱼的会员日"


def test_two_workers_with_the_same_letters_send_each_once(desk: Desk, url: str) -> None:
    customer = desk.fan()
    oa.says(desk.city, desk.account, customer, "你好")
    desk.hear()
    letters = [letter(n, desk.openid(customer), f"第 {n} 封") for n in range(1, 9)]

    def works(turn: int) -> list[Result]:
        with connect(url) as conn:
            return desk.channel.send(conn, desk.clock(), letters[::turn])

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(works, (1, -1))
    texts = [message.text for message in desk.city.inbox(customer)]
    assert len(texts) == len(set(texts)) == 5
    sent = {a.touch_id for a, r in zip(letters, one, strict=True) if r.state == "sent"}
    sent |= {a.touch_id for a, r in zip(letters[::-1], other, strict=True) if r.state == "sent"}
    assert {f"第 {n} 封" for n in sent} == set(texts)
