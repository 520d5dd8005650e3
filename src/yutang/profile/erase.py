"""Erasing people: everything that is known of them."""

from __future__ import annotations

import psycopg

from yutang.db.erase import Whom, wipe
from yutang.db.queries import Queries
from yutang.model import Counts

sql = Queries(__package__)


def erase(conn: psycopg.Connection, whom: Whom) -> Counts:
    """Rows per table; see `yutang.erasure`."""
    return wipe(
        conn,
        sql,
        (
            "erase_trait",
            "erase_tag",
            "erase_consent",
            "erase_tally",
            "erase_profile",
            "erase_tag_change",
        ),
        whom,
    )
