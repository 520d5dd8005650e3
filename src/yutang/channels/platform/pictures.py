"""Pictures that a platform must hold before a message can show them: what is behind an address or in a file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import httpx

SECONDS = 10
KINDS = {b"\xff\xd8\xff": ("picture.jpg", "image/jpeg"), b"\x89PNG": ("picture.png", "image/png")}
LEAST = 6
"""Bytes; platforms refuse less."""


class Unreadable(Exception):
    """A picture that cannot be had. temporary: it may be there later."""

    def __init__(self, why: str, temporary: bool = False) -> None:
        super().__init__(why)
        self.temporary = temporary


def digest(ref: str) -> str:
    """A file by what is in it, for it may be replaced; an address by itself. Raises Unreadable."""
    return sha256(ref.encode() if _is_remote(ref) else _bytes(ref)).hexdigest()


def upload_of(ref: str, megabytes: int) -> tuple[str, bytes, str]:
    """Name, content and media type of a jpg or png. Raises Unreadable when it is neither, or larger."""
    data = _bytes(ref)
    kind = next((kind for head, kind in KINDS.items() if data.startswith(head)), None)
    if kind is None or not LEAST <= len(data) <= megabytes * 2**20:
        raise Unreadable(
            f"{ref}：须为 {megabytes} MB 以内的 jpg 或 png 图片。 it must be a jpg or png of at most {megabytes} MB"
        )
    name, type = kind
    return name, data, type


def _is_remote(ref: str) -> bool:
    return ref.startswith(("http://", "https://"))


def _bytes(ref: str) -> bytes:
    if not _is_remote(ref):
        try:
            return Path(ref).read_bytes()
        except OSError as error:
            raise Unreadable(f"{ref}：读不到图片文件，请检查路径。 cannot read this picture; check its path") from error
    try:
        found = httpx.get(ref, timeout=SECONDS, follow_redirects=True)
    except httpx.HTTPError as error:
        raise Unreadable(f"{ref}：图片地址连不上。 cannot reach this picture", temporary=True) from error
    if found.status_code != httpx.codes.OK:
        raise Unreadable(
            f"{ref}：图片地址返回 {found.status_code}。 it answered {found.status_code}", found.is_server_error
        )
    return found.content
