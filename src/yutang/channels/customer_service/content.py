"""What a letter looks like to the platform: the words with their links, then a message for each card. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yutang.channels.contract import Letter

LINK, MINIPROGRAM = "link", "miniprogram"
TEXT_BYTES = 2048
MESSAGES = 5
"""As many as one window allows."""
FIELDS = {LINK: ("title", "url"), MINIPROGRAM: ("title", "appid", "page", "image")}
LIMITS = {LINK: {"title": 128, "desc": 512, "url": 2048}, MINIPROGRAM: {"title": 64}}
"""Bytes that a field of a card may take."""

Attachment = Mapping[str, Any]


def picture(one: Attachment) -> str:
    """Address or path of the picture that a card must show; a link without one is no card."""
    return str(one.get("picurl" if one.get("kind") == LINK else "image") or "")


def cards(letter: Letter) -> list[Attachment]:
    return [one for one in letter.attachments if picture(one)]


def text(letter: Letter) -> str:
    """The words, with each link that is no card on lines of its own."""
    links = [f"{one['title']}\n{one['url']}" for one in letter.attachments if not picture(one)]
    return "\n\n".join(part for part in (letter.body.strip(), *links) if part)


def problem(letter: Letter) -> str | None:
    """Why the platform would refuse this letter; None when it would not."""
    if found := next((found for one in letter.attachments for found in check(one)), None):
        return found
    if (size := len(text(letter).encode())) > TEXT_BYTES:
        return f"正文连同链接 {size} 字节，上限 {TEXT_BYTES}。 the text with its links takes {size} bytes, the limit is {TEXT_BYTES}"
    count = len(cards(letter)) + bool(text(letter))
    if not 0 < count <= MESSAGES:
        return f"共 {count} 条消息，须为 1–{MESSAGES} 条。 it makes {count} messages; 1 to {MESSAGES} are possible"
    return None


def check(one: Attachment) -> list[str]:
    """What is wrong with an attachment, each with its fix; empty: nothing.

    ``{"kind": "link", "title", "url", "desc"?, "picurl"?}`` or ``{"kind": "miniprogram", "title", "appid", "page", "image"}``.
    """
    kind = one.get("kind")
    if kind not in FIELDS:
        return [f"微信客服不支持附件 '{kind}'，可用 link、miniprogram。 use link or miniprogram here, not '{kind}'"]
    missing = [f"{kind}: 缺少 {name}。 {name} is missing" for name in FIELDS[kind] if not one.get(name)]
    long = [
        f"{kind}: {name} 超过 {most} 字节。 {name} is longer than {most} bytes"
        for name, most in LIMITS[kind].items()
        if len(str(one.get(name) or "").encode()) > most
    ]
    return missing + long


def messages(letter: Letter, pictures: Mapping[str, str]) -> list[dict[str, Any]]:
    """The messages that the letter makes, words first. pictures: media_id by address or path."""
    words = text(letter)
    return ([text_message(words)] if words else []) + [_card(one, pictures[picture(one)]) for one in cards(letter)]


def text_message(words: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": words}}


def _card(one: Attachment, media_id: str) -> dict[str, Any]:
    if one["kind"] == LINK:
        body = {name: one[name] for name in ("title", "desc", "url") if one.get(name)}
    else:
        body = {"title": one["title"], "appid": one["appid"], "pagepath": one["page"]}
    return {"msgtype": one["kind"], one["kind"]: body | {"thumb_media_id": media_id}}
