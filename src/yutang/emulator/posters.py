"""What can be scanned in the city: codes that hang in shops, lie in parcels, lead into groups or to an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yutang.emulator import miniprogram
from yutang.emulator.official_account import Accounts
from yutang.emulator.wecom.codes import Ways
from yutang.emulator.wecom.groups import Groups
from yutang.emulator.wecom.links import Links

if TYPE_CHECKING:
    from yutang.emulator.city import City

STAFF, GROUP, FAN = "staff", "group", "fan"


@dataclass(frozen=True)
class Poster:
    """One code. `code` is what a scan needs; `name` and `detail` say where it hangs and what it carries."""

    kind: str
    name: str
    code: str
    detail: str


def posters(city: City) -> list[Poster]:
    """Every code that works now, in the order of making."""
    with city.lock:
        return [*_ways(city), *_links(city), *_group_codes(city), *_scenes(city)]


def _ways(city: City) -> list[Poster]:
    ways = [(key, way) for key, way in city.part(Ways).ways.items() if way["qr_code"]]
    return [
        Poster(STAFF, way["remark"] or way["state"] or key, key, f"员工活码 Staff code · {way['state']}")
        for key, way in ways
    ]


def _links(city: City) -> list[Poster]:
    return [
        Poster(STAFF, link["link_name"], link["url"], "获客链接 Acquisition link")
        for link in city.part(Links).links.values()
    ]


def _group_codes(city: City) -> list[Poster]:
    return [
        Poster(GROUP, way["remark"] or way["room_base_name"] or key, key, f"群码 Group code · {way['state']}")
        for key, way in city.part(Groups).ways.items()
    ]


def _scenes(city: City) -> list[Poster]:
    now = city.stamp()
    return [
        Poster(FAN, scene.value, ticket, "公众号二维码 Official account code")
        for ticket, scene in city.part(Accounts).scenes.items()
        if scene.until is None or scene.until > now
    ]


def templates(city: City) -> list[str]:
    """Templates of the mini-program that a page may ask the customer for."""
    return list(miniprogram.main(city).templates)
