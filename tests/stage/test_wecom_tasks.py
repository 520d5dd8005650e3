"""Tasks for staff: made once whatever the network does, followed up to the end, and told letter by letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from cities import VAULT
from tapped import PNG, Corp, by_type, corp, inbox, letter, states
from yutang.channels.contract import Answer, Result
from yutang.channels.platform.calls import Later, PlatformError
from yutang.channels.wecom import errands
from yutang.channels.wecom.tasks import group, making, moments, notices, results
from yutang.db.connect import connect
from yutang.emulator.wecom import mass
from yutang.model import Reason, YutangError

ADD = "cgi-bin/externalcontact/add_msg_template"


@pytest.fixture
def shop(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Corp]:
    with corp(conn, monkeypatch) as one:
        yield one


# Results


def test_results_are_told_once_for_each_letter(shop: Corp) -> None:
    customers = [shop.customer("guide01") for _ in range(5)]
    shop.send(*(letter(n, c) for n, c in enumerate(customers)))
    assert by_type(shop.told()) == {"message_assigned": {0, 1, 2, 3, 4}}
    assert shop.tend(minutes=3) == []
    shop.city.deletes(customers[4], "guide01")
    shop.clock.forward(minutes=30)
    at = shop.clock()
    shop.tap("guide01")
    told = shop.tend(hours=1)
    assert by_type(told) == {"message_sent": {0, 1, 2, 3}, "message_failed": {4}}
    assert {a.at for a in told if a.type == "message_sent"} == {at}
    assert [a.props["reason"] for a in told if a.type == "message_failed"] == [Reason.BLOCKED]
    assert shop.used() == 4
    assert [(t.state, t.asked, t.sent, t.blocked) for t in results.tasks(shop.conn, shop.account)] == [
        ("done", 0, 4, 1)
    ]
    assert shop.tend(hours=49) == []


def test_who_had_a_message_by_staff_fails_for_quota_and_still_counts(shop: Corp) -> None:
    customers = [shop.customer("guide01") for _ in range(2)]
    shop.send(*(letter(n, c) for n, c in enumerate(customers)))
    shop.told()
    mass.staff_sends(shop.city, "guide01", [customers[0]], "店员自己群发的")
    shop.tap("guide01")
    told = shop.tend(minutes=3)
    assert by_type(told) == {"message_failed": {0}, "message_sent": {1}}
    assert [a.props["reason"] for a in told if a.type == "message_failed"] == [Reason.QUOTA]
    assert shop.used() == 2


def test_results_of_many_come_page_by_page(shop: Corp) -> None:
    shop.city.settings.mass.page = shop.city.settings.mass.page_default = 7
    shop.city.faults.moving_pages = True
    customers = [shop.customer("guide01") for _ in range(30)]
    shop.send(*(letter(n, c) for n, c in enumerate(customers)))
    shop.told()
    shop.tap("guide01")
    told = shop.tend(minutes=3)
    assert Counter(a.type for a in told) == {"message_sent": 30}
    assert len({a.touch_id for a in told}) == 30


def test_staff_who_never_tap_are_reminded_and_then_the_task_is_called_off(shop: Corp) -> None:
    shop.set(nudge_hours="4", nudge_most="2")
    shop.city.faults.never_tap.add("guide01")
    customer = shop.customer("guide01")
    shop.send(letter(1, customer))
    shop.told()
    told: list[Answer] = []
    for _ in range(50):
        told += shop.tend(hours=1)
    task = shop.city.tasks("guide01")[0]
    assert (task.reminded, task.status) == (2, -1)
    assert by_type(told) == {"message_failed": {1}}
    assert told[0].props["reason"] == Reason.NOT_SENT
    assert shop.used() == 0
    shop.city.faults.never_tap.clear()
    shop.tap("guide01")
    assert not shop.city.inbox(customer)


def test_a_letters_deadline_ends_its_task(shop: Corp) -> None:
    soon, late = shop.customer("guide01"), shop.customer("guide01")
    shop.send(
        letter(1, soon, deadline=shop.clock() + timedelta(hours=3)),
        letter(2, late, deadline=(shop.clock() + timedelta(hours=30)).isoformat()),
    )
    shop.told()
    assert len(shop.made()) == 2
    told = [a for _ in range(5) for a in shop.tend(hours=1)]
    assert by_type(told) == {"message_failed": {1}}
    shop.tap("guide01")
    assert by_type(shop.tend(hours=1)) == {"message_sent": {2}}
    assert [len(shop.city.inbox(c)) for c in (soon, late)] == [0, 1]


def test_cancelling_stops_what_is_unsent_and_tells_its_letters(shop: Corp) -> None:
    first, second = shop.customer("guide01"), shop.customer("guide02")
    sent, unsent = shop.send(letter(1, first), letter(2, second))
    shop.told()
    for result in (sent, unsent):
        if result is sent:
            shop.tap("guide01")
        assert result.provider_id
        results.cancel(shop.conn, VAULT, shop.account, shop.clock, result.provider_id)
        with pytest.raises(YutangError, match="ended"):
            results.cancel(shop.conn, VAULT, shop.account, shop.clock, result.provider_id)
    shop.tap("guide02")
    assert by_type(shop.tend(minutes=3)) == {"message_sent": {1}, "message_failed": {2}}
    assert [len(shop.city.inbox(c)) for c in (first, second)] == [1, 0]
    with pytest.raises(YutangError, match="no such task"):
        results.cancel(shop.conn, VAULT, shop.account, shop.clock, "msgX")


def test_a_task_ends_when_all_its_letters_are_called_off(shop: Corp) -> None:
    customers = [shop.customer("guide01") for _ in range(2)]
    shop.send(*(letter(n, c) for n, c in enumerate(customers)))
    shop.told()
    shop.channel.call_off(shop.conn, shop.clock(), [0])
    assert shop.tend(minutes=3) == [], "the other one still waits for its message"
    shop.channel.call_off(shop.conn, shop.clock(), [1])
    assert by_type(shop.tend() + shop.tend(minutes=3)) == {"message_failed": {0, 1}}
    shop.tap("guide01")
    assert [len(shop.city.inbox(c)) for c in customers] == [0, 0]


# Making, with every fault


def test_a_task_whose_answer_was_lost_is_found_and_not_made_again(shop: Corp) -> None:
    customers = [shop.customer("guide01") for _ in range(3)]
    shop.city.deletes(customers[2], "guide01")
    shop.city.faults.lost_answers = 1
    assert states(shop.send(*(letter(n, c) for n, c in enumerate(customers)))) == ["assigned"] * 3
    shop.city.faults.lost_answers = 0
    assert states(shop.send(*(letter(n, c) for n, c in enumerate(customers)))) == ["assigned"] * 3
    assert shop.tend(seconds=30) == []
    told = shop.tend(minutes=2)
    assert by_type(told) == {"message_assigned": {0, 1}, "message_failed": {2}}
    assert len(shop.made()) == 1
    assert shop.send(letter(0, customers[0]))[0].provider_id == shop.made()[0].msgid
    assert shop.used() == 2


def test_a_task_that_was_never_made_is_made_then(shop: Corp) -> None:
    customer = shop.customer("guide01")
    shop.city.faults.bad_gateway_rate = 1
    assert states(shop.send(letter(1, customer))) == ["assigned"]
    shop.tend(minutes=3)
    shop.city.faults.bad_gateway_rate = 0
    assert not shop.made()
    assert by_type(shop.tend(minutes=2)) == {"message_assigned": {1}}
    assert len(shop.made()) == 1
    assert shop.conn.execute("select request from wecom_task").fetchone() == (None,)


def test_a_slow_answer_that_comes_too_late_is_not_asked_for_twice(shop: Corp) -> None:
    customer = shop.customer("guide01")
    shop.city.faults.slow_answers_s = 1.4
    assert states(shop.send(letter(1, customer))) == ["assigned"]
    shop.city.faults.slow_answers_s = 0
    assert by_type(shop.tend(minutes=3)) == {"message_assigned": {1}}
    assert len(shop.made()) == 1


def test_two_lost_tasks_of_the_same_words_and_sender_are_told_apart(shop: Corp) -> None:
    first, second = shop.customer("guide01"), shop.customer("guide01")
    shop.city.faults.lost_answers = 1
    shop.send(letter(1, first))
    shop.send(letter(2, second))
    shop.city.faults.lost_answers = 0
    shop.tend(minutes=3)
    made = {one.msgid: next(iter(one.rows["guide01"])) for one in shop.made()}
    assert len(made) == 2
    for touch, customer in ((1, first), (2, second)):
        provider = shop.send(letter(touch, customer))[0].provider_id
        assert provider
        assert made[provider] == customer.external_userid


def test_a_lost_task_is_not_mistaken_for_one_that_shares_a_receiver(shop: Corp) -> None:
    shop.set(mass_cap="9/day")
    first, second, third = (shop.customer("guide01") for _ in range(3))
    shop.city.faults.lost_answers = 1
    shop.send(letter(1, first), letter(2, second))
    shop.send(letter(3, second))
    shop.city.faults.lost_answers = 0
    shop.city.faults.bad_gateway_rate = 1
    shop.send(letter(4, first), letter(5, second), letter(6, third))
    shop.city.faults.bad_gateway_rate = 0
    told = shop.tend(minutes=3)
    assert by_type(told) == {"message_assigned": {1, 2, 3, 4, 5, 6}}
    assert sorted(len(one.rows["guide01"]) for one in shop.made()) == [1, 2, 3]


def test_a_worker_that_died_around_the_call_loses_nothing_and_repeats_nothing(
    shop: Corp, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = shop.customer("guide01"), shop.customer("guide02")
    ask = making.ask

    def dies_before(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def dies_after(desk: object, task: object, *, tell: bool) -> None:
        ask(desk, task, tell=tell)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    for touch, customer, death in ((1, before, dies_before), (2, after, dies_after)):
        with monkeypatch.context() as patch:
            patch.setattr(making, "record", lambda *_, **__: None)
            patch.setattr(making, "ask", death)
            with pytest.raises(KeyboardInterrupt):
                shop.send(letter(touch, customer))
    shop.clock.forward(minutes=5)
    assert states(shop.send(letter(1, before), letter(2, after))) == ["assigned", "assigned"]
    told = shop.tend(minutes=6)
    assert by_type(told) == {"message_assigned": {1, 2}}
    assert len(shop.made()) == 2


def test_what_the_platform_does_not_take_now_leaves_no_trace(shop: Corp) -> None:
    customer = shop.customer("guide01")
    shop.city.faults.rate_limited.add(ADD)
    result = shop.send(letter(1, customer))[0]
    assert (result.state, result.reason) == ("retry", Reason.QUOTA)
    assert result.until is not None
    assert result.until >= shop.clock() + timedelta(seconds=60)
    shop.city.faults.rate_limited.clear()
    shop.city.faults.busy_rate = 1
    shop.clock.at = result.until
    busy = shop.send(letter(1, customer))[0]
    assert (busy.state, busy.reason, busy.until) == ("retry", Reason.TEMPORARY, None)
    shop.city.faults.busy_rate = 0
    assert shop.used() == 0
    assert shop.conn.execute("select count(*) from wecom_task").fetchone() == (0,)
    assert states(shop.send(letter(1, customer))) == ["assigned"]
    assert len(shop.made()) == 1


def test_a_revoked_token_costs_nothing(shop: Corp) -> None:
    customer = shop.customer("guide01")
    shop.city.revoke_tokens()
    assert states(shop.send(letter(1, customer))) == ["assigned"]
    shop.tap("guide01")
    shop.city.revoke_tokens()
    assert by_type(shop.tend(minutes=3))["message_sent"] == {1}
    assert len(shop.made()) == 1


def test_a_member_out_of_range_is_a_matter_for_the_operator_and_not_for_the_letter(shop: Corp) -> None:
    customer = shop.customer("guide01")
    shop.city.apps[0].visible = {"guide02"}
    result = shop.send(letter(1, customer))[0]
    assert (result.state, result.reason) == ("retry", Reason.TEMPORARY)
    assert "60011" in result.detail
    assert shop.used() == 0


def test_of_two_workers_with_the_same_letter_one_makes_its_task(shop: Corp, url: str) -> None:
    letters = [letter(n, shop.customer("guide01")) for n in range(3)]
    with connect(url) as other, ThreadPoolExecutor() as pool:
        with other.transaction():
            other.execute(
                """insert into wecom_task (account, kind, digest, sender, state, touches, created_at, called_at, deadline)
                   values ('wecom:main', 'single', 'd', 'guide01', 'making', 1, %(at)s, %(at)s, %(at)s)""",
                {"at": shop.clock()},
            )
            other.execute(
                """insert into wecom_task_receiver (task_id, receiver, touch_id, person_id, state, day, at)
                   select task_id, 'wmX', 1, 101, 'asked', '2026-03-20', created_at from wecom_task"""
            )
            racing = pool.submit(shop.send, *letters)
            waits = "select from pg_locks where not granted"
            while not other.execute(waits).rowcount:
                assert not racing.done()
        assert states(racing.result()) == ["retry"] * 3
    assert (shop.made(), shop.used()) == ([], 0)
    assert states(shop.send(*letters)) == ["assigned"] * 3
    assert [len(one.rows["guide01"]) for one in shop.made()] == [2]


def test_a_task_that_turns_out_to_be_impossible_is_told_to_its_letters(shop: Corp) -> None:
    customers = [shop.customer("guide01") for _ in range(2)]
    shop.city.faults.bad_gateway_rate = 1
    assert states(shop.send(letter(1, customers[0]), letter(2, customers[1]))) == ["assigned"] * 2
    shop.city.faults.bad_gateway_rate = 0
    mass.staff_sends(shop.city, "guide01", customers, "店员自己群发的")
    told = shop.tend(minutes=3)
    assert {(a.touch_id, a.type, a.props["reason"]) for a in told} == {
        (n, "message_failed", Reason.QUOTA) for n in (1, 2)
    }
    assert [t.state for t in results.tasks(shop.conn, shop.account)] == ["failed"]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_nothing_is_lost_and_nothing_sent_twice(shop: Corp, seed: int) -> None:
    """Letters in batches, under all faults at once, come again as deliver would bring them; then the weather clears."""
    shop.set(mass_cap="99/day")
    shop.city.settings.mass.cap = 99
    shop.city.seed = seed
    staff = ("guide01", "guide02", "guide03")
    customers = [shop.customer(staff[n % 3], welcome=n % 4 == 0) for n in range(24)]
    letters = {n: letter(n, customers[n % 24], f"第{n % 2}封") for n in range(48)}
    told: list[Answer] = []
    final: dict[int, Result] = {}
    faults = shop.city.faults
    for turn in range(40):
        stormy = turn < 25
        faults.lost_answers, faults.bad_gateway_rate, faults.busy_rate = (0.25, 0.2, 0.2) if stormy else (0, 0, 0)
        open_ones = [x for n, x in letters.items() if n not in final]
        for at in range(0, len(open_ones), 10):
            batch = open_ones[at : at + 10]
            final |= {
                x.touch_id: r for x, r in zip(batch, shop.send(*batch), strict=True) if r.state in ("sent", "assigned")
            }
        told += shop.tend(minutes=7)
        if turn % 5 == 4:
            shop.tap(*staff)
    told += [a for _ in range(4) for a in shop.tend(hours=1)]
    assert final.keys() == letters.keys()
    welcomed = {n for n, result in final.items() if result.state == "sent"}
    assert by_type(told)["message_sent"] == letters.keys() - welcomed
    assert Counter(a.touch_id for a in told if a.type == "message_sent").most_common(1)[0][1] == 1
    assert {c.external_userid: Counter(m.text for m in shop.city.inbox(c)) for c in customers} == {
        c.external_userid: Counter(letters[x].body for x in (n, n + 24)) for n, c in enumerate(customers)
    }


# Groups


def a_group(shop: Corp, owner: str, name: str = "福利群") -> str:
    chat = shop.city.makes_group(owner, name).chat_id
    shop.conn.execute(
        "insert into wecom_group (account, chat_id, owner, state) values ('wecom:main', %s, %s, 'normal')",
        (chat, owner),
    )
    return chat


def test_a_post_to_groups_is_made_once_by_its_key_and_followed_up(shop: Corp) -> None:
    chats = {a_group(shop, "guide01", f"群{n}") for n in range(3)}
    a_group(shop, "guide02")
    assert group.preview(shop.conn, shop.account, shop.clock(), "guide01").chats == tuple(sorted(chats))
    given = {"sender": "guide01", "text": "周五会员日"}
    posted = group.post(shop.conn, VAULT, shop.account, shop.clock, key="friday", **given)
    assert posted == group.post(shop.conn, VAULT, shop.account, shop.clock, key="friday", **given)
    assert (posted.state, posted.asked, len(shop.made())) == ("made", 3, 1)
    assert group.preview(shop.conn, shop.account, shop.clock(), "guide01").full == tuple(sorted(chats))
    with pytest.raises(YutangError, match="had enough until 03-21 00:00"):
        group.post(shop.conn, VAULT, shop.account, shop.clock, key="again", **given)
    shop.tap("guide01")
    assert shop.tend(minutes=3) == []
    found = group.found(shop.conn, shop.account, "friday")
    assert found is not None
    assert (found.state, found.asked, found.sent) == ("done", 0, 3)


def test_a_post_to_groups_survives_a_lost_answer(shop: Corp) -> None:
    a_group(shop, "guide01")
    shop.city.faults.lost_answers = 1
    given = {"key": "k", "sender": "guide01", "text": "周五会员日"}
    assert group.post(shop.conn, VAULT, shop.account, shop.clock, **given).state == "unknown"
    shop.city.faults.lost_answers = 0
    shop.tend(minutes=3)
    assert group.post(shop.conn, VAULT, shop.account, shop.clock, **given).state == "made"
    assert len(shop.made()) == 1


def test_a_post_that_is_refused_or_for_foreign_groups_leaves_no_trace(shop: Corp) -> None:
    foreign = a_group(shop, "guide02")
    with pytest.raises(YutangError, match="guide01"):
        group.preview(shop.conn, shop.account, shop.clock(), "guide01", [foreign])
    a_group(shop, "guide01")
    shop.city.faults.rate_limited.add(ADD)
    with pytest.raises(Later):
        group.post(shop.conn, VAULT, shop.account, shop.clock, key="k", sender="guide01", text="好")
    assert group.found(shop.conn, shop.account, "k") is None
    assert shop.used() == 0


# Moments


def test_a_moment_is_previewed_made_once_and_followed_until_staff_publish(shop: Corp, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(PNG)
    for staff in ("guide01", "guide02"):
        shop.customer(staff)
    assert moments.preview(shop.conn, shop.account, shop.clock()) == moments.Preview(("guide01", "guide02"), 2, 0, 4)
    given = {"key": "m", "text": "周五会员日", "attachments": [{"kind": "image", "url": str(picture)}],
             "staff": ["guide01", "guide02"]}  # fmt: skip
    first = moments.publish(shop.conn, VAULT, shop.account, shop.clock, **given)
    assert first == moments.publish(shop.conn, VAULT, shop.account, shop.clock, **given)
    assert first.state == "job"
    shop.tend(minutes=1)
    shop.tend(minutes=2)
    waiting = moments.found(shop.conn, shop.account, "m")
    assert waiting is not None
    assert (waiting.state, waiting.asked, waiting.published) == ("made", 2, 0)
    assert waiting.moment_id
    shop.city.taps("guide01", waiting.moment_id)
    shop.tend(hours=1)
    assert moments.found(shop.conn, shop.account, "m").published == 1  # type: ignore[union-attr]
    shop.city.taps("guide02", waiting.moment_id)
    shop.tend(hours=1)
    done = moments.found(shop.conn, shop.account, "m")
    assert done is not None
    assert (done.state, done.published) == ("done", 2)
    assert moments.preview(shop.conn, shop.account, shop.clock()).posts == 1
    assert [len([t for t in shop.city.tasks(s) if t.kind == "moment"]) for s in ("guide01", "guide02")] == [1, 1]


@pytest.mark.parametrize("made", [True, False])
def test_a_moment_whose_answer_was_lost_is_not_made_twice(shop: Corp, made: bool) -> None:
    shop.customer("guide01")
    fault = "lost_answers" if made else "bad_gateway_rate"
    setattr(shop.city.faults, fault, 1)
    given = {"key": "m", "text": "周五会员日", "staff": ["guide01"]}
    assert moments.publish(shop.conn, VAULT, shop.account, shop.clock, **given).state == "unknown"
    setattr(shop.city.faults, fault, 0)
    for _ in range(3):
        shop.tend(minutes=11)
    assert moments.publish(shop.conn, VAULT, shop.account, shop.clock, **given).state == "made"
    assert len([t for t in shop.city.tasks("guide01") if t.kind == "moment"]) == 1


@pytest.mark.parametrize(
    "attachments",
    [
        [
            {"kind": "image", "url": "a.png"},
            {"kind": "link", "title": "a", "url": "https://example.com", "picurl": "b"},
        ],
        [{"kind": "miniprogram", "title": "a", "appid": "wx", "page": "p", "image": "b"}],
        [{"kind": "link", "title": "a", "url": "https://example.com"}],
        [{"kind": "image", "url": "a.png"}] * 10,
    ],
)
def test_moments_take_pictures_or_one_link(shop: Corp, attachments: list[dict[str, str]]) -> None:
    with pytest.raises(YutangError):
        moments.publish(shop.conn, VAULT, shop.account, shop.clock, key="m", text="好", attachments=attachments)


# Notices


def test_a_notice_to_staff_is_sent_once_by_its_key(shop: Corp) -> None:
    given = {"key": "lead-1", "staff": ["guide01"], "text": "有一位高意向顾客"}
    shop.city.faults.bad_gateway_rate = 1
    with pytest.raises(PlatformError):
        notices.notify(shop.conn, VAULT, shop.account, shop.clock, **given)
    shop.city.faults.bad_gateway_rate = 0
    first = notices.notify(shop.conn, VAULT, shop.account, shop.clock, **given)
    calls = _calls(shop)
    assert notices.notify(shop.conn, VAULT, shop.account, shop.clock, **given) == first
    assert _calls(shop) == calls
    with pytest.raises(YutangError):
        notices.notify(shop.conn, VAULT, shop.account, shop.clock, key="x", staff=["guide01"], text="好" * 700)


def _calls(shop: Corp) -> int:
    row = shop.conn.execute("select count(*) from channel_call where path = 'message/send'").fetchone()
    assert row is not None
    return row[0]


def test_one_chore_that_fails_keeps_no_other_waiting(shop: Corp, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = shop.customer("guide01")
    shop.send(letter(1, customer))
    shop.tap("guide01")

    def fails(*_: object, **__: object) -> int:
        raise RuntimeError

    monkeypatch.setattr(errands, "tend", fails)
    assert by_type(shop.tend(minutes=3))["message_sent"] == {1}
    assert len(inbox(shop, customer)) == 1
