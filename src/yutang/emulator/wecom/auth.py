"""Who is at the browser: login codes, and the tickets of the sidebar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from yutang.emulator.asked import need
from yutang.emulator.errors import CityError
from yutang.emulator.people import Customer, openid, staff_of

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App


@dataclass
class Login:
    """One code: of a member (userid) or of somebody outside."""

    app_name: str
    expires_at: float
    userid: str = ""
    outsider: Customer | None = None
    used: bool = False


@dataclass
class Logins:
    """Codes, what members let us read (user tickets), and JS tickets as (value, ends) by (kind, app)."""

    codes: dict[str, Login] = field(default_factory=dict)
    user_tickets: dict[str, str] = field(default_factory=dict)
    tickets: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)


def check_domain(app: App, redirect_uri: str) -> None:
    """Raises CityError 50001 when the address is not on the app's trusted domain (any, when it has none)."""
    if app.trusted_domain is not None and urlsplit(redirect_uri).netloc != app.trusted_domain:
        raise CityError(50001)


def new_code(city: City, app: App, userid: str = "", outsider: Customer | None = None) -> str:
    """A code for the redirect: once, for five minutes."""
    code = city.new_id("LC")
    ends = city.now().timestamp() + city.settings.login.code_s
    city.part(Logins).codes[code] = Login(app.name, ends, userid, outsider)
    return code


def _login(city: City, app: App, given: dict[str, Any]) -> Login:
    login = city.part(Logins).codes.get(need(given, "code", 40029))
    if login is None or login.app_name != app.name:
        raise CityError(40029)
    if login.used:
        raise CityError(42022)
    if login.expires_at < city.now().timestamp():
        raise CityError(42003)
    login.used = True
    return login


def user_info(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET auth/getuserinfo: a member, or somebody outside."""
    login = _login(city, app, given)
    if login.userid:
        ticket = city.new_id("UT")
        city.part(Logins).user_tickets[ticket] = login.userid
        return {"userid": login.userid, "user_ticket": ticket}
    found = {"openid": openid(city, login.outsider, city.corp_id)} if login.outsider else {}
    contact = login.outsider is not None and city.people.followers_of(login.outsider.external_userid)
    return found | ({"external_userid": login.outsider.external_userid} if contact and login.outsider else {})


def old_user_info(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET user/getuserinfo: the same in capitals."""
    capital = {"userid": "UserId", "openid": "OpenId"}
    return {capital.get(name, name): value for name, value in user_info(city, app, given).items()} | {"DeviceId": ""}


def user_detail(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST auth/getuserdetail."""
    userid = city.part(Logins).user_tickets.get(need(given, "user_ticket"))
    if userid is None:
        raise CityError(40058, "user_ticket is unknown")
    staff = staff_of(city, userid)
    return {
        "userid": userid,
        "gender": "0",
        "avatar": "",
        "qr_code": "",
        "mobile": staff.mobile,
        "email": "",
        "biz_mail": "",
    }


def corp_ticket(city: City, app: App, _: dict[str, Any]) -> dict[str, Any]:
    """GET get_jsapi_ticket."""
    return _ticket(city, app, "corp")


def app_ticket(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """GET ticket/get?type=agent_config."""
    if given.get("type") != "agent_config":
        raise CityError(40058, "type should be agent_config")
    return _ticket(city, app, "agent")


def _ticket(city: City, app: App, kind: str) -> dict[str, Any]:
    kept, now = city.part(Logins).tickets, city.now().timestamp()
    value, ends = kept.get((kind, app.name), ("", 0))
    if ends <= now:
        value, ends = city.new_id("JT"), now + city.settings.login.ticket_s
        kept[(kind, app.name)] = value, ends
    return {"ticket": value, "expires_in": int(ends - now)}
