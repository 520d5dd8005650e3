"""Two months in the city twice: on calm days, and with every trouble that the platform has. Nothing is lost, nothing sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from towns import CHINA, MIRRORED, Town, town
from yutang import channels
from yutang.db.connect import connect
from yutang.db.server import Server
from yutang.emulator import shop
from yutang.emulator.faults import Faults
from yutang.emulator.people import UNASSIGNED, Customer
from yutang.emulator.wecom.mass import DONE
from yutang.why.chain import Touch

FIRST = datetime(2026, 3, 20, tzinfo=CHINA)
PEOPLE = 14
LEAVER, HEIR = "guide01", "guide02"
ADD = "externalcontact/add_msg_template"

Act = tuple[datetime, Callable[[], Any]]
"""Something that happens, and when."""


def on(day: int, hour: float = 12) -> datetime:
    return FIRST + timedelta(days=day, hours=hour)


class Story:
    """What everybody does, by time; the same in every run. answers: of the platform, by path and code."""

    def __init__(self, here: Town) -> None:
        self.here, self.city = here, here.city
        self.answers: set[tuple[str, int | None]] = set()
        self.people = [self.city.add_customer() for _ in range(PEOPLE)]
        self.acts: list[Act] = []
        for n, one in enumerate(self.people):
            self._comes(n, one)
        self._goes()
        self._works()

    def at(self, day: int, hour: float, act: Callable[[], Any]) -> None:
        self.acts.append((on(day, hour), act))

    def _comes(self, n: int, one: Customer) -> None:
        """Two a day, by either code, some of them at night; three of four become members, some buy."""
        code, hour = ("package_card", "store_lakeside")[n % 2], 22.5 if n in (4, 7) else 9 + n
        self.at(1 + n // 2, hour, lambda: self.here.scan(one, code))
        if n % 4 != 3:
            self.at(1 + n // 2, hour + 1, lambda: self.city.registers(one))
        if n in (1, 5):
            self.at(10, 13, lambda: self.city.buys(one))
        if n in (0, 1, 4, 8):
            self.at(36, 15 + n / 10, lambda: self.city.buys(one, 1500, shop.coupons_of(self.city, one)[:1]))

    def _goes(self) -> None:
        """Some end it, by themselves or by staff; one of them comes back, another way."""
        gone, dropped, back = (self.people[n] for n in (2, 6, 10))
        self._of(12, gone, lambda userid: self.city.deletes(gone, userid))
        self._of(13, dropped, lambda userid: self.city.staff_deletes(userid, dropped))
        self._of(9, back, lambda userid: self.city.deletes(back, userid))
        self.at(15, 14, lambda: self.here.scan(back, "store_lakeside"))

    def _of(self, day: int, one: Customer, act: Callable[[str], Any]) -> None:
        """Something between the customer and whoever's contact he is by then."""
        self.at(day, 14, lambda: [act(r.userid) for r in self.city.people.followers_of(one.external_userid)])

    def _works(self) -> None:
        """Staff edit in their client; one of them leaves, and the operator names the heir."""
        edited, refusing = self.people[3], self.people[12]
        self._of(14, edited, lambda userid: self.city.staff_edits(userid, edited, personal=("爱聊天",), remark="老友"))
        self.at(40, 12, lambda: self.city.resigns(LEAVER))
        self.at(40, 13, lambda: self.city.refuses(refusing, HEIR))
        inherit = channels.INHERITANCE["wecom"]
        self.at(40, 14, lambda: inherit.begin(
            self.here.conn, self.here.clock(), self.here.account, LEAVER, HEIR, resigned=True))  # fmt: skip

    def live(self, troubles: Sequence[Act]) -> None:
        """Act after act, each heard at once."""
        for at, act in sorted([*self.acts, *troubles], key=lambda one: one[0]):
            self.here.live(at)
            act()
            self.here.hear()
            self.answers |= {tuple(row) for row in self.here.rows("select distinct path, errcode from channel_call")}
        self.here.until(on(60))


def troubles(here: Town) -> list[Act]:
    """Two scans are never called back; the platform forgets its tokens, shuts paths, swallows answers; a guide does not tap."""

    def now(day: int, hour: float = 6, **faults: Any) -> Act:
        return on(day, hour), lambda: vars(here.city.faults).update(faults)

    forgotten = [(on(day, hour), here.city.revoke_tokens) for day, hour in ((1, 9.9), (2, 11.9), (4, 15.9))]
    between_looks = [(on(day, 6), lambda: here.city.later(4.1 * 3600, here.city.revoke_tokens)) for day in (6, 11, 30, 35, 41)]  # fmt: skip
    return [
        *forgotten, *between_looks,
        now(3, rate_limited={"*"}), now(3, 13.9, lost_callbacks=1), now(3, 14.1, lost_callbacks=0.2), now(4, lost_answers=0.5),
        now(5, rate_limited=set()), now(5, 16.9, lost_callbacks=1), now(5, 17.1, lost_callbacks=0.2), now(6, lost_answers=0.05),
        # Both tries of a welcome get no answer.
        now(6, 18.9, lost_callbacks=0), now(6, 19.9, lost_answers=1), now(6, 20.05, lost_answers=0.05),
        now(7, rate_limited={"cgi-bin/externalcontact/get"}), now(9, rate_limited=set(), lost_callbacks=0.2),
        now(31, lost_answers=0.5), now(33, lost_answers=0.05), now(34, rate_limited={f"cgi-bin/{ADD}"}), now(36, rate_limited=set()),
        now(37, never_tap={HEIR}), now(39, never_tap=set()),
    ]  # fmt: skip


