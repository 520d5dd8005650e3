"""What an empty pond asks for first: a list of steps, each done or with a link to do it."""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from yutang.db.queries import Queries
from yutang.web.access import Visitor

sql = Queries(__package__)


class Step(NamedTuple):
    """A step of the way: its word in the catalogue, where it is done, whether it is."""

    word: str
    href: str
    done: bool


def checklist(conn: psycopg.Connection, visitor: Visitor) -> tuple[list[Step], bool]:
    """The steps while one of the first three is open, else none; and whether nothing has come in yet."""
    row = sql.begun(conn).fetchone()
    assert row is not None
    steps = [
        *([Step("start_users", "/setup", row.users)] if visitor.how == "machine" or row.users else []),
        Step("start_source", "/data", row.sources),
        Step("start_brand", "/segments", row.brand),
        Step("start_import", "/data/imports/new", row.persons or row.events),
        Step("start_channel", "/settings/channels", row.channels),
    ]
    needed = row.brand and (row.persons or row.events)
    return ([] if needed else steps), not (row.persons or row.events)
