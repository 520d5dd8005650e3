"""The official account: followers, scene codes, and the acts that open a window for messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from yutang.emulator.errors import CityError
from yutang.emulator.tokens import OFFICIAL_ACCOUNT

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.people import Customer
    from yutang.emulator.tokens import App

HOUR_S, DAY_S = 3600, 86_400


@dataclass
class Scene:
    """A parametric QR code of an app. `until`: Unix seconds, None for a lasting one."""

    app: App
    ticket: str
    value: str
    url: str
    until: int | None
    scans: int = 0


@dataclass
class Fan:
    """A customer seen by an account. `room`: acts that allow custom messages, as [until, messages left]."""

    openid: str
    customer: Customer
    subscribed: bool = False
    subscribe_time: int = 0
    subscribe_scene: str = "ADD_SCENE_SEARCH"
    scene: str = ""
    remark: str = ""
    tags: list[int] = field(default_factory=list)
    room: list[list[int]] = field(default_factory=list)
    grants: dict[str, int] = field(default_factory=dict)


@dataclass
class Account:
    """One verified service account, or one mini-program. `templates`: approved ones by id, each the list of its field names."""

    app: App
    fans: dict[str, Fan] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=lambda: {2: "星标组"})
    templates: dict[str, list[str]] = field(default_factory=dict)
    sent: dict[tuple[str, str], int] = field(default_factory=dict)
    message_ids: int = 2_000_000_000

    def next_id(self) -> int:
        self.message_ids += 1
        return self.message_ids

    def by_openid(self, openid: Any) -> Fan:
        """Raises CityError 40003."""
        found = self.fans.get(str(openid or ""))
        if found is None:
            raise CityError(40003, "invalid openid")
        return found

    def subscriber(self, openid: Any) -> Fan:
        """A present follower. Raises CityError 40003, 43004."""
        fan = self.by_openid(openid)
        if not fan.subscribed:
            raise CityError(43004, "require subscribe")
        return fan


class Accounts:
    """Every account's state by app id, and the scene codes of all."""

    def __init__(self) -> None:
        self.by_app: dict[str, Account] = {}
        self.scenes: dict[str, Scene] = {}


TEMPLATES = {
    "TPL_ORDER": ["character_string1", "thing2", "amount3"],
    "TPL_NOTICE": ["thing1", "thing2", "time3"],
    "SUB_OA_COUPON": ["thing1", "thing2"],
}


def account_of(city: City, app: App, templates: Mapping[str, list[str]] = TEMPLATES) -> Account:
    """The account's state; made with these approved templates at first use."""
    return city.part(Accounts).by_app.setdefault(app.id, Account(app, templates=dict(templates)))


def fan_of(city: City, account: Account, customer: Customer) -> Fan:
    """The customer's side of an account; makes the openid at first use."""
    openid = city.openid(customer, account.app.id)
    return account.fans.setdefault(openid, Fan(openid, customer))


def tell(city: City, account: Account, fan: Fan, fields: Mapping[str, Any], kind: str = "event") -> None:
    """Call back about one person."""
    head = {
        "ToUserName": f"gh_{account.app.id[2:14]}", "FromUserName": fan.openid, "CreateTime": city.stamp(), "MsgType": kind,
    }  # fmt: skip
    city.callbacks.tell(account.app, head | dict(fields))


def main(city: City) -> Account:
    """The city's first official account."""
    return account_of(city, city.app(OFFICIAL_ACCOUNT))


# What people do.


def scanned(city: City, customer: Customer, code: str) -> bool:
    """A customer scans what may be a scene code."""
    scene = scene_of(city, code)
    if scene is not None:
        scan(city, customer, scene)
    return scene is not None


def heard(city: City, customer: Customer, to: str, text: str) -> bool:
    """A customer writes to what may be an official account, given by its app id."""
    app = next((one for one in city.apps if one.kind == OFFICIAL_ACCOUNT and one.id == to), None)
    if app is not None:
        says(city, account_of(city, app), customer, text)
    return app is not None


def scene_of(city: City, code: str) -> Scene | None:
    """The live scene of a ticket, of its picture's address or of the code's content."""
    scenes = city.part(Accounts).scenes
    ticket = parse_qs(urlsplit(code).query).get("ticket", [code])[0]
    found = scenes.get(ticket) or next((one for one in scenes.values() if one.url == code), None)
    return found if found and (found.until is None or found.until > city.stamp()) else None