def every_fault() -> Faults:
    found = Faults.everyday()
    found.lost_callbacks, found.duplicate_callbacks, found.reordered_callbacks = 0.2, 0.2, 0.2
    found.busy_rate, found.bad_gateway_rate, found.lost_answers = 0.03, 0.03, 0.05
    found.slow_answers_s, found.block_rate = 0.002, 0.03
    return found


@dataclass
class Outcome:
    """What became of a customer. coupons: given, whether or not the letter arrived. guides: whose contact, with what tags and what remark; these, where nobody has ended it."""

    ladder: list[tuple[str, int, int]]
    coupons: list[tuple[str, int]]
    guides: dict[str, tuple[set[str], str]]


def lived(url: str, monkeypatch: pytest.MonkeyPatch, faults: Faults) -> list[Outcome]:
    """Two months; whatever must hold in any run is looked at here."""
    calm = faults == Faults()
    with connect(url) as conn, town(conn, url, monkeypatch, LEAVER, HEIR, start=on(0)) as here:
        here.city.faults, here.tapping = faults, {LEAVER, HEIR}
        here.code("package_card", LEAVER, HEIR, tags=("来源/包裹卡",), remark="卡-{name}")
        here.code("store_lakeside", HEIR, store="湖滨店", tags=("来源/门店",), remark="湖滨-{name}")
        story = Story(here)
        story.live([] if calm else troubles(here))
        if not calm:
            everything_went_wrong(story)
        everybody_is_known(here)
        nothing_was_sent_twice(story)
        every_task_has_an_end(here)
        every_fact_was_told_once(here)
        coupons_are_as_the_till_says(story)
        return [outcome(here, one) for one in story.people]


def everything_went_wrong(story: Story) -> None:
    """Otherwise the story would prove nothing."""
    callbacks = story.city.callbacks
    assert callbacks.lost > 0
    assert {code for _, code in story.answers} >= {0, -1, None, 40014, 45009}
    assert {path for path, code in story.answers if code is None} >= {ADD, "externalcontact/send_welcome_msg"}
    assert {path for path, code in story.answers if code == 45009} >= {ADD, "externalcontact/get"}


def everybody_is_known(here: Town) -> None:
    """Our relations are those of the city, and so is what staff see of tags and remarks."""
    people = here.city.people
    truth = {
        (one.external_userid, userid): (one.remark, here.tags(people.customers[one.external_userid], userid))
        for userid in people.staff
        for one in people.of_staff.get(userid, {}).values()
        if one.there or one.status == UNASSIGNED
    }
    rows = here.rows(
        """select r.external_userid, r.userid, r.remark, array(
               select t.group_name || '/' || t.name from wecom_tag t where t.account = r.account and t.tag_id = any(r.tags)) as tags
           from wecom_relation r where r.state in ('active', 'pending')"""
    )
    assert {(row.external_userid, row.userid): (row.remark, set(row.tags)) for row in rows} == truth
    assert len(truth) > PEOPLE / 2
    told = {row.external_userid: set(row.told_tags) for row in here.rows("select external_userid, told_tags from wecom_contact")}  # fmt: skip
    assert {external: told[external] for external, _ in truth} == {
        pair[0]: tags - {MIRRORED} for pair, (_, tags) in truth.items()
    }


def nothing_was_sent_twice(story: Story) -> None:
    """Each message on a phone is a touch of its own; each task of the city is one that we know."""
    here = story.here
    known = {row.msgid for row in here.rows("select msgid from wecom_task where msgid is not null")}
    assert {mass.msgid for mass in here.made()} == known
    done = {(m.msgid, row.id) for m in here.made() for rows in m.rows.values() for row in rows.values() if row.status == DONE}  # fmt: skip
    rows = here.rows("select t.msgid, r.receiver from wecom_task_receiver r join wecom_task t using (task_id) where r.state = 'sent'")  # fmt: skip
    assert {tuple(row) for row in rows} == done
    for one in story.people:
        sent = [touch for touch in here.touches(one) if touch.attempt and touch.attempt.state == "sent"]
        assert len(here.phone(one)) == len(sent)
        codes = [code for message in here.phone(one) for code in shop.codes_in([message.text])]
        assert len(codes) == len(set(codes)), "no coupon comes twice"


