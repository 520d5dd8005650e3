"""The list of journeys: in service, drafted and stopped, each with how people fare in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
from litestar import Request, Response

from yutang import definitions
from yutang.brand import drafts
from yutang.brand.drafts import Working
from yutang.journey.definition import CLASSES
from yutang.web.drafting import Draft, draft_of
from yutang.web.edge import edge_of
from yutang.web.pages.editor.wording import begins
from yutang.web.pages.journeys import figures
from yutang.web.pages.journeys.figures import sql
from yutang.web.pages.journeys.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.routes import look
from yutang.why.chain import Words
from yutang.why.words import both, title_of

FOLDER = "journeys/"
MARKS = ("", "draft", "has_draft", "retired")


@dataclass(frozen=True)
class Listed:
    """One journey. mark: of `MARKS`; since: None for one that was never in service."""

    name: str
    title: Words
    class_: str
    begins: Words
    mark: str = ""
    journey_id: int | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Titled:
    """The titles of definitions, in service or drafted."""

    known: Mapping[tuple[str, str], Words]

    def titled(self, kind: str, name: str) -> Words:
        return self.known.get((kind, name), both(name, name))


@look("/journeys", "look")
def journeys(request: Request) -> Response[bytes]:
    """``?q=`` finds by name or title, ``?class=`` narrows."""
    edge = edge_of(request)
    asked, class_ = request.query_params.get("q", "").strip(), request.query_params.get("class", "")
    with edge.pool.lend() as conn:
        draft = draft_of(conn)
        every = listed(conn, draft)
        zone = definitions.pond(conn)["time_zone"]
    found = [one for one in every if _is_like(one, asked.casefold()) and class_ in ("", one.class_)]
    counts, effects = figures.every(edge), figures.effects(edge)
    return Page(request, zone, TEXT).show(
        "journeys/list.html",
        journeys=found,
        any=bool(every),
        draft=draft,
        asked=asked,
        class_=class_,
        classes=CLASSES,
        fared=counts.value or {},
        nobody=figures.Fared(),
        counted=counts.value is not None,
        effects=effects.value or {},
    )


def listed(conn: psycopg.Connection, draft: Draft) -> list[Listed]:
    """In service first, then drafts, then what was stopped; by title."""
    titled = titles(conn)
    found = {row.name: _of_service(row, titled) for row in sql.known(conn)}
    changed = draft.working.changed
    for path in changed:
        name = name_of(path)
        if name is None:
            continue
        known = found.get(name)
        if known is None or known.mark == "retired":
            if changed[path].text is not None:
                found[name] = _of_draft(draft.working, name, titled, known)
        else:
            found[name] = replace(known, mark="has_draft")
    order = {"": 0, "has_draft": 0, "draft": 1, "retired": 2}
    return sorted(found.values(), key=lambda one: (order[one.mark], one.title["zh"], one.name))


def titles(conn: psycopg.Connection) -> Titled:
    """The titles of what is in service."""
    kinds = ("segment", "store", "message", "offer", "journey")
    return Titled({(d.kind, d.name): title_of(d.body, d.name) for k in kinds for d in definitions.all_current(conn, k)})


def name_of(path: str) -> str | None:
    """The journey that a file of the brand holds."""
    return path.removeprefix(FOLDER).removesuffix(".yml") if path.startswith(FOLDER) else None


def drafted(working: Working, name: str) -> Any:
    """The journey as it would be; None while the files make no brand."""
    try:
        return drafts.read_brand(working.files).journeys.get(name)
    except drafts.SourceError:
        return None


def _of_service(row: Any, titled: Titled) -> Listed:
    mark = "retired" if row.retired_at is not None else ""
    title, said = title_of(row.body, row.name), begins(row.body["trigger"], titled)
    return Listed(row.name, title, row.body.get("class", "marketing"), said, mark, row.definition_id, row.since)


def _of_draft(working: Working, name: str, titled: Titled, known: Listed | None) -> Listed:
    body = drafted(working, name)
    if body is None:
        return Listed(name, known.title if known else both(name, name), "marketing", both("—", "—"), "draft")
    return Listed(name, title_of(body, name), body["class"], begins(body["trigger"], titled), "draft")


def _is_like(one: Listed, asked: str) -> bool:
    return not asked or any(asked in text.casefold() for text in (one.name, *one.title.values()))
