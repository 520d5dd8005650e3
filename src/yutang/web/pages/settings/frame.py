"""What the pages of the settings share: their tabs, the words, and who did it."""

from __future__ import annotations

from typing import Any

import psycopg
from litestar import Request, Response

from yutang import users
from yutang.web.edge import edge_of
from yutang.web.pages.page import Page
from yutang.web.pages.settings.own import browser, own
from yutang.web.pages.settings.text import TEXT

TABS = ("users", "keys", "channels", "pond", "audit", "language")


def page(request: Request, conn: psycopg.Connection) -> Page:
    return Page.of(request, conn, TEXT)


def show(
    request: Request, conn: psycopg.Connection, template: str, status: int = 200, **values: Any
) -> Response[bytes]:
    """A page of the settings, with its tabs."""
    here = page(request, conn)
    tabs = [(f"/settings/{name}", here.text(f"tab.{name}")) for name in TABS]
    return here.show(
        f"settings/{template}.html",
        status=status,
        tabs=tabs,
        own=lambda text: own(text, here.language),
        browser=browser,
        **values,
    )


def note(request: Request, conn: psycopg.Connection, act: str, about: str, **detail: Any) -> None:
    """Write down what whoever looks has just done."""
    users.note(conn, edge_of(request).clock(), request.state.visitor.name, act, about, detail)
