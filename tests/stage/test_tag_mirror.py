"""Tags both ways through the whole loop: ours reach the city, the staff's come in, and at rest nobody calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cities import VAULT, Clock, Living, living
from ponds import Pond
from yutang import deliver, ingest, journey, source, worker
from yutang.channels.contract import Channel, Wish
from yutang.channels.wecom import tags
from yutang.channels.wecom.channel import WeCom
from yutang.emulator import callbacks
from yutang.emulator.people import Customer
from yutang.emulator.wecom.tags import Tags
from yutang.vault import open_vault

REGULAR, ASLEEP = "鱼塘/常客", "鱼塘/沉睡"


class Here:
    """A pond, its city, one clock for both; staff of the city are guide01 to guide03."""

    def __init__(self, conn: psycopg.Connection, place: Living, clock: Clock) -> None:
        self.conn, self.city, self.api, self.clock = conn, place.city, place.api, clock
        self.account, self.heard = place.accounts["wecom"], 0
        self.channel = WeCom(VAULT, self.account, clock)
        self.pond = Pond(conn)
        for name in (self.account.source, "shop"):
            ingest.add_source(conn, clock(), name, name)

    def live(self, **forward: float) -> None:
        """What the city has called back arrives, and the loop comes to rest; then some time passes, and it does so again."""
        self.rest()
        self.clock.forward(**(forward or {"minutes": 1}))
        self.rest()

    def rest(self) -> None:
        fresh, self.heard = self.city.callbacks.told[self.heard :], len(self.city.callbacks.told)
        for fields in fresh:
            at = datetime.fromtimestamp(fields["CreateTime"], UTC)
            ingest.keep_raw(self.conn, self.clock(), self.account.source, callbacks.xml(fields), at)
        worker.settle(self.conn, self.clock(), {self.channel.name: self.channel})

    def friend(self, *staff: str) -> Customer:
        customer = self.city.add_customer()
        for userid in staff:
            self.city.befriends(customer, userid)
        self.live()
        return customer

    def says(self, customer: Customer, type: str, **props: Any) -> None:
        """The shop posts an event about the customer, whom it knows by unionid."""
        event = {"id": f"{type}{self.clock()}{props}", "source": "shop", "type": type, "at": self.clock().isoformat(),
                 "handles": {"unionid": customer.unionid}, "props": props}  # fmt: skip
        assert ingest.record(self.conn, open_vault(), self.clock(), [event]).accepted == 1
        self.live()

    def manage(self, *names: str) -> None:
        tags.manage(self.conn, self.clock(), self.account, names)
        self.live()

    def carries(self, customer: Customer, userid: str = "guide01") -> set[str]:
        """The tags that the member of staff sees on the customer."""
        kept, relation = self.city.part(Tags), self.city.relation(userid, customer)
        assert relation is not None
        return {f"{kept.groups[kept.tags[one].group].name}/{kept.tags[one].name}" for one in relation.tags}

    def words(self) -> list[tuple[str, str, str]]:
        rows = self.conn.execute(
            "select source, type, props ->> 'tag' as tag from event where type in ('tagged', 'untagged') order by event_id"
        )
        return [tuple(row) for row in rows]

    def calls(self) -> int:
        """How often anything of tags was changed at the platform."""
        row = self.conn.execute("select count(*) as n from channel_call where path ~ 'mark_tag|corp_tag$'").fetchone()
        assert row is not None
        return row.n


@pytest.fixture
def here(conn: psycopg.Connection, home: Path) -> Iterator[Here]:  # noqa: ARG001
    clock = Clock()
    with living(conn, clock=clock) as place:
        one = Here(conn, place, clock)
        one.city.settings.callback.api_edit_events = True
        one.live()
        yield one


def test_a_journeys_tag_is_seen_by_every_guide_until_it_is_taken(here: Here) -> None:
    text = f"title: {{zh: 甲, en: A}}\ntrigger: {{event: ordered}}\nsteps: [{{tag: {REGULAR}}}, {{wait: {{days: 2}}}}, {{untag: {REGULAR}}}]"
    here.pond.define("journey", "regulars", journey.journey(source.load(text, "regulars.yml")))
    here.manage(REGULAR)
    fish, other = here.friend("guide01", "guide02"), here.friend("guide01")
    here.says(fish, "ordered", order_id="1", amount_fen=100)
    assert here.carries(fish, "guide01") == here.carries(fish, "guide02") == {REGULAR}
    assert here.carries(other) == set()
    here.city.befriends(fish, "guide03")
    here.live()
    assert here.carries(fish, "guide03") == {REGULAR}
    here.live(days=2, minutes=1)
    assert [here.carries(fish, f"guide0{n}") for n in (1, 2, 3)] == [set()] * 3
    assert here.words() == [("yutang", "tagged", REGULAR), ("yutang", "untagged", REGULAR)]


def test_tags_of_staff_come_in_and_nothing_goes_round(here: Here) -> None:
    (gold,) = here.api.post("externalcontact/add_corp_tag", group_name="等级", tag=[{"name": "金卡"}])["tag_group"][
        "tag"
    ]
    here.manage(REGULAR)
    fish = here.friend("guide01", "guide02")
    here.says(fish, "tagged", tag=REGULAR)
    here.city.staff_edits("guide01", fish, add_tags=[gold["id"]])
    here.live()
    assert here.words() == [("shop", "tagged", REGULAR), ("wecom:main", "tagged", "等级/金卡")]
    assert here.carries(fish) == {REGULAR, "等级/金卡"}
    assert here.carries(fish, "guide02") == {REGULAR}, "the staff's own tags are not spread"

    ours = next(tag for tag in here.city.relation("guide02", fish).tags)  # type: ignore[union-attr]
    here.city.staff_edits("guide02", fish, remove_tags=[ours])
    here.live()
    here.live()
    assert here.carries(fish, "guide02") == {REGULAR}, "ours is put right again"
    settled, words = here.calls(), here.words()
    for _ in range(3):
        here.live()
    assert (here.calls(), here.words()) == (settled, words)


def test_the_latest_word_counts_in_whatever_order_they_come(here: Here) -> None:
    here.manage(REGULAR)
    fish = here.friend("guide01")
    at = here.clock()
    here.says(fish, "tagged", tag=REGULAR)
    here.clock.at = at - timedelta(minutes=5)
    event = {"id": "late", "source": "shop", "type": "untagged", "at": here.clock().isoformat(),
             "handles": {"unionid": fish.unionid}, "props": {"tag": REGULAR}}  # fmt: skip
    here.clock.at = at + timedelta(minutes=5)
    ingest.record(here.conn, open_vault(), here.clock(), [event])
    here.live()
    assert here.carries(fish) == {REGULAR}


def test_a_tag_runs_out_without_a_word(here: Here) -> None:
    here.manage(REGULAR, ASLEEP)
    fish = here.friend("guide01")
    here.says(fish, "tagged", tag=REGULAR, expires_at=(here.clock() + timedelta(days=2)).isoformat())
    here.says(fish, "tagged", tag=ASLEEP, expires_at=(here.clock() + timedelta(days=2)).isoformat())
    here.says(fish, "tagged", tag=ASLEEP)
    here.live(days=1)
    assert here.carries(fish) == {REGULAR, ASLEEP}
    here.live(days=1)
    assert here.carries(fish) == {ASLEEP}, "the later word says for ever"
    assert here.conn.execute("select from tag_end").fetchall() == []


def test_who_was_tagged_before_is_shown_with_it_from_the_day_he_is_a_contact(here: Here) -> None:
    here.manage(REGULAR)
    fish = here.city.add_customer()
    here.says(fish, "tagged", tag=REGULAR)
    here.city.befriends(fish, "guide01")
    here.live()
    assert here.carries(fish) == {REGULAR}


def test_a_tag_that_is_managed_from_now_on_goes_to_all_who_have_it(here: Here) -> None:
    fish, carp = here.friend("guide01"), here.friend("guide01")
    here.says(fish, "tagged", tag=ASLEEP)
    here.says(carp, "tagged", tag=ASLEEP)
    here.says(carp, "untagged", tag=ASLEEP)
    assert here.calls() == 0
    here.manage(ASLEEP)
    assert deliver.mirror_again(here.conn, here.clock(), here.channel, [ASLEEP]) == 2
    here.live()
    assert (here.carries(fish), here.carries(carp)) == ({ASLEEP}, set())
    assert [tuple(row) for row in tags.managed(here.conn, here.account)] == [(ASLEEP, "managed")]


class Broken(Channel):
    """Cannot take note of anything, until it is mended."""

    name, handle, source = "broken", "unionid", "broken:main"

    def __init__(self) -> None:
        self.mended, self.told = False, []

    def mirror(self, conn: psycopg.Connection, now: datetime, wishes: Any) -> None:  # noqa: ARG002
        if not self.mended:
            raise ValueError("no")
        self.told += wishes


def test_a_channel_that_fails_is_told_again_and_stops_nothing(here: Here) -> None:
    here.manage(REGULAR)
    fish = here.friend("guide01")
    broken = Broken()
    outlets = {"broken": broken, here.channel.name: here.channel}
    event = {"id": "1", "source": "shop", "type": "tagged", "at": here.clock().isoformat(),
             "handles": {"unionid": fish.unionid}, "props": {"tag": REGULAR}}  # fmt: skip
    ingest.record(here.conn, open_vault(), here.clock(), [event])
    worker.settle(here.conn, here.clock(), outlets)
    assert (broken.told, here.carries(fish)) == ([], set())
    broken.mended = True
    worker.settle(here.conn, here.clock(), outlets)
    assert broken.told == [Wish(fish.unionid, REGULAR, True)]
    assert here.carries(fish) == {REGULAR}
