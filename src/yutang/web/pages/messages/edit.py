"""The editor of a message: a form over its file, and beside it the message as somebody gets it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import definitions
from yutang.brand.drafts import Conflict
from yutang.brand.message import message
from yutang.channels.attachments import FIELDS, LINES, NEEDED, ONE, allowed, kind_of
from yutang.model import YutangError
from yutang.source import SourceError
from yutang.web import drafting
from yutang.web.drafting import NAME, NO_FILES, Draft, draft_of, problem_of, save
from yutang.web.edge import edge_of
from yutang.web.forms import Form, number_of, text_of
from yutang.web.pages.messages import book, form
from yutang.web.pages.messages.book import path_of
from yutang.web.pages.messages.form import Errors, Typed
from yutang.web.pages.messages.page import page_in, person_of
from yutang.web.pages.messages.preview import Look, known, seen
from yutang.web.pages.messages.variables import FORETOLD_WORDS
from yutang.web.pages.page import done
from yutang.web.problems import Problem
from yutang.web.routes import act, look

TAKEN = ("new", "preview", "undo")
FIRST_WORDS = "{{ person.name }}，您好。\n"


@look("/messages/new", "edit")
def new(request: Request) -> Response[bytes]:
    """An empty form; ``?from=NAME`` begins with a copy, ``?channel=`` with a channel."""
    with edge_of(request).pool.lend() as conn:
        draft = draft_of(conn)
        copied = draft.text(path_of(request.query_params.get("from", "")))
        channel = request.query_params.get("channel") or next(iter(book.channels(conn, draft)), "")
        typed = form.shown(copied) if copied else Typed(channel=channel, body=FIRST_WORDS)
        return _form(request, conn, draft, None, typed, {})


@act("/messages/new", "edit")
def create(request: Request, data: Form) -> Response[Any]:
    """Write the new file, or show the form again."""
    return _answer(request, data, None)


@look("/messages/{name:str}/edit", "edit")
def edit(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The form over the file as it is drafted."""
    with edge_of(request).pool.lend() as conn:
        draft = draft_of(conn)
        text = draft.text(path_of(name))
        if text is None:
            raise Problem(
                404,
                f"草稿里没有消息「{name}」。 there is no message '{name}' in the draft" if draft.known else NO_FILES,
            )
        return _form(request, conn, draft, name, form.shown(text), {}, version=draft.version(path_of(name)))


@act("/messages/{name:str}/edit", "edit")
def change(request: Request, name: FromPath[str], data: Form) -> Response[Any]:
    """Write the file, or show the form again; the buttons of the attachments only change the form."""
    return _answer(request, data, name)


@act("/messages/preview", "edit")
def preview(request: Request, data: Form) -> Response[bytes]:
    """What is typed now, as somebody would get it."""
    with edge_of(request).pool.lend() as conn:
        draft, page = draft_of(conn), page_in(request, conn)
        name = text_of(data, "old") or text_of(data, "name") or "new"
        return page.show(
            "messages/preview.html",
            **_seen(request, conn, draft, name, form.typed_of(data), data),
        )


@act("/messages/{name:str}/delete", "edit")
def delete(request: Request, name: FromPath[str], data: Form) -> Response[Any]:
    """Take the file away."""
    with edge_of(request).pool.lend() as conn:
        try:
            save(request, conn, path_of(name), None, number_of(data, "version") or 0)
        except Conflict as error:
            raise Problem(409, str(error), "conflict") from error
    return done(
        "/messages", f"「{name}」已从草稿中删除，上线后生效", f"'{name}' is deleted in the draft; it ends when the draft is applied", f"/messages/{quote(name)}/undo"
    )  # fmt: skip


@act("/messages/{name:str}/undo", "edit")
def undo(request: Request, name: FromPath[str]) -> Redirect:
    """The newest edit of a message is taken back."""
    with edge_of(request).pool.lend() as conn:
        said = drafting.undo(conn, path_of(name))
        there = draft_of(conn).text(path_of(name)) is not None
    to = f"/messages/{quote(name)}/edit" if there else "/messages"
    return done(to, *said)


def _answer(request: Request, data: Form, name: str | None) -> Response[Any]:
    do, typed, version = text_of(data, "do"), form.typed_of(data), number_of(data, "version") or 0
    with edge_of(request).pool.lend() as conn:
        draft = draft_of(conn)
        called = name or text_of(data, "name")
        if do and do != "save":
            return _form(request, conn, draft, name, form.change(typed, do), data, version=version)
        errors = {} if name else _name_errors(draft, called)
        text, wrong = form.write(draft.text(path_of(called)) if name else None, typed)
        errors |= wrong
        problem = None if errors else _problem(draft, path_of(called), text)
        if errors or problem:
            return _form(
                request, conn, draft, name, typed, data, version=version, errors=errors, problem=problem, status=422
            )
        try:
            save(request, conn, path_of(called), text, version)
        except YutangError as error:
            status = 409 if isinstance(error, Conflict) else 422
            return _form(request, conn, draft, name, typed, data, version=version, problem=str(error), status=status)
    to = quote(called)
    return done(f"/messages/{to}/edit", "已存入草稿", "Saved in the draft", f"/messages/{to}/undo")


def _form(
    request: Request,
    conn: psycopg.Connection,
    draft: Draft,
    name: str | None,
    typed: Typed,
    data: Form,
    *,
    version: int = 0,
    errors: Errors | None = None,
    problem: str | None = None,
    status: int = 200,
) -> Response[bytes]:
    page, names = page_in(request, conn), book.channels(conn, draft)
    return page.show(
        "messages/edit.html",
        status=status,
        draft=draft,
        name=name,
        called_name=text_of(data, "name"),
        file=path_of(name or "new"),
        item=book.item(conn, draft, name) if name else None,
        typed=typed,
        version=version,
        errors=errors or {},
        problem=problem or (None if draft.known else NO_FILES),
        channels=names if typed.channel in names or not typed.channel else [*names, typed.channel],
        kinds=allowed(typed.channel),
        fields=FIELDS,
        needed=NEEDED,
        lines=LINES,
        one=kind_of(typed.channel) in ONE,
        variables=known(conn, draft, name or ""),
        foretold=FORETOLD_WORDS,
        **_seen(request, conn, draft, name or "new", typed, data),
    )


def _seen(
    request: Request, conn: psycopg.Connection, draft: Draft, name: str, typed: Typed, data: Form
) -> dict[str, Any]:
    """The preview, and what its own small form says."""
    asked, bare = text_of(data, "see_person"), text_of(data, "see_coupon") == "without"
    person, error = person_of(request, conn, asked)
    channel = text_of(data, "see_on") or typed.channel
    at = Look(name, channel, typed.subject, typed.body, form.cards_of(typed), typed.task, person, not bare)
    return {
        "seen": seen(conn, edge_of(request), draft, at),
        "see": {
            "person": asked,
            "coupon": "without" if bare else "with",
            "on": text_of(data, "see_on"),
            "error": error,
        },
        "sender": definitions.pond(conn)["title"],
    }


def _problem(draft: Draft, path: str, text: str) -> str | None:
    """What the loader says of the file, alone and beside the others; what is wrong elsewhere keeps nobody from saving."""
    try:
        message(text, path)
    except SourceError as error:
        return str(error)
    problem = problem_of(draft.working.files | {path: text})
    return problem if problem and problem.startswith(f"{path}:") else None


def _name_errors(draft: Draft, name: str) -> Errors:
    if not NAME.fullmatch(name) or name in TAKEN:
        return {"name": "wrong.name"}
    return {"name": "wrong.taken"} if draft.text(path_of(name)) is not None else {}
