"""The list of segments, and what there is to see of one: its figures, its portrait, its overlap with others, its versions."""

from __future__ import annotations

from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang import definitions
from yutang.brand import drafts
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.segment.explain import Explanation, explain
from yutang.segment.language import from_json
from yutang.web import scope
from yutang.web.drafting import Draft
from yutang.web.edge import Edge, edge_of
from yutang.web.pages import rules
from yutang.web.pages.page import Page
from yutang.web.pages.segments import book, figures
from yutang.web.pages.segments.book import Known
from yutang.web.pages.segments.starts import STARTS
from yutang.web.pages.segments.text import TEXT
from yutang.web.problems import Problem
from yutang.web.routes import look
from yutang.why import find
from yutang.why.words import title_of

sql = Queries(__package__)
SHOWN = 12
SPANS = (30, 90, 365)
NOBODY = figures.Figures(0, 0, 0)


@look("/segments", "look")
def segments(request: Request) -> Response[bytes]:
    """All of them; ``?q=`` looks into names and titles."""
    edge, asked = edge_of(request), request.query_params.get("q", "").strip()
    with edge.pool.lend() as conn:
        working = drafts.working(conn)
        found = book.known(conn, working)
        counts = edge.shelf.get(("segments",), lambda c: figures.all_figures(c, edge.clock()))
        rows = [one for one in found if asked.lower() in f"{one.name} {one.title['zh']} {one.title['en']}".lower()]
        return _page(request, conn).show(
            "segments/list.html",
            asked=asked,
            rows=[(one, _figures(counts.value, one)) for one in rows],
            most=max((c.size for c in (counts.value or {}).values()), default=0),
            any=bool(found),
            coming=counts.value is None and counts.coming,
            uses=book.uses(conn, working),
            draft=Draft(working, None),
            starts=STARTS.values(),
        )


