"""Quotas: reserved before a task is made, shared by all workers, given back when nothing went out."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cities import Clock
from tapped import Corp, by_type, corp, letter, states
from yutang.channels.platform.account import Account
from yutang.channels.wecom.tasks import quotas, settings
from yutang.channels.wecom.tasks.quotas import Cap
from yutang.db.connect import connect
from yutang.model import Reason, YutangError

ACCOUNT = Account("wecom", "main", {"corp_id": "ww1"}, {})


def capped(cap: str) -> Account:
    return replace(ACCOUNT, settings={"mass_cap": cap})


@pytest.fixture
def shop(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Corp]:
    with corp(conn, monkeypatch) as one:
        yield one


def test_the_rule_that_holds_depends_on_the_day_and_an_account_may_say_more() -> None:
    assert quotas.cap_of(ACCOUNT, date(2020, 5, 1)) == Cap(4, "month")
    assert quotas.cap_of(ACCOUNT, date(2026, 3, 20)) == Cap(1, "day")
    assert quotas.cap_of(capped("7/week"), date(2026, 3, 20)) == Cap(7, "week")
    assert [quotas.cap_of(capped("days/month"), day).most(day) for day in (date(2026, 2, 3), date(2026, 3, 3))] == [
        28,
        31,
    ]
    form = next(f for f in settings.FIELDS if f.name == quotas.SETTING).pattern
    assert all(re.fullmatch(form, right) for right in ("1/day", "7/week", "days/month"))
    for wrong in ("7", "0/day", "x/week", "1/year"):
        assert not re.fullmatch(form, wrong)
        with pytest.raises(YutangError, match="mass_cap"):
            quotas.cap_of(capped(wrong), date(2026, 3, 20))


@pytest.mark.parametrize(
    ("cap", "opens"), [("1/day", (2026, 3, 20, 16)), ("7/week", (2026, 3, 22, 16)), ("4/month", (2026, 3, 31, 16))]
)
def test_the_next_window_begins_at_midnight_in_china(cap: str, opens: tuple[int, int, int, int]) -> None:
    assert quotas.opens_at(capped(cap), datetime(2026, 3, 20, 15, 59, tzinfo=UTC)) == datetime(*opens, tzinfo=UTC)
    assert quotas.opens_at(capped("1/day"), datetime(2026, 3, 20, 16, 0, tzinfo=UTC)).day == 21


@given(st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.sampled_from(["day", "week", "month"]))
def test_windows_tile_the_calendar(day: date, window: str) -> None:
    first, last = Cap(1, window).span(day)
    assert first <= day <= last
    assert Cap(1, window).span(first) == Cap(1, window).span(last) == (first, last)
    assert Cap(1, window).span(last + timedelta(days=1))[0] == last + timedelta(days=1)


def test_windows_count_over_their_days_and_what_is_given_back_is_free(conn: psycopg.Connection) -> None:
    account, clock = capped("3/week"), Clock(datetime(2026, 3, 16, 4, tzinfo=UTC))
    taken = []
    for _ in range(5):
        taken.append(quotas.reserve(conn, account, clock(), ["wm1", "wm2"]))
        clock.forward(days=1)
    assert taken == [{"wm1", "wm2"}] * 3 + [set()] * 2
    quotas.give_back(conn, account.source, [("wm2", date(2026, 3, 17))])
    assert quotas.room(conn, account, clock(), ["wm1", "wm2", "wm3"]) == {"wm2", "wm3"}
    assert quotas.reserve(conn, account, clock(), ["wm1", "wm2"]) == {"wm2"}
    clock.forward(days=2)
    assert quotas.reserve(conn, account, clock(), ["wm1", "wm2"]) == {"wm1", "wm2"}


def test_workers_never_take_more_than_there_is(conn: psycopg.Connection, url: str) -> None:
    account, now = capped("5/day"), Clock()()
    people, granted = [f"wm{n}" for n in range(20)], []

    def work() -> None:
        with connect(url) as own:
            for _ in range(4):
                with own.transaction():
                    granted.extend(quotas.reserve(own, account, now, people))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(granted) == sorted(people * 5)
    assert quotas.room(conn, account, now, people) == set()


def test_a_second_letter_waits_until_the_next_window(shop: Corp) -> None:
    customer = shop.customer("guide01")
    first, second = shop.send(letter(1, customer), letter(2, customer))
    assert (first.state, second.state, second.reason) == ("assigned", "retry", Reason.QUOTA)
    assert second.until == datetime(2026, 3, 20, 16, tzinfo=UTC)
    shop.tap("guide01")
    shop.clock.at = second.until
    assert states(shop.send(letter(2, customer))) == ["assigned"]
    assert len(shop.made()) == 2


def test_an_account_with_a_wider_cap_sends_the_same_words_twice(shop: Corp) -> None:
    shop.set(mass_cap="2/day")
    customer = shop.customer("guide01")
    assert states(shop.send(*(letter(n, customer) for n in range(3)))) == ["assigned", "assigned", "retry"]
    assert len(shop.made()) == 2


def test_what_the_platform_has_counted_and_we_have_not_waits_for_the_next_window(shop: Corp) -> None:
    customer = shop.customer("guide01")
    shop.desk.wecom.call(
        "externalcontact/add_msg_template",
        {
            "chat_type": "single",
            "sender": "guide01",
            "external_userid": [customer.external_userid],
            "text": {"content": "x"},
        },
    )
    shop.tap("guide01")
    result = shop.send(letter(1, customer))[0]
    assert (result.state, result.reason, result.until) == ("retry", Reason.QUOTA, datetime(2026, 3, 20, 16, tzinfo=UTC))
    assert len(shop.made()) == 1
    assert quotas.room(shop.conn, shop.account, shop.clock(), [customer.external_userid]) == set()


def test_what_was_not_sent_gives_its_quota_back(shop: Corp) -> None:
    shop.city.faults.never_tap.add("guide01")
    customer = shop.customer("guide01")
    shop.send(letter(1, customer, deadline=shop.clock() + timedelta(hours=2)))
    assert states(shop.send(letter(2, customer))) == ["retry"]
    told = [a for _ in range(4) for a in shop.tend(hours=1)]
    assert by_type(told)["message_failed"] == {1}
    assert states(shop.send(letter(2, customer))) == ["assigned"]


def test_old_days_are_forgotten_in_an_hourly_chore(shop: Corp) -> None:
    quotas.reserve(shop.conn, shop.account, shop.clock(), ["wm1"])
    shop.tend(days=40)
    assert shop.used() == 1
    shop.tend(days=30)
    assert shop.used() == 0
