"""Customer service accounts against the city: what is read, what is answered within the window, and what is never sent twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from textwrap import dedent
from typing import Any

import httpx
import psycopg
import pytest

from cities import VAULT, Clock, Living, living
from edges import serving
from posts import called_back, letter, listen, raw, sound
from touches import attempt, decided
from yutang import definitions, deliver, identity, ingest, journey, source
from yutang.channels import CONNECTED
from yutang.channels.contract import LEASE_SECONDS, Answer, Fact, Result
from yutang.channels.customer_service import content, reading
from yutang.channels.customer_service.send import CustomerService
from yutang.channels.customer_service.windows import ALLOWANCES, Allowance, allowance
from yutang.channels.platform import account as accounts
from yutang.channels.platform.calls import caller
from yutang.db.connect import connect
from yutang.emulator.people import Customer
from yutang.emulator.wecom import kf
from yutang.emulator.wecom.media import Media
from yutang.model import Reason
from yutang.worker import express, settle

KIND = "customer_service"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 64


class Killed(BaseException):
    """The process dies here."""


class Desk:
    """The account's channel and the city's side of it."""

    def __init__(self, conn: psycopg.Connection, world: Living, clock: Clock) -> None:
        self.conn, self.city, self.clock = conn, world.city, clock
        self.account = world.accounts[KIND]
        self.kf = self.account.get("open_kfid")
        self.channel = CustomerService(VAULT, self.account, clock)
        listen(world.city, KIND)

    def handle(self, customer: Customer) -> dict[str, str]:
        return {self.channel.handle: customer.external_userid}

    def writes(self, customer: Customer, text: str = "在吗") -> None:
        self.city.says(customer, self.kf, text)

    def enters(self, customer: Customer, scene: str = "") -> None:
        given = {"open_kfid": self.kf, "scene": scene}
        self.city.scan(customer, kf.contact_way(self.city, self.city.app(KIND), given)["url"])

    def hear(self) -> int:
        """What was called back is heard, and what is there is read."""
        with self.conn.transaction():
            self.channel.hear(self.conn, self.clock(), called_back(self.city, KIND))
        return self.channel.tend(self.conn, self.clock())

    def news(self) -> list[Answer | Fact]:
        with self.conn.transaction():
            return self.channel.receive(self.conn, self.clock())

    def send(self, touch: int, customer: Customer, *attachments: Any) -> Result:
        (result,) = self.channel.send(
            self.conn, self.clock(), [letter(touch, customer.external_userid, f"第 {touch} 封", *attachments)]
        )
        return result

    def got(self, customer: Customer) -> list[str]:
        return [one.text or one.attachments[0]["msgtype"] for one in self.city.inbox(customer)]

    def calls(self, path: str) -> list[int | None]:
        rows = self.conn.execute("select errcode from channel_call where path = %s order by at", (path,))
        return [row.errcode for row in rows]

    def regular(self, name: str = "") -> Customer:
        """Somebody who has just written, and been heard."""
        customer = self.city.add_customer(name)
        self.writes(customer)
        self.hear()
        return customer


@pytest.fixture
def desk(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(caller, "PAUSES", {sort: tuple(0.0 for _ in waits) for sort, waits in caller.PAUSES.items()})
    clock = Clock()
    with living(conn, clock=clock, kinds=(KIND,), staff=()) as world:
        world.city.settings.strict = True
        yield Desk(conn, world, clock)


def test_what_customers_do_is_read_and_told(desk: Desk) -> None:
    customer, other = desk.city.add_customer(), desk.city.add_customer()
    desk.enters(customer, "table_5")
    desk.writes(customer, "拿铁有吗")
    desk.writes(other, "在吗")
    assert desk.hear() == 3
    facts = desk.news()
    assert [(f.type, f.handles, f.props) for f in facts if isinstance(f, Fact)] == [
        ("message_received", desk.handle(customer), {"channel": KIND, "kind": "enter_session", "code": "table_5"}),
        ("scanned", desk.handle(customer), {"code": "table_5"}),
        ("message_received", desk.handle(customer), {"channel": KIND, "kind": "text", "text": "拿铁有吗"}),
        ("message_received", desk.handle(other), {"channel": KIND, "kind": "text", "text": "在吗"}),
    ]
    sound(facts)
    assert (desk.hear(), desk.news()) == (0, [])


def test_it_goes_on_at_the_kept_cursor_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two pages, and behind pages that are empty because another account's messages fill them."""
    monkeypatch.setattr(reading, "PAGE", 2)
    other = desk.city.add_kf("别的客服")
    customer = desk.city.add_customer()
    for n in range(5):
        desk.writes(customer, f"第 {n} 句")
        desk.city.says(customer, other, "不归我们")
        desk.city.says(customer, other, "不归我们")
    keep, pages = reading.receive.keep, []

    def dies(conn: psycopg.Connection, account: Any, rows: list[Any]) -> None:
        keep(conn, account, rows)
        pages.append(rows)
        if len(pages) == 4:
            raise Killed

    monkeypatch.setattr(reading.receive, "keep", dies)
    with pytest.raises(Killed):
        desk.hear()
    assert desk.channel.tend(desk.conn, desk.clock()) == 0, "it is leased"
    desk.clock.forward(minutes=6)
    assert desk.channel.due(desk.conn, desk.clock())
    while desk.channel.tend(desk.conn, desk.clock()):
        pass
    assert [] in pages
    told = [f.props["text"] for f in desk.news() if isinstance(f, Fact)]
    assert told == [f"第 {n} 句" for n in range(5)], "each once, in order"