@look("/segments/{name:str}", "look")
def segment(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The figures; ``?person=`` asks why somebody is in or out, ``?days=`` how far back the line goes."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        shown = _shown(request, conn, name)
        if shown["live"] is None:
            return _drafted(request, conn, shown)
        live = shown["live"]
        counts = edge.shelf.get(("segments",), lambda c: figures.all_figures(c, edge.clock()))
        days = _span(request)
        zone = definitions.pond(conn)["time_zone"]
        line = edge.shelf.get(
            ("segment line", live.definition_id, days),
            lambda c: figures.history(c, live.definition_id, edge.clock(), zone, days),
        )
        return _page(request, conn).show(
            "segments/page.html",
            **shown,
            figures=(counts.value or {}).get(live.definition_id, NOBODY) if counts.value is not None else None,
            everybody=_everybody(conn),
            line=line.value,
            coming=counts.value is None or line.value is None,
            days=days,
            spans=SPANS,
            members=_members(request, conn, live.definition_id),
            **_explained(request, edge, conn, name),
        )


@look("/segments/{name:str}/portrait", "look")
def portrait(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The segment against everybody."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        shown = _in_service(request, conn, name)
        segment_id = shown["live"].definition_id
        found = edge.shelf.get(("segment portrait", segment_id), lambda c: figures.portrait(c, segment_id))
        return _page(request, conn).show("segments/portrait.html", **shown, portrait=found.value)


@look("/segments/{name:str}/overlap", "look")
def overlap(request: Request, name: FromPath[str]) -> Response[bytes]:
    """Which other segments hold the same people."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        shown = _in_service(request, conn, name)
        segment_id = shown["live"].definition_id
        found = edge.shelf.get(("segment overlap", segment_id), lambda c: figures.overlaps(c, segment_id))
        titles = {d.definition_id: (d.name, title_of(d.body, d.name)) for d in definitions.all_current(conn, "segment")}
        rows, part = found.value or ([], 1.0)
        return _page(request, conn).show(
            "segments/overlap.html",
            **shown,
            rows=[(row, *titles[row.segment]) for row in rows if row.segment in titles],
            part=part,
            coming=found.value is None,
        )


@look("/segments/{name:str}/versions", "look")
def versions(request: Request, name: FromPath[str]) -> Response[bytes]:
    """What the segment was, and since when."""
    with edge_of(request).pool.lend() as conn:
        shown, page = _in_service(request, conn, name), _page(request, conn)
        choices = rules.Book(conn)
        rows = [
            (row, title_of(row.body, name), rules.said(page, choices, from_json(row.body["rule"])))
            for row in sql.versions(conn, name=name)
        ]
        return page.show("segments/versions.html", **shown, rows=rows)


def _drafted(request: Request, conn: psycopg.Connection, shown: dict[str, Any]) -> Response[bytes]:
    """A segment that is in no service yet: what it says, and whom it would hold."""
    page, body = _page(request, conn), book.drafted_body(drafts.working(conn), shown["name"])
    page.texts = {**rules.TEXT, **page.texts}
    can_count = body is not None and request.state.visitor.can("edit")
    return page.show(
        "segments/drafted.html",
        **shown,
        panel=rules.panel_of(page, conn, body["rule"], "rule") if body and can_count else None,
    )


def _page(request: Request, conn: psycopg.Connection) -> Page:
    return Page.of(request, conn, TEXT)


def _shown(request: Request, conn: psycopg.Connection, name: str) -> dict[str, Any]:
    """What every page of one segment shows. Raises Problem 404."""
    working = drafts.working(conn)
    found = book.one(conn, working, name)
    if found is None:
        raise Problem(404, f"没有人群「{name}」。 there is no segment '{name}'")
    body = found.live.body if found.live else book.drafted_body(working, name)
    page = _page(request, conn)
    return {
        "name": name,
        "known": found,
        "live": found.live,
        "title": title_of(body, name) if body else found.title,
        "said": rules.said(page, rules.Book(conn), from_json(body["rule"])) if body else None,
        "uses": book.uses(conn, working).get(name, []),
        "draft": Draft(working, None),
    }


def _in_service(request: Request, conn: psycopg.Connection, name: str) -> dict[str, Any]:
    shown = _shown(request, conn, name)
    if shown["live"] is None:
        raise Problem(404, f"人群「{name}」还没有上线。 the segment '{name}' is not in service yet")
    return shown


def _figures(counts: dict[int, figures.Figures] | None, known: Known) -> figures.Figures | None:
    return counts.get(known.live.definition_id, NOBODY) if counts is not None and known.live else None


def _everybody(conn: psycopg.Connection) -> int:
    """About how many people there are; 0 where nobody has counted yet."""
    row = sql.people(conn).fetchone()
    return row.n if row else 0


def _span(request: Request) -> int:
    asked = request.query_params.get("days", "")
    return int(asked) if asked in {str(span) for span in SPANS} else 90


def _members(request: Request, conn: psycopg.Connection, segment: int) -> list[int]:
    """A few of them, of those whom the visitor may see."""
    visitor = request.state.visitor
    if not visitor.can("people"):
        return []
    rows = sql.some_members(conn, segment=segment, limit=SHOWN if visitor.role.scope == "all" else 10 * SHOWN)
    return scope.within(conn, visitor, [row.person_id for row in rows])[:SHOWN]


def _explained(request: Request, edge: Edge, conn: psycopg.Connection, name: str) -> dict[str, Any]:
    asked = request.query_params.get("person", "").strip()
    person_id: int | None = None
    why: Explanation | None = None
    error = None
    if asked and request.state.visitor.can("people"):
        try:
            person_id = find(conn, edge.vault, asked)
            scope.check(conn, request.state.visitor, person_id)
            why = explain(conn, person_id, name, edge.clock())
        except YutangError as problem:
            error = str(problem)
    return {"asked": asked, "person_id": person_id, "why": why, "error": error}
