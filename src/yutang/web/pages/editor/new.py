"""A new journey: empty, on entering a segment (``?segment=NAME``), or from a ready scene with all its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.response import Redirect
from ruamel.yaml.comments import CommentedMap

from yutang import channels, definitions
from yutang.brand import drafts, scene, tree
from yutang.brand.drafts import Working
from yutang.model import YutangError
from yutang.web.drafting import NAME, save
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.editor import cuts
from yutang.web.pages.editor.choices import Choices
from yutang.web.pages.editor.page import address
from yutang.web.pages.editor.state import path_of
from yutang.web.pages.editor.text import SCENES, TEXT
from yutang.web.pages.page import Page, done
from yutang.web.routes import act, look


@look("/journeys/new", "edit")
def new(request: Request) -> Response[bytes]:
    """The page; ``?segment=`` chooses whom it is for."""
    with edge_of(request).pool.lend() as conn:
        return _show(request, conn, {"segment": request.query_params.get("segment", "")})


@act("/journeys/new", "edit")
def make(request: Request, data: Form) -> Response[bytes] | Redirect:
    """An empty journey in the drafts, or (with ``scene``) the files of a scene."""
    typed = {key: text_of(data, key) for key in ("title_zh", "title_en", "name", "segment", "scene", "channel")}
    with edge_of(request).pool.lend() as conn:
        working = drafts.working(conn)
        if typed["scene"]:
            return _scene(request, conn, working, typed)
        if errors := _errors(Page(request, texts=TEXT), working, typed):
            return _show(request, conn, typed, errors)
        save(request, conn, path_of(typed["name"]), _empty(typed), working.version(path_of(typed["name"])))
    return Redirect(address(typed["name"]), status_code=303)


def _scene(
    request: Request, conn: psycopg.Connection, working: Working, typed: Mapping[str, str]
) -> Response[bytes] | Redirect:
    try:
        found = scene.find(typed["scene"])
        with conn.transaction():
            for path, text in scene.laid(working.files, found, typed["channel"] or None).items():
                save(request, conn, path, text, working.version(path))
    except YutangError as error:
        return _show(request, conn, typed, error=str(error))
    zh, en = f"「{found.zh}」已放进草稿", f"'{found.en}' is in the drafts"
    return done(address(found.name), zh, en)


def _empty(typed: Mapping[str, str]) -> str:
    title = {"zh": typed["title_zh"], "en": typed["title_en"] or typed["title_zh"]}
    body = {"title": title, "trigger": {"segment": typed["segment"]}, "steps": []}
    return tree.write(CommentedMap((key, cuts.plain(value)) for key, value in body.items()))


def _errors(page: Page, working: Working, typed: Mapping[str, str]) -> dict[str, str]:
    found = {} if typed["title_zh"] else {"title_zh": page.text("no_title")}
    if not NAME.fullmatch(typed["name"]) or typed["name"] == "new":
        found["name"] = page.text("bad_name")
    elif working.text(path_of(typed["name"])) is not None:
        found["name"] = page.text("name_taken", name=typed["name"])
    return found


def _show(
    request: Request,
    conn: psycopg.Connection,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    error: str | None = None,
) -> Response[bytes]:
    working = drafts.working(conn)
    pond = definitions.pond(conn)
    page = Page(request, pond["time_zone"], TEXT)
    files = working.files
    values: dict[str, Any] = {
        name: typed.get(name, "") for name in ("title_zh", "title_en", "name", "segment", "channel")
    }
    values["name"] = values["name"] or _free(files)
    return page.show(
        "editor/new.html",
        status=422 if errors or error else 200,
        known=bool(working.published),
        f=values,
        errors={name: (errors or {}).get(name) for name in ("title_zh", "name")},
        error=error,
        about=SCENES,
        segments=[("", page.text("later")), *((name, page.words(words)) for name, words in Choices(files, []).of("segment"))],
        scenes=[(one, path_of(one.name) in files, _channels(page, one, pond)) for one in scene.scenes().values()],
    )  # fmt: skip


def _channels(page: Page, one: scene.Scene, pond: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where the messages of a scene can go: as it says itself, where the brand has these channels, or over one of the brand's."""
    own = {name for text in one.files.values() for name in re.findall(r"^channel: (\w+)$", text, re.MULTILINE)}
    as_it_is = [("", page.text("as_scene"))] if own <= set(pond["consent"]) else []
    return [
        *as_it_is,
        *((name, page.channel_name(name)) for name in pond["consent"] if name not in channels.INSIDE),
    ]


def _free(files: Mapping[str, str]) -> str:
    return next(name for n in range(1, 10_000) if path_of(name := f"journey_{n}") not in files)
