"""The terms of a task as instants: when its first holder should be done, when it passes on, when it is too late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from yutang.channels.contract import OWNER
from yutang.deliver.quiet import quiet_until

TERMS: Mapping[str, Any] = {"to": OWNER, "within_hours": 24, "escalate_to": None, "escalate_after_hours": None}
"""What holds where a message says nothing of it."""


def terms(now: datetime, task: Mapping[str, Any] | None, zone: str, quiet: Mapping[str, Any]) -> dict[str, Any]:
    """``to``, ``escalate_to``, ``due_at``, ``escalate_at``, ``late_at``. Hours are plain ones; none of the instants lies in the
    pond's quiet hours, for nobody is to be called or to work then: it is the end of them instead.

    Each holder has `within_hours`; after `escalate_after_hours` (else when the first holder is late) it passes to `escalate_to`.
    """
    said = {**TERMS, **(task or {})}
    each = timedelta(hours=said["within_hours"])
    after = timedelta(hours=said["escalate_after_hours"] or said["within_hours"])
    due, passes = _waking(now + each, zone, quiet), _waking(now + after, zone, quiet)
    last = _waking(passes + each, zone, quiet) if said["escalate_to"] else due
    return {"to": said["to"], "escalate_to": said["escalate_to"], "due_at": due, "escalate_at": passes, "late_at": last}


def _waking(at: datetime, zone: str, quiet: Mapping[str, Any]) -> datetime:
    return quiet_until(at, zone, quiet) or at
