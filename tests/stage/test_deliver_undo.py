"""A letter that fails for good: no contact is counted, nothing is owed, and another try is judged anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ponds import NOON, Pond
from touches import attempt, decided
from yutang import decide, deliver
from yutang.channels.contract import Answer, Channel, Result
from yutang.handles import BY_NAME, handle_key
from yutang.identity import resolve
from yutang.model import Reason
from yutang.offer.definition import NO_LIMITS
from yutang.why import why

CAP = {"window_days": 7, "marketing": 1, "companion": 1, "service": None, "total": None}
COUPON = {
    "sort": "coupon", "title": {"zh": "券", "en": "Coupon"}, "pay_percent": 85, "off_fen": None, "minimum_fen": 0, "stock": 1,
    "budget_fen": 300, "valid_days": 14, "per_person": 1, "stackable": False, "value_fen": 300,
}  # fmt: skip


class Line(Channel):
    """Gives one result until told another, and tells what it is given to tell."""

    name = "sandbox"

    def __init__(self, result: Result) -> None:
        self.result, self.news = result, []

    def send(self, conn, now, letters):  # noqa: ARG002
        return [self.result] * len(letters)

    def receive(self, conn, now):  # noqa: ARG002
        news, self.news = self.news, []
        return news


BROKEN = Result.failed("no", Reason.PERMANENT)


@pytest.fixture
def pond(conn, monkeypatch: pytest.MonkeyPatch) -> Pond:
    monkeypatch.setenv("YUTANG_SECRET", "a secret for tests")
    return Pond(conn, budget=CAP, price={"sandbox": 1}, consent={"sandbox": "assumed", "staff": "assumed"})


@pytest.fixture
def line() -> Line:
    return Line(BROKEN)


@pytest.fixture
def offer(pond: Pond) -> int:
    """There is one coupon of it."""
    return pond.define("offer", "gift", COUPON).definition_id


def turn(pond: Pond, line: Line, now: Any = NOON) -> None:
    """One pass: judge, send, hear."""
    while decide.judge(pond.conn, now).busy():
        pass
    deliver.send(pond.conn, now, channels={line.name: line})
    deliver.receive(pond.conn, now, channels={line.name: line})


def stock(pond: Pond, offer: int) -> tuple[int, int]:
    row = pond.conn.execute("select issued, reserved_fen from stock where definition_id = %s", (offer,)).fetchone()
    return row.issued, row.reserved_fen


def coupon(pond: Pond, touch: int) -> Any:
    return pond.conn.execute("select * from coupon where touch_id = %s", (touch,)).fetchone()


def test_who_got_nothing_is_charged_with_no_contact(pond, line):
    person = pond.person()
    lost, waits = pond.touch(person, 9), pond.touch(person, 1)
    turn(pond, line)
    assert (pond.verdict(waits), attempt(pond.conn, lost).state) == (("hold", "outbid"), "failed")
    line.result = Result.sent()
    turn(pond, line)
    assert attempt(pond.conn, waits).state == "sent", "at once, and not when the week is over"
    assert len(deliver.again(pond.conn, NOON)) == 1
    turn(pond, line)
    assert (pond.verdict(lost), attempt(pond.conn, lost).state) == (("hold", "capped"), "failed"), (
        "another has its points"
    )
    trail = pond.conn.execute("select trail from decision where touch_id = %s", (lost,)).fetchone().trail
    assert [entry.get("reason") for entry in trail] == [None, "retried", "capped"]
    assert not deliver.again(pond.conn, NOON), "it has been asked for already"
    later = NOON + timedelta(days=8)
    turn(pond, line, later)
    assert (attempt(pond.conn, lost).state, attempt(pond.conn, lost).at) == ("sent", later)


class Dying(Line):
    """Sends, and its process ends before anybody can write it down."""

    def send(self, conn, now, letters):
        super().send(conn, now, letters)
        raise KeyboardInterrupt


def test_what_may_have_arrived_is_charged_though_nobody_knows(pond, line):
    """Another scheduler, with a clock that runs ahead, finds the letter in a dead worker's hands and past its deadline."""
    person = pond.person()
    sent, waits = pond.touch(person, 9, deadline=NOON + timedelta(days=1)), pond.touch(person, 1)
    with pytest.raises(KeyboardInterrupt):
        turn(pond, Dying(Result.sent()))
    for days in (2, 6):
        turn(pond, line, NOON + timedelta(days=days))
        assert (attempt(pond.conn, sent).state, attempt(pond.conn, sent).reason) == ("failed", "too_late")
        assert pond.verdict(waits)[0] == "hold"
    line.result = Result.sent()
    turn(pond, line, NOON + timedelta(days=7))
    assert attempt(pond.conn, waits).state == "sent"


