"""Acquisition links: a URL whose customer_channel comes back as State; paid by a quota."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from yutang.emulator import friends, people
from yutang.emulator.asked import DAY, listed, need, page, short, span
from yutang.emulator.errors import CityError
from yutang.emulator.people import Customer
from yutang.emulator.wecom import codes

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

BY_LINK = 16
EVENT = "customer_acquisition"
NAME_CHARS = 30


@dataclass
class Links:
    """balance is set from the settings at first use; clicks: (link_id, instant); won: link_id → relations' keys."""

    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    used: int = 0
    clicks: list[tuple[str, int]] = field(default_factory=list)
    won: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def balance(city: City) -> int:
    return city.settings.acquisition.start_balance - city.part(Links).used


def create(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/customer_acquisition/create_link."""
    link_id = city.new_id("ca")
    link = {
        "link_id": link_id, "link_name": short(given, "link_name", NAME_CHARS) or need(given, "link_name"),
        "url": f"{city.address}/city/ca/{link_id}", "create_time": city.stamp(),
        "skip_verify": bool(given.get("skip_verify", True)), "range": _range(city, app, given),
    }  # fmt: skip
    city.part(Links).links[link_id] = link
    return {"link": {name: link[name] for name in ("link_id", "link_name", "url", "create_time")}}


def _range(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    wanted, most = need(given, "range"), city.settings.acquisition.members
    users, parties = listed(wanted, "user_list", most, 41041), listed(wanted, "department_list", most, 41041)
    for userid in users:
        if not app.sees(people.staff_of(city, userid).userid):
            raise CityError(60011, f"userid {userid}")
    if not codes.members(city, users, parties):
        raise CityError(40058, "range reaches nobody")
    return {"user_list": users, "department_list": parties}


def _link(city: City, given: dict[str, Any]) -> dict[str, Any]:
    link = city.part(Links).links.get(need(given, "link_id"))
    if link is None:
        raise CityError(40058, "link_id is unknown")
    return link


def update(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/update_link; the range is overwritten."""
    link = _link(city, given)
    if "range" in given:
        link["range"] = _range(city, app, given)
    link |= {name: given[name] for name in ("link_name", "skip_verify") if name in given}
    return {}


def delete(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/delete_link."""
    link = _link(city, given)
    del city.part(Links).links[link["link_id"]]
    city.tell(EVENT, "delete_link", {"LinkId": link["link_id"]})
    return {}


def get(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/get."""
    link = _link(city, given)
    shown = {name: link[name] for name in ("link_id", "link_name", "url", "create_time", "skip_verify")}
    return {"link": shown, "range": link["range"]}


def listing(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/list_link."""
    found, cursor = page(city, given, list(city.part(Links).links), city.settings.acquisition.page)
    return {"link_id_list": found, "next_cursor": cursor}


def customers(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/customer."""
    won = city.part(Links).won.get(_link(city, given)["link_id"], [])
    found, cursor = page(city, given, won, city.settings.acquisition.customer_page)
    rows = [
        {
            "external_userid": external,
            "userid": userid,
            "chat_status": int(relation.spoke),
            "state": relation.state_param,
        }
        for userid, external in found
        if (relation := city.people.relation(userid, external))
    ]
    return {"customer_list": rows, "next_cursor": cursor}


def statistic(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/statistic."""
    limits, kept, link_id = city.settings.acquisition, city.part(Links), _link(city, given)["link_id"]
    asked = span(given, limits.stat_span_d)
    if asked.start < city.stamp() - limits.history_d * DAY:
        raise CityError(40058, f"start_time should be within {limits.history_d} days")
    won = [city.people.relation(*pair) for pair in kept.won.get(link_id, [])]
    return {
        "click_link_customer_cnt": sum(1 for link, at in kept.clicks if link == link_id and at in asked),
        "new_customer_cnt": sum(1 for one in won if one and one.createtime in asked),
    }


def quota(city: City, _: App, __: dict[str, Any]) -> dict[str, Any]:
    """GET externalcontact/customer_acquisition_quota."""
    total = city.settings.acquisition.start_balance
    expires = city.stamp() + 365 * DAY
    return {
        "total": total,
        "balance": balance(city),
        "quota_list": [{"expire_date": expires, "balance": balance(city)}],
    }


def tapped(city: City, customer: Customer, url: str) -> bool:
    """A customer opens a link, perhaps with ``?customer_channel=``."""
    parts = urlsplit(url)
    link = city.part(Links).links.get(parts.path.rsplit("/", 1)[-1])
    if link is None:
        return False
    kept, limits, link_id = city.part(Links), city.settings.acquisition, link["link_id"]
    kept.clicks.append((link_id, city.stamp()))
    channel = parse_qs(parts.query).get("customer_channel", [""])[0]
    able = codes.members(city, link["range"]["user_list"], link["range"]["department_list"])
    if balance(city) <= 0 or not able or len(channel.encode()) > limits.channel_bytes:
        return True
    userid = city.dice("codes").choice(able)
    known = bool(city.people.followers_of(customer.external_userid))
    if channel:
        city.tell(EVENT, "friend_request", {"LinkId": link_id, "State": channel})
    relation = friends.befriend(city, customer, userid, channel, BY_LINK, verified=link["skip_verify"])
    if relation and not known:
        relation.link_id, kept.used = link_id, kept.used + 1
        kept.won.setdefault(link_id, []).append((userid, customer.external_userid))
        _warn(city)
    return True


def _warn(city: City) -> None:
    if balance(city) == 0:
        city.tell(EVENT, "balance_exhausted", {})
    elif balance(city) == city.settings.acquisition.low_mark - 1:
        city.tell(EVENT, "balance_low", {})
