"""Views: questions to a list that somebody keeps under a name, for himself or for everybody."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import psycopg

from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)
LONGEST_TITLE = 40
LONGEST_QUERY = 4_000


class View(NamedTuple):
    """query: the page's parameters as they stand in its address. by: whose; shared: everybody has it."""

    view_id: int
    page: str
    title: str
    query: str
    by: str
    shared: bool
    at: datetime


def views(conn: psycopg.Connection, page: str, by: str) -> list[View]:
    """Those of a page that this user has: his own and the shared ones, by title."""
    return [View(*row) for row in sql.views(conn, page=page, by=by)]


def view(conn: psycopg.Connection, view_id: int, by: str) -> View:
    """One that this user may change: his own. Raises YutangError."""
    row = sql.view(conn, view=view_id, by=by).fetchone()
    if row is None:
        raise YutangError("没有这个视图，或不是您保存的。 there is no such view, or it is another's")
    return View(*row)


def keep(conn: psycopg.Connection, now: datetime, page: str, title: str, query: str, by: str, shared: bool) -> View:
    """A new view. Raises YutangError for a title that is missing or too long."""
    row = sql.keep_view(
        conn, page=page, title=_title(title), query=query[:LONGEST_QUERY], by=by, shared=shared, now=now
    ).fetchone()
    return View(*row)  # type: ignore[misc]


def rename(conn: psycopg.Connection, view_id: int, by: str, title: str, shared: bool) -> View:
    """Another title, for himself or for everybody. Raises YutangError."""
    old = view(conn, view_id, by)
    sql.rename_view(conn, view=view_id, title=_title(title), shared=shared)
    return old._replace(title=_title(title), shared=shared)


def forget(conn: psycopg.Connection, now: datetime, view_id: int, by: str) -> View:
    """Nobody has it any more; `bring_back` undoes it. Raises YutangError."""
    old = view(conn, view_id, by)
    sql.end_view(conn, view=view_id, by=by, now=now)
    return old


def bring_back(conn: psycopg.Connection, view_id: int, by: str) -> View:
    """Undo `forget`. Raises YutangError."""
    sql.end_view(conn, view=view_id, by=by, now=None)
    return view(conn, view_id, by)


def _title(text: str) -> str:
    title = " ".join(text.split())
    if not title or len(title) > LONGEST_TITLE:
        raise YutangError(f"名称要 1–{LONGEST_TITLE} 个字。 a title has 1 to {LONGEST_TITLE} characters")
    return title