def test_a_letter_to_whoever_was_merged_away_counts_only_if_it_arrived(pond, line):
    loser, winner = pond.person(), pond.person()
    pond.touch(loser, 9)
    turn(pond, line)
    pond.conn.execute(
        "update person set merged_into = %s, changed = pg_current_xact_id() where person_id = %s", (winner, loser)
    )
    mine = pond.touch(winner, 9)
    turn(pond, line)
    assert pond.verdict(mine) == ("send", None)


def test_a_coupon_that_nobody_was_told_of_goes_back_to_stock(pond, line, offer):
    first, second = pond.person(), pond.person()
    lost = pond.touch(first, 9, offer=offer, rung=0)
    turn(pond, line)
    assert (stock(pond, offer), coupon(pond, lost)) == ((0, 0), None)
    assert [one.reason for one in why(pond.conn, first, NOON).refused] == ["taken_back"]
    line.result = Result.sent()
    other = pond.touch(second, 9, offer=offer, rung=0)
    turn(pond, line)
    assert (stock(pond, offer), coupon(pond, other).state) == ((1, 300), "issued"), "the next one gets it"
    deliver.again(pond.conn, NOON)
    turn(pond, line)
    assert pond.verdict(lost) == ("no", "sold_out"), "who tries again without a coupon left is told so"


def registers(pond: Pond, person: int, device: str) -> None:
    """From a device that may be known as somebody else's."""
    key = handle_key(b"secret", "device", BY_NAME["device"], device)
    event = pond.happened(person, "registered")
    pond.conn.execute(
        """insert into event (event_id, source, source_id, type, at, received_at, handles, keys, props)
           overriding system value values (%s, 'test', %s, 'registered', %s, %s, '{}', array[%s]::uuid[], '{}')""",
        (event, str(event), NOON, NOON, key),
    )
    pond.conn.execute("insert into handle values (%s, %s, %s, %s) on conflict do nothing", (key, person, person, event))


def test_a_device_may_have_again_what_was_taken_back(pond, line):
    """The second person registered from the first one's device, and was never told of the coupon."""
    limited = COUPON | {"stock": 9, "budget_fen": 9000, "limits": NO_LIMITS | {"device": 1}}
    offer = pond.define("offer", "gift", limited).definition_id
    first, second = pond.person(), pond.person()
    for person in (first, second):
        registers(pond, person, "phone in the family")
    pond.touch(second, 9, offer=offer, rung=0)
    turn(pond, line)
    line.result = Result.sent()
    touch = pond.touch(first, 9, offer=offer, rung=0)
    turn(pond, line)
    assert (pond.verdict(touch), stock(pond, offer)) == (("send", None), (1, 300))
    other = pond.touch(second, 9, offer=offer, rung=0)
    turn(pond, line)
    assert pond.verdict(other) == ("no", "shared")


def test_another_try_gets_a_coupon_of_its_own(pond, line, offer):
    touch = pond.touch(pond.person(), 9, offer=offer, rung=0)
    turn(pond, line)
    line.result = Result.sent()
    deliver.again(pond.conn, NOON)
    turn(pond, line)
    given = pond.conn.execute("select coupon from touch where touch_id = %s", (touch,)).fetchone().coupon
    assert (attempt(pond.conn, touch).state, coupon(pond, touch).code, stock(pond, offer)) == ("sent", given, (1, 300))


@pytest.mark.parametrize("price", [0, 1])
def test_every_try_by_hand_tells_how_it_ended_and_why_tells_them_in_order(pond, line, price):
    """Without a price it goes out as it is, with one it is judged anew."""
    pond.settings(budget=CAP | {"marketing": 9}, price={"sandbox": price}, consent={"sandbox": "assumed"})
    person = pond.person()
    touch = pond.touch(person, 9)
    minute = timedelta(minutes=1)
    turn(pond, line)
    for n, result in enumerate((BROKEN, Result.sent()), 1):
        line.result = result
        assert len(deliver.again(pond.conn, NOON + n * minute)) == 1
        turn(pond, line, NOON + n * minute)
    resolve(pond.conn, NOON + 2 * minute)
    told = pond.conn.execute("select type, at from person_event where type like 'message%%' order by at").fetchall()
    assert [tuple(row) for row in told] == [
        ("message_failed", NOON),
        ("message_failed", NOON + minute),
        ("message_sent", NOON + 2 * minute),
    ]
    ((found,),) = [run.touches for run in why(pond.conn, person, NOON).enrolments]
    course = [(one.words if hasattr(one, "words") else one.title)["zh"] for one in found.course()]
    assert [said for said in course if "发送失败" in said] == [f"消息发送失败：{Reason.PERMANENT.zh}"] * 2
    assert (found.touch_id, course[-1], found.words["zh"]) == (touch, "已发出", "已发出")


