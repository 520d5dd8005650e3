"""The product album."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import listed, need, number, page
from yutang.emulator.errors import CityError
from yutang.emulator.wecom import media

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

SCENE = 2


@dataclass
class Album:
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)


def _checked(city: City, given: dict[str, Any]) -> dict[str, Any]:
    limits = city.settings.album
    if not 0 < len(need(given, "description", 41073)) <= limits.description:
        raise CityError(41073)
    if not 0 < number(given, "price") <= limits.price_max_fen:
        raise CityError(41086)
    serial = given.get("product_sn") or ""
    if serial and not re.fullmatch(rf"[0-9A-Za-z]{{1,{limits.sn}}}", serial):
        raise CityError(41085)
    pictures = listed(given, "attachments", limits.images, 41064)
    if not pictures:
        raise CityError(41088)
    for one in pictures:
        if one.get("type") != "image":
            raise CityError(41065, "the key is type, and its value image")
        media.alive(city, need(one.get("image") or {}, "media_id"), SCENE)
    return {name: given[name] for name in ("description", "price", "product_sn", "attachments") if name in given}


def add(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/add_product_album."""
    kept, product = city.part(Album), _checked(city, given)
    product_id = city.new_id("P")
    kept.products[product_id] = {"product_id": product_id, "create_time": city.stamp()} | product
    kept.makers[product_id] = app.name
    return {"product_id": product_id}


def _own(city: City, app: App, given: dict[str, Any]) -> str:
    product_id = need(given, "product_id", 41075)
    if city.part(Album).makers.get(product_id) != app.name:
        raise CityError(41075)
    return product_id


def get(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_product_album."""
    return {"product": city.part(Album).products[_own(city, app, given)]}


def listing(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_product_album_list."""
    found, cursor = page(city, given, city.part(Album).products.values(), city.settings.album.page)
    return {"product_list": found, "next_cursor": cursor}


def update(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/update_product_album."""
    product = city.part(Album).products[_own(city, app, given)]
    product |= _checked(city, product | given)
    return {}


def delete(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/delete_product_album."""
    kept, product_id = city.part(Album), _own(city, app, given)
    del kept.products[product_id], kept.makers[product_id]
    return {}
