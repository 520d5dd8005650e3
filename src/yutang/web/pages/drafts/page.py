"""Taking edits back, doing them again, giving them up. Fields: path (several for discard), to (where the form stands)."""

from __future__ import annotations

from litestar import Request
from litestar.response import Redirect

from yutang import users
from yutang.brand import drafts
from yutang.web import drafting
from yutang.web.edge import edge_of
from yutang.web.forms import Form, page_of, text_of, texts_of
from yutang.web.pages.page import done
from yutang.web.routes import act


@act("/drafts/undo", "edit")
def undo(request: Request, data: Form) -> Redirect:
    """The newest edit of a file is taken back."""
    with edge_of(request).pool.lend() as conn:
        return _back(data, drafting.undo(conn, text_of(data, "path")))


@act("/drafts/redo", "edit")
def redo(request: Request, data: Form) -> Redirect:
    """What was taken back last is done again."""
    with edge_of(request).pool.lend() as conn:
        was = drafts.redo(conn, text_of(data, "path"))
    return _back(data, ("已重做", "Done again") if was else ("没有可重做的", "There is nothing to redo"))


@act("/drafts/discard", "edit")
def discard(request: Request, data: Form) -> Redirect:
    """The files are again as they are in service."""
    edge, paths = edge_of(request), texts_of(data, "path")
    with edge.pool.lend() as conn, conn.transaction():
        drafts.discard(conn, paths)
        for path in paths:
            users.note(conn, edge.clock(), request.state.visitor.name, "draft_discard", path)
    return _back(data, ("已放弃修改，回到线上的样子", "The edits are gone; it is as it is in service"))


def _back(data: Form, said: tuple[str, str]) -> Redirect:
    return done(page_of(text_of(data, "to")), *said)