def every_task_has_an_end(here: Town) -> None:
    ends = here.rows("select state, reason, count(*) from attempt group by 1, 2")
    assert {row.state for row in ends} <= {"sent", "failed"}
    assert all(row.reason for row in ends if row.state == "failed")
    assert here.rows("select from wecom_task_receiver where state = 'asked'") == []
    told = here.rows(
        "select props ->> 'touch_id' as touch, type from event where type ~ '^message_(assigned|sent|failed)$'"
    )
    by_type = {type: Counter(row.touch for row in told if row.type == f"message_{type}") for type in ("assigned", "sent", "failed")}  # fmt: skip
    assert all(n == 1 for counter in by_type.values() for n in counter.values())
    assert set(by_type["assigned"]) <= set(by_type["sent"]) | set(by_type["failed"])
    assert not set(by_type["sent"]) & set(by_type["failed"])


def every_fact_was_told_once(here: Town) -> None:
    """What the city has called back, or would have: one fact each."""
    truth = Counter(kind for fields in natural(here) if (kind := kind_of(fields)))
    rows = here.rows(
        """select type, props ->> 'staff' as staff, count(*) as n from event
           where type in ('contact_added', 'contact_lost', 'contact_moved') group by 1, 2"""
    )
    assert {(row.type, row.staff): row.n for row in rows} == truth


def natural(here: Town) -> list[Mapping[str, Any]]:
    """Everything that has happened at the platform, whether its callback came or not; each once."""
    return [fields for fields in here.city.callbacks.told if "ChangeType" in fields]


def kind_of(fields: Mapping[str, Any]) -> tuple[str, str] | None:
    if fields["ChangeType"] == "add_external_contact":
        return ("contact_added" if "WelcomeCode" in fields else "contact_moved"), fields["UserID"]
    return (
        ("contact_lost", fields["UserID"])
        if fields["ChangeType"] in ("del_external_contact", "del_follow_user")
        else None
    )


def coupons_are_as_the_till_says(story: Story) -> None:
    """Each coupon that was shown was redeemed once, or refused because its time was over; an order counts once."""
    orders = [order for one in story.people for order in shop.orders_of(story.city, one)]
    asked = story.here.rows(
        "select r.code, r.state, r.reason, c.state as coupon from redemption r join coupon c using (code)"
    )
    assert sorted(row.code for row in asked) == sorted(code for order in orders for code in order.coupon_codes)
    assert {(row.state, row.reason, row.coupon) for row in asked} <= {("done", None, "redeemed"), ("refused", "expired", "expired")}  # fmt: skip
    (row,) = story.here.rows("select count(*) as n, sum(amount) as fen from person_event where type = 'ordered'")
    assert (row.n, row.fen) == (len(orders), sum(order.amount_fen for order in orders))


def outcome(here: Town, one: Customer) -> Outcome:
    steps = here.rows("select side, rung, move from ladder where person_id = %s", here.person(one))
    coupons = sorted((touch.offer or "", touch.rung or 0) for touch in here.touches(one) if touch.coupon or gone(touch))
    followers = here.city.people.followers_of(one.external_userid)
    guides = {relation.userid: (here.tags(one, relation.userid), relation.remark) for relation in followers}
    return Outcome([tuple(row) for row in steps], coupons, guides)


def gone(touch: Touch) -> bool:
    """A coupon of which nobody was told is taken back."""
    return touch.offer is not None and touch.attempt is not None and touch.attempt.state == "failed"


@pytest.fixture
def urls(url: str, server: Server, template: str) -> Iterator[list[str]]:
    """Two fresh databases."""
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"create database pond_again template {template}")  # type: ignore[arg-type]
        yield [url, make_conninfo(server.url, dbname="pond_again")]
        admin.execute("drop database pond_again with (force)")


def test_a_calm_city_and_a_troubled_one_come_to_the_same(urls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    calm, troubled = (
        lived(url, monkeypatch, faults) for url, faults in zip(urls, (Faults(), every_fault()), strict=True)
    )
    for one, other in zip(calm, troubled, strict=True):
        assert one.ladder == other.ladder
        # Whoever was driven away is spoken to no more, and gets no coupon that nobody could tell them of.
        assert one.coupons == other.coupons or (
            one.guides != other.guides and Counter(other.coupons) <= Counter(one.coupons)
        )
        for userid in one.guides.keys() & other.guides.keys():
            assert one.guides[userid] == other.guides[userid]
    stayed = [one.guides.keys() == other.guides.keys() for one, other in zip(calm, troubled, strict=True)]
    assert sum(stayed) > PEOPLE / 2, "few were driven away by what they got"
