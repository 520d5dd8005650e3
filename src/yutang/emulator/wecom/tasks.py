"""What waits for a staff member's tap in the client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

UNSENT, SENT, CANCELLED = 0, 2, -1


@dataclass
class Task:
    """One staff member's part of a mass task or a moment. `status`: 0 waits, 2 sent, -1 cancelled.

    kind: single, group or moment. recipients: external_userids, or chat_ids of a group task. reminded: nudges so far.
    """

    kind: str
    msgid: str
    userid: str
    text: str
    attachments: list[dict[str, Any]]
    made_at: int
    recipients: list[str] = field(default_factory=list)
    allow_select: bool = False
    status: int = UNSENT
    sent_at: int = 0
    reminded: int = 0
