"""The editor of an offer: a form over its entry in offers.yml, and beside it what customers will see."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect
from ruamel.yaml.comments import CommentedMap

from yutang.brand import tree
from yutang.brand.drafts import Conflict
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.offer import definition
from yutang.offer.definition import SORTS
from yutang.source import SourceError
from yutang.web import drafting
from yutang.web.drafting import NAME, NO_FILES, Draft, draft_of, save
from yutang.web.edge import edge_of
from yutang.web.forms import Form, number_of, text_of
from yutang.web.pages.offers import form
from yutang.web.pages.offers.book import FILE, Item, entries, item
from yutang.web.pages.offers.cut import cut
from yutang.web.pages.offers.fields import GROUPS, fields_of
from yutang.web.pages.offers.form import Errors, Typed
from yutang.web.pages.offers.text import TEXT
from yutang.web.pages.offers.words import sentences, worth
from yutang.web.pages.page import Page, done
from yutang.web.problems import Problem
from yutang.web.routes import act, look
from yutang.why.words import title_of

sql = Queries(__package__)
TAKEN = ("new", "preview", "undo")
"""Words that are paths of their own."""


@look("/offers/new", "edit")
def new(request: Request) -> Response[bytes]:
    """Which sort, then the form; ``?from=NAME`` begins with a copy."""
    with edge_of(request).pool.lend() as conn:
        draft = draft_of(conn)
        copied = entries(draft.text(FILE)).get(request.query_params.get("from", ""))
        sort = request.query_params.get("sort", "")
        if copied is None and sort not in SORTS:
            return _page(request, conn).show("offers/sorts.html", draft=draft, sorts=SORTS)
        typed = form.empty(sort) if copied is None else form.shown(copied)
        return _form(request, conn, draft, None, typed, version=draft.version(FILE))


@act("/offers/new", "edit")
def create(request: Request, data: Form) -> Response[Any]:
    """Write the new entry, or show the form again."""
    return _answer(request, data, None)


@look("/offers/{name:str}/edit", "edit")
def edit(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The form over the entry as it is drafted."""
    with edge_of(request).pool.lend() as conn:
        draft = draft_of(conn)
        entry = entries(draft.text(FILE)).get(name)
        if entry is None:
            raise Problem(404, _missing(draft, name))
        return _form(request, conn, draft, name, form.shown(entry), version=draft.version(FILE))


@act("/offers/{name:str}/edit", "edit")
def change(request: Request, name: FromPath[str], data: Form) -> Response[Any]:
    """Write the entry, or show the form again; the buttons of the rungs only change the form."""
    return _answer(request, data, name)


@act("/offers/preview", "edit")
def preview(request: Request, data: Form) -> Response[bytes]:
    """What customers would see of what is typed now."""
    with edge_of(request).pool.lend() as conn:
        typed = form.typed_of(data, _sort(data))
        name = text_of(data, "old") or text_of(data, "name") or "new"
        text, errors = _text(draft_of(conn), name, typed)
        return _page(request, conn).show("offers/preview.html", **_seen(name, text, errors))


@act("/offers/{name:str}/delete", "edit")
def delete(request: Request, name: FromPath[str], data: Form) -> Response[Any]:
    """Take the entry out of the file; comments that belong to others stay."""
    with edge_of(request).pool.lend() as conn:
        text = cut(draft_of(conn).text(FILE) or "", name)
        try:
            save(request, conn, FILE, text if text.strip() else None, number_of(data, "version") or 0)
        except Conflict as error:
            raise Problem(409, str(error), "conflict") from error
    return done(
        "/offers", f"「{name}」已从草稿中删除，上线后生效", f"'{name}' is deleted in the draft; it ends when the draft is applied", "/offers/undo"
    )  # fmt: skip


@act("/offers/undo", "edit")
def undo(request: Request) -> Redirect:
    """The newest edit of the offers is taken back."""
    with edge_of(request).pool.lend() as conn:
        return done("/offers", *drafting.undo(conn, FILE))


