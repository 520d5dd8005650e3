"""Text and attachments of welcomes, mass messages and moments, checked as the platform checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import listed, need
from yutang.emulator.errors import CityError
from yutang.emulator.wecom import media

if TYPE_CHECKING:
    from yutang.emulator.city import City

KINDS = {"image", "link", "miniprogram", "video", "file"}
MINIPROGRAM_TITLE, LINK_TITLE = 64, 128


def content(
    city: City, given: Mapping[str, Any], most: int, text_bytes: int, scene: int = 0
) -> tuple[str, list[dict[str, Any]]]:
    """The words and the attachments. Raises CityError: 41089 when there is neither, 41064, 41065, 40007, 41072, 40058."""
    text = (given.get("text") or {}).get("content") or ""
    extra = listed(given, "attachments", most, 41064)
    if not text and not extra:
        raise CityError(41089)
    if len(text.encode()) > text_bytes:
        raise CityError(40058, f"text.content should have at most {text_bytes} bytes")
    for one in extra:
        check(city, one, scene)
    return text, extra


def check(city: City, one: Mapping[str, Any], scene: int = 0) -> None:
    """One attachment: its kind, what it must hold, and that its media is alive. scene: 1 moments, 2 albums."""
    kind = one.get("msgtype")
    if kind not in KINDS:
        raise CityError(41065, f"msgtype {kind!r}")
    body = one.get(kind)
    if not isinstance(body, Mapping):
        raise CityError(40058, f"attachments.{kind} is missing")
    if kind == "link":
        _check_link(city, body, scene)
    elif kind == "miniprogram":
        for name in ("title", "pic_media_id", "appid", "page"):
            need(body, name)
        if len(body["title"].encode()) > MINIPROGRAM_TITLE:
            raise CityError(40058, f"title should have at most {MINIPROGRAM_TITLE} bytes")
        media.alive(city, body["pic_media_id"], scene)
    elif kind != "image" or body.get("media_id") or not body.get("pic_url"):
        media.alive(city, need(body, "media_id"), scene)


def _check_link(city: City, body: Mapping[str, Any], scene: int) -> None:
    need(body, "url")
    if len(need(body, "title").encode()) > LINK_TITLE:
        raise CityError(40058, f"title should have at most {LINK_TITLE} bytes")
    if body.get("media_id"):
        media.alive(city, body["media_id"], scene)
