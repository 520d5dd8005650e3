"""One segment: its rule in words, its size and flow, and why somebody is in or out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang import definitions
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.segment.explain import Explanation, explain
from yutang.segment.refresh import sizes
from yutang.web.edge import Edge, edge_of
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.routes import look
from yutang.why import find, words

sql = Queries("yutang.web")
SHOWN = 12
FLOW_DAYS = 7


@look("/segments/{name:str}", "look")
def segment(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The page; ``?person=`` asks about somebody."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = definitions.current(conn, "segment", name)
        if found is None:
            raise Problem(404, f"there is no segment '{name}' in service")
        asked = request.query_params.get("person", "").strip()
        person_id, why, error = _explained(edge, conn, name, asked) if asked else (None, None, None)
        since = edge.clock() - timedelta(days=FLOW_DAYS)
        return Page(request, definitions.pond(conn)["time_zone"]).show(
            "segment/page.html",
            name=name,
            title=words.title_of(found.body, name),
            version=found.version,
            rule=words.rule(found.body["rule"]),
            size=sizes(conn).get(name, 0),
            flow=sql.flow(conn, segment=found.definition_id, since=since).fetchone(),
            members=sql.members(conn, segment=found.definition_id, bucket=-1, person=0, limit=SHOWN).fetchall(),
            asked=asked,
            person_id=person_id,
            why=why,
            error=error,
        )


def _explained(
    edge: Edge, conn: psycopg.Connection, name: str, asked: str
) -> tuple[Any, Explanation | None, str | None]:
    try:
        person_id = find(conn, edge.vault, asked)
        return person_id, explain(conn, person_id, name, edge.clock()), None
    except YutangError as error:
        return None, None, str(error)
