"""Erasing people: their way through journeys."""

from __future__ import annotations

import psycopg

from yutang.db.erase import Whom, wipe
from yutang.db.queries import Queries
from yutang.journey.calls.erase import erase as erase_calls
from yutang.model import Counts

sql = Queries(__package__)


def erase(conn: psycopg.Connection, whom: Whom) -> Counts:
    """Rows per table; see `yutang.erasure`."""
    return Counts(wipe(conn, sql, ("erase_enrolment", "erase_proposal"), whom) + erase_calls(conn, whom))
