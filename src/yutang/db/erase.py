"""What it takes to erase people: whom, and how each package runs its own statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg

from yutang.db.queries import Queries
from yutang.model import Counts, bucket_of

EMPTIED = "~erased"
"""The type of an event of which nothing but its id is left, so that it is known when it comes again."""


@dataclass(frozen=True)
class Whom:
    """Everybody who is one person. persons: their numbers, `holder` is the one with the facts. keys: of their handles, with those
    of the numbers themselves. names: what handles say, in plain text: keep it out of logs. accounts: of platforms, by name and by
    source. events: theirs. touches, offers: what was proposed to them, and of what. salt: thrown away afterwards; with it order
    numbers and codes become names that mean nothing."""

    at: datetime
    holder: int
    persons: list[int]
    keys: list[UUID] = field(default_factory=list, repr=False)
    names: list[str] = field(default_factory=list, repr=False)
    accounts: list[str] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    touches: list[int] = field(default_factory=list)
    rejects: list[int] = field(default_factory=list)
    salt: str = field(default="", repr=False)

    def params(self) -> dict[str, Any]:
        """The parameters of statements, by name; asked: the names as they stand in the address of a list that was searched for them."""
        asked = {form for name in self.names for form in (name, quote(name, safe=""), name.removeprefix("+86"))}
        return {**vars(self), "buckets": sorted({bucket_of(person) for person in self.persons}), "asked": sorted(asked)}


def wipe(conn: psycopg.Connection, sql: Queries, statements: Sequence[str], whom: Whom) -> Counts:
    """Run statements named ``erase_TABLE`` in this order. Returns the rows of each table."""
    done, params = Counts(), whom.params()
    for name in statements:
        done[name.removeprefix("erase_").partition("__")[0]] += sql.all[name](conn, **params).rowcount
    return done