def test_a_lost_callback_is_made_up_for_by_the_clock(desk: Desk) -> None:
    desk.hear()
    desk.news()
    desk.city.faults.lost_callbacks = 1
    customer = desk.city.add_customer()
    desk.writes(customer)
    assert desk.hear() == 0
    assert not desk.channel.due(desk.conn, desk.clock()), "asking without a callback is for now and then"
    desk.clock.forward(minutes=31)
    assert desk.channel.due(desk.conn, desk.clock())
    assert desk.hear() == 1
    assert [f.at for f in desk.news()] == [desk.clock() - timedelta(minutes=31)]


def test_callbacks_of_several_accounts_come_to_one_address(desk: Desk) -> None:
    """Heard by the account whose address the console knows, read by the one whose customers they are."""
    second = kf.of_app(desk.city, "second")
    given = desk.city.account(KIND) | {"open_kfid": second}
    other = CustomerService(VAULT, accounts.add(desk.conn, VAULT, desk.clock(), KIND, "second", given), desk.clock)
    assert other.name == f"{KIND}:second"
    for channel in (desk.channel, other):
        channel.tend(desk.conn, desk.clock())
    customer = desk.city.add_customer()
    desk.city.says(customer, second, "你好")
    assert not other.due(desk.conn, desk.clock())
    assert desk.hear() == 0
    assert other.due(desk.conn, desk.clock())
    assert other.tend(desk.conn, desk.clock()) == 1
    assert desk.news() == []
    (fact,) = other.receive(desk.conn, desk.clock())
    assert isinstance(fact, Fact)
    assert fact.props["channel"] == other.name


def test_a_token_that_has_died_is_left_out(desk: Desk) -> None:
    customer = desk.city.add_customer()
    desk.writes(customer)
    with desk.conn.transaction():
        desk.channel.hear(desk.conn, desk.clock(), called_back(desk.city, KIND))
    desk.city.part(kf.Kf).tokens.clear()
    assert desk.channel.tend(desk.conn, desk.clock()) == 0
    assert desk.channel.tend(desk.conn, desk.clock()) == 1
    assert desk.calls("kf/sync_msg") == [95007, 0]