def _answer(request: Request, data: Form, name: str | None) -> Response[Any]:
    do, typed, version = text_of(data, "do"), form.typed_of(data, _sort(data)), number_of(data, "version") or 0
    with edge_of(request).pool.lend() as conn:
        draft = draft_of(conn)
        called = name or text_of(data, "name")
        again: dict[str, Any] = {"version": version, "called": called}
        if do and do != "save":
            return _form(request, conn, draft, name, form.move(typed, do), **again)
        errors = {} if name else _name_errors(draft, called)
        text, wrong = _text(draft, called, typed)
        problem, place = _problem(text, called)
        errors |= wrong
        if errors or problem:
            at = {place: "wrong.here"} if place and not errors else {}
            said = None if errors else problem
            return _form(request, conn, draft, name, typed, **again, errors=errors | at, problem=said, status=422)
        try:
            save(request, conn, FILE, text, version)
        except Conflict as error:
            return _form(request, conn, draft, name, typed, **again, problem=str(error), status=409)
        except YutangError as error:
            return _form(request, conn, draft, name, typed, **again, problem=str(error), status=422)
    return done(f"/offers/{quote(called)}/edit", "已存入草稿", "Saved in the draft", "/offers/undo")


def _form(
    request: Request,
    conn: psycopg.Connection,
    draft: Draft,
    name: str | None,
    typed: Typed,
    *,
    version: int,
    called: str = "",
    errors: Errors | None = None,
    problem: str | None = None,
    status: int = 200,
) -> Response[bytes]:
    page, sort = _page(request, conn), typed["sort"]
    text, wrong = _text(draft, name or called or "new", typed)
    return page.show(
        "offers/edit.html",
        status=status,
        draft=draft,
        file=FILE,
        name=name,
        called=called,
        item=_item(conn, draft, name),
        typed=typed,
        version=version,
        errors=errors or {},
        problem=problem or (None if draft.known else NO_FILES),
        groups=[(group, fields_of(sort, group)) for group in GROUPS if fields_of(sort, group)],
        limited=any(typed[field.name] or field.name in (errors or {}) for field in fields_of(sort, "limits")),
        others=_others(draft, name, page.language),
        **_seen(name or called or "new", text, wrong),
    )


def _page(request: Request, conn: psycopg.Connection) -> Page:
    return Page.of(request, conn, TEXT)


def _item(conn: psycopg.Connection, draft: Draft, name: str | None) -> Item | None:
    return item(conn, draft, name) if name else None


def _others(draft: Draft, name: str | None, language: str) -> list[tuple[str, str]]:
    """What an offer may be said not to go with: other offers with their titles, and groups."""
    found = entries(draft.text(FILE))
    offers = [(other, title_of(entry, other)[language]) for other, entry in found.items() if other != name]
    groups = {str(entry["stack"]) for entry in found.values() if isinstance(entry, dict) and entry.get("stack")}
    return [*offers, *((group, group) for group in sorted(groups - found.keys()))]


def _sort(data: Form) -> str:
    sort = text_of(data, "sort")
    return sort if sort in SORTS else "coupon"


def _text(draft: Draft, name: str, typed: Typed) -> tuple[str, Errors]:
    """The whole file with what was typed in its place, and what of it could not be read."""
    root = entries(draft.text(FILE))
    entry = root.get(name)
    if not isinstance(entry, CommentedMap):
        entry = root[name] = CommentedMap()
    errors = form.write(entry, typed)
    return tree.write(root), errors


def _problem(text: str, name: str) -> tuple[str | None, str | None]:
    """What the loader says of the file, and which field it means where it is one of this entry."""
    try:
        definition.read(text, FILE)
    except SourceError as error:
        return str(error), _place(text, name, str(error))
    return None, None


def _place(text: str, name: str, said: str) -> str | None:
    found = re.match(rf"{re.escape(FILE)}:(\d+):", said)
    entry = entries(text).get(name)
    if found is None or not isinstance(entry, CommentedMap):
        return None
    line = int(found[1]) - 1
    keys = [key for key, place in entry.lc.data.items() if place[0] == line]
    key = keys[-1] if keys else None
    return next((field.name for field in fields_of(str(entry["sort"])) if field.path[0] == key), key)


def _seen(name: str, text: str, errors: Errors) -> dict[str, Any]:
    """The terms that the typed text means, for the preview; None where it means none."""
    try:
        body = None if errors else definition.read(text, FILE).get(name)
    except SourceError:
        body = None
    return {"body": body, "said": sentences(body) if body else [], "worth": worth}


def _name_errors(draft: Draft, name: str) -> Errors:
    if not NAME.fullmatch(name) or name in TAKEN:
        return {"name": "wrong.name"}
    return {"name": "wrong.taken"} if name in entries(draft.text(FILE)) else {}


def _missing(draft: Draft, name: str) -> str:
    return f"草稿里没有优惠「{name}」。 there is no offer '{name}' in the draft" if draft.known else NO_FILES
