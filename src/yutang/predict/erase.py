"""Erasing people: what was expected of them."""

from __future__ import annotations

import psycopg

from yutang.db.erase import Whom, wipe
from yutang.db.queries import Queries
from yutang.model import Counts
from yutang.predict.products import erase as products

sql = Queries(__package__)


def erase(conn: psycopg.Connection, whom: Whom) -> Counts:
    """Rows per table; see `yutang.erasure`."""
    done = wipe(conn, sql, ("erase_prediction",), whom)
    done.update(products.erase(conn, whom))
    return done