def test_a_callback_during_a_reading_leads_to_another(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = desk.regular()
    call = caller.Caller.call

    def interrupted(self: caller.Caller, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        answer = call(self, path, body, **more)
        if path == "kf/sync_msg" and len(desk.calls(path)) == 2:
            desk.writes(customer, "等等")
            with desk.conn.transaction():
                desk.channel.hear(desk.conn, desk.clock(), called_back(desk.city, KIND))
        return answer

    monkeypatch.setattr(caller.Caller, "call", interrupted)
    desk.writes(customer, "还有")
    assert (desk.hear(), desk.channel.due(desk.conn, desk.clock())) == (1, True)
    assert desk.channel.tend(desk.conn, desk.clock()) == 1


@pytest.mark.parametrize(
    "strange",
    [
        {"msgid": "a"},
        {"msgid": "b", "send_time": "soon", "origin": 3, "msgtype": "text", "external_userid": "wm1"},
        {"msgid": "c", "send_time": 10**18, "origin": 3, "msgtype": "text", "external_userid": "wm1"},
        {"msgid": "d", "send_time": 1, "origin": 5, "msgtype": "text", "external_userid": "wm1", "text": {"content": "员工"}},
        {"msgid": "e", "send_time": 1, "origin": 4, "msgtype": "event", "event": {"event_type": "servicer_status_change"}},
        {"msgid": "f", "send_time": 1, "msgtype": "event", "event": "enter_session"},
        {"msgid": "g", "send_time": 1, "msgtype": "event",
         "event": {"event_type": "msg_send_fail", "external_userid": "wm1", "fail_msgid": "other-9", "fail_type": 10}},
        "text", None,
    ],
)  # fmt: skip
def test_what_tells_us_nothing_stops_nothing(desk: Desk, strange: Any) -> None:
    good = {"msgid": "z\0z", "send_time": 1, "origin": 3, "msgtype": "image", "external_userid": "wm\0\ud8001"}
    reading.receive.keep(desk.conn, desk.account, [strange, good])
    (fact,) = desk.news()
    assert isinstance(fact, Fact)
    assert fact.props == {"channel": KIND, "kind": "image"}
    desk.channel.hear(desk.conn, desk.clock(), [raw(b"<xml><Event>kf_msg_or_event</Event></xml>", desk.clock())])
    desk.channel.hear(desk.conn, desk.clock(), [raw(b"no xml", desk.clock())])


def test_nothing_is_sent_outside_a_window(desk: Desk) -> None:
    customer = desk.city.add_customer()
    desk.enters(customer)
    desk.hear()
    desk.clock.forward(seconds=30)
    assert desk.send(1, customer).reason is Reason.NO_WINDOW, "opening a session allows the welcome alone"
    desk.writes(customer)
    desk.hear()
    assert [desk.send(n, customer).state for n in range(2, 8)] == ["sent"] * 5 + ["failed"]
    desk.writes(customer)
    desk.hear()
    desk.clock.forward(hours=48)
    assert desk.send(8, customer).reason is Reason.NO_WINDOW
    assert desk.calls("kf/send_msg") == [0] * 5
    assert desk.calls("kf/send_msg_on_event") == []


def test_a_page_read_again_opens_nothing_anew(desk: Desk) -> None:
    customer = desk.regular()
    first = desk.news()
    assert [desk.send(n, customer).state for n in range(1, 7)] == ["sent"] * 5 + ["failed"]
    desk.conn.execute("update kf_account set cursor = '', sync_at = %s", (desk.clock(),))
    assert desk.channel.tend(desk.conn, desk.clock()) == 1
    assert desk.news() == first, "the same keys: the door keeps one"
    assert desk.send(7, customer).reason is Reason.NO_WINDOW


def test_the_first_letter_to_one_who_has_come_is_the_welcome(desk: Desk) -> None:
    customer = desk.city.add_customer()
    desk.enters(customer)
    desk.hear()
    desk.clock.forward(seconds=10)
    link = {"kind": "link", "title": "菜单", "url": "https://example.com/a"}
    assert desk.send(1, customer, link).state == "sent"
    assert desk.got(customer) == ["第 1 封\n\n菜单\nhttps://example.com/a"]
    assert desk.send(1, customer, link).state == "sent"
    assert desk.send(2, customer).reason is Reason.NO_WINDOW
    assert desk.calls("kf/send_msg_on_event") == [0]
    late = desk.city.add_customer()
    desk.enters(late)
    desk.hear()
    desk.clock.forward(seconds=19)
    assert desk.send(3, late).reason is Reason.NO_WINDOW
    assert desk.calls("kf/send_msg_on_event") == [0], "no call that cannot be in time"


def test_a_welcome_without_an_answer_is_asked_about_once(desk: Desk) -> None:
    """The answer is lost, the message is not: the code is used, so it was our own call that used it."""
    customer = desk.city.add_customer()
    desk.enters(customer)
    desk.hear()
    desk.city.faults.lost_answers = 1
    given_up = desk.send(1, customer)
    assert given_up.reason is Reason.GAVE_UP, "nobody knows"
    desk.city.faults.lost_answers = 0
    assert desk.send(1, customer) == given_up
    assert len(desk.got(customer)) == 1


def test_a_welcome_that_was_cut_off_by_a_crash_is_finished_within_its_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for touch, (before, after, state) in enumerate([(True, 3, "sent"), (False, 3, "sent"), (False, 30, "failed")], 1):
        customer = desk.city.add_customer()
        desk.enters(customer)
        desk.hear()
        with killed(monkeypatch, before):
            desk.send(touch, customer)
        desk.clock.forward(seconds=after)
        assert desk.send(touch, customer).state == state
        assert len(desk.got(customer)) == 1


@contextmanager
def killed(monkeypatch: pytest.MonkeyPatch, before: bool, at: int = 1) -> Iterator[None]:
    with monkeypatch.context() as patch:
        dying(patch, before, at)
        with pytest.raises(Killed):
            yield


def dying(patch: pytest.MonkeyPatch, before: bool, at: int = 1) -> None:
    """The process dies in the `at`-th call that sends, before it has left or after it has had its effect."""
    call, count = caller.Caller.call, [0]

    def dies(self: caller.Caller, asked: str, body: Any = None, **more: Any) -> dict[str, Any]:
        if not asked.startswith("kf/send_msg"):
            return call(self, asked, body, **more)
        count[0] += 1
        if count[0] != at:
            return call(self, asked, body, **more)
        if not before:
            call(self, asked, body, **more)
        raise Killed

    patch.setattr(caller.Caller, "call", dies)


CARDS = (
    {"kind": "link", "title": "菜单", "url": "https://example.com/a", "picurl": "PICTURE"},
    {"kind": "miniprogram", "title": "点单", "appid": "wx1", "page": "pages/index", "image": "PICTURE"},
)


@pytest.fixture
def cards(tmp_path: Any) -> list[dict[str, str]]:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    return [{name: str(path) if value == "PICTURE" else value for name, value in one.items()} for one in CARDS]


def test_cards_follow_the_words_and_count(desk: Desk, cards: list[dict[str, str]]) -> None:
    customer = desk.regular()
    assert desk.send(1, customer, *cards).state == "sent"
    assert desk.got(customer) == ["第 1 封", "link", "miniprogram"]
    assert desk.send(2, customer, *cards).reason is Reason.NO_WINDOW, "two answers are left, three are needed"
    assert desk.send(3, customer, cards[0]).state == "sent"
    assert desk.calls("media/upload") == [0], "the platform holds the picture"
    assert desk.city.inbox(customer)[2].attachments[0]["miniprogram"]["pagepath"] == "pages/index"


def test_a_picture_that_the_platform_has_forgotten_is_uploaded_again(desk: Desk, cards: list[dict[str, str]]) -> None:
    customer = desk.regular()
    assert desk.send(1, customer, cards[0]).state == "sent"
    desk.city.part(Media).stored.clear()
    assert desk.send(2, customer, cards[0]).reason is Reason.TEMPORARY
    assert desk.send(2, customer, cards[0]).state == "sent"
    assert desk.got(customer) == ["第 1 封", "link", "第 2 封", "link"], "the words went once"


@pytest.mark.parametrize("code", [0, 40058])
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_after_a_crash_each_message_of_a_letter_arrives_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, cards: list[dict[str, str]], at: int, before: bool, code: int
) -> None:
    """Whichever way the platform says that it has seen a number before."""
    desk.city.settings.kf.repeat_code = code
    customer = desk.regular()
    with killed(monkeypatch, before, at):
        desk.send(1, customer, *cards)
    assert [desk.send(1, customer, *cards).state for _ in range(2)] == ["sent", "sent"]
    assert desk.got(customer) == ["第 1 封", "link", "miniprogram"]
    assert [desk.send(n, customer).state for n in (2, 3, 4)] == ["sent", "sent", "failed"], "each took one slot"
    assert {95001, 95002}.isdisjoint(desk.calls("kf/send_msg"))


@pytest.mark.parametrize("code", [0, 40058])
def test_an_answer_that_is_lost_is_asked_for_again(desk: Desk, code: int) -> None:
    desk.city.settings.kf.repeat_code = code
    customer = desk.regular()
    desk.city.faults.lost_answers = 1
    assert desk.send(1, customer).reason is Reason.TEMPORARY
    desk.city.faults.lost_answers = 0
    assert desk.send(1, customer).state == "sent"
    assert desk.got(customer) == ["第 1 封"]


def test_a_repeat_behind_a_closed_window_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether the first try arrived: it is not sent anew with the next window."""
    customer = desk.regular()
    with killed(monkeypatch, before=True):
        desk.send(1, customer)
    desk.clock.forward(hours=49)
    assert desk.send(1, customer).reason is Reason.GAVE_UP
    desk.writes(customer)
    desk.hear()
    assert desk.send(1, customer).reason is Reason.GAVE_UP
    assert desk.got(customer) == []


def test_what_is_finished_later_counts_on_the_window_of_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, cards: list[dict[str, str]]
) -> None:
    customer = desk.regular()
    with killed(monkeypatch, before=True, at=2):
        desk.send(1, customer, *cards)
    desk.clock.forward(seconds=1)
    desk.writes(customer)
    desk.hear()
    assert desk.send(1, customer, *cards).state == "sent"
    assert desk.got(customer) == ["第 1 封", "link", "miniprogram"]
    assert [desk.send(n, customer).state for n in range(2, 7)].count("sent") == 2
    assert 95001 not in desk.calls("kf/send_msg")


def test_a_letter_that_is_cut_short_says_so(desk: Desk, cards: list[dict[str, str]]) -> None:
    customer = desk.regular()
    desk.city.part(kf.Kf).sessions[(desk.kf, customer.external_userid)].answers = 1
    cut = desk.send(1, customer, *cards)
    assert (cut.state, cut.reason) == ("failed", Reason.PERMANENT)
    assert desk.send(1, customer, *cards) == cut
    assert desk.got(customer) == ["第 1 封"]


def test_the_platform_is_believed_when_it_counts_otherwise(desk: Desk) -> None:
    customer = desk.regular()
    session = desk.city.part(kf.Kf).sessions[(desk.kf, customer.external_userid)]
    session.answers = 0
    assert [desk.send(n, customer).reason for n in (1, 2)] == [Reason.NO_WINDOW] * 2
    assert desk.calls("kf/send_msg") == [95001], "asked once"
    desk.clock.forward(seconds=1)
    desk.writes(customer)
    desk.hear()
    assert desk.send(3, customer).state == "sent"


def test_a_message_that_fails_later_is_told(desk: Desk) -> None:
    customer = desk.regular()
    desk.news()
    kf.blocks(desk.city, customer, desk.kf)
    desk.clock.forward(seconds=1)
    taken = desk.send(1, customer)
    assert taken.state == "sent"
    desk.hear()
    assert desk.news() == [
        Answer(1, 1001, f"fail:{taken.provider_id}", "message_failed", desk.clock(), {"reason": "blocked"})
    ]
    assert desk.send(2, customer).reason is Reason.NO_WINDOW, "until the customer writes again"
    assert desk.got(customer) == []


def test_a_busy_platform_costs_no_slot(desk: Desk) -> None:
    customer = desk.regular()
    desk.city.faults.busy_rate = 1
    assert desk.send(1, customer).reason is Reason.TEMPORARY
    desk.city.faults.busy_rate = 0
    desk.city.faults.rate_limited = {"cgi-bin/kf/send_msg"}
    later = desk.send(1, customer)
    assert (later.state, later.reason) == ("retry", Reason.QUOTA)
    assert later.until
    desk.city.faults.rate_limited = set()
    desk.clock.at = later.until
    assert [desk.send(n, customer).state for n in range(1, 7)] == ["sent"] * 5 + ["failed"]


@pytest.mark.parametrize("seed", range(6))
def test_no_more_is_sent_than_the_platform_allows(desk: Desk, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages, silences, letters, repeats and crashes in any order, with callbacks lost, doubled and out of order: the platform's
    own ledger never has to refuse for want of a window, no letter arrives twice, and every letter called sent has arrived."""
    dice = random.Random(seed)
    faults = desk.city.faults
    faults.duplicate_callbacks, faults.reordered_callbacks, faults.lost_callbacks = 0.3, 0.3, 0.2
    desk.city.settings.kf.repeat_code = dice.choice((0, 40058))
    customers = [desk.regular(), desk.regular()]
    sent: dict[int, tuple[Customer, Result | None]] = {}
    for step in range(1, 60):
        customer = dice.choice(customers)
        match dice.choice(("writes", "enters", "hears", "hears", "waits", "send", "send", "again", "dies")):
            case "writes":
                desk.writes(customer)
            case "enters":
                desk.enters(customer)
            case "hears":
                desk.hear()
            case "waits":
                desk.clock.forward(seconds=dice.choice((1, 1, 5, 61, 3600, 49 * 3600)))
            case "send":
                for touch in range(10 * step, 10 * step + dice.randint(1, 7)):
                    sent[touch] = (customer, desk.send(touch, customer))
            case "dies":
                with monkeypatch.context() as patch:
                    dying(patch, before=dice.random() < 0.5)
                    sent[10 * step] = (customer, None)
                    try:
                        sent[10 * step] = (customer, desk.send(10 * step, customer))
                    except Killed:
                        sent[10 * step] = (customer, desk.send(10 * step, customer))
            case "again" if sent:
                touch = dice.choice(list(sent))
                again = desk.send(touch, sent[touch][0])
                assert again == sent[touch][1] or sent[touch][1].state == "failed"
                sent[touch] = (sent[touch][0], again)
    assert {95001, 95002}.isdisjoint(desk.calls("kf/send_msg"))
    texts = [one.text for customer in customers for one in desk.city.inbox(customer)]
    assert len(texts) == len(set(texts))
    assert {f"第 {touch} 封" for touch, (_, one) in sent.items() if one and one.state == "sent"} == set(texts)
    assert len(texts) > 3


def test_two_workers_with_the_same_letters_send_each_once(desk: Desk, url: str) -> None:
    customer = desk.regular()
    letters = [letter(n, customer.external_userid, f"第 {n} 封") for n in range(1, 9)]

    def works(turn: int) -> list[Result]:
        with connect(url) as conn:
            return desk.channel.send(conn, desk.clock(), letters[::turn])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(works, (1, -1)))
    texts = desk.got(customer)
    assert len(texts) == len(set(texts)) == 5
    assert {95001, 95002}.isdisjoint(desk.calls("kf/send_msg"))


