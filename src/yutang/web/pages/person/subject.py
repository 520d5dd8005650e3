"""Whom a page is about, as every tab has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import psycopg
from litestar import Request

from yutang import definitions
from yutang.db.queries import Queries
from yutang.model import Only
from yutang.profile.portrait import card
from yutang.web.edge import Edge
from yutang.web.pages.page import Page
from yutang.why import Chain, why
from yutang.why.book import Book
from yutang.why.book import sql as why_sql

sql = Queries(__package__)


@dataclass(frozen=True)
class Subject:
    """The person, who asks, and as of when. members: the ids that were merged into this one, itself included."""

    request: Request
    edge: Edge
    conn: psycopg.Connection
    page: Page
    person_id: int
    now: datetime
    members: list[int]
    card: dict[str, Any]
    created_at: datetime | None

    @property
    def name(self) -> str | None:
        found = self.card["traits"].get("name", {}).get("value")
        return found if isinstance(found, str) and found.strip() else None

    @property
    def only(self) -> Only:
        return Only(persons=tuple(self.members))

    @property
    def tags(self) -> dict[str, Any]:
        """The tags that have not ended."""
        return {
            tag: kept
            for tag, kept in self.card["tags"].items()
            if not kept["expires_at"] or kept["expires_at"] > self.now
        }

    @cached_property
    def chain(self) -> Chain:
        """The reasons behind everything; costly, so only where it is told."""
        return why(self.conn, self.person_id, self.now)

    @cached_property
    def book(self) -> Book:
        return Book(self.conn, self.now, self.only)

    @cached_property
    def pond(self) -> dict[str, Any]:
        return definitions.pond(self.conn)


def subject_of(request: Request, edge: Edge, conn: psycopg.Connection, page: Page, person_id: int) -> Subject:
    """The person that holds the facts."""
    made = sql.created(conn, person=person_id).fetchone()
    return Subject(
        request, edge, conn, page, person_id, edge.clock(),
        [row.person_id for row in why_sql.members(conn, person=person_id)], card(conn, person_id),
        made.created_at if made else None,
    )  # fmt: skip
