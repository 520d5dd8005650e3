"""The address of a person's coupon wallet: a signed link, as the preference page has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from yutang.deliver import preference
from yutang.vault import Vault

PATH = "/w"
PURPOSE = "coupon wallet"
VALID_DAYS = 90
VALID = timedelta(days=VALID_DAYS)
"""How long a link works: whoever holds it holds the coupons."""


def token(vault: Vault, now: datetime, person_id: int) -> str:
    """32 characters that may stand in a URL; the same one all day."""
    return preference.token(vault, now, person_id, PURPOSE, VALID_DAYS)


def holder(vault: Vault, now: datetime, text: str) -> int | None:
    """Whose wallet a token opens; None when it is not of our making, or too old."""
    return preference.holder(vault, now, text, PURPOSE)


def links(now: datetime) -> Callable[[int], str | None]:
    """From a person to the address of the wallet; None while nobody has said under which address browsers reach us."""
    return preference.links(now, PATH, PURPOSE, VALID_DAYS)