def test_through_the_stage_a_crash_before_the_record_sends_nothing_twice(desk: Desk) -> None:
    customer = desk.regular()
    ingest.add_source(desk.conn, desk.clock(), desk.channel.source, "微信客服")
    deliver.receive(desk.conn, desk.clock(), channels={KIND: desk.channel})
    while identity.resolve(desk.conn, desk.clock()).busy():
        pass
    (person,) = [row.person_id for row in desk.conn.execute("select person_id from handle_shown")]
    (touch,) = decided(desk.conn, [person], channel=KIND, now=desk.clock(), body="您好")

    class Dies(CustomerService):
        def send(self, *args: Any) -> list[Result]:
            super().send(*args)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver.send(desk.conn, desk.clock(), channels={KIND: Dies(VAULT, desk.account, desk.clock)})
    assert attempt(desk.conn, touch).state == "claimed"
    desk.clock.forward(seconds=LEASE_SECONDS + 1)
    deliver.send(desk.conn, desk.clock(), channels={KIND: desk.channel})
    assert attempt(desk.conn, touch).state == "sent"
    assert desk.got(customer) == ["您好"]


@pytest.mark.parametrize(
    ("attachment", "says"),
    [
        ({"kind": "image"}, "image"),
        ({"kind": "link", "title": "a"}, "url"),
        ({"kind": "miniprogram", "title": "a", "appid": "wx1", "page": "p"}, "缺少 image"),
        ({"kind": "link", "title": "长" * 43, "url": "https://example.com"}, "128"),
    ],
)
def test_a_wrong_attachment_is_named(desk: Desk, attachment: dict[str, Any], says: str) -> None:
    (problem,) = content.check(attachment)
    assert says in problem
    refused = desk.send(1, desk.regular(), attachment)
    assert (refused.state, refused.detail) == ("failed", problem)


