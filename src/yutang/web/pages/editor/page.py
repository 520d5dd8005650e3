"""The editor's page: ``?at=`` a step (or head), ``?add=LIST:INDEX`` the menu, ``?rule=`` a condition, ``?new=message``, ``?view=text``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from markupsafe import Markup

from yutang import channels
from yutang.brand.names import references
from yutang.channels.contract import STAFF
from yutang.model import YutangError
from yutang.web.edge import edge_of
from yutang.web.pages.editor import checks, counts, headform, stepform, view, wording
from yutang.web.pages.editor.conflict import Conflicted
from yutang.web.pages.editor.kinds import GROUPS, KINDS
from yutang.web.pages.editor.outline import PATH, PLACE, Outline, Step
from yutang.web.pages.editor.rule import Slot, slot_of
from yutang.web.pages.editor.state import State, state_of
from yutang.web.pages.editor.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.pages.rules.choices import Book
from yutang.web.routes import look
from yutang.why.chain import Words
from yutang.why.words import both

HEAD = "head"
SWAP = Markup(
    'hx-target="#editor" hx-select="#editor" hx-swap="outerMorph" hx-sync="#editor:queue all" hx-replace-url="true"'
)
"""What every link and form of the editor says to htmx; said at each, for the rule builder inside goes its own way."""


@dataclass(frozen=True)
class Shown:
    """What the page shows besides the journey itself: where it stands, and what went wrong with what was typed."""

    at: str = HEAD
    adding: str = ""
    rule: str = ""
    writing: bool = False
    view: str = "list"
    typed: Mapping[str, Any] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    conflict: Conflicted | None = None
    slot: Slot | None = None
    status: int = 200


@look("/journeys/{name:str}/edit", "edit")
def edit(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The page as its address says."""
    query = request.query_params
    adding = query.get("add", "")
    shown = Shown(
        at=query.get("at", HEAD),
        adding=adding if PLACE.fullmatch(adding.partition(":")[0]) and adding.partition(":")[2].isdigit() else "",
        rule=query.get("rule", ""),
        writing=query.get("new") == "message",
        view=query.get("view", "list"),
    )
    with edge_of(request).pool.lend() as conn:
        state = state_of(conn, name)
        if query.get("counts", str(state.version)) != str(state.version):
            # Figures were asked for beside a text that somebody has changed since: its steps are other ones.
            return Response(b"", status_code=204)
        return show(request, conn, state, shown)


def show(request: Request, conn: psycopg.Connection, state: State, shown: Shown) -> Response[bytes]:
    """The page, whole; htmx takes of it what it needs."""
    page = Page.of(request, conn, TEXT)
    outline = state.outline
    values = _frame(state, shown)
    if outline is None or shown.view == "text":
        values |= {"view": "text", "at": HEAD, "fault_line": _line(state)}
    else:
        values |= _list(request, conn, state, outline, shown) | _panel(page, conn, state, outline, shown)
    return page.show("editor/page.html", status=shown.status, **values)


def address(name: str, **query: str) -> str:
    """The address of the editor."""
    return f"/journeys/{name}/edit" + (f"?{urlencode(query, safe='.:')}" if query else "")


def _frame(state: State, shown: Shown) -> dict[str, Any]:
    title = state.choices.titled("journey", state.name)
    query = {"view": "text"} if shown.view == "text" else {"at": shown.at}
    return {
        "state": state,
        "title": title,
        "base": f"/journeys/{state.name}/edit",
        "here_now": address(state.name, **query),
        "view": "list",
        "swap": SWAP,
        "fault": state.fault,
        "conflict": shown.conflict,
        "files": files_of(state),
    }


def files_of(state: State) -> list[str]:
    """The drafted files that this journey needs: itself, and what it names."""
    named = {"pond.toml", "offers.yml", "stores.yml", state.path}
    if state.outline is not None:
        try:
            found = list(references(state.outline.root))
        except YutangError:
            found = []
        for one in found:
            folder = {
                "segment": "segments/{}.yml",
                "message": "messages/{}.md",
                "task": "messages/{}.md",
                "sub-journey": "journeys/{}.yml",
            }
            named.add(folder.get(one.kind, "").format(one.name))
    return sorted(path for path in state.working.changed if path in named or path.startswith("segments/"))


def _line(state: State) -> str:
    fault, lines = state.fault, state.text.splitlines()
    return lines[fault.line - 1] if fault and fault.file == state.path and 0 < fault.line <= len(lines) else ""


def _list(request: Request, conn: psycopg.Connection, state: State, outline: Outline, shown: Shown) -> dict[str, Any]:
    """The nested list, with people where they are counted already."""
    people = counts.known(edge_of(request), conn, state.name)
    faults = view.faults(state.fault, state.own)
    drawing = view.Drawing(outline, state.choices, state.path, counts.by_path(outline, people or {}), faults)
    keys = outline.root.mapping()
    return {
        "drawn": drawing.lines(outline.main),
        "uncounted": people is None,
        "trigger": wording.trigger(keys.get("trigger"), state.choices),
        "audience": wording.rule(keys.get("audience")),
        "head_fault": faults.get(HEAD),
        "adding": shown.adding,
    }


