"""What a callback says, read once: pure, and tolerant of everything that the platform may add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from yutang.channels.platform import xml

CONTACT, GROUP, TAG, STAFF, LINK = (
    "change_external_contact",
    "change_external_chat",
    "change_external_tag",
    "change_contact",
    "customer_acquisition",
)
_PAIR = ("UserID", "ExternalUserID")
NEEDS: dict[tuple[str, str], tuple[str, ...]] = {
    (CONTACT, "add_external_contact"): _PAIR,
    (CONTACT, "add_half_external_contact"): _PAIR,
    (CONTACT, "edit_external_contact"): _PAIR,
    (CONTACT, "del_external_contact"): _PAIR,
    (CONTACT, "del_follow_user"): _PAIR,
    (CONTACT, "transfer_fail"): _PAIR,
    (GROUP, "create"): ("ChatId",),
    (GROUP, "update"): ("ChatId",),
    (GROUP, "dismiss"): ("ChatId",),
    (TAG, "create"): (),
    (TAG, "update"): (),
    (TAG, "delete"): (),
    (TAG, "shuffle"): (),
    (STAFF, "create_user"): ("UserID",),
    (STAFF, "update_user"): ("UserID",),
    (STAFF, "delete_user"): ("UserID",),
    (LINK, "customer_start_chat"): _PAIR,
}
"""The callbacks that are heard, and the fields without which they say nothing."""
_LATEST = 4_102_444_800


@dataclass(frozen=True)
class Change:
    """One callback. event and type: the platform's ``Event`` and ``ChangeType``; at: its CreateTime, to the second."""

    event: str
    type: str
    at: datetime
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A field's text; empty when it is absent or is not a text."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""

    def texts(self, name: str) -> list[str]:
        """A field of several texts; a single one stands alone."""
        value = self.fields.get(name)
        values = value if isinstance(value, list) else [value]
        return [one for one in values if isinstance(one, str) and one]


def parse(text: str) -> Change | None:
    """What it says; None when it is of a kind nobody listens to, or lacks what it should say. Never raises."""
    try:
        fields = xml.read(text)
    except xml.Unreadable:
        return None
    event, type = (_text(fields, name) for name in ("Event", "ChangeType"))
    at = _time(_text(fields, "CreateTime"))
    needs = NEEDS.get((event, type))
    if needs is None or at is None or not all(_text(fields, name) for name in needs):
        return None
    return Change(event, type, at, fields)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _time(text: str) -> datetime | None:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < _LATEST:
        return None
    return datetime.fromtimestamp(int(text), UTC)
