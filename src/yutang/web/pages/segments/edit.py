"""The editor of a segment: the builder or the file's text over the working copy; saving changes nothing in service."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import source
from yutang.brand import drafts, names
from yutang.brand.drafts import Conflict
from yutang.model import YutangError
from yutang.segment import language
from yutang.source import SourceError
from yutang.web import drafting
from yutang.web.drafting import NAME, draft_of, problem_of, save
from yutang.web.edge import edge_of
from yutang.web.forms import Form, number_of, text_of
from yutang.web.pages import rules
from yutang.web.pages.page import Page, done
from yutang.web.pages.rules.sizes import counted
from yutang.web.pages.segments import book, file
from yutang.web.pages.segments.starts import STARTS
from yutang.web.pages.segments.text import TEXT
from yutang.web.problems import Problem
from yutang.web.routes import act, look

TAKEN = ("new", "check")
"""Words that are paths of their own."""
BASE = "rule"


@dataclass(frozen=True)
class Typed:
    """What stands in the form. name: None for a segment that has a file already."""

    title_zh: str = ""
    title_en: str = ""
    name: str = ""
    sketch: rules.Group = field(default_factory=lambda: rules.of(None))
    yaml: str | None = None
    version: int = 0
    errors: dict[str, str] = field(default_factory=dict)


@look("/segments/new", "edit")
def new(request: Request) -> Response[bytes]:
    """An empty form, or one that a template has filled: ``?from=silent_new``; ``?rule=`` (JSON) brings a rule along."""
    with edge_of(request).pool.lend() as conn:
        start = STARTS.get(request.query_params.get("from", ""))
        typed = Typed(name=_free_name(conn, start.name if start else "segment_1"))
        if start:
            typed = replace(typed, title_zh=start.title["zh"], title_en=start.title["en"], sketch=rules.of(start.rule))
        return _form(request, conn, None, typed)


@act("/segments/new", "edit")
def create(request: Request, data: Form) -> Response[Any] | Redirect:
    """Write a new file, or show the form again."""
    return _answer(request, data, None)


@look("/segments/{name:str}/edit", "edit")
def edit(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The segment as it is drafted; ``?as=yaml`` as text."""
    with edge_of(request).pool.lend() as conn:
        working = drafts.working(conn)
        text = working.text(book.path_of(name))
        if text is None:
            raise Problem(404, f"品牌文件里没有人群「{name}」。 the brand's files hold no segment '{name}'")
        typed = _read(name, text, working.version(book.path_of(name)))
        if request.query_params.get("as") == "yaml":
            typed = replace(typed, yaml=text)
        return _form(request, conn, name, typed)


@act("/segments/{name:str}/edit", "edit")
def change(request: Request, name: FromPath[str], data: Form) -> Response[Any] | Redirect:
    """Write the file, or show the form again; the builder's buttons only change the form."""
    return _answer(request, data, name)


@act("/segments/{name:str}/delete", "edit")
def delete(request: Request, name: FromPath[str]) -> Redirect:
    """Take the file out of the working copy."""
    path = book.path_of(name)
    with edge_of(request).pool.lend() as conn:
        working = drafts.working(conn)
        if working.text(path) is None:
            raise Problem(404, f"品牌文件里没有人群「{name}」。 the brand's files hold no segment '{name}'")
        save(request, conn, path, None, working.version(path))
    return done(
        "/segments",
        "已从草稿中删除，上线后生效",
        "Deleted in the draft; apply it to bring it into service",
        _undo(name),
    )


@act("/segments/{name:str}/undo", "edit")
def undo(request: Request, name: FromPath[str]) -> Redirect:
    """Take the newest edit back."""
    with edge_of(request).pool.lend() as conn:
        said = drafting.undo(conn, book.path_of(name))
        there = book.one(conn, drafts.working(conn), name) is not None
    return done(f"/segments/{quote(name)}" if there else "/segments", *said)


@act("/segments/check", "edit")
def check(request: Request, data: Form) -> Response[bytes]:
    """What the text of a file says, or what is wrong with it."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        name = text_of(data, "name") or "segment"
        page = Page.of(request, conn, TEXT | rules.TEXT)
        return page.show("segments/checked.html", **_checked(conn, page, name, text_of(data, "yaml", strip=False)))


def _answer(request: Request, data: Form, name: str | None) -> Response[Any] | Redirect:
    with edge_of(request).pool.lend() as conn:
        typed, pressed = _typed(data, name)
        turn = text_of(data, "to")
        if pressed or turn:
            return _form(request, conn, name, _turned(conn, typed, turn), pressed=pressed)
        path = book.path_of(name or typed.name)
        text, errors = _text(conn, typed, name)
        if text is not None and not errors:
            errors = _problem(conn, path, text)
        if text is None or errors:
            return _form(request, conn, name, replace(typed, errors=errors), status=422)
        try:
            save(request, conn, path, text, typed.version)
        except Conflict as conflict:
            return _form(request, conn, name, replace(typed, errors={"": str(conflict)}), status=409)
        except YutangError as error:
            return _form(request, conn, name, replace(typed, errors={"": str(error)}), status=422)
    to = name or typed.name
    return done(f"/segments/{quote(to)}", "已保存到草稿", "The draft is saved", _undo(to))


def _typed(data: Form, name: str | None) -> tuple[Typed, str]:
    """The form, and which of the builder's buttons was pressed."""
    sketch, pressed = rules.sent(data, BASE)
    yaml = text_of(data, "yaml", strip=False).replace("\r\n", "\n") if "yaml" in data else None
    typed = Typed(
        text_of(data, "title_zh"), text_of(data, "title_en"), name or text_of(data, "name"), sketch, yaml, number_of(data, "version") or 0
    )  # fmt: skip
    return typed, pressed


