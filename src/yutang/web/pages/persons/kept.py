"""Views of the list that somebody keeps: saved, renamed, deleted, and had back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response
from litestar.params import FromPath

from yutang.model import YutangError
from yutang.users import views
from yutang.users.views import View
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.page import done
from yutang.web.pages.persons.ask import Ask
from yutang.web.pages.persons.page import note
from yutang.web.problems import Problem
from yutang.web.routes import act

LIST = "persons"


@act("/persons/views", "people")
def keep_view(request: Request, data: Form) -> Response[Any]:
    """What is asked for, under a name."""
    edge, by, ask = edge_of(request), request.state.visitor.name, Ask.of(data)
    query = ask.href().partition("?")[2]
    with edge.pool.lend() as conn, conn.transaction():
        view = _said(
            lambda: views.keep(conn, edge.clock(), LIST, text_of(data, "title"), query, by, _shared(request, data))
        )
        note(request, conn, "view", f"view/{view.view_id}", title=view.title, shared=view.shared)
    return done(
        link(view),
        f"已保存视图「{view.title}」。",
        f"The view '{view.title}' was saved.",
        undo=f"/persons/views/{view.view_id}/delete",
    )


@act("/persons/views/{view_id:int}/rename", "people")
def rename_view(request: Request, view_id: FromPath[int], data: Form) -> Response[Any]:
    """Another name, for himself or for everybody."""
    edge, by = edge_of(request), request.state.visitor.name
    with edge.pool.lend() as conn, conn.transaction():
        view = _said(lambda: views.rename(conn, view_id, by, text_of(data, "title"), _shared(request, data)))
        note(request, conn, "view_rename", f"view/{view_id}", title=view.title, shared=view.shared)
    return done(link(view), f"视图现在叫「{view.title}」。", f"The view is called '{view.title}' now.")


@act("/persons/views/{view_id:int}/delete", "people")
def delete_view(request: Request, view_id: FromPath[int]) -> Response[Any]:
    edge, by = edge_of(request), request.state.visitor.name
    with edge.pool.lend() as conn, conn.transaction():
        view = _said(lambda: views.forget(conn, edge.clock(), view_id, by))
        note(request, conn, "view_delete", f"view/{view_id}", title=view.title)
    return done(
        "/persons",
        f"已删除视图「{view.title}」。",
        f"The view '{view.title}' was deleted.",
        undo=f"/persons/views/{view_id}/restore",
    )


@act("/persons/views/{view_id:int}/restore", "people")
def restore_view(request: Request, view_id: FromPath[int]) -> Response[Any]:
    edge, by = edge_of(request), request.state.visitor.name
    with edge.pool.lend() as conn, conn.transaction():
        view = _said(lambda: views.bring_back(conn, view_id, by))
        note(request, conn, "view_restore", f"view/{view_id}", title=view.title)
    return done(link(view), f"视图「{view.title}」回来了。", f"The view '{view.title}' is back.")


def link(view: View) -> str:
    """The list as a view asks for it; what the address of a view says is read like any other."""
    return Ask.of(dict(parse_qsl(view.query))).href(view=view.view_id)


def _shared(request: Request, data: Form) -> bool:
    """For everybody: from those alone whose work others see."""
    return bool(text_of(data, "shared")) and request.state.visitor.can("edit")


def _said(deed: Any) -> View:
    try:
        return deed()
    except YutangError as error:
        raise Problem(422, str(error), "refused") from None
