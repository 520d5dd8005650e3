"""Erasing people: what a corp's WeCom has told of them."""

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
            "erase_wecom_relation",
            "erase_wecom_contact",
            "erase_wecom_wish",
            "erase_wecom_welcome",
            "erase_wecom_group_member",
            "erase_wecom_errand",
            "erase_wecom_transfer",
        ),
        whom,
    )
