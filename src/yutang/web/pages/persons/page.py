"""The list of people: search, filters that combine to a rule, page after page, and the views that somebody keeps."""

from __future__ import annotations

from typing import Any

import psycopg
from litestar import Request, Response
from litestar.response import Redirect

from yutang import definitions, users
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.segment.operators import STAGES
from yutang.segment.wording import known_events, sentence
from yutang.users import views
from yutang.web import scope
from yutang.web.access import Visitor
from yutang.web.edge import Edge, edge_of
from yutang.web.pages.page import Page
from yutang.web.pages.persons.ask import Ask
from yutang.web.pages.persons.called import called, readable
from yutang.web.pages.persons.found import Finder, Found, Size
from yutang.web.pages.persons.found import sql as found_sql
from yutang.web.pages.persons.text import TEXT
from yutang.web.problems import Problem
from yutang.web.routes import look
from yutang.why import find, words
from yutang.why.book import grouped

sql = Queries("yutang.web")
NOBODY = Found([], None, True, Size(0), ())


@look("/persons", "people")
def persons(request: Request) -> Response[Any]:
    """The page. A search that names somebody goes to that person."""
    edge = edge_of(request)
    asked = request.query_params.get("q", "").strip()
    with edge.pool.lend() as conn:
        error = None
        if asked:
            try:
                return Redirect(f"/persons/{_named(edge, conn, request.state.visitor, asked)}", status_code=303)
            except (YutangError, Problem) as problem:
                error = str(problem)
        return _list(request, edge, conn, asked, error)


def _named(edge: Edge, conn: psycopg.Connection, visitor: Visitor, asked: str) -> int:
    """Whom a search names, if the visitor may see him; it is not said whether somebody else may."""
    person = find(conn, edge.vault, asked)
    scope.check(conn, visitor, person)
    return person


def _list(request: Request, edge: Edge, conn: psycopg.Connection, asked: str, error: str | None) -> Response[bytes]:
    ask, visitor, wrong = Ask.of(request.query_params), request.state.visitor, None
    finder, found = None, NOBODY
    try:
        finder = Finder(edge, conn, visitor, ask)
        found = NOBODY if error else finder.page(_after(request))
    except Problem:
        raise
    except YutangError as problem:
        wrong = str(problem)
    pond = definitions.pond(conn)
    page = Page(request, pond["time_zone"], TEXT)
    return page.show(
        "persons/page.html",
        status=422 if wrong else 200,
        asked=asked,
        error=error,
        wrong=wrong,
        ask=ask,
        words=said(page, conn, ask, finder),
        size=size_words(page, found.size),
        found=found,
        later="after" in request.query_params,
        called=called,
        rows=_rows(edge, conn, found.persons),
        views=views.views(conn, "persons", visitor.name),
        view=request.query_params.get("view", ""),
        **choices(page, conn, pond),
    )


def choices(page: Page, conn: psycopg.Connection, pond: Any) -> dict[str, Any]:
    """What the filters offer."""
    names = sorted(set(pond["consent"]))
    return {
        "segments": [
            (d.name, page.words(words.title_of(d.body, d.name))) for d in definitions.all_current(conn, "segment")
        ],
        "stages": [(stage, page.text(f"stage.{stage}")) for stage in STAGES],
        "tags": [row.tag for row in found_sql.tags(conn)],
        "channels": [(name, page.channel_name(name)) for name in names],
    }


def said(page: Page, conn: psycopg.Connection, ask: Ask, finder: Finder | None) -> str:
    """The filter in words; empty where nothing, or nothing that can be read, is asked."""
    parts = []
    if ask.segment and (d := definitions.current(conn, "segment", ask.segment)):
        parts.append(page.text("to_segment", title=page.words(words.title_of(d.body, d.name))))
    if finder is not None and finder.rule is not None:
        parts.append(sentence(finder.rule, page.language, known_events(page.language)))
    return ("；" if page.language == "zh" else "; ").join(parts)


def size_words(page: Page, size: Size) -> str:
    if size.n is None:
        return page.text("size.unknown")
    return page.text(f"size.{size.kind}", n=page.number(size.n))


def _rows(edge: Edge, conn: psycopg.Connection, persons: list[int]) -> list[tuple[Any, Any]]:
    """Each person with what staff know him by, masked."""
    handles = grouped(sql.handles(conn, persons=persons), lambda row: row.person_id)
    rows = found_sql.rows(conn, persons=persons, now=edge.clock())
    return [(row, readable(handles.get(row.person_id, []))) for row in rows]


def _after(request: Request) -> int | None:
    text = request.query_params.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def about(page: Page, conn: psycopg.Connection, ask: Ask, finder: Finder) -> str:
    """Whom a filter asks for, in words that somebody reads later."""
    return said(page, conn, ask, finder) or page.text("everybody")


def note(request: Request, conn: psycopg.Connection, act: str, what: str, **detail: Any) -> None:
    """Into the audit log, in the transaction of the deed."""
    users.note(conn, edge_of(request).clock(), request.state.visitor.name, act, what, detail)
