"""Six weeks in the city twice: on calm days, and with every trouble that the platform has. Nothing is lost, nothing sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from towns import CHINA, Town, town
from yutang import channels
from yutang.emulator import shop
from yutang.emulator.faults import Faults
from yutang.emulator.people import UNASSIGNED, Customer
from yutang.emulator.wecom.mass import DONE

FIRST = datetime(2026, 3, 20, tzinfo=CHINA)
PEOPLE = 14
LEAVER, HEIR = "guide01", "guide02"
ADD = "cgi-bin/externalcontact/add_msg_template"


def on(day: int, hour: float = 12) -> datetime:
    return FIRST + timedelta(days=day, hours=hour)


class Story:
    """What everybody does, by time; the same in every run."""

    def __init__(self, here: Town) -> None:
        self.here, self.city = here, here.city
        self.people = [self.city.add_customer() for _ in range(PEOPLE)]
        self.acts: list[tuple[datetime, Callable[[], Any]]] = []
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
            self.at(38, 15 + n / 10, lambda: self.city.buys(one, 1500, shop.coupons_of(self.city, one)[:1]))

    def _goes(self) -> None:
        """Some end it, by themselves or by staff; one of them comes back, another way."""
        gone, dropped, back = (self.people[n] for n in (2, 6, 10))
        self.at(12, 14, lambda: self.city.deletes(gone, self.guide(gone)))
        self.at(13, 14, lambda: self.city.staff_deletes(self.guide(dropped), dropped))
        self.at(9, 14, lambda: self.city.deletes(back, self.guide(back)))
        self.at(15, 14, lambda: self.here.scan(back, "store_lakeside"))

    def _works(self) -> None:
        """Staff edit in their client; one of them leaves, and the operator names the heir."""
        edited, refusing = self.people[3], self.people[12]
        self.at(14, 15, lambda: self.city.staff_edits(self.guide(edited), edited, personal=("爱聊天",), remark="老友"))
        self.at(40, 12, lambda: self.city.resigns(LEAVER))
        self.at(40, 13, lambda: self.city.refuses(refusing, HEIR))
        inherit = channels.INHERITANCE["wecom"]
        self.at(40, 14, lambda: inherit.begin(
            self.here.conn, self.here.clock(), self.here.account, LEAVER, HEIR, resigned=True))  # fmt: skip

    def guide(self, one: Customer) -> str:
        """Whose contact the customer is."""
        (found,) = {relation.userid for relation in self.city.people.followers_of(one.external_userid)}
        return found

    def live(self, troubles: Mapping[int, Callable[[], Any]]) -> None:
        """Act after act, each heard at once; `troubles` begin in the morning of their days."""
        mornings = [(on(day, 6), trouble) for day, trouble in troubles.items()]
        for at, act in sorted(self.acts + mornings, key=lambda one: one[0]):
            self.here.live(at)
            act()
            self.here.hear()
        self.here.until(on(52))


def troubles(here: Town) -> Mapping[int, Callable[[], Any]]:
    """By day: the platform forgets its tokens, shuts paths, swallows answers; one guide does not tap for days."""
    faults = here.city.faults

    def shut(*paths: str) -> Callable[[], Any]:
        return lambda: faults.rate_limited.update(paths)

    def swallow(share: float) -> Callable[[], Any]:
        return lambda: setattr(faults, "lost_answers", share)

    def tap(*lazy: str) -> Callable[[], Any]:
        return lambda: setattr(faults, "never_tap", set(lazy))

    revoked = dict.fromkeys((2, 4, 6, 11, 30, 32, 35, 41), here.city.revoke_tokens)
    return revoked | {
        3: shut("*"), 5: faults.rate_limited.clear, 16: shut("cgi-bin/externalcontact/get"), 17: faults.rate_limited.clear,
        31: swallow(0.5), 33: swallow(0.05), 34: shut(ADD), 36: faults.rate_limited.clear, 37: tap(HEIR), 39: tap(),
    }  # fmt: skip


def every_fault() -> Faults:
    found = Faults.everyday()
    found.lost_callbacks, found.duplicate_callbacks, found.reordered_callbacks = 0.2, 0.2, 0.2
    found.busy_rate, found.bad_gateway_rate, found.lost_answers = 0.03, 0.03, 0.05
    found.slow_answers_s, found.block_rate = 0.002, 0.03
    return found


@dataclass
class Lived:
    """What one run came to, by the number of the customer."""

    ladders: dict[int, tuple[str, int]]
    coupons: dict[int, list[tuple[str, int | None]]]
    tags: dict[int, set[str]]
    remarks: dict[int, str]


def lived(conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch, faults: Faults) -> Lived:
    """Six weeks; whatever must hold in any run is looked at here."""
    calm = faults == Faults()
    with town(conn, url, monkeypatch, LEAVER, HEIR, start=on(0)) as here:
        here.city.faults, here.tapping = faults, {LEAVER, HEIR}
        here.code("package_card", LEAVER, HEIR, tags=("来源/包裹卡",), remark="卡-{name}")
        here.code("store_lakeside", HEIR, store="湖滨店", tags=("来源/门店",), remark="湖滨-{name}")
        story = Story(here)
        story.live({} if calm else troubles(here))
        if not calm:
            everything_went_wrong(here)
        everybody_is_known(here)
        nothing_was_sent_twice(story)
        every_task_has_an_end(here)
        every_fact_was_told_once(here)
        coupons_are_as_the_till_says(story)
        return outcome(story)


def everything_went_wrong(here: Town) -> None:
    """Otherwise the story would prove nothing."""
    callbacks = here.city.callbacks
    assert callbacks.lost > 0
    codes = {row.errcode for row in here.rows("select distinct errcode from channel_call")}
    assert codes >= {0, -1, None, 40014, 45009}
    unanswered = here.rows("select from channel_call where path = %s and errcode is null", ADD.partition("/")[2])
    assert unanswered, "some mass task was made, or not, without an answer"


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
    assert len(truth) >= PEOPLE - 4
    told = {row.external_userid: set(row.told_tags) for row in here.rows("select external_userid, told_tags from wecom_contact")}  # fmt: skip
    assert {external: told[external] for external, _ in truth} == {pair[0]: tags for pair, (_, tags) in truth.items()}


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
    if [r for r in ends if r.state not in ("sent","failed")]: print([tuple(r) for r in here.rows("select a.*, t.at as tat, t.deadline, (select min(name) from definition j where j.definition_id=t.message_id) as name from attempt a join touch t using (bucket, person_id, touch_id) where a.state = 'waiting'")])
    assert {row.state for row in ends} <= {"sent", "failed"}
    assert all(row.reason for row in ends if row.state == "failed")
    assert here.rows("select from wecom_task_receiver where state = 'asked'") == []
    told = here.rows("select props ->> 'touch_id' as touch, type from event where type ~ '^message_(assigned|sent|failed)$'")
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
    return ("contact_lost", fields["UserID"]) if fields["ChangeType"] in ("del_external_contact", "del_follow_user") else None


def coupons_are_as_the_till_says(story: Story) -> None:
    """What was used is redeemed, and nothing else; an order counts once."""
    orders = [order for one in story.people for order in shop.orders_of(story.city, one)]
    redeemed = {row.code for row in story.here.rows("select code from coupon where state = 'redeemed'")}
    assert redeemed == {code for order in orders for code in order.coupon_codes}
    (row,) = story.here.rows("select count(*) as n, sum(amount) as fen from person_event where type = 'ordered'")
    assert (row.n, row.fen) == (len(orders), sum(order.amount_fen for order in orders))


def outcome(story: Story) -> Lived:
    here, found = story.here, Lived({}, {}, {}, {})
    for n, one in enumerate(story.people):
        person = here.person(one)
        found.ladders[n] = tuple(here.rows("select side, rung from ladder where person_id = %s", person))  # type: ignore[assignment]
        found.coupons[n] = sorted((t.offer or "", t.rung) for t in here.touches(one) if t.coupon)
        followers = here.city.people.followers_of(one.external_userid)
        found.tags[n] = {tag for relation in followers for tag in here.tags(one, relation.userid)}
        found.remarks[n] = " ".join(relation.remark for relation in followers)
    return found


def test_a_calm_city_and_a_troubled_one_come_to_the_same(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(lived(conn, url, monkeypatch, Faults()))
