"""The people of the city: staff, customers, what is between them, and what customers find in their phones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yutang.emulator.errors import CityError

if TYPE_CHECKING:
    from yutang.emulator.city import City

ACTIVE, DISABLED, LEFT = 1, 2, 5


@dataclass
class Staff:
    """A member of the corp. `feature`: may serve customers; `real_name`: is verified, without which no takeover works."""

    userid: str
    name: str
    department: int = 1
    position: str = ""
    status: int = ACTIVE
    feature: bool = True
    real_name: bool = True
    joined_at: int = 0
    left_at: int = 0
    mobile: str = ""


@dataclass
class Message:
    """Something a customer found in the phone. kind: chat, welcome, mass, moment, group, kf, custom, template, subscribe, sms.

    sender: userid, chat_id, open_kfid, app id, or the sign of an SMS.
    """

    at: datetime
    kind: str
    sender: str
    text: str
    attachments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Customer:
    """A person with WeChat. `openids`: by app id, made on first use. `kind` 2 is a WeCom user of another corp."""

    number: int
    name: str
    external_userid: str
    unionid: str
    phone: str
    gender: int = 0
    kind: int = 1
    openids: dict[str, str] = field(default_factory=dict)
    inbox: list[Message] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)


PENDING, HALF, LIVE = "pending", "half", "live"
LOST_BY_STAFF, LOST_BY_CUSTOMER = "lost_by_staff", "lost_by_customer"
TRANSFERRED, UNASSIGNED = "transferred", "unassigned"


@dataclass
class Relation:
    """One staff member and one customer. `state_param` is the code's state; `personal`: names of the staff's own tags."""

    userid: str
    external_userid: str
    status: str = PENDING
    createtime: int = 0
    state_param: str = ""
    add_way: int = 1
    remark: str = ""
    description: str = ""
    company: str = ""
    mobiles: list[str] = field(default_factory=list)
    tags: dict[str, None] = field(default_factory=dict)
    personal: dict[str, None] = field(default_factory=dict)
    oper_userid: str = ""
    last_chat_at: int = 0
    welcome_given: bool = False
    link_id: str = ""
    spoke: bool = False

    @property
    def there(self) -> bool:
        """Whether the API shows it."""
        return self.status in (HALF, LIVE)


class People:
    """Indexes over everybody."""

    def __init__(self) -> None:
        self.staff: dict[str, Staff] = {}
        self.customers: dict[str, Customer] = {}
        self.of_staff: dict[str, dict[str, Relation]] = {}
        self.of_customer: dict[str, dict[str, Relation]] = {}

    def relation(self, userid: str, external_userid: str) -> Relation | None:
        """The pair's relation, also a lost one."""
        return self.of_staff.get(userid, {}).get(external_userid)

    def put(self, relation: Relation) -> Relation:
        self.of_staff.setdefault(relation.userid, {})[relation.external_userid] = relation
        self.of_customer.setdefault(relation.external_userid, {})[relation.userid] = relation
        return relation

    def customers_of(self, userid: str) -> list[Relation]:
        return [one for one in self.of_staff.get(userid, {}).values() if one.there]

    def is_full(self, userid: str, most: int) -> bool:
        """Whether a member has as many customers as one may have; counts only when there may be so many."""
        return len(self.of_staff.get(userid, {})) >= most and len(self.customers_of(userid)) >= most

    def followers_of(self, external_userid: str) -> list[Relation]:
        return [one for one in self.of_customer.get(external_userid, {}).values() if one.there]

    def by_openid(self, openid: str) -> Customer | None:
        return next((one for one in self.customers.values() if openid in one.openids.values()), None)


def add_staff(city: City, userid: str, name: str = "", department: int = 1, **more: Any) -> Staff:
    """A new member of the corp; calls back change_contact/create_user."""
    staff = Staff(userid, name or userid, department, joined_at=city.stamp(), **more)
    city.people.staff[userid] = staff
    fields = {"UserID": userid, "Name": staff.name, "Department": str(department), "Status": staff.status}
    city.tell("change_contact", "create_user", fields)
    return staff


def add_customer(city: City, name: str = "", **more: Any) -> Customer:
    """A new person with WeChat, known to nobody yet. `more`: gender, kind, phone."""
    number = len(city.people.customers) + 1
    kind = more.get("kind", 1)
    external = city.new_id("wm" if kind == 1 else "wo")
    given = {"phone": f"199{number:08d}", "gender": city.dice("gender").choice((0, 1, 2))} | more
    customer = Customer(number, name or f"顾客{number}", external, city.new_id("o"), **given)
    city.people.customers[external] = customer
    return customer


def openid(city: City, customer: Customer, app_id: str) -> str:
    """The person's id inside one official account or mini-program."""
    if app_id not in customer.openids:
        customer.openids[app_id] = city.new_id("o")
        city.by_openid[customer.openids[app_id]] = customer
    return customer.openids[app_id]


def staff_of(city: City, userid: str) -> Staff:
    """The member; ids are compared without case. Raises CityError 60111."""
    if found := city.people.staff.get(userid):
        return found
    for one in city.people.staff.values():
        if one.userid.lower() == userid.lower():
            return one
    raise CityError(60111, f"userid {userid}")


def relation_of(city: City, userid: str, external_userid: str) -> Relation:
    """The pair's live relation. Raises CityError 84061."""
    found = city.people.relation(userid, external_userid)
    if found is None or not found.there:
        raise CityError(84061, f"userid {userid} does not follow {external_userid}")
    return found


def receives(
    city: City,
    customer: Customer,
    kind: str,
    sender: str,
    text: str,
    attachments: list[dict[str, Any]] | None = None,
) -> Message:
    """Put a message into the customer's phone."""
    message = Message(city.now(), kind, sender, text, list(attachments or []))
    customer.inbox.append(message)
    return message
