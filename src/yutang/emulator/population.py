"""The population: scripted people who live by themselves. The same seed and the same messages make the same acts."""

from __future__ import annotations

import heapq
import itertools
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from yutang.emulator import shop
from yutang.emulator.errors import CityError
from yutang.emulator.habits import ANSWERS, GUIDES, NAMES, QUESTIONS, Drinker, Worker, awake
from yutang.emulator.people import ACTIVE, Customer, Message, Staff
from yutang.emulator.posters import FAN, GROUP, posters, templates
from yutang.emulator.wecom.tasks import UNSENT

if TYPE_CHECKING:
    from yutang.emulator.city import City

WEEK = timedelta(days=7)
AFTER = timedelta(hours=3)
"""When to try again what is not possible yet, such as a scan before there is a code."""
QUIET = ("chat", "welcome", "moment")
"""Messages that nobody minds."""
_OFF = re.compile(r"[减省抵]\s*(\d{1,3})\s*元|¥\s*(\d{1,3})")


@dataclass(frozen=True)
class Act:
    """Something that somebody did. `detail` names what it was done to."""

    at: datetime
    who: str
    what: str
    detail: str = ""


@dataclass
class Life:
    """A customer and what they remember. seen: messages read; heard: when each came; fed: who wrote, for the last week."""

    customer: Customer
    dice: random.Random
    habits: Drinker
    seen: int = 0
    heard: list[tuple[datetime, str, str]] = field(default_factory=list)
    orders: int = 0


@dataclass
class Shift:
    """A staff member at work. known: tasks that were noticed."""

    staff: Staff
    dice: random.Random
    habits: Worker
    known: set[str] = field(default_factory=set)


