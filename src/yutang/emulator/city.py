"""The city: one seeded world with a corp, its staff, their customers, and the platforms between them."""

from __future__ import annotations

import base64
import heapq
import itertools
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, TypeVar

from yutang.clock import system_now
from yutang.emulator import doors, friends, login, miniprogram, official_account, people, serve, shop, sms
from yutang.emulator.callbacks import Callbacks
from yutang.emulator.faults import Faults
from yutang.emulator.limits import Limits
from yutang.emulator.people import Customer, Message, People, Relation, Staff
from yutang.emulator.settings import Settings
from yutang.emulator.tokens import CUSTOMER_SERVICE, MINIPROGRAM, OF_CORP, OFFICIAL_ACCOUNT, WECOM, App, Tokens
from yutang.emulator.wecom import directory, groups, kf, mass, moments, notices, tasks, transfer

Part = TypeVar("Part")
SMS = "sms"


class City:
    """The world's state, and what people do in it. Every method may be called from any thread.

    clock: the time, aware; the system's by default. `advance` moves the city's own time forward in both cases.
    manual: callbacks leave only when `deliver` is called. Everything follows from `seed` and the clock.
    """

    def __init__(self, seed: int = 7, clock: Callable[[], datetime] | None = None) -> None:
        self.seed, self.lock = seed, threading.RLock()
        self._clock, self._ahead = clock or system_now, timedelta()
        self._dice: dict[str, random.Random] = {}
        self._numbers: dict[str, int] = {}
        self._parts: dict[type, Any] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.settings, self.faults = Settings(), Faults()
        self.people, self.tokens, self.limits = People(), Tokens(), Limits()
        self.by_openid: dict[str, Customer] = {}
        self.callbacks, self.manual = Callbacks(self), False
        self.shop: tuple[str, str] | None = None
        self.address = ""
        self.corp_id, self.corp_name = f"ww{self._secret('corp', 16)}", "鱼塘咖啡"
        self.apps: list[App] = []
        self.add_app(WECOM, agent_id="1000002")
        self.add_app(OFFICIAL_ACCOUNT)
        self.add_app(MINIPROGRAM)
        self.add_app(SMS)
        self.add_app(CUSTOMER_SERVICE)

    # Time, chance and names

    def now(self) -> datetime:
        """The city's time, aware."""
        return self._clock() + self._ahead

    def stamp(self) -> int:
        """The city's time in Unix seconds."""
        return int(self.now().timestamp())

    def advance(self, seconds: float) -> None:
        """Move the city's time forward; what has come due by then has happened."""
        self._ahead += timedelta(seconds=seconds)
        self.settle()

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Something that happens by itself, when its time has come and anybody looks."""
        with self.lock:
            heapq.heappush(self._due, (self.now().timestamp() + seconds, next(self._order), what))

    def settle(self) -> None:
        """Let happen what is due."""
        with self.lock:
            while self._due and self._due[0][0] <= self.now().timestamp():
                heapq.heappop(self._due)[2]()

    def dice(self, subject: str) -> random.Random:
        """The chance of one subject: draws for one do not change those of another."""
        if subject not in self._dice:
            self._dice[subject] = random.Random(f"{self.seed}/{subject}")
        return self._dice[subject]

    def new_id(self, prefix: str, length: int = 30) -> str:
        """The next id of a kind: opaque, case-sensitive, the same in every run with this seed."""
        with self.lock:
            number = self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        digest = blake2b(f"{self.seed}/{prefix}/{number}".encode(), digest_size=48).digest()
        return prefix + base64.urlsafe_b64encode(digest).decode().replace("-", "A").replace("_", "b")[:length]

    def _secret(self, what: str, length: int) -> str:
        return blake2b(f"{self.seed}/{what}".encode(), digest_size=32).hexdigest()[:length]

    def part(self, of: type[Part]) -> Part:
        """The state of one subject, such as its tags or its groups; made empty at first use."""
        with self.lock:
            if of not in self._parts:
                self._parts[of] = of()
            return self._parts[of]

    # Accounts

    def add_app(self, kind: str, name: str = "main", agent_id: str = "", visible: set[str] | None = None) -> App:
        """One more application; those of WeCom and customer service belong to the one corp. `visible`: the userids in its range."""
        seed = f"{kind}/{name}"
        key = base64.b64encode(blake2b(f"{self.seed}/{seed}/key".encode(), digest_size=32).digest()).decode()[:43]
        app_id = self.corp_id if kind in OF_CORP else f"wx{self._secret(seed, 16)}"
        number = agent_id or (f"10000{len(self.apps) + 2:02}" if kind == WECOM else "")
        secret, token = self._secret(seed + "/secret", 43), self._secret(seed + "/token", 24)
        app = App(kind, name, app_id, secret, token, key, number, visible=visible)
        self.apps.append(app)
        return app

    def app(self, kind: str, name: str = "main") -> App:
        """Raises LookupError when there is none of this kind and name."""
        for one in self.apps:
            if (one.kind, one.name) == (kind, name):
                return one
        raise LookupError(f"小城里没有 {kind} 账号 {name!r}。 the city has no {kind} account {name!r}")

    def account(self, kind: str, name: str = "main") -> dict[str, str]:
        """What the operator of a real account would copy from its console, and the base URL."""
        app, common = self.app(kind, name), {"base_url": self.address}
        if kind == SMS:
            return {
                "base_url": f"{self.address}/sms", "provider": "tencent", "key_id": app.id, "key_secret": app.secret, "sign": self.corp_name,
                "sdk_app_id": "1400000001", "region": "ap-guangzhou",
            }  # fmt: skip
        common |= {"secret": app.secret, "token": app.token, "aes_key": app.aes_key}
        if kind == WECOM:
            pages = {
                "login_url": f"{self.address}/wwlogin/sso/login",
                "inside_url": f"{self.address}/connect/oauth2/authorize",
            }
            return common | pages | {"corp_id": app.id, "agent_id": app.agent_id}
        if kind == CUSTOMER_SERVICE:
            with self.lock:
                return common | {"corp_id": app.id, "open_kfid": kf.of_app(self, name)}
        return common | {"app_id": app.id}

    def call_back(self, kind: str, url: str | None, name: str = "main") -> None:
        """Where an account's callbacks (of SMS: receipts) go; None: nowhere."""
        self.app(kind, name).callback_url = url

    def tell(self, event: str, change: str, fields: Mapping[str, Any], kind: str = WECOM) -> None:
        """Call back one event of the corp to each of its apps of a kind."""
        head = {"ToUserName": self.corp_id, "FromUserName": "sys", "CreateTime": self.stamp(), "MsgType": "event"}
        body = head | {"Event": event} | ({"ChangeType": change} if change else {}) | dict(fields)
        for app in self.apps:
            if app.kind == kind and app.sees(str(fields.get("UserID", ""))) | ("UserID" not in fields):
                self.callbacks.tell(app, body)

    def deliver(self) -> int:
        """Send the callbacks that are due now. Returns how many were answered."""
        return self.callbacks.deliver()

    def revoke_tokens(self) -> None:
        """From now on no access token given so far is valid."""
        with self.lock:
            self.tokens.revoke()

    @contextmanager
    def serve(self, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
        """The platforms on a port (0: a free one); gives the base URL. Callbacks leave meanwhile, unless `manual`."""
        with serve.serving(self, host, port) as address:
            yield address

    # People

    def add_staff(self, userid: str, name: str = "", department: int = 1, **more: Any) -> Staff:
        with self.lock:
            return people.add_staff(self, userid, name, department, **more)

    def add_customer(self, name: str = "", **more: Any) -> Customer:
        """A person with WeChat who knows nobody here yet. `more`: gender, phone, kind (2: of another corp)."""
        with self.lock:
            return people.add_customer(self, name, **more)

    def customer(self, external_userid: str) -> Customer:
        """Raises KeyError."""
        return self.people.customers[external_userid]

    def relation(self, userid: str, customer: Customer) -> Relation | None:
        return self.people.relation(userid, customer.external_userid)

    def openid(self, customer: Customer, app_id: str) -> str:
        """The person's id inside one official account or mini-program; made at first use."""
        with self.lock:
            return people.openid(self, customer, app_id)

    def scan(self, customer: Customer, code: str) -> None:
        """The customer scans a QR code, or taps a link: a live code, a group code, an acquisition link, an account's ticket.

        Raises LookupError when nobody has made such a code.
        """
        with self.lock:
            doors.scan(self, customer, code)

    def befriends(self, customer: Customer, userid: str, state: str = "", add_way: int = 2) -> None:
        """The customer becomes a contact by another way than a code, such as a search for the mobile number."""
        with self.lock:
            friends.befriend(self, customer, userid, state, add_way)

    def accepts(self, userid: str, customer: Customer) -> None:
        """The staff member confirms a customer who waits."""
        with self.lock:
            friends.accept(self, userid, customer)

    def deletes(self, customer: Customer, userid: str) -> None:
        with self.lock:
            friends.customer_deletes(self, customer, userid)

    def staff_deletes(self, userid: str, customer: Customer) -> None:
        with self.lock:
            friends.staff_deletes(self, userid, customer)

    def staff_edits(self, userid: str, customer: Customer, **changes: Any) -> None:
        """In the client: remark, description, mobiles, add_tags, remove_tags (ids), personal (names of own tags)."""
        with self.lock:
            friends.staff_edits(self, userid, customer, **changes)

    def says(self, customer: Customer, to: str, text: str) -> None:
        """The customer writes to a staff member, a customer service account, an official account or a mini-program."""
        with self.lock:
            doors.says(self, customer, to, text)

    def answers(self, userid: str, customer: Customer, text: str) -> None:
        """The staff member writes to the customer."""
        with self.lock:
            friends.answers(self, userid, customer, text)

    def inbox(self, customer: Customer) -> list[Message]:
        """What the customer found in the phone, oldest first."""
        with self.lock:
            return list(customer.inbox)

    def resigns(self, userid: str) -> None:
        """The staff member leaves the corp: customers and groups wait to be inherited."""
        with self.lock:
            transfer.resigns(self, userid)

    def refuses(self, customer: Customer, takeover: str) -> None:
        """The customer does not want to be taken over by this staff member, now or later."""
        with self.lock:
            transfer.refuses(self, customer, takeover)

    # Tasks of staff, groups

    def tasks(self, userid: str) -> list[tasks.Task]:
        """What waits for the staff member's tap: mass tasks and moments, oldest first, done ones too."""
        with self.lock:
            return [*mass.tasks_of(self, userid), *moments.tasks_of(self, userid)]

    def taps(self, userid: str, msgid: str, customers: Sequence[Customer] | None = None) -> None:
        """The staff member confirms a mass task or a moment. `customers`: only these, where the task lets staff select."""
        with self.lock:
            if msgid.startswith("mom"):
                moments.taps(self, userid, msgid)
            else:
                mass.taps(self, userid, msgid, customers)

    def staff_sends(self, userid: str, customers: Sequence[Customer], text: str) -> str:
        """A staff member's own mass message, which counts for the caps, too. Returns the msgid."""
        with self.lock:
            return mass.staff_sends(self, userid, customers, text)

    def notices(self, userid: str) -> list[notices.Notice]:
        """What apps have written to the staff member."""
        with self.lock:
            return list(self.part(notices.Notices).of.get(userid, []))

    def logs_in(self, userid: str, url: str) -> str:
        """The staff member logs in at the login page `url`. Returns the address the browser is sent back to."""
        with self.lock:
            return login.logs_in(self, userid, url)

    def add_department(self, number: int, name: str, parent: int = 1) -> None:
        with self.lock:
            directory.add_department(self, number, name, parent)

    def sees_moment(self, customer: Customer, moment_id: str, comment: bool = False) -> None:
        """The customer likes a moment, or comments on it."""
        with self.lock:
            moments.reacts(self, customer, moment_id, comment)

    def makes_group(self, userid: str, name: str) -> groups.Group:
        with self.lock:
            return groups.make(self, userid, name)

    def joins(self, customer: Customer, chat: str) -> str:
        """Join a group by chat_id (invited), config_id or qr_code of a join way. Returns the chat_id."""
        with self.lock:
            return groups.join(self, customer, chat)

    def leaves(self, customer: Customer, chat_id: str) -> None:
        with self.lock:
            groups.leave(self, customer, chat_id, groups.BY_SELF)

    def removes(self, customer: Customer, chat_id: str) -> None:
        """The owner removes the customer from the group."""
        with self.lock:
            groups.leave(self, customer, chat_id, groups.BY_OWNER)

    def group_says(self, customer: Customer, chat_id: str) -> None:
        """The customer writes into a group."""
        with self.lock:
            groups.says(self, customer, chat_id)

    def renames_group(self, chat_id: str, name: str) -> None:
        with self.lock:
            groups.rename(self, chat_id, name)

    def dissolves(self, chat_id: str) -> None:
        """The owner ends the group."""
        with self.lock:
            groups.dissolve(self, chat_id)

    def chats(self, userid: str) -> list[groups.Group]:
        """The groups that the staff member owns."""
        with self.lock:
            return groups.owned(self, userid)

    def add_kf(self, name: str) -> str:
        """A customer service account; returns its open_kfid."""
        with self.lock:
            return kf.add(self, name)

    # The other accounts, and the shop

    def follows(self, customer: Customer) -> None:
        """The customer finds the official account and subscribes."""
        with self.lock:
            official_account.subscribe(self, official_account.main(self), customer)

    def unfollows(self, customer: Customer) -> None:
        with self.lock:
            official_account.unsubscribe(self, official_account.main(self), customer)

    def grants(self, customer: Customer, template_id: str, accepts: bool = True) -> None:
        """The customer allows (or refuses) one message of a template of the mini-program, else of the official account."""
        with self.lock:
            program = miniprogram.main(self)
            account = program if template_id in program.templates else official_account.main(self)
            official_account.grants(self, account, customer, template_id, accepts)

    def replies(self, customer: Customer, text: str) -> None:
        """The customer answers the last SMS, for instance with R. Raises LookupError when there was none."""
        with self.lock:
            sms.replies(self, customer, text)

    def registers(self, customer: Customer) -> None:
        """The customer becomes a member of the shop; `shop` is told, once. Raises shop.ShopError when it is not taken."""
        shop.registers(self, customer)

    def buys(
        self,
        customer: Customer,
        amount_fen: int | None = None,
        coupon_codes: Sequence[str] = (),
        product: str = "latte",
        quantity: int = 1,
    ) -> shop.Order:
        """The customer buys (None: at the list price); `shop`, as (url, key), is told. Raises shop.ShopError when it is not taken."""
        return shop.buys(self, customer, amount_fen, coupon_codes, product, quantity)