def _turned(conn: psycopg.Connection, typed: Typed, to: str) -> Typed:
    """From the form to the text or back, with what has been typed."""
    if to == "yaml" and typed.yaml is None:
        text, _ = _text(conn, typed, typed.name, unfinished=True)
        return replace(typed, yaml=text)
    if to == "form" and typed.yaml is not None:
        found = _read(typed.name, typed.yaml, typed.version)
        return found if found.yaml is not None else replace(found, name=typed.name)
    return typed


def _text(
    conn: psycopg.Connection, typed: Typed, name: str | None, unfinished: bool = False
) -> tuple[str | None, dict[str, str]]:
    """The file that the form means, and what is wrong in the form."""
    errors = {} if unfinished else _wrong(conn, typed, name)
    if typed.yaml is not None:
        return typed.yaml, errors
    read = rules.read(conn, typed.sketch)
    if read.problem and not unfinished:
        return None, errors | {"rule": "!"}
    before = drafts.working(conn).text(book.path_of(typed.name)) if name else None
    title = {"zh": typed.title_zh, "en": typed.title_en or typed.title_zh}
    return file.write(before, title, read.body if read.body is not None else {"all": []}), errors


def _wrong(conn: psycopg.Connection, typed: Typed, name: str | None) -> dict[str, str]:
    """The fields besides the rule: words of the catalogue by field."""
    errors = {}
    if typed.yaml is None and not typed.title_zh:
        errors["title_zh"] = "need_title"
    if name is None and (not NAME.fullmatch(typed.name) or typed.name in TAKEN):
        errors["name"] = "bad_name"
    elif name is None and book.one(conn, drafts.working(conn), typed.name) is not None:
        errors["name"] = "taken"
    return errors


def _problem(conn: psycopg.Connection, path: str, text: str) -> dict[str, str]:
    """What is wrong with the brand because of this file; what is wrong elsewhere does not keep anybody from saving."""
    found = problem_of(drafts.working(conn).files | {path: text})
    return {"": found} if found and found.startswith(f"{path}") else {}


def _read(name: str, text: str, version: int) -> Typed:
    """A file as a form; as text where it is none as yet."""
    path = book.path_of(name)
    try:
        body = language.segment(source.load(text, path))
    except SourceError as error:
        return Typed(name=name, yaml=text, version=version, errors={"": str(error)})
    title = body["title"]
    return Typed(title["zh"], title["en"], name, rules.of(body["rule"]), None, version)


def _form(
    request: Request,
    conn: psycopg.Connection,
    name: str | None,
    typed: Typed,
    status: int = 200,
    pressed: str = "",
) -> Response[bytes]:
    edge, draft = edge_of(request), draft_of(conn)
    page = Page.of(request, conn, TEXT | rules.TEXT)
    read = rules.read(conn, typed.sketch)
    size = counted(edge, read.text).value if pressed and read.text else None
    builder = rules.builder(page, conn, typed.sketch, BASE, pressed=pressed, strict=bool(typed.errors), size=size)
    checked = _checked(conn, page, typed.name or "segment", typed.yaml) if typed.yaml is not None else None
    problem = typed.errors.get("") or (read.problem and page.words(read.problem) if "rule" in typed.errors else None)
    return page.show(
        "segments/edit.html",
        status=status,
        name=name,
        typed=typed,
        builder=builder,
        checked=checked,
        problem=problem if checked is None or not checked["error"] else None,
        draft=draft,
        starts=STARTS.values() if name is None else (),
        bare=name is None and rules.is_empty(typed.sketch) and typed.yaml is None,
        uses=book.uses(conn, draft.working).get(name or "", []),
    )


def _checked(conn: psycopg.Connection, page: Page, name: str, text: str) -> dict[str, Any]:
    """error: with line and column; else the sentence, and the rule whose size is to be asked for. Only this file is read, so that
    the answer is there while somebody types; saving checks it against the whole brand."""
    rule, error = None, None
    try:
        node = source.load(text, book.path_of(name))
        language.segment(node)
        names.check(names.references(node), _known(conn))
        rule = language.parse(node.mapping()["rule"])
    except SourceError as problem:
        error = str(problem)
    return {"error": error, "panel": rules.panel_of(page, conn, rule.to_json() if rule else None, BASE)}


def _known(conn: psycopg.Connection) -> dict[str, list[str]]:
    """What a rule may name."""
    choices = rules.Book(conn)
    found = {role: [name for name, _ in choices.options(role)] for role in ("segment", "journey", "coupon", "ladder")}
    return found | {"offer": [*found["coupon"], *found["ladder"]]}


def _free_name(conn: psycopg.Connection, wanted: str) -> str:
    """`wanted`, or the next that nobody has."""
    taken = {one.name for one in book.known(conn, drafts.working(conn))}
    stem, n = re.sub(r"_\d+$", "", wanted), 1
    while wanted in taken:
        n += 1
        wanted = f"{stem}_{n}"
    return wanted


def _undo(name: str) -> str:
    return f"/segments/{quote(name)}/undo"
