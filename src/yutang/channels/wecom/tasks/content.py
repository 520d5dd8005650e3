"""Content: what goes into a message, checked against WeCom's limits and written the way its API wants it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

TEXT_BYTES = 4000
MOMENT_CHARS = 2000
ATTACHMENTS = 9
FIELDS: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {
    "link": (("title", "url"), {"title": 128, "desc": 512, "url": 2048, "picurl": 2048}),
    "image": ((), {}),
    "miniprogram": (("title", "appid", "page", "image"), {"title": 64}),
}
"""Per kind of attachment: what it must have, and how many bytes a field may take."""

Attachments = Sequence[Mapping[str, Any]]


def fault(text: str, attachments: Attachments) -> str | None:
    """Why WeCom would refuse this message; None when it would not."""
    if not text.strip() and not attachments:
        return "正文和附件都为空。 neither words nor an attachment"
    if (size := len(text.encode())) > TEXT_BYTES:
        return f"正文 {size} 字节，上限 {TEXT_BYTES}（约 1300 个汉字）。 the text takes {size} bytes, the limit is {TEXT_BYTES}"
    if len(attachments) > ATTACHMENTS:
        return f"附件 {len(attachments)} 个，上限 {ATTACHMENTS}。 {len(attachments)} attachments, the limit is {ATTACHMENTS}"
    return next((found for n, one in enumerate(attachments, 1) if (found := _fault_of(n, one))), None)


def _fault_of(number: int, one: Mapping[str, Any]) -> str | None:
    """What is wrong with the `number`-th attachment."""
    kind = one.get("kind")
    if kind not in FIELDS:
        return f"附件 {number}：类型须为 {'、'.join(FIELDS)}。 attachment {number}: its kind must be one of {', '.join(FIELDS)}"
    required, limits = FIELDS[kind]
    missing = [name for name in required if not one.get(name)]
    if kind == "image" and not _file(one):
        missing = ["url"]
    if missing:
        return f"附件 {number} 缺少 {missing[0]}。 attachment {number} has no {missing[0]}"
    long = [name for name, most in limits.items() if len(str(one.get(name) or "").encode()) > most]
    if long:
        return f"附件 {number} 的 {long[0]} 超过 {limits[long[0]]} 字节。 {long[0]} of attachment {number} is too long"
    return None


def moment_fault(text: str, attachments: Attachments) -> str | None:
    """Why a post for Moments would be refused: besides the common limits, pictures or one link and nothing else."""
    if len(text) > MOMENT_CHARS:
        return f"正文 {len(text)} 字，上限 {MOMENT_CHARS}。 {len(text)} characters, the limit is {MOMENT_CHARS}"
    kinds = [one.get("kind") for one in attachments]
    if set(kinds) - {"image", "link"} or len(set(kinds)) > 1 or kinds.count("link") > 1:
        return "朋友圈只能带最多 9 张图片或 1 个链接，不能混用。 Moments take up to 9 pictures or one link, not both"
    if kinds == ["link"] and not attachments[0].get("picurl"):
        return "朋友圈链接需要封面图 picurl。 a link in Moments needs its picture (picurl)"
    return fault(text, attachments)


def files(attachments: Attachments) -> list[str]:
    """The pictures that must be with WeCom first: addresses, or paths of files."""
    found = (_file(one) if one["kind"] == "image" else one.get("image") for one in attachments)
    return [ref for ref in found if ref]


def _file(one: Mapping[str, Any]) -> str:
    """An image's address or path."""
    return one.get("url") or one.get("media") or ""


def message(text: str, attachments: Attachments, media: Mapping[str, str]) -> dict[str, Any]:
    """The part of a request that says what is sent. media: media_id by address or path."""
    words = {"text": {"content": text}} if text.strip() else {}
    return words | ({"attachments": [_attachment(one, media) for one in attachments]} if attachments else {})


def _attachment(one: Mapping[str, Any], media: Mapping[str, str]) -> dict[str, Any]:
    if one["kind"] == "image":
        body: dict[str, Any] = {"media_id": media[_file(one)]}
    elif one["kind"] == "link":
        body = {name: one[name] for name in ("title", "url", "desc", "picurl") if one.get(name)}
    else:
        body = {name: one[name] for name in ("title", "appid", "page")} | {"pic_media_id": media[one["image"]]}
    return {"msgtype": one["kind"], one["kind"]: body}


def digest(*parts: Any) -> str:
    """Tells equal contents from others."""
    return sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()