def test_what_is_too_long_is_not_tried(desk: Desk) -> None:
    assert "2048" in str(content.problem(letter(1, "wm1", "长" * 683)))
    assert content.problem(letter(1, "wm1", "长" * 682)) is None
    card = CARDS[0] | {"picurl": "https://example.com/a.png"}
    assert "1–5" in str(content.problem(letter(1, "wm1", "话", *[card] * 5)))
    missing = desk.send(1, desk.regular(), CARDS[0] | {"picurl": "/nowhere/a.png"})
    assert missing.state == "failed"
    assert "检查路径" in missing.detail


def test_the_allowance_of_the_day_counts() -> None:
    rules = (*ALLOWANCES, Allowance(date(2027, 1, 1), 3, timedelta(hours=24)))
    noon = datetime(2026, 12, 31, 12, tzinfo=UTC)
    assert [
        rule and rule.messages for rule in (allowance(noon, rules), allowance(noon + timedelta(days=1), rules))
    ] == [5, 3]
    assert allowance(noon.replace(year=2020), rules) is None


def greeting(desk: Desk) -> None:
    """A journey that greets whoever opens a session."""
    definitions.publish(desk.conn, desk.clock(), "pond", "pond", {"holdout_percent": 0}, "test")
    body = {"title": {"zh": "欢迎", "en": "Hello"}, "subject": "", "body": "欢迎光临", "channel": KIND}
    definitions.publish(desk.conn, desk.clock(), "message", "hello", body, "test")
    text = """
        title: {zh: 接待, en: Reception}
        trigger: {event: message_received, where: {kind: enter_session}}
        class: service
        steps: [{message: hello}]
    """
    walk = journey.journey(source.load(dedent(text), "reception.yml"))
    definitions.publish(desk.conn, desk.clock(), "journey", "reception", walk, "test")


def test_an_encrypted_callback_ends_in_a_welcome_within_its_twenty_seconds(desk: Desk, url: str) -> None:
    """The whole way: the city's callback at the web edge, the loop's own stages, a journey, the letter."""
    channels = {KIND: CONNECTED[KIND](VAULT, desk.account, desk.clock)}
    ingest.add_source(desk.conn, desk.clock(), desk.channel.source, "微信客服")
    greeting(desk)
    settle(desk.conn, desk.clock(), channels)
    with serving(url, local=False, clock=desk.clock) as base:
        desk.city.call_back(KIND, f"{base}/callbacks/{KIND}/main")
        customer = desk.city.add_customer()
        desk.enters(customer)
        assert desk.city.deliver() == 1
        assert httpx.get(f"{base}/callbacks/{KIND}/main").status_code != 200
    desk.clock.forward(seconds=2)
    express(desk.conn, desk.clock(), channels)
    assert desk.channel.due(desk.conn, desk.clock())
    settle(desk.conn, desk.clock(), channels)
    assert desk.got(customer) == ["欢迎光临"]
    assert desk.calls("kf/send_msg_on_event") == [0]
