"""The ready scenes, each lived through: who hears what and when, and who does not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from edges import VAULT
from yutang import worker
from yutang.brand import load_brand, publish, scenes, shipped
from yutang.brand.scene import find, lay
from yutang.channels import configured
from yutang.ingest import record
from yutang.model import YutangError
from yutang.product import put

SHANGHAI = ZoneInfo("Asia/Shanghai")
LOOKS = ("08:30", "09:00", "09:30", "10:00", "11:00", "12:30", "19:30", "23:30")
"""When the loop looks, each day: the hours at which anything in the scenes falls due."""


def at(day: int, time: str = "09:00") -> datetime:
    """A time of a day; day 0 is 1 October 2026."""
    hour, minute = map(int, time.split(":"))
    return datetime(2026, 10, 1, hour, minute, tzinfo=SHANGHAI) + timedelta(days=day)


@dataclass
class Days:
    """A brand that has nothing but one scene, and the days it lives through."""

    conn: psycopg.Connection
    today: int = -1
    waiting: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)

    def tell(self, who: str, type: str, when: datetime, **props: Any) -> None:
        """Something is going to happen to somebody, or has happened before the first day."""
        event = {
            "id": f"scene-{len(self.waiting)}-{who}-{when.isoformat()}",
            "source": "import",
            "type": type,
            "at": when.isoformat(),
            "handles": {"shop:test": who},
            "props": props,
        }
        self.waiting.append((when, event))

    def bought(self, who: str, when: datetime, fen: int = 5000, **props: Any) -> None:
        self.tell(who, "ordered", when, order_id=f"{who}-{when:%m%d%H%M}", amount_fen=fen, items=[], **props)

    def until(self, day: int) -> None:
        """Let the loop look at each of the hours up to the end of `day`."""
        channels = configured(VAULT)
        while self.today < day:
            self.today += 1
            for now in (at(self.today, look) for look in LOOKS):
                come = [event for when, event in self.waiting if when <= now]
                self.waiting = [one for one in self.waiting if one[0] > now]
                assert record(self.conn, VAULT, now, come).accepted == len(come)
                if self.today == 0 or worker.due_stages(self.conn, now, channels):
                    worker.settle(self.conn, now, channels)

    def heard(self, who: str) -> list[tuple[str, str]]:
        """What was sent to somebody, in order: (day and time, message)."""
        rows = self.conn.execute(
            """
            select m.at, d.name from sandbox_message m join touch t using (bucket, person_id, touch_id)
            join (select distinct definition_id, name from definition) d on d.definition_id = t.message_id
            where m.person_id = (select distinct e.person_id from person_event e join event v using (event_id)
                                 where v.handles ->> 'shop:test' = %s)
            order by m.at, m.touch_id
            """,
            [who],
        ).fetchall()
        return [
            (f"{(row.at.astimezone(SHANGHAI) - at(0, '00:00')).days} {row.at.astimezone(SHANGHAI):%H:%M}", row.name)
            for row in rows
        ]


@pytest.fixture
def play(conn: psycopg.Connection, tmp_path: Path) -> Callable[[str], Days]:
    """A pond with one scene laid into it, nobody held out."""

    def begin(scene: str) -> Days:
        folder = tmp_path / "brand"
        folder.mkdir()
        shutil.copy(shipped()["luckin"] / "pond.toml", folder)
        lay(folder, find(scene), "sandbox")
        for file in [folder / "pond.toml", *folder.glob("journeys/*.yml")]:
            file.write_text(re.sub(r"(holdout_percent\W+)\d+", r"\g<1>0", file.read_text("utf-8")), "utf-8")
        publish(conn, at(-400), load_brand(folder))
        return Days(conn)

    return begin


def test_a_new_friend_is_answered_by_day_and_by_night(play: Callable[[str], Days]) -> None:
    pond = play("new_friend")
    for who, when in (("day", at(0, "09:40")), ("night", at(0, "23:20")), ("buyer", at(0, "09:50"))):
        pond.tell(who, "contact_added", when, staff="guide01")
    pond.bought("buyer", at(1, "08:00"))
    pond.until(2)
    assert pond.heard("day") == [("0 10:00", "new_friend_hello"), ("2 10:00", "new_friend_help")]
    assert pond.heard("night")[0] == ("0 23:30", "new_friend_night")
    assert pond.heard("buyer") == [("0 10:00", "new_friend_hello")]


def test_the_first_order_is_helped_along_and_then_left_alone(play: Callable[[str], Days]) -> None:
    pond = play("first_order")
    for who in ("silent", "quick", "late"):
        pond.tell(who, "registered", at(0, "08:00"))
    pond.bought("quick", at(1, "08:00"))
    pond.bought("late", at(4, "08:00"))
    pond.until(20)
    assert pond.heard("quick") == []
    assert pond.heard("late") == [("2 10:00", "first_order_coupon")]
    assert pond.heard("silent") == [("2 10:00", "first_order_coupon"), ("7 19:30", "first_order_last_call")]


def test_the_ladder_goes_down_in_silence_and_up_with_an_order(play: Callable[[str], Days]) -> None:
    pond = play("silent_ladder")
    pond.tell("silent", "registered", at(0, "08:00"))
    pond.tell("buyer", "registered", at(0, "08:00"))
    pond.bought("buyer", at(40, "08:00"))
    pond.until(46)
    pays = {
        who: [row.pay_percent for row in pond.conn.execute(
            "select c.pay_percent from coupon c join person_event p using (bucket, person_id) join event e using (event_id) "
            "where e.handles ->> 'shop:test' = %s and e.type = 'registered' order by c.issued_at", [who])]
        for who in ("silent", "buyer")
    }  # fmt: skip
    assert pays == {"silent": [85, 43, 28], "buyer": [85, 43, 43]}


def test_who_does_not_come_back_is_reminded_first_and_given_a_coupon_later(play: Callable[[str], Days]) -> None:
    pond = play("repurchase")
    for who in ("gone", "back"):
        pond.bought(who, at(0, "08:00"))
    pond.bought("back", at(27, "08:00"))
    pond.until(40)
    assert pond.heard("gone") == [("25 10:00", "repurchase_reminder"), ("32 19:30", "repurchase_coupon")]
    assert pond.heard("back") == [("25 10:00", "repurchase_reminder")]


def test_members_hear_on_the_13th_and_nobody_else(play: Callable[[str], Days]) -> None:
    pond = play("member_day")
    pond.bought("member", at(-30))
    pond.tell("looker", "registered", at(-30))
    pond.until(45)
    assert pond.heard("member") == [("12 10:00", "member_day"), ("43 10:00", "member_day")]
    assert pond.heard("looker") == []


def test_a_birthday_has_a_gift_before_and_a_word_on_the_day(play: Callable[[str], Days]) -> None:
    pond = play("birthday")
    pond.tell("born", "profile_updated", at(-30), traits={"birthday": "1990-10-09"})
    pond.tell("unknown", "registered", at(-30))
    pond.until(20)
    assert pond.heard("born") == [("5 09:30", "birthday_gift"), ("8 09:30", "birthday_wish")]
    assert pond.heard("unknown") == []


def test_the_dormant_are_asked_before_they_are_offered_anything(play: Callable[[str], Days]) -> None:
    pond = play("dormant_wake_up")
    for who in ("silent", "answers", "returns"):
        pond.bought(who, at(-100))
        pond.bought(who, at(-61))
    pond.tell("answers", "message_replied", at(2, "08:00"), touch_id=1)
    pond.bought("returns", at(3, "08:00"))
    pond.until(20)
    asked = ("0 10:00", "dormant_ask")
    assert [pond.heard(who)[0] for who in ("silent", "answers", "returns")] == [asked] * 3
    assert [name for _, name in pond.heard("silent")] == ["dormant_ask", "dormant_coupon"]
    assert pond.heard("answers") == pond.heard("returns") == [asked]


def test_the_big_sale_is_for_those_who_have_stayed(play: Callable[[str], Days]) -> None:
    pond = play("big_sale_loyal")
    for n in range(6):
        pond.bought("regular", at(-60 + 10 * n))
    pond.bought("once", at(-10))
    pond.until(43)
    assert pond.heard("regular") == [("40 09:00", "big_sale")]
    assert pond.heard("once") == []


def test_half_a_month_after_the_haircut_comes_a_coupon(play: Callable[[str], Days]) -> None:
    pond = play("after_visit")
    pond.bought("cut", at(0, "08:00"), service="haircut")
    pond.bought("back", at(0, "08:00"), service="haircut")
    pond.bought("shampoo", at(0, "08:00"), service="shampoo")
    pond.bought("back", at(10, "08:00"), service="treatment")
    pond.until(30)
    assert pond.heard("cut") == [("15 11:00", "after_visit")]
    assert pond.heard("back") == pond.heard("shampoo") == []


def test_who_walks_past_a_store_hears_of_that_store(play: Callable[[str], Days]) -> None:
    pond = play("nearest_store")
    for who in ("near", "far", "late", "fresh"):
        pond.bought(who, at(-20))
    pond.bought("fresh", at(-2))
    pond.tell("near", "located", at(0, "10:50"), lat=30.2500, lon=120.1665)
    pond.tell("fresh", "located", at(0, "10:50"), lat=30.2500, lon=120.1665)
    pond.tell("far", "located", at(0, "10:50"), lat=30.4000, lon=120.1665)
    pond.tell("late", "located", at(0, "23:20"), lat=30.2500, lon=120.1665)
    pond.until(1)
    assert pond.heard("near") == [("0 11:00", "nearest_store")]
    assert pond.heard("far") == pond.heard("late") == pond.heard("fresh") == []
    body = pond.conn.execute("select subject, body from sandbox_message").fetchone()
    assert body is not None
    assert body.subject == "湖滨店就在附近"


def test_the_persona_keeps_its_order_for_everybody(play: Callable[[str], Days]) -> None:
    pond = play("persona_sequence")
    pond.tell("friend", "contact_added", at(0, "08:00"), staff="guide01")
    pond.tell("gone", "contact_added", at(0, "08:00"), staff="guide01")
    pond.tell("gone", "contact_lost", at(2, "08:00"), staff="guide01", by="customer")
    pond.until(15)
    assert [name for _, name in pond.heard("friend")] == ["who_i_am", "know_how", "results"]
    assert pond.heard("gone") == [("1 12:30", "who_i_am")]


@pytest.mark.parametrize("name", sorted(scenes()))
def test_every_scene_can_join_a_brand_that_has_its_own(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shipped()["luckin"], tmp_path / "brand"))
    shutil.rmtree(folder / "journeys")
    before = load_brand(folder)
    written = lay(folder, find(name), "sandbox")
    after = load_brand(folder)
    assert f"journeys/{name}.yml" in written
    assert set(after.journeys) == {*before.journeys, name}
    assert {**after.offers, **before.offers} == after.offers
    assert {after.messages[file.stem]["channel"] for file in map(Path, written) if file.parent.name == "messages"} <= {
        "sandbox"
    }
    assert lay(folder, find(name), "sandbox") == []


def test_a_scene_never_writes_over_what_is_mine(tmp_path: Path) -> None:
    folder = tmp_path / "brand"
    shutil.copytree(shipped()["luckin"], folder)
    mine = (folder / "journeys/repurchase.yml").read_text("utf-8")
    with pytest.raises(YutangError, match=r"journeys/repurchase.yml: 已经有了.* there already"):
        lay(folder, find("repurchase"), "sandbox")
    assert (folder / "journeys/repurchase.yml").read_text("utf-8") == mine
    with pytest.raises(YutangError, match="did you mean 'birthday'"):
        find("birthdays")


def test_after_two_weeks_everybody_hears_of_what_he_is_likely_to_buy(play: Callable[[str], Days]) -> None:
    pond = play("you_may_like")
    for who in ("silent", "plain", "back"):
        pond.bought(who, at(0, "08:00"))
    pond.bought("back", at(10, "08:00"))
    pond.until(1)
    put(
        pond.conn,
        at(1),
        [{"id": "oat", "title": "燕麦拿铁", "price_fen": 1800}, {"id": "cake", "title": "桂花蛋糕", "stock": 0}],
    )
    person = pond.conn.execute(
        "select distinct p.bucket, p.person_id from person_event p join event e using (event_id) where e.handles ->> 'shop:test' = 'silent'"
    ).fetchone()
    pond.conn.execute(
        "insert into product_number (product, name) values ('cake', '蛋糕'), ('oat', '燕麦'), ('tea', '桂花乌龙')"
    )
    pond.conn.execute(
        "insert into product_prediction select %s, %s, array_agg(number order by number) from product_number",
        (person.bucket, person.person_id),
    )
    pond.until(20)
    assert pond.heard("silent") == pond.heard("plain") == [("14 10:00", "you_may_like")]
    assert pond.heard("back") == []
    bodies = {row.person_id: row.body for row in pond.conn.execute("select person_id, body from sandbox_message")}
    assert bodies.pop(person.person_id) == "朋友，按你平时买的，给你留意了几样：\n1. 燕麦拿铁，18元\n2. 桂花乌龙\n"
    assert list(bodies.values()) == ["朋友，最近上了些新东西，有空来看看。"]