def scan(city: City, customer: Customer, scene: Scene) -> None:
    """A follower's scan, or a subscription by it."""
    scene.scans += 1
    account = account_of(city, scene.app)
    fan = fan_of(city, account, customer)
    if fan.subscribed:
        _opens_click(city, fan)
        tell(city, account, fan, {"Event": "SCAN", "EventKey": scene.value, "Ticket": scene.ticket})
    else:
        subscribe(city, account, customer, scene)


def subscribe(city: City, account: Account, customer: Customer, scene: Scene | None = None) -> None:
    """The customer follows the account, by a scene code or by search."""
    fan = fan_of(city, account, customer)
    if fan.subscribed:
        return
    fan.subscribed, fan.subscribe_time = True, city.stamp()
    fan.subscribe_scene = "ADD_SCENE_QR_CODE" if scene else "ADD_SCENE_SEARCH"
    fan.scene = scene.value if scene else ""
    _opens_click(city, fan)
    by_code = {"EventKey": f"qrscene_{scene.value}", "Ticket": scene.ticket} if scene else {"EventKey": ""}
    tell(city, account, fan, {"Event": "subscribe"} | by_code)


def unsubscribe(city: City, account: Account, customer: Customer) -> None:
    """The follower leaves; tags and open windows go with it."""
    fan = fan_of(city, account, customer)
    if fan.subscribed:
        fan.subscribed, fan.room, fan.tags = False, [], []
        tell(city, account, fan, {"Event": "unsubscribe", "EventKey": ""})


def says(city: City, account: Account, customer: Customer, text: str) -> None:
    """A message to the account opens the long window. Raises LookupError when the customer does not follow it."""
    fan = fan_of(city, account, customer)
    if not fan.subscribed:
        raise LookupError("关注后才能给公众号发消息。 only followers can write to an official account")
    count, hours = city.settings.oa.custom_user_msg
    opens(city, fan, count, hours * HOUR_S)
    tell(city, account, fan, {"Content": text, "MsgId": account.next_id()}, "text")


def clicks(city: City, account: Account, customer: Customer, key: str) -> None:
    """A tap on the account's menu."""
    fan = fan_of(city, account, customer)
    _opens_click(city, fan)
    tell(city, account, fan, {"Event": "CLICK", "EventKey": key})


def grants(city: City, account: Account, customer: Customer, template_id: str, accepts: bool = True) -> None:
    """The answer to the question whether the account may send one message of a template."""
    fan = fan_of(city, account, customer)
    if accepts:
        fan.grants[template_id] = fan.grants.get(template_id, 0) + 1
    answer = {"TemplateId": template_id, "SubscribeStatusString": "accept" if accepts else "reject", "PopupScene": "2"}
    tell(city, account, fan, {"Event": "subscribe_msg_popup_event", "SubscribeMsgPopupEvent": {"List": answer}})


def _opens_click(city: City, fan: Fan) -> None:
    count, minutes = city.settings.oa.custom_click
    opens(city, fan, count, minutes * 60)


def opens(city: City, fan: Fan, count: int, seconds: int) -> None:
    """A new act gives a new allowance; it does not add to an earlier one that ends before it."""
    now = city.stamp()
    fan.room = [room for room in fan.room if room[0] > now + seconds]
    fan.room.append([now + seconds, count])


def spend(city: City, fan: Fan) -> None:
    """Use one message of the window that ends first. Raises CityError 45015 outside any, 45047 when all are used up."""
    open_rooms = sorted(room for room in fan.room if room[0] > city.stamp())
    if not open_rooms:
        raise CityError(45015, "response out of time limit or subscription is canceled")
    left = next((room for room in open_rooms if room[1]), None)
    if left is None:
        raise CityError(45047, "out of response count limit")
    left[1] -= 1


def use_grant(fan: Fan, template_id: str) -> None:
    """Raises CityError 43101 when none is left."""
    if not fan.grants.get(template_id):
        raise CityError(43101, "user refuse to accept the msg")
    fan.grants[template_id] -= 1
