"""Contact ways: live codes that lead to staff."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator import friends
from yutang.emulator.asked import DAY, listed, need, number, page, short
from yutang.emulator.errors import CityError
from yutang.emulator.people import ACTIVE, Customer
from yutang.emulator.wecom import groups

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

BY_CODE = 1
SINGLE, MANY = 1, 2
PLUGIN, QR = 1, 2


@dataclass
class Ways:
    """By config_id, and config_id by QR address. taken: which member a customer got of an exclusive code."""

    ways: dict[str, dict[str, Any]] = field(default_factory=dict)
    made_at: dict[str, int] = field(default_factory=dict)
    by_qr: dict[str, str] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)


CHANGEABLE = (
    "remark", "skip_verify", "style", "state", "user", "party", "expires_in", "chat_expires_in", "unionid", "conclusions",
)  # fmt: skip


def add(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/add_contact_way."""
    kept = city.part(Ways)
    if len(kept.ways) + len(city.part(groups.Groups).ways) >= city.settings.contact_way.quota:
        raise CityError(41045)
    _check_kind(given)
    way = {
        "type": number(given, "type"), "scene": number(given, "scene"), "style": number(given, "style"),
        "remark": "", "skip_verify": True, "state": "", "user": [], "party": [],
        "is_temp": bool(given.get("is_temp")), "is_exclusive": bool(given.get("is_exclusive")),
    }  # fmt: skip
    way |= _changes(city, app, given, way["type"])
    config_id = city.new_id("cfg")
    way |= {"config_id": config_id, "qr_code": f"{city.address}/city/qr/{config_id}" if way["scene"] == QR else ""}
    kept.ways[config_id], kept.made_at[config_id] = way, city.stamp()
    if way["qr_code"]:
        kept.by_qr[way["qr_code"]] = config_id
    return {"config_id": config_id} | ({"qr_code": way["qr_code"]} if way["qr_code"] else {})


def _check_kind(given: dict[str, Any]) -> None:
    kind, scene = number({"type": need(given, "type", 41037)}, "type"), number({"s": need(given, "scene", 41038)}, "s")
    if kind not in (SINGLE, MANY):
        raise CityError(41039)
    if scene not in (PLUGIN, QR):
        raise CityError(41040)
    if scene == PLUGIN and number(given, "style", 1) not in (1, 2, 3):
        raise CityError(41042)


def _changes(city: City, app: App, given: dict[str, Any], kind: int) -> dict[str, Any]:
    limits = city.settings.contact_way
    short(given, "state", limits.state_chars)
    short(given, "remark", limits.remark_chars)
    found = {name: given[name] for name in CHANGEABLE if given.get(name) is not None}
    if "user" in found or "party" in found:
        users, parties = listed(given, "user", limits.members, 41041), listed(given, "party", limits.members, 41041)
        _check_members(city, app, users, parties, kind)
    elif "config_id" not in given:
        raise CityError(40063, "user and party are both empty")
    return found


def _check_members(city: City, app: App, users: list[str], parties: list[int], kind: int) -> None:
    if (kind == SINGLE and (len(users) != 1 or parties)) or not (users or parties):
        raise CityError(40058, "a way of type 1 needs exactly one user, one of type 2 at least one user or party")
    for userid in users:
        staff = city.people.staff.get(userid)
        if staff is None or staff.status != ACTIVE:
            raise CityError(60111, f"userid {userid}")
        if not staff.feature or not app.sees(userid):
            raise CityError(84074, f"userid {userid}")
        if not staff.real_name:
            raise CityError(40098, f"userid {userid}")
    if len(members(city, users, parties)) > city.settings.contact_way.members:
        raise CityError(41041)


def members(city: City, users: list[str], parties: list[int]) -> list[str]:
    """The staff who can be reached, departments expanded."""
    named = [one for one in map(city.people.staff.get, users) if one]
    named += [one for one in city.people.staff.values() if one.department in parties]
    return list(dict.fromkeys(one.userid for one in named if one.status == ACTIVE and one.feature))


def _way(city: City, given: dict[str, Any]) -> dict[str, Any]:
    config_id = need(given, "config_id", 41043)
    way = city.part(Ways).ways.get(config_id)
    if way is None:
        raise CityError(41044)
    return way


def get(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_contact_way."""
    return {"contact_way": dict(_way(city, given))}


def update(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/update_contact_way; users and parties are overwritten together."""
    way = _way(city, given)
    changes = _changes(city, app, given, way["type"])
    if "user" in changes or "party" in changes:
        changes = {"user": [], "party": []} | changes
    way |= changes
    return {}


def delete(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/del_contact_way."""
    kept, way = city.part(Ways), _way(city, given)
    del kept.ways[way["config_id"]]
    kept.by_qr.pop(way["qr_code"], None)
    return {}


def listing(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/list_contact_way: by time of making, without temporary ones."""
    kept, limits = city.part(Ways), city.settings.contact_way
    end = number(given, "end_time") or city.stamp()
    start = number(given, "start_time") or end - limits.list_days * DAY
    rows = [
        {"config_id": key}
        for key, way in kept.ways.items()
        if start <= kept.made_at[key] <= end and not way["is_temp"]
    ]  # fmt: skip
    found, cursor = page(city, given, rows, limits.page)
    return {"contact_way": found, "next_cursor": cursor}


def scanned(city: City, customer: Customer, code: str) -> bool:
    """A customer scans a code, given by its config_id or its QR address."""
    kept = city.part(Ways)
    way = kept.ways.get(kept.by_qr.get(code, code))
    if way is None:
        return False
    if userid := _choose(city, kept, way, customer):
        half = way["skip_verify"] and city.settings.contact_way.half
        friends.befriend(city, customer, userid, way["state"], BY_CODE, verified=way["skip_verify"], half=half)
    return True


def _choose(city: City, kept: Ways, way: dict[str, Any], customer: Customer) -> str:
    """The member whom the customer gets; a friend among them first, so that nothing happens."""
    able = members(city, way["user"], way["party"])
    friend = next((one.userid for one in city.people.followers_of(customer.external_userid) if one.userid in able), "")
    taken = kept.taken.get(customer.external_userid, "") if way["is_exclusive"] else ""
    if friend or not able:
        return friend
    userid = taken if taken in able else city.dice("codes").choice(able)
    if way["is_exclusive"]:
        kept.taken[customer.external_userid] = userid
    return userid