def _panel(page: Page, conn: psycopg.Connection, state: State, outline: Outline, shown: Shown) -> dict[str, Any]:
    step = outline.find(shown.at) if PATH.fullmatch(shown.at) else None
    at = step.path if step else HEAD
    slot, book = shown.slot or slot_of(outline, at, shown.rule), Book(conn)
    values: dict[str, Any] = {
        "at": at,
        "step": step,
        "choices": state.choices,
        "groups": GROUPS,
        "event_options": book.options("event"),
        "tag_options": book.options("tag"),
        "writing": shown.writing and step is not None,
        "rule": slot.form(page, conn) if slot and not shown.adding else None,
        "panel_error": shown.error,
        "errors": _Errors(shown.errors),
        "asked": _asked(step, outline),
        "fault_here": view.faults(state.fault, state.own).get(at) or (_own(step, state) if step else None),
        "places": _places(outline, step) if step else [],
        "f": _Fields(_fields(outline, step, shown)),
        "panel_title": _title(page, step, slot, shown),
        **_kinds(page),
    }
    if values["writing"] and step is not None:
        values |= {
            "typed": _Fields(shown.typed or _new_message(state, step)),
            "channels": [(name, page.words(words)) for name, words in state.choices.of("channel")],
        }
    return values


class _Fields(dict[str, Any]):
    """Fields by name; one that is not there is empty."""

    def __missing__(self, _: str) -> str:
        return ""

    def __getattr__(self, name: str) -> Any:
        return self[name]


class _Errors(_Fields):
    def __missing__(self, _: str) -> Any:
        return None


def _fields(outline: Outline, step: Step | None, shown: Shown) -> dict[str, Any]:
    if step is None:
        found = headform.fields({key: node.plain() for key, node in outline.root.mapping().items() if key != "steps"})
    else:
        found = stepform.fields(step)
    if shown.typed is not None and not shown.writing:
        found |= {key: value for key, value in shown.typed.items() if key in found}
    return found


def _own(step: Step, state: State) -> Words | None:
    _, error = wording.step(step, state.choices)
    return checks.fault(error, state.path, None, step.node).words if error else None


def _asked(step: Step | None, outline: Outline) -> dict[str, Words | None]:
    """The conditions that the panel shows, in words."""
    if step is None:
        keys = outline.root.mapping()
        return {key: wording.rule(keys.get(key)) for key in ("audience", "exit_when")}
    if step.kind == "if":
        return {"if": wording.rule(step.node.mapping().get("if"))}
    return {f"way{n}": wording.rule(way.question) for n, way in enumerate(step.ways)}


def _title(page: Page, step: Step | None, slot: Slot | None, shown: Shown) -> str:
    if shown.adding:
        return page.text("insert_title")
    if slot is not None:
        return page.text("condition_title", what=page.text(slot.word))
    if step is None:
        return page.text("head")
    if shown.writing:
        return page.text("message_title")
    return page.words(KINDS[step.kind].words if step.kind in KINDS else view.UNREADABLE)


def _places(outline: Outline, step: Step) -> list[tuple[str, Words]]:
    """Where a step can be moved to: every list but those inside itself."""
    found = [("steps", both(*TEXT["main_list"]))]
    for n, other in enumerate(outline.steps(), 1):
        if other.path == step.path or other.path.startswith(f"{step.path}."):
            continue
        for way in other.ways:
            words = wording.way(way)
            zh, en = (
                text.format(n=n, way=words[language])
                for text, language in zip(TEXT["inside"], ("zh", "en"), strict=True)
            )
            found.append((way.place, both(zh, en)))
    return found


def _new_message(state: State, step: Step) -> dict[str, str]:
    """What a new message says at first; its name is free."""
    taken = {taken_name for kind in ("message", "task") for taken_name, _ in state.choices.of(kind)}
    name = next(name for n in range(1, 1000) if (name := f"{state.name}_{n}") not in taken)
    coupon = step.kind == "ladder" or step.offer is not None
    words = "{{ person.name }}，你好。" + (
        "送你一张 {{ coupon.discount }} 券，{{ coupon.expires }} 前有效，券码 {{ coupon.code }}。" if coupon else ""
    )
    channel = STAFF if step.kind == "task" else next((c for c in channels.FIRST if c in state.channels), "")
    return {"name": name, "title_zh": "", "title_en": "", "subject": "", "channel": channel, "words": words}


def _kinds(page: Page) -> dict[str, Any]:
    """The choices of the head's form."""

    def words(prefix: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
        return [(name, page.text(f"{prefix}.{name}")) for name in names]

    return {
        "trigger_kinds": words("trigger", headform.TRIGGERS),
        "reentry_kinds": words("reentry", headform.REENTRY),
        "class_kinds": words("class", headform.CLASSES),
        "on_kinds": words("on", ("day", "weekdays", "days", "dates", "every")),
    }