class Population:
    """Customers and staff of a city, living between one `live` and the next. They act only as people can.

    customers: how many come to the city within `arrive_days`; staff are added where the city has none. One member of
    staff resigns in the fourth to seventh week. `acts` is what happened, in order; `first_at` is when the first one is due;
    `problem` is what last went wrong.
    """

    def __init__(self, city: City, seed: int = 7, customers: int = 30, arrive_days: float = 14) -> None:
        self.city, self.seed = city, seed
        self.acts: list[Act] = []
        self.problem = ""
        self.began = city.now()
        self._queue: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._numbers = itertools.count()
        for userid, name in GUIDES if not city.people.staff else ():
            city.add_staff(userid, name)
        self.shifts = [self._shift(one) for one in city.people.staff.values()]
        self.lives = [self._life(number, arrive_days) for number in range(customers)]
        self._plan_resignation()
        self.first_at = self._queue[0][0] if self._queue else self.began

    @property
    def next_at(self) -> datetime | None:
        """When somebody will act next."""
        return self._queue[0][0] if self._queue else None

    def live(self, until: datetime) -> int:
        """Let everybody act whose time has come, in its order. Returns how many acts there were."""
        before = len(self.acts)
        while self._queue and self._queue[0][0] <= until:
            at, _, act = heapq.heappop(self._queue)
            act(at)
        return len(self.acts) - before

    # Making people

    def _life(self, number: int, days: float) -> Life:
        dice = random.Random(f"{self.seed}/customer/{number}")
        name = NAMES[number % len(NAMES)] + (str(number // len(NAMES) + 1) if number >= len(NAMES) else "")
        life = Life(self.city.add_customer(name), dice, Drinker.drawn(dice, days))
        comes = awake(self.began + timedelta(days=life.habits.arrives_days), dice)
        self._at(comes, lambda at: self._arrives(life, at))
        self._at(comes, lambda at: self._looks(life, at))
        self._at(comes + timedelta(minutes=dice.uniform(1, 30)), lambda at: self._comes_to_buy(life, at))
        return life

    def _shift(self, staff: Staff) -> Shift:
        dice = random.Random(f"{self.seed}/staff/{staff.userid}")
        shift = Shift(staff, dice, Worker.drawn(dice))
        self._at(awake(self.began, dice, 9), lambda at: self._works(shift, at))
        return shift

    def _plan_resignation(self) -> None:
        dice = random.Random(f"{self.seed}/resignation")
        if len(self.shifts) > 1:
            leaver = dice.choice(self.shifts)
            at = awake(self.began + timedelta(days=dice.uniform(21, 49)), dice)
            self._at(at, lambda at: self._resigns(leaver, at))

    def _at(self, at: datetime, act: Callable[[datetime], None]) -> None:
        heapq.heappush(self._queue, (at, next(self._numbers), act))

    def _do(self, at: datetime, who: str, what: str, detail: str, act: Callable[[], object]) -> bool:
        """Do it and write it down. False when the city does not let it happen."""
        try:
            act()
        except (LookupError, CityError) as error:
            self.problem = f"{who} {what} {detail}: {error}"
            return False
        except shop.ShopError as error:
            self.problem = str(error)
        self.acts.append(Act(at, who, what, detail))
        return True

    # Customers

    def _arrives(self, life: Life, at: datetime) -> None:
        """Scan a code of some member of staff; wait for one where there is none yet."""
        codes = [one for one in posters(self.city) if one.kind not in (GROUP, FAN)]
        if not codes:
            self._at(awake(at + AFTER, life.dice), lambda at: self._arrives(life, at))
            return
        chosen = life.dice.choice(codes)
        self._scan(life, at, chosen.code)
        if life.habits.follows:
            when = awake(at + timedelta(minutes=life.dice.uniform(5, 600)), life.dice)
            self._at(when, lambda at: self._follows(life, at))

    def _scan(self, life: Life, at: datetime, code: str) -> None:
        self._do(at, life.customer.name, "scan", code, lambda: self.city.scan(life.customer, code))

    def _follows(self, life: Life, at: datetime) -> None:
        """The official account: by a scene code where one hangs, else by search."""
        scenes = [one for one in posters(self.city) if one.kind == FAN]
        if scenes:
            self._scan(life, at, life.dice.choice(scenes).code)
        else:
            self._do(at, life.customer.name, "follow", "", lambda: self.city.follows(life.customer))

    def _looks(self, life: Life, at: datetime) -> None:
        """Read what is new on the phone, and react."""
        inbox = self.city.inbox(life.customer)
        for message in inbox[life.seen :]:
            life.heard.append((at, message.kind, message.sender))
            self._reads(life, at, message)
        life.seen = len(inbox)
        life.heard = [one for one in life.heard if at - one[0] < WEEK]
        if sum(kind not in QUIET for _, kind, _ in life.heard) > life.habits.tolerance:
            self._has_enough(life, at)
        pause = timedelta(hours=life.habits.looks_hours * life.dice.uniform(0.5, 1.5))
        self._at(awake(at + pause, life.dice, 7, 23), lambda at: self._looks(life, at))

    def _reads(self, life: Life, at: datetime, message: Message) -> None:
        """The first card leads to a membership, a coupon to a purchase, words to a question: each sometimes."""
        if (
            message.attachments
            and life.dice.random() < life.habits.signs_up
            and not shop.is_member(self.city, life.customer)
        ):
            when = awake(at + timedelta(minutes=life.dice.uniform(1, 20)), life.dice)
            self._at(when, lambda at: self._registers(life, at))
        if shop.codes_in([message.text]) and life.dice.random() < life.habits.pull:
            when = awake(at + timedelta(hours=life.dice.uniform(1, 60)), life.dice)
            self._at(when, lambda at: self._buys(life, at))
        staff = self.city.people.staff.get(message.sender)
        if staff and life.dice.random() < life.habits.chatty:
            self._asks(life, at, staff)

    def _registers(self, life: Life, at: datetime) -> None:
        self._do(at, life.customer.name, "register", "", lambda: self.city.registers(life.customer))

    def _asks(self, life: Life, at: datetime, staff: Staff) -> None:
        words, customer = life.dice.choice(QUESTIONS), life.customer
        if self._do(at, customer.name, "say", words, lambda: self.city.says(customer, staff.userid, words)):
            answer = life.dice.choice(ANSWERS)
            self._at(
                at + timedelta(minutes=life.dice.uniform(1, 90)), lambda at: self._answers(staff, customer, answer, at)
            )

    def _has_enough(self, life: Life, at: datetime) -> None:
        """Block whoever wrote last, or leave."""
        _, kind, sender = next(one for one in reversed(life.heard) if one[1] not in QUIET)
        customer, name = life.customer, life.customer.name
        life.heard.clear()
        if kind == "sms":
            self._do(at, name, "refuse sms", "R", lambda: self.city.replies(customer, "R"))
        elif kind in ("custom", "template", "subscribe"):
            self._do(at, name, "unfollow", "", lambda: self.city.unfollows(customer))
        elif kind == "group":
            self._do(at, name, "leave", sender, lambda: self.city.leaves(customer, sender))
        elif sender in self.city.people.staff:
            self._do(at, name, "block", sender, lambda: self.city.deletes(customer, sender))

    def _comes_to_buy(self, life: Life, at: datetime) -> None:
        """Buy in the own rhythm, until falling silent."""
        rhythm = life.habits.rhythm
        if rhythm.orders is not None and life.orders >= rhythm.orders:
            return
        self._buys(life, at)
        pause = timedelta(days=rhythm.every_days * life.dice.uniform(0.6, 1.5))
        self._at(awake(at + pause, life.dice), lambda at: self._comes_to_buy(life, at))

    def _buys(self, life: Life, at: datetime) -> None:
        customer, dice = life.customer, life.dice
        codes = shop.coupons_of(self.city, customer)[:1]
        product, quantity = dice.choice(shop.MENU[:-1]), dice.choices((1, 2, 3), (80, 15, 5))[0]
        paid = max(0, product.fen * quantity - (self._off(customer, codes[0]) if codes else 0))
        life.orders += 1
        self._do(
            at, customer.name, "buy", product.sku, lambda: self.city.buys(customer, paid, codes, product.sku, quantity)
        )
        if life.habits.grants and (wanted := templates(self.city)):
            self._do(at, customer.name, "grant", wanted[0], lambda: self.city.grants(customer, wanted[0]))
        if life.habits.joins:
            self._joins(life, at)

    def _off(self, customer: Customer, code: str) -> int:
        """What the message that brought the coupon promises, in fen; nothing where it names no amount."""
        text = next((m.text for m in reversed(self.city.inbox(customer)) if code in m.text), "")
        found = _OFF.search(text)
        return int(found[1] or found[2]) * 100 if found else 0

    def _joins(self, life: Life, at: datetime) -> None:
        """One group, once."""
        codes = [one for one in posters(self.city) if one.kind == GROUP]
        if codes and life.dice.random() < 0.3:
            chosen = life.dice.choice(codes)
            self._do(at, life.customer.name, "join", chosen.name, lambda: self.city.joins(life.customer, chosen.code))

    # Staff

    def _works(self, shift: Shift, at: datetime) -> None:
        """Look at the to-do list, and decide when to tap what is new."""
        if shift.staff.status != ACTIVE:
            return
        for task in self.city.tasks(shift.staff.userid):
            if task.msgid not in shift.known and task.status == UNSENT:
                shift.known.add(task.msgid)
                if (delay := shift.habits.delay(shift.dice)) is not None:
                    self._at(awake(at + delay, shift.dice, 9), lambda at, one=task.msgid: self._taps(shift, one, at))
        pause = timedelta(minutes=shift.dice.uniform(20, 90))
        self._at(awake(at + pause, shift.dice, 9), lambda at: self._works(shift, at))

    def _taps(self, shift: Shift, task: str, at: datetime) -> None:
        if shift.staff.status == ACTIVE:
            userid = shift.staff.userid
            self._do(at, userid, "tap", task, lambda: self.city.taps(userid, task))

    def _answers(self, staff: Staff, customer: Customer, words: str, at: datetime) -> None:
        if staff.status == ACTIVE:
            self._do(at, staff.userid, "answer", words, lambda: self.city.answers(staff.userid, customer, words))

    def _resigns(self, shift: Shift, at: datetime) -> None:
        """One leaves; a few of the customers will not be handed over to anybody."""
        userid = shift.staff.userid
        loyal = {r.external_userid for r in self.city.people.customers_of(userid)}
        others = [one.staff.userid for one in self.shifts if one is not shift]
        if self._do(at, userid, "resign", "", lambda: self.city.resigns(userid)):
            for life in self.lives:
                if life.customer.external_userid in loyal and not life.habits.stays:
                    for other in others:
                        self.city.refuses(life.customer, other)
                    self.acts.append(Act(at, life.customer.name, "refuse", userid))
