"""A new message, written beside the step that says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect
from ruamel.yaml.comments import CommentedMap

from yutang.brand import tree
from yutang.brand.drafts import Conflict
from yutang.web.drafting import NAME, save
from yutang.web.edge import edge_of
from yutang.web.forms import Form, number_of, text_of
from yutang.web.pages.editor import cuts, edits
from yutang.web.pages.editor.conflict import conflict
from yutang.web.pages.editor.page import Shown, address, show
from yutang.web.pages.editor.state import State, state_of
from yutang.web.pages.editor.text import TEXT
from yutang.web.pages.editor.values import put
from yutang.web.pages.page import Page
from yutang.web.routes import act

FIELDS = ("name", "title_zh", "title_en", "channel", "subject", "words")


@act("/journeys/{name:str}/edit/message", "edit")
def message(request: Request, name: FromPath[str], data: Form) -> Response[bytes] | Redirect:
    """Write ``messages/NAME.md`` into the drafts, and let the step say it."""
    at = text_of(data, "at")
    typed = {field: text_of(data, field).replace("\r\n", "\n") for field in FIELDS}
    shown = Shown(at=at, writing=True, typed=typed, status=422)
    with edge_of(request).pool.lend() as conn:
        state = state_of(conn, name)
        if errors := _errors(Page(request, texts=TEXT), state, typed):
            return show(request, conn, state, Shown(at, writing=True, typed=typed, errors=errors, status=422))
        try:
            with conn.transaction():
                version = number_of(data, "version") or 0
                save(request, conn, f"messages/{typed['name']}.md", written(typed), 0)
                if state.version != version:
                    raise Conflict("")
                save(request, conn, state.path, _said(state, at, typed["name"]), version)
        except Conflict:
            state = state_of(conn, name)
            told = conflict(state, number_of(data, "version") or 0, "conflict")
            return show(request, conn, state, Shown(at, writing=True, typed=shown.typed, conflict=told, status=422))
    return Redirect(address(name, at=at), status_code=303)


def written(typed: Mapping[str, str]) -> str:
    """The file of a message."""
    head: dict[str, Any] = {
        "title": {"zh": typed["title_zh"], "en": typed["title_en"] or typed["title_zh"]},
        "subject": typed["subject"],
        "channel": typed["channel"],
    }
    return f"---\n{tree.write(CommentedMap((key, cuts.plain(value)) for key, value in head.items()))}---\n{typed['words']}\n"


def _errors(page: Page, state: State, typed: Mapping[str, str]) -> dict[str, str]:
    found = {field: page.text("fill_in") for field in ("title_zh", "subject", "words") if not typed[field]}
    if not NAME.fullmatch(typed["name"]):
        found["name"] = page.text("bad_name")
    elif state.working.text(f"messages/{typed['name']}.md") is not None:
        found["name"] = page.text("message_taken", name=typed["name"])
    return found


def _said(state: State, at: str, name: str) -> str:
    """The journey whose step says this message."""

    def change(item: CommentedMap) -> None:
        put(item, "task" if "task" in item else "message", name)

    return edits.rewrite(state.text, at, change)