@pytest.mark.parametrize(("channel", "left"), [("sandbox", (0, 0)), ("staff", (1, 300))])
def test_what_was_assigned_and_not_sent_leaves_no_coupon_behind(pond, line, offer, channel, left):
    """Of a mass message the platform knows it; a task of staff may have been done and never tapped."""
    person = pond.person()
    line.name = channel
    touch = pond.touch(person, 9, offer=offer, rung=0, channel=channel)
    line.result = Result.assigned()
    turn(pond, line)
    assert stock(pond, offer) == (1, 300), "it may still be sent"
    line.news = [Answer(touch, person, "1", "message_failed", NOON, {"reason": "not_sent"})]
    turn(pond, line)
    assert (attempt(pond.conn, touch).state, stock(pond, offer)) == ("failed", left)


def test_what_the_platform_took_is_counted_whatever_it_says_later(pond, line, offer):
    """A receipt of a text message that was paid for."""
    person = pond.person()
    touch = pond.touch(person, 9, offer=offer, rung=0)
    line.result = Result.sent()
    turn(pond, line)
    line.news = [Answer(touch, person, "1", "message_failed", NOON, {"reason": "permanent"})]
    turn(pond, line)
    assert (attempt(pond.conn, touch).state, stock(pond, offer)) == ("sent", (1, 300))


def test_whoever_holds_a_link_to_the_wallet_keeps_what_is_in_it(pond, line, offer, monkeypatch):
    monkeypatch.setenv("YUTANG_PUBLIC_URL", "https://pond.example")
    person = pond.person()
    line.result = Result.sent()
    (told,) = decided(pond.conn, [person], now=NOON, body="{{ wallet }}")
    turn(pond, line)
    line.result = BROKEN
    touch = pond.touch(person, 9, offer=offer, rung=0)
    turn(pond, line)
    assert [attempt(pond.conn, one).state for one in (told, touch)] == ["sent", "failed"]
    assert stock(pond, offer) == (1, 300)


def test_a_coupon_that_was_shown_to_a_till_stays(pond, line, offer):
    person = pond.person()
    touch = pond.touch(person, 9, offer=offer, rung=0)
    line.result = Result.assigned()
    turn(pond, line)
    pond.conn.execute(
        """insert into redemption (bucket, person_id, origin_id, request_id, code, amount_fen, discount_fen, state, reason, at)
           select bucket, person_id, person_id, 'r1', code, 0, 0, 'refused', 'below_minimum', %s from coupon""",
        (NOON,),
    )
    line.news = [Answer(touch, person, "1", "message_failed", NOON, {"reason": "not_sent"})]
    turn(pond, line)
    assert (attempt(pond.conn, touch).state, stock(pond, offer)) == ("failed", (1, 300))


@pytest.mark.parametrize("results", [(Result.retry("TimeoutError"), BROKEN), (Result.failed("cut", partly=True),)])
def test_a_coupon_stays_where_something_may_have_arrived(pond, line, offer, results):
    touch = pond.touch(pond.person(), 9, offer=offer, rung=0)
    for result in results:
        line.result = result
        turn(pond, line, NOON + timedelta(days=results.index(result)))
    assert (attempt(pond.conn, touch).state, stock(pond, offer)) == ("failed", (1, 300))


def test_the_page_of_a_delivery_says_that_its_coupon_was_taken_back(pond, line, offer, web):
    person = pond.person()
    touch = pond.touch(person, 9, offer=offer, rung=0)
    turn(pond, line)
    assert "已收回" in web.get(f"/deliveries/{person}/{touch}").text
    assert "已放回队列" in web.post(f"/deliveries/{person}/{touch}/again").text
    page = web.get(f"/deliveries/{person}/{touch}").text
    assert Reason.RETRIED.zh in page
    assert "再试一次" not in page
