"""The mini-program: login, phone numbers, subscribe messages against grants, codes for attribution."""

from __future__ import annotations

import base64
import struct
import zlib
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yutang.emulator.account_calls import Logins, custom_send_to, notice, tells_sent, texts_of
from yutang.emulator.endpoint import get, post
from yutang.emulator.errors import CityError
from yutang.emulator.official_account import HOUR_S, Account, account_of, fan_of, opens, tell, use_grant
from yutang.emulator.tokens import MINIPROGRAM
from yutang.emulator.weixin import app_with_secret

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.people import Customer
    from yutang.emulator.tokens import App

TEMPLATES = {"SUB_COUPON": ["thing1", "time2", "thing3"], "SUB_ORDER": ["character_string1", "phrase2", "thing3"]}
TITLES = {"SUB_COUPON": "优惠到账提醒 Coupon notice", "SUB_ORDER": "取餐提醒 Order notice"}
STATES = ("formal", "trial", "developer")


class Sessions:
    """When each person's session was asked for, and every mini-program code that was made."""

    def __init__(self) -> None:
        self.asked: defaultdict[str, list[int]] = defaultdict(list)
        self.codes: dict[str, str] = {}


def main(city: City) -> Account:
    """The city's first mini-program."""
    return program_of(city, city.app(MINIPROGRAM))


def program_of(city: City, app: App) -> Account:
    return account_of(city, app, TEMPLATES)


# What people do.


def login(city: City, customer: Customer) -> str:
    """Open the mini-program: the js_code that its page gets."""
    account = main(city)
    fan_of(city, account, customer)
    return city.part(Logins).new(city, account.app, customer)


def enters(city: City, customer: Customer) -> None:
    """Enter the customer service chat of the mini-program: two messages within a minute."""
    account = main(city)
    fan = fan_of(city, account, customer)
    count, minutes = city.settings.mp.custom_enter
    opens(city, fan, count, minutes * 60)
    tell(city, account, fan, {"Event": "user_enter_tempsession", "SessionFrom": "wxapp"})


def says(city: City, account: Account, customer: Customer, text: str) -> None:
    """A message in the customer service chat."""
    fan = fan_of(city, account, customer)
    count, hours = city.settings.mp.custom_user_msg
    opens(city, fan, count, hours * HOUR_S)
    tell(city, account, fan, {"Content": text, "MsgId": account.next_id()}, "text")


def heard(city: City, customer: Customer, to: str, text: str) -> bool:
    """A customer writes to what may be a mini-program, given by its app id."""
    app = next((one for one in city.apps if one.kind == MINIPROGRAM and one.id == to), None)
    if app is not None:
        says(city, program_of(city, app), customer, text)
    return app is not None


# The mini-program's interface.


def jscode2session(city: City, _: App | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """`GET sns/jscode2session`: who opened the mini-program; each code once."""
    if not given.get("js_code"):
        raise CityError(41008, "missing code")
    app = app_with_secret(city, given)
    customer = city.part(Logins).use(city, app, str(given["js_code"]))
    openid, asked = city.openid(customer, app.id), city.part(Sessions).asked
    recent = asked[openid] = [at for at in asked[openid] if city.stamp() - at < 60]
    if len(recent) >= city.settings.mp.session_per_min_per_user:
        raise CityError(45011, "api minute-quota reach limit")
    recent.append(city.stamp())
    key = base64.b64encode(city.dice("session").randbytes(16)).decode()
    bound = city.settings.contacts.unionid_bound
    return {"openid": openid, "session_key": key} | ({"unionid": customer.unionid} if bound else {})


def phone_number(city: City, app: App, given: Mapping[str, Any]) -> dict[str, Any]:
    """`POST wxa/business/getuserphonenumber`: the number that the person shared by a tap."""
    customer = city.part(Logins).use(city, app, str(given.get("code", "")))
    mark = {"timestamp": city.stamp(), "appid": app.id}
    number = {"phoneNumber": customer.phone, "purePhoneNumber": customer.phone, "countryCode": "86", "watermark": mark}
    return {"phone_info": number}


def subscribe_send(city: City, app: App, given: Mapping[str, Any]) -> dict[str, Any]:
    """`POST cgi-bin/message/subscribe/send`: one message against one grant."""
    account = program_of(city, app)
    if given.get("miniprogram_state", "formal") not in STATES:
        raise CityError(40058, "invalid miniprogram_state")
    fan, texts = account.by_openid(given.get("touser")), texts_of(account, given)
    if len(str(given.get("page", ""))) > 1024:
        raise CityError(41030, "invalid page")
    use_grant(fan, str(given.get("template_id")))
    notice(city, account, fan, "subscribe", texts, given)
    tells_sent(city, account, fan, str(given.get("template_id")))
    return {}


def custom_send(city: City, app: App, given: Mapping[str, Any]) -> dict[str, Any]:
    """A customer service message of the mini-program."""
    account = program_of(city, app)
    return custom_send_to(city, account, account.by_openid(given.get("touser")), given)


def wxa_code(city: City, app: App, given: Mapping[str, Any]) -> bytes:
    """`POST wxa/getwxacodeunlimit`: a picture; the scene is kept with it."""
    scene = str(given.get("scene", ""))
    if not 0 < len(scene) <= 32 or not scene.isascii() or not scene.isprintable():
        raise CityError(40169, "invalid length for scene, or the data is not json string")
    city.part(Sessions).codes[f"{app.id}?scene={scene}"] = str(given.get("page", ""))
    return picture()


def picture(side: int = 32) -> bytes:
    """A small PNG of even green: the city's codes are tapped, not looked at."""
    rows = zlib.compress((b"\0" + b"\x06\x7a\x40" * side) * side)
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(n, d) for n, d in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


PATHS = {
    "cgi-bin/message/subscribe/send": post(subscribe_send, "touser template_id page data miniprogram_state lang"),
    "cgi-bin/message/custom/send": post(custom_send, "touser msgtype text image link miniprogrampage"),
    "wxa/business/getuserphonenumber": post(phone_number, "code"),
    "wxa/getwxacodeunlimit": post(wxa_code, "scene page check_path env_version width is_hyaline"),
    "sns/jscode2session": get(jscode2session, "appid secret js_code grant_type", free=True),
}
