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
    return _tokens(vault, now, purpose, days)(person_id)


def _tokens(vault: Vault, now: datetime, purpose: str, days: int) -> Callable[[int], str]:
    """`token` for many people: day and key are the same for all of them."""
    last_day, mark = (now - _EPOCH).days + days, vault.marker(purpose, _SIGNATURE)

    def token_of(person_id: int) -> str:
        body = _BODY.pack(person_id, last_day)
        return base64.urlsafe_b64encode(body + mark(body)).decode()

    return token_of


def holder(vault: Vault, now: datetime, text: str, purpose: str = PURPOSE) -> int | None:
    """Whose page a token opens; None when it is not of our making, or too old."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        body, signature = raw[: _BODY.size], raw[_BODY.size :]
        person_id, last_day = _BODY.unpack(body)
    except (binascii.Error, struct.error, ValueError):
        return None
    ours = hmac.compare_digest(signature, vault.mark(purpose, body, _SIGNATURE))
    return person_id if ours and now < _EPOCH + timedelta(days=last_day + 1) else None


def links(
    now: datetime, path: str = PATH, purpose: str = PURPOSE, days: int = VALID_DAYS
) -> Callable[[int], str | None]:
    """From a person to the address of the page; None while nobody has said under which address browsers reach us."""
    base = config.PUBLIC_URL.value.rstrip("/")
    if not base:
        return lambda _: None
    token_of = _tokens(open_vault(), now, purpose, days)
    return lambda person_id: f"{base}{path}/{token_of(person_id)}"
