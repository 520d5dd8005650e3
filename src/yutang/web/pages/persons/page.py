"""The list of people: search, filter by segment, page after page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import psycopg
from litestar import Request, Response
from litestar.response import Redirect

from yutang import definitions
from yutang.db.queries import Queries
from yutang.model import YutangError, bucket_of
from yutang.web.edge import edge_of
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.routes import look
from yutang.why import find, words
from yutang.why.book import grouped

sql = Queries("yutang.web")
PAGE = 50


@look("/persons", "people")
def persons(request: Request) -> Response[Any]:
    """The page. A search that names somebody goes to that person."""
    edge = edge_of(request)
    asked = request.query_params.get("q", "").strip()
    with edge.pool.lend() as conn:
        error = None
        if asked:
            try:
                return Redirect(f"/persons/{find(conn, edge.vault, asked)}", status_code=303)
            except YutangError as problem:
                error = str(problem)
        return _list(request, conn, asked, error)


def _list(request: Request, conn: psycopg.Connection, asked: str, error: str | None) -> Response[bytes]:
    chosen = request.query_params.get("segment", "")
    rows = [] if error else _rows(conn, chosen, _after(request))
    shown = rows[:PAGE]
    handles = grouped(sql.handles(conn, persons=[row.person_id for row in shown]), lambda row: row.person_id)
    following = {"segment": chosen, "after": shown[-1].person_id} if len(rows) > PAGE else None
    return Page(request, definitions.pond(conn)["time_zone"]).show(
        "persons/page.html",
        asked=asked,
        error=error,
        chosen=chosen,
        segments=[(d.name, words.title_of(d.body, d.name)) for d in definitions.all_current(conn, "segment")],
        rows=[(row, handles.get(row.person_id, [])) for row in shown],
        following=following and f"?{urlencode(following)}",
        later="after" in request.query_params,
    )


def _rows(conn: psycopg.Connection, chosen: str, after: int | None) -> list[Any]:
    """One more than a page holds, to know whether another follows."""
    place = {"bucket": -1 if after is None else bucket_of(after), "person": after or 0, "limit": PAGE + 1}
    if not chosen:
        return sql.people(conn, **place).fetchall()
    found = definitions.current(conn, "segment", chosen)
    if found is None:
        raise Problem(404, f"there is no segment '{chosen}' in service")
    return sql.members(conn, segment=found.definition_id, **place).fetchall()


def _after(request: Request) -> int | None:
    text = request.query_params.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
