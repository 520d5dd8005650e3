"""Trying a delivery again that has failed, because whoever runs the pond has mended the cause."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from yutang import decide
from yutang.db.queries import Queries
from yutang.model import Reason

sql = Queries(__package__)

AGAIN = (Reason.GAVE_UP, Reason.PERMANENT, Reason.CANNOT_RENDER, Reason.NO_STAFF, Reason.NO_ADDRESS)
"""What can be mended, and of which no channel keeps a failure of its own. A person's own no is never tried again."""
MOST = 5_000
"""Deliveries that one call puts back."""


def again(
    conn: psycopg.Connection,
    now: datetime,
    *,
    touch: tuple[int, int] | None = None,
    channel: str | None = None,
    reason: Reason | None = None,
    since: datetime | None = None,
) -> list[Any]:
    """Put failed deliveries back to waiting: one (person, touch), or those of a channel, with a reason, that failed since then.

    Only failures of a reason in `AGAIN` whose touch may still go out; consent, deadline and address are looked at again when
    it is sent. What takes points or carries a coupon is judged anew before. Returns rows (person_id, touch_id), at most `MOST`.
    """
    reasons = [one.value for one in AGAIN if reason in (None, one)]
    person, touch_id = touch or (None, None)
    with conn.transaction():
        found = sql.again(
            conn, now=now, person=person, touch=touch_id, channel=channel, reasons=reasons, since=since, limit=MOST
        ).fetchall()
        anew = [row for row in found if row.anew]
        decide.reopen(conn, now, [row.person_id for row in anew], [row.touch_id for row in anew])
        return found
