"""The address of a person's own preference page: it names the person and its last day, signed, so it needs no login."""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from yutang import config
from yutang.vault import Vault, open_vault

PATH = "/p"
PURPOSE = "preference page"
VALID_DAYS = 365
"""How long a link works: a person may look for it in an old message."""
_BODY = struct.Struct(">QH")
_SIGNATURE = 14
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def token(vault: Vault, now: datetime, person_id: int, purpose: str = PURPOSE, days: int = VALID_DAYS) -> str:
    """32 characters that may stand in a URL; the same one all day."""
    body = _BODY.pack(person_id, (now - _EPOCH).days + days)
    return base64.urlsafe_b64encode(body + _signature(vault, body, purpose)).decode()


def holder(vault: Vault, now: datetime, text: str, purpose: str = PURPOSE) -> int | None:
    """Whose page a token opens; None when it is not of our making, or too old."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        body, signature = raw[: _BODY.size], raw[_BODY.size :]
        person_id, last_day = _BODY.unpack(body)
    except (binascii.Error, struct.error, ValueError):
        return None
    ours = hmac.compare_digest(signature, _signature(vault, body, purpose))
    return person_id if ours and now < _EPOCH + timedelta(days=last_day + 1) else None


def _signature(vault: Vault, body: bytes, purpose: str) -> bytes:
    return vault.mark(purpose, body, _SIGNATURE)


def links(
    now: datetime, path: str = PATH, purpose: str = PURPOSE, days: int = VALID_DAYS
) -> Callable[[int], str | None]:
    """From a person to the address of the page; None while nobody has said under which address browsers reach us."""
    base = config.PUBLIC_URL.value.rstrip("/")
    if not base:
        return lambda _: None
    vault = open_vault()
    return lambda person_id: f"{base}{path}/{token(vault, now, person_id, purpose, days)}"
