"""By which of people's handles each channel reaches them."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from yutang.db.queries import Queries
from yutang.handles import BY_NAME

sql = Queries(__package__)


def heads(conn: psycopg.Connection, reach: Mapping[str, str | None]) -> dict[str, bytes]:
    """How the keys of a channel's addresses begin: with the kind of handle that the pond names for it, and where an account is set up, with
    that app's or that corporation's. A channel that is not named here reaches anybody.
    """
    set_up = {row.channel: row.head for row in sql.reach(conn)}
    codes = {channel: bytes([BY_NAME[kind].code]) for channel, kind in reach.items() if kind}
    return {
        channel: head if (head := set_up.get(channel, b"")).startswith(code) else code
        for channel, code in codes.items()
    }
