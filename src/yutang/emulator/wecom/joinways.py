"""Join ways: codes that lead into groups; and the welcome materials of groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import listed, need, number, short
from yutang.emulator.errors import CityError
from yutang.emulator.wecom import attachments, codes
from yutang.emulator.wecom.groups import Groups

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

PIECES = ("image", "link", "miniprogram", "file", "video")


def add(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/groupchat/add_join_way; the QR is told by get_join_way only."""
    kept = city.part(Groups)
    if len(kept.ways) + len(city.part(codes.Ways).ways) >= city.settings.contact_way.quota:
        raise CityError(41045)
    config_id = city.new_id("jc")
    way = _wanted(city, given)
    way |= {"config_id": config_id, "qr_code": f"{city.address}/city/qr/{config_id}"}
    kept.ways[config_id], kept.by_qr[way["qr_code"]] = way, config_id
    return {"config_id": config_id}


def _wanted(city: City, given: dict[str, Any]) -> dict[str, Any]:
    limits, ways = city.settings.group, city.settings.contact_way
    scene = number({"scene": need(given, "scene", 41038)}, "scene")
    if scene not in (1, 2):
        raise CityError(41040)
    need(given, "chat_id_list")
    chats = listed(given, "chat_id_list", limits.join_way_chats, 41091)
    if unknown := [one for one in chats if one not in city.part(Groups).groups]:
        raise CityError(90501, f"chat_id {unknown[0]}")
    return {
        "scene": scene, "remark": short(given, "remark", ways.remark_chars), "chat_id_list": list(chats),
        "auto_create_room": number(given, "auto_create_room", 1) if "auto_create_room" in given else 1,
        "room_base_name": short(given, "room_base_name", limits.room_name_chars),
        "room_base_id": number(given, "room_base_id") or 1, "state": short(given, "state", ways.state_chars),
    }  # fmt: skip


def _way(city: City, given: dict[str, Any]) -> dict[str, Any]:
    way = city.part(Groups).ways.get(need(given, "config_id", 41043))
    if way is None:
        raise CityError(41044)
    return way


def get(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/get_join_way."""
    return {"join_way": dict(_way(city, given))}


def update(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/update_join_way: everything is overwritten."""
    _way(city, given).update(_wanted(city, given))
    return {}


def delete(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST …/del_join_way."""
    way = _way(city, given)
    del city.part(Groups).ways[way["config_id"]]
    return {}


@dataclass
class Templates:
    """Group welcome materials by template_id, with the app that made each."""

    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)


def add_template(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/group_welcome_template/add."""
    kept = city.part(Templates)
    if len(kept.templates) >= city.settings.group.welcome_templates:
        raise CityError(41055)
    template_id = city.new_id("T")
    kept.templates[template_id], kept.makers[template_id] = _material(city, given), app.name
    return {"template_id": template_id}


def _material(city: City, given: dict[str, Any]) -> dict[str, Any]:
    text = {"text": given["text"]} if (given.get("text") or {}).get("content") else {}
    piece = next((name for name in PIECES if given.get(name)), "")
    if not text and not piece:
        raise CityError(41089)
    if piece:
        attachments.check(city, {"msgtype": piece, piece: given[piece]})
    return text | ({piece: given[piece]} if piece else {})


def _template(city: City, app: App, given: dict[str, Any]) -> str:
    kept, template_id = city.part(Templates), need(given, "template_id")
    if kept.makers.get(template_id) != app.name:
        raise CityError(41058)
    return template_id


def edit_template(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    city.part(Templates).templates[_template(city, app, given)] = _material(city, given)
    return {}


def get_template(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    return city.part(Templates).templates[_template(city, app, given)]


def delete_template(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    kept, template_id = city.part(Templates), _template(city, app, given)
    del kept.templates[template_id], kept.makers[template_id]
    return {}
