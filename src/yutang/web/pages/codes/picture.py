"""The picture of a code, fetched from the platform: from its own hosts alone, in little time, no more than a picture needs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

import httpx

from yutang.channels.platform.account import Account

HOSTS = (".qpic.cn", ".weixin.qq.com")
"""Where WeChat keeps pictures of codes; another platform's are on the host of its interface."""
KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
LARGEST = 512 * 1024
"""Bytes; a picture of a code has some thousand."""
TIMEOUT, LONGEST = httpx.Timeout(2, connect=1.5), 4.0
"""Seconds: between two pieces, and in all."""
KEPT, FAILED = 600.0, 5.0
"""Seconds for which a picture, or the news that there is none, is kept."""
MOST = 200


@dataclass(frozen=True)
class Picture:
    """data: None where it could not be had; then `why` is a key of the page's texts."""

    data: bytes | None
    kind: str = ""
    why: str = ""


def is_theirs(kept: Account, address: str) -> bool:
    """May the server fetch this? Nothing but the account's own platform may be asked."""
    try:
        url, base = urlsplit(address), urlsplit(kept.get("base_url"))
        same = (url.scheme, url.hostname, url.port) == (base.scheme, base.hostname, base.port)
        host, plain = (url.hostname or "").lower(), url.port in (None, 443) and not url.username
    except ValueError:
        return False
    if "@" in url.netloc or url.scheme not in ("http", "https"):
        return False
    return same or (url.scheme == "https" and plain and any(host.endswith(one) for one in HOSTS))


def fetch(kept: Account, address: str) -> Picture:
    """The picture at this address, or why it cannot be had. It is kept for a while."""
    if not is_theirs(kept, address):
        return Picture(None, why="picture.strange")
    with _lock:
        if (known := _kept.get(address)) is not None and known[0] > monotonic():
            return known[1]
    found = _fetched(address)
    with _lock:
        while len(_kept) >= MOST:
            del _kept[next(iter(_kept))]
        _kept.pop(address, None)
        _kept[address] = (monotonic() + (KEPT if found.data else FAILED), found)
    return found


def _fetched(address: str) -> Picture:
    """Redirects are not followed: they could lead anywhere."""
    try:
        data = _read(address)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return Picture(None, why="picture.away")
    kind = next((kind for head, kind in KINDS.items() if data.startswith(head)), None)
    return Picture(None, why="picture.none") if kind is None else Picture(data, kind)


def _read(address: str) -> bytes:
    """Raises ValueError for what is too large or comes too slowly; packed content, which could be anything, is not asked for."""
    until, data, plain = monotonic() + LONGEST, b"", {"Accept-Encoding": "identity"}
    with httpx.stream("GET", address, headers=plain, timeout=TIMEOUT, follow_redirects=False) as answer:
        if answer.status_code != httpx.codes.OK:
            raise ValueError(answer.status_code)
        for piece in answer.iter_raw():
            data += piece
            if len(data) > LARGEST or monotonic() > until:
                raise ValueError("too large, or too slow")
    return data


_lock = threading.Lock()
_kept: dict[str, tuple[float, Picture]] = {}
