"""Sending by WeCom: welcomes within their twenty seconds, tasks for staff after that, and no letter twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tapped import PNG, Corp, by_type, corp, inbox, letter, states
from yutang.channels.wecom.tasks import welcome
from yutang.emulator.wecom.media import Media
from yutang.model import Reason


@pytest.fixture
def shop(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Corp]:
    with corp(conn, monkeypatch) as one:
        yield one


def test_its_name_and_handle_come_from_the_account(shop: Corp) -> None:
    assert (shop.channel.name, shop.channel.source) == ("wecom", "wecom:main")
    assert shop.channel.handle == f"external_userid@{shop.city.corp_id}"


def test_an_open_welcome_is_used_once_and_the_next_letter_becomes_a_task(shop: Corp) -> None:
    customer = shop.customer("guide01", welcome=True)
    first, second = shop.send(letter(1, customer, "你好 %NICKNAME%"), letter(2, customer, "再来一条"))
    assert (first.state, second.state) == ("sent", "assigned")
    assert [m.text for m in inbox(shop, customer, "welcome")] == [f"你好 {customer.name}"]
    assert [m.text for m in shop.made()] == ["再来一条"]


def test_a_letter_that_comes_again_gets_its_recorded_result_and_nothing_is_made(shop: Corp) -> None:
    greeted, asked = shop.customer("guide01", welcome=True), shop.customer("guide01")
    letters = [letter(1, greeted), letter(2, asked)]
    assert states(shop.send(*letters)) == states(shop.send(*letters)) == ["sent", "assigned"]
    assert len(inbox(shop, greeted, "welcome")) == len(shop.made()) == 1
    shop.tap("guide01")
    shop.tend(minutes=3)
    assert states(shop.send(*letters)) == ["sent", "sent"]
    assert len(inbox(shop, asked)) == 1


def test_after_twenty_seconds_the_welcome_is_over(shop: Corp) -> None:
    customer, other = shop.customer("guide01", welcome=True), shop.customer("guide01", welcome=True)
    shop.clock.forward(seconds=20)
    results = shop.send(letter(1, customer), letter(2, other, "只作欢迎语", welcome_only=True))
    assert states(results) == ["assigned", "failed"]
    assert results[1].reason == Reason.NO_WINDOW
    assert not inbox(shop, customer, "welcome")


def test_the_name_stands_in_a_welcome_and_in_the_task_it_becomes(shop: Corp) -> None:
    greeted, late = shop.customer("guide01", welcome=True), shop.customer("guide01")
    add = "insert into wecom_contact (account, external_userid, name) values (%s, %s, %s)"
    shop.conn.execute(add, (shop.account.source, late.external_userid, late.name))
    results = shop.send(letter(1, greeted, "%NICKNAME%，你好"), letter(2, late, "%NICKNAME%，你好"))
    assert states(results) == ["sent", "assigned"]
    shop.city.taps("guide01", results[1].provider_id)
    found = [[m.text for m in shop.city.inbox(one)] for one in (greeted, late)]
    assert found == [[f"{greeted.name}，你好"], [f"{late.name}，你好"]]


def test_a_welcome_said_by_another_app_falls_back_to_a_task(shop: Corp) -> None:
    customers = [shop.customer("guide01", welcome=True) for _ in range(2)]
    for code, _ in shop.conn.execute("select code, staff from wecom_welcome").fetchall():
        shop.desk.wecom.welcome(code, {"text": {"content": "别的应用"}}, shop.clock() + timedelta(seconds=9))
    results = shop.send(letter(1, customers[0]), letter(2, customers[1], welcome_only=True))
    assert states(results) == ["assigned", "failed"]
    assert results[1].reason == Reason.NO_WINDOW
    assert [len(shop.city.inbox(c)) for c in customers] == [1, 1]


def test_a_welcome_whose_answer_was_lost_counts_as_sent(shop: Corp) -> None:
    customer = shop.customer("guide01", welcome=True)
    shop.city.faults.lost_answers = 1
    assert states(shop.send(letter(1, customer))) == ["retry"]
    shop.city.faults.lost_answers = 0
    shop.clock.forward(minutes=1)
    assert states(shop.send(letter(1, customer))) == ["sent"]
    assert len(shop.city.inbox(customer)) == 1
    assert not shop.made()


def test_a_welcome_that_never_arrived_becomes_a_task(shop: Corp) -> None:
    customer = shop.customer("guide01", welcome=True)
    shop.city.faults.bad_gateway_rate = 1
    result = shop.send(letter(1, customer))[0]
    assert (result.state, result.reason) == ("retry", Reason.TEMPORARY)
    assert result.until is not None
    shop.city.faults.bad_gateway_rate = 0
    shop.clock.forward(minutes=1)
    assert states(shop.send(letter(1, customer))) == ["assigned"]
    assert not inbox(shop, customer, "welcome")
    assert len(shop.made()) == 1


def test_a_worker_that_died_in_its_welcome_loses_nothing_and_repeats_nothing(
    shop: Corp, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = shop.customer("guide01", welcome=True), shop.customer("guide01", welcome=True)
    call = welcome._call

    def dies_before(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def dies_after(*args: Any, **_: Any) -> None:
        args[0].wecom.welcome(args[2], {"text": {"content": args[1].body}}, args[4])
        raise KeyboardInterrupt

    for touch, customer, death in ((1, before, dies_before), (2, after, dies_after)):
        monkeypatch.setattr(welcome, "_call", death)
        with pytest.raises(KeyboardInterrupt):
            shop.send(letter(touch, customer))
    monkeypatch.setattr(welcome, "_call", call)
    shop.clock.forward(minutes=5)
    assert states(shop.send(letter(1, before), letter(2, after))) == ["assigned", "sent"]
    shop.tap("guide01")
    assert [len(shop.city.inbox(c)) for c in (before, after)] == [1, 1]


def test_letters_alike_share_a_task_and_each_customer_is_written_to_by_a_contact(shop: Corp) -> None:
    mine, shared, other = shop.customer("guide01"), shop.customer("guide01", "guide02"), shop.customer("guide03")
    letters = [letter(1, mine), letter(2, shared), letter(3, other), letter(4, shop.customer("guide01")),
               letter(5, shop.customer("guide01", "guide02"), staff="guide01")]  # fmt: skip
    results = shop.send(*letters)
    assert states(results) == ["assigned"] * 5
    shares = {userid: set(task.recipients) for one in shop.made() for userid, task in one.tasks.items()}
    assert shares == {
        "guide01": {letters[0].address, letters[3].address, letters[4].address},
        "guide02": {shared.external_userid},
        "guide03": {other.external_userid},
    }
    assert results[0].provider_id == results[3].provider_id != results[1].provider_id
    assert {(a.touch_id, a.props["staff"]) for a in shop.told()} == {
        (1, "guide01"), (2, "guide02"), (3, "guide03"), (4, "guide01"), (5, "guide01")}  # fmt: skip


def test_nobody_writes_to_strangers_or_to_those_who_left(shop: Corp) -> None:
    stranger, left = shop.city.add_customer(), shop.customer("guide01")
    shop.conn.execute("update wecom_relation set state = 'lost_by_customer', lost_at = %s", (shop.clock(),))
    results = shop.send(letter(1, stranger), letter(2, left))
    assert [r.reason for r in results] == [Reason.NO_ADDRESS, Reason.BLOCKED]
    assert not shop.made()
    assert shop.used() == 0


def test_customers_of_somebody_who_has_left_wait_for_an_heir(shop: Corp) -> None:
    orphan = shop.customer("guide01")
    left = "insert into wecom_staff (account, userid, state, seen_at) values (%s, %s, 'left', %s)"
    shop.conn.execute(left, (shop.account.source, "guide01", shop.clock()))
    (waits,) = shop.send(letter(1, orphan))
    assert (waits.state, waits.reason) == ("retry", Reason.TEMPORARY)
    assert waits.until is not None, "such a wait costs no try"
    assert waits.until > shop.clock()
    assert not shop.made()
    shop.city.befriends(orphan, "guide02")
    follows = (
        "insert into wecom_relation (account, external_userid, userid, state, since) values (%s, %s, %s, 'active', %s)"
    )
    shop.conn.execute(follows, (shop.account.source, orphan.external_userid, "guide02", shop.clock()))
    assert states(shop.send(letter(1, orphan))) == ["assigned"]
    assert {a.props["staff"] for a in shop.told()} == {"guide02"}


def test_a_customer_who_blocked_us_unheard_fails_and_gives_the_quota_back(shop: Corp) -> None:
    stays, goes = shop.customer("guide01"), shop.customer("guide01")
    shop.city.deletes(goes, "guide01")
    results = shop.send(letter(1, stays), letter(2, goes))
    assert [(r.state, r.reason) for r in results] == [("assigned", None), ("failed", Reason.BLOCKED)]
    assert shop.used() == 1
    assert by_type(shop.told()) == {"message_assigned": {1}}
    assert states(shop.send(letter(2, goes))) == ["failed"]


@pytest.mark.parametrize(
    ("body", "attachments", "word"),
    [
        ("鱼" * 1334, (), "4000"),
        ("", (), "空"),
        ("好", [{"kind": "link", "title": "a", "url": "https://example.com"}] * 10, "9"),
        ("好", [{"kind": "link", "title": "a"}], "url"),
        ("好", [{"kind": "video"}], "miniprogram"),
        ("好", [{"kind": "miniprogram", "title": "礼" * 22, "appid": "wx1", "page": "p", "image": "a.png"}], "64"),
        ("好", [{"kind": "image"}], "url"),
    ],
)
def test_what_wecom_would_refuse_fails_with_its_reason_and_asks_nobody(
    shop: Corp, body: str, attachments: Any, word: str
) -> None:
    customer = shop.customer("guide01", welcome=True)
    result = shop.send(letter(1, customer, body, attachments))[0]
    assert (result.state, result.reason) == ("failed", Reason.PERMANENT)
    assert word in result.detail
    assert not shop.made()
    assert not shop.city.inbox(customer)
    assert shop.used() == 0
    assert states(shop.send(letter(2, customer, "鱼" * 1333))) == ["sent"]


def test_pictures_are_uploaded_once_and_again_before_wecom_forgets_them(shop: Corp, tmp_path: Path) -> None:
    picture, cover = tmp_path / "a.png", tmp_path / "b.png"
    picture.write_bytes(PNG)
    cover.write_bytes(PNG + b"b")
    parts = [
        {"kind": "link", "title": "会员日", "url": "https://example.com", "desc": "今晚"},
        {"kind": "image", "url": str(picture)},
        {"kind": "miniprogram", "title": "礼", "appid": "wx1", "page": "pages/gift", "image": str(cover)},
    ]
    first, second = shop.customer("guide01", welcome=True), shop.customer("guide01")
    assert states(shop.send(letter(1, first, "好", parts), letter(2, second, "好", parts))) == ["sent", "assigned"]
    assert len(shop.city.part(Media).stored) == 2
    assert [one["msgtype"] for one in shop.city.inbox(first)[0].attachments] == ["link", "image", "miniprogram"]
    shop.clock.forward(days=2, hours=13)
    assert states(shop.send(letter(3, second, "好", parts))) == ["assigned"]
    assert len(shop.city.part(Media).stored) == 4


def test_a_media_id_that_wecom_lost_is_replaced_at_the_next_try(shop: Corp, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(PNG)
    parts, customer = [{"kind": "image", "media": str(picture)}], shop.customer("guide01")
    assert states(shop.send(letter(1, shop.customer("guide02"), "好", parts))) == ["assigned"]
    shop.city.part(Media).stored.clear()
    assert states(shop.send(letter(2, customer, "好", parts))) == ["retry"]
    assert states(shop.send(letter(2, customer, "好", parts))) == ["assigned"]


def test_a_picture_that_is_not_there_fails_its_letters_and_no_others(shop: Corp, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    missing, text = ({"kind": "image", "url": str(tmp_path / name)} for name in ("no.png", "text.png"))
    letters = [letter(n, shop.customer("guide01"), "好", part) for n, part in enumerate(([missing], [text], []), 1)]
    results = shop.send(*letters)
    assert states(results) == ["failed", "failed", "assigned"]
    assert "jpg" in results[1].detail
    assert shop.used() == 1


def test_due_sees_what_must_be_tended_or_told(shop: Corp) -> None:
    assert not shop.channel.due(shop.conn, shop.clock())
    shop.send(letter(1, shop.customer("guide01")))
    assert shop.channel.due(shop.conn, shop.clock())
    shop.told()
    assert not shop.channel.due(shop.conn, shop.clock())
    assert shop.channel.due(shop.conn, shop.clock.forward(minutes=3))
