"""Due: one cheap look at whether the channel has anything to tend or to tell."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang.channels.platform.account import Account
from yutang.db.queries import Queries

sql = Queries(__package__)


def something_due(conn: psycopg.Connection, account: Account, now: datetime) -> bool:
    """Asked at every turn of the loop; writes nothing."""
    row = sql.due(conn, account=account.source, channel=account.channel, now=now).fetchone()
    return bool(row and row.due)
