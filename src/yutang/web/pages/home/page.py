"""The overview: how the pond does and what needs somebody today; for who sees only some persons, their tasks and customers."""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg
from litestar import Request, Response

from yutang import definitions
from yutang.db.queries import Queries
from yutang.web import scope
from yutang.web.access import Visitor
from yutang.web.edge import Edge, edge_of
from yutang.web.pages.home import figures, today
from yutang.web.pages.home.start import checklist
from yutang.web.pages.home.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.routes import look

waits = Queries("yutang.web")
SHOWN = 8
"""Tasks and customers of who has their own."""
NOTHING: dict[str, Any] = {"overview": None, "cohorts": None, "items": [], "coming": False}


@look("/")
def home(request: Request) -> Response[bytes]:
    """The page; ``?days=7|30|90``. While events wait, or figures are being made, it looks again by itself."""
    edge, visitor = edge_of(request), request.state.visitor
    with edge.pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        return _pond(page, edge, conn, visitor) if visitor.can("look") else _own(page, edge, conn, visitor)


def _pond(page: Page, edge: Edge, conn: psycopg.Connection, visitor: Visitor) -> Response[bytes]:
    days, now = _days(page.request), edge.clock()
    waiting = waits.waiting(conn, now=now).fetchone()
    assert waiting is not None
    steps, empty = checklist(conn, visitor)
    found = {} if empty else _figures(edge, conn, visitor, days)
    return page.show(
        "home/page.html",
        pond=definitions.pond(conn),
        now=now,
        days=days,
        spans=figures.SPANS,
        months=figures.MONTHS,
        news=waiting.identity,
        steps=steps,
        empty=empty,
        chart=partial(_chart, page),
        **(NOTHING | found),
    )


def _figures(edge: Edge, conn: psycopg.Connection, visitor: Visitor, days: int) -> dict[str, Any]:
    """What there is by now; coming: more of it is being made."""
    late = today.slow(edge, visitor)
    found = edge.shelf.several(
        {
            ("overview", days): lambda c: figures.overview(c, edge.clock(), days),
            "retention": lambda c: figures.retention(c, edge.clock()),
            **late,
        }
    )
    items = today.items(conn, edge.clock(), visitor) + [item for key in late for item in found[key].value or []]
    return {
        "overview": found["overview", days].value,
        "cohorts": found["retention"].value,
        "items": sorted(items, key=lambda item: item.tone != "bad"),
        "coming": any(one.coming for one in found.values()),
    }


def _chart(page: Page, overview: figures.Overview) -> dict[str, Any]:
    """Sales by day, in yuan, for the line chart."""
    data = [round(fen / 100, 2) for fen in overview.sales]
    dates = [f"{day:%m-%d}" for day in overview.dates]
    return {"x": dates, "series": [{"name": page.text("sales"), "data": data}], "unit": page.text("unit_yuan")}


def _own(page: Page, edge: Edge, conn: psycopg.Connection, visitor: Visitor) -> Response[bytes]:
    now = edge.clock()
    tasks = today.open_tasks(conn, now, visitor) if visitor.can("tasks") else []
    persons = scope.within(conn, visitor, scope.following(conn, visitor, None, SHOWN))
    names = waits.contacts(conn, persons=[*persons, *(task.person_id for task in tasks[:SHOWN])], kind=None)
    return page.show(
        "home/own.html",
        now=now,
        tasks=tasks[:SHOWN],
        open=len(tasks),
        overdue=sum(task.overdue for task in tasks),
        persons=persons,
        names={row.person_id: row.name for row in names},
        stores=visitor.stores,
        bound=bool(visitor.stores if visitor.role.scope == "stores" else visitor.staff),
    )


def _days(request: Request) -> int:
    asked = request.query_params.get("days", "")
    return int(asked) if asked in {str(days) for days in figures.SPANS} else 30
