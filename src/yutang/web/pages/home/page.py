"""The overview: what the pond holds, who is where, what was said and what was not."""

from __future__ import annotations

from typing import Any

import psycopg
from litestar import Request, Response

from yutang import definitions
from yutang.db.queries import Queries
from yutang.demo.summary import summary
from yutang.segment.refresh import sizes
from yutang.web.edge import edge_of
from yutang.web.pages.page import Page
from yutang.web.routes import look
from yutang.why import words

sql = Queries("yutang.web")


@look("/")
def home(request: Request) -> Response[bytes]:
    """The page; while new events wait it refreshes itself."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        pond = definitions.pond(conn)
        waiting = sql.waiting(conn, now=edge.clock()).fetchone()
        assert waiting is not None
        return Page(request, pond["time_zone"]).show(
            "home/page.html",
            pond=pond,
            now=edge.clock(),
            news=waiting.identity,
            figures=summary(conn),
            segments=_segments(conn),
            journeys=_journeys(conn),
            verdicts=[(row, words.reason(row.reason)) for row in sql.verdicts(conn)],
            attempts=[(row, words.reason(row.reason)) for row in sql.attempts(conn)],
            rejects=[(row, words.reason(row.reason)) for row in sql.rejects_by_reason(conn)],
            sources=sql.freshness(conn).fetchall(),
        )


def _segments(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """Largest first."""
    size = sizes(conn)
    found = [
        {"name": d.name, "title": words.title_of(d.body, d.name), "size": size.get(d.name, 0)}
        for d in definitions.all_current(conn, "segment")
    ]
    return sorted(found, key=lambda s: -s["size"])


def _journeys(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """Every journey in service, with how people fared in it."""
    rows = {row.journey_id: row for row in sql.journeys(conn)}
    return [
        {"name": d.name, "title": words.title_of(d.body, d.name), "row": rows.get(d.definition_id)}
        for d in definitions.all_current(conn, "journey")
    ]
