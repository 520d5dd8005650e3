"""What the editor does: each an ordinary form that changes the text of the draft and leads back to the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect
from ruamel.yaml.comments import CommentedMap

from yutang.brand.drafts import Conflict
from yutang.web.drafting import save
from yutang.web.edge import edge_of
from yutang.web.forms import Form, number_of, text_of
from yutang.web.pages import rules
from yutang.web.pages.editor import cuts, edits, headform, heads, rule, stepform
from yutang.web.pages.editor.conflict import conflict, moved, seen
from yutang.web.pages.editor.edits import NoStep
from yutang.web.pages.editor.kinds import KINDS
from yutang.web.pages.editor.outline import STEPS_KEY, Outline
from yutang.web.pages.editor.page import HEAD, Shown, address, show
from yutang.web.pages.editor.state import State, state_of
from yutang.web.pages.editor.values import Unreadable, yaml, yaml_shown
from yutang.web.routes import act

Answer = Response[bytes] | Redirect
Change = Callable[[State], tuple[str, str]]
"""Of what is there now: the new text, and where the page stands then."""


@dataclass(frozen=True)
class Asked:
    """One request to change a journey. typed: what the form held, to show it again; shown: how, where it could not be done."""

    request: Request
    name: str
    data: Form
    shown: Shown
    key: str = "conflict_ops"

    @property
    def version(self) -> int:
        return number_of(self.data, "version") or 0


@act("/journeys/{name:str}/edit/insert", "edit")
def insert(request: Request, name: FromPath[str], data: Form) -> Answer:
    """A new step of a kind before an entry of a list: ``place`` is LIST:INDEX."""
    place, _, index = text_of(data, "place").rpartition(":")
    kind = KINDS.get(text_of(data, "kind"))
    if kind is None or not index.isdigit():
        return Redirect(address(name), status_code=303)

    def change(state: State) -> tuple[str, str]:
        return edits.insert(state.text, place, int(index), list(kind.items))

    return _done(Asked(request, name, data, Shown(adding=f"{place}:{index}")), change)


@act("/journeys/{name:str}/edit/do", "edit")
def do(request: Request, name: FromPath[str], data: Form) -> Answer:
    """What the step's tools and the keyboard do."""
    at, (what, _, more) = text_of(data, "at"), text_of(data, "do").partition(":")
    target = text_of(data, "into")

    def change(state: State) -> tuple[str, str]:
        if what in ("up", "down"):
            return edits.move(state.text, at, what == "up")
        if what == "delete":
            return edits.delete(state.text, at), _after(state.outline, at)
        if what == "duplicate":
            return edits.duplicate(state.text, at)
        if what == "to":
            way = state.outline.way(target) if state.outline else None
            return edits.move_to(state.text, at, target, way.length if way else 0)
        return edits.rewrite(state.text, at, _ways(what, more)), at

    return _done(Asked(request, name, data, Shown(at=at)), change)


def _after(outline: Outline | None, path: str) -> str:
    """Where the eye goes when a step is gone: to the one that takes its place, else to the one before, else to what holds them."""
    step = outline.find(path) if outline else None
    way = outline.way(step.place) if outline and step else None
    if step is None or way is None:
        return HEAD
    n = way.steps.index(step)
    if n + 1 < len(way.steps):
        return edits.shifted(way.steps[n + 1].path, step.place, step.start, step.start - step.index - 1)
    if n:
        return way.steps[n - 1].path
    return HEAD if step.place == STEPS_KEY else step.place.rpartition(".")[0]


def _ways(what: str, more: str) -> Callable[[CommentedMap], None]:
    def change(item: CommentedMap) -> None:
        ways = item["branch"]
        if what == "drop-way" and more.isdigit() and int(more) < len(ways):
            del ways[int(more)]
        elif what == "add-way":
            last = len(ways) - 1 if ways and "else" in ways[-1] else len(ways)
            ways.insert(last, CommentedMap({"when": cuts.plain({}), "then": cuts.plain([])}))
        elif what == "add-else" and not (ways and "else" in ways[-1]):
            ways.append(CommentedMap({"else": cuts.plain([])}))

    return change


@act("/journeys/{name:str}/edit/step", "edit")
def step(request: Request, name: FromPath[str], data: Form) -> Answer:
    """The form of a step."""
    at, kind = text_of(data, "at"), text_of(data, "kind")
    typed = stepform.typed(kind, data)

    def change(state: State) -> tuple[str, str]:
        found = state.outline.find(at) if state.outline else None
        if found is None or found.kind != kind:
            raise NoStep("这一步已经变了，请重新打开。 the step is another one by now; open it again")
        text = edits.rewrite(state.text, at, stepform.write(kind, data))
        return edits.ride(text, at, text_of(data, "offer")) if kind == "message" else (text, at)

    return _done(Asked(request, name, data, Shown(at=at, typed=typed), "conflict"), change)


@act("/journeys/{name:str}/edit/head", "edit")
def head(request: Request, name: FromPath[str], data: Form) -> Answer:
    """The head."""

    def change(state: State) -> tuple[str, str]:
        assert state.outline is not None
        now = {key: node.plain() for key, node in state.outline.root.mapping().items() if key != STEPS_KEY}
        return heads.set_head(state.text, headform.values(data, now)), HEAD

    return _done(Asked(request, name, data, Shown(typed=_head_typed(data)), "conflict"), change)


def _head_typed(data: Form) -> Mapping[str, Any]:
    single = {key: text_of(data, key, strip=False) for key in data}
    try:
        return single | headform.fields(headform.values(data, {}))
    except Unreadable:
        return single


@act("/journeys/{name:str}/edit/rule", "edit")
def condition(request: Request, name: FromPath[str], data: Form) -> Answer:
    """A condition, from the builder or in YAML."""
    at, which, typed = text_of(data, "at"), text_of(data, "rule"), text_of(data, "yaml", strip=False)
    with edge_of(request).pool.lend() as conn:
        state = state_of(conn, name)
        slot = rule.slot_of(state.outline, at, which) if state.outline else None
        if slot is None:
            return Redirect(address(name, at=at), status_code=303)
        asked = Asked(request, name, data, Shown(at=at, rule=which, slot=slot), "conflict")
        if "yaml" in data:
            slot = replace(slot, yaml=typed)
            return _kept(
                conn,
                replace(asked, shown=replace(asked.shown, slot=slot)),
                lambda now: (rule.written(now.text, slot, yaml(typed)), at),
            )
        sketch, pressed = rules.sent(data, rule.BASE)
        slot = replace(slot, sketch=sketch)
        asked = replace(asked, shown=replace(asked.shown, slot=slot))
        if pressed:
            return show(request, conn, state, asked.shown)
        found = rules.read(conn, sketch)
        if found.body is None and "clear" not in data:
            return show(request, conn, state, replace(asked.shown, slot=replace(slot, strict=True), status=422))
        body = None if "clear" in data else found.body
        return _kept(conn, asked, lambda now: (rule.written(now.text, slot, body), at))


@act("/journeys/{name:str}/edit/text", "edit")
def whole(request: Request, name: FromPath[str], data: Form) -> Answer:
    """The whole file. It is kept whatever is wrong with it; where, the page says."""
    text = text_of(data, "text", strip=False).replace("\r\n", "\n").rstrip() + "\n"
    asked = Asked(request, name, data, Shown(view="text"), "conflict")
    with edge_of(request).pool.lend() as conn:
        state = state_of(conn, name)
        try:
            _check(state, asked.version)
            save(request, conn, state.path, text, asked.version)
        except Conflict:
            state = state_of(conn, name)
            shown = Shown(view="text", conflict=conflict(state, asked.version, "conflict"), status=422)
            return show(request, conn, replace(state, text=text), shown)
    return Redirect(address(name, view="text"), status_code=303)


def _done(asked: Asked, change: Change) -> Answer:
    with edge_of(asked.request).pool.lend() as conn:
        return _kept(conn, asked, change)


def _kept(conn: psycopg.Connection, asked: Asked, change: Change) -> Answer:
    """Write what a change makes of the text; show the page again where that cannot be."""
    state = state_of(conn, asked.name)
    try:
        _check(state, asked.version)
        text, at = change(state)
        save(asked.request, conn, state.path, text, asked.version)
    except Conflict:
        return _too_late(conn, asked)
    except (Unreadable, NoStep) as error:
        return show(asked.request, conn, state, replace(asked.shown, error=str(error), status=422))
    return Redirect(address(asked.name, at=at), status_code=303)


def _check(state: State, version: int) -> None:
    """A path means a step only in the text that was seen."""
    if state.version != version:
        raise Conflict("")


def _too_late(conn: psycopg.Connection, asked: Asked) -> Answer:
    """Somebody else was first: what he did, and what was typed, at the step that it was typed for."""
    state, shown = state_of(conn, asked.name), asked.shown
    at, lost, key = shown.at, "", asked.key
    if at != HEAD:
        now = moved(seen(state.working, state.path, asked.version), state, at)
        if now is None and shown.typed is not None:
            lost = yaml_shown(
                {name: value for name, value in shown.typed.items() if name not in ("version", "at", "kind")}
            )
        at = now or HEAD
    told = conflict(state, asked.version, key if not lost else "conflict_ops", lost)
    typed = None if lost else shown.typed
    slot = replace(shown.slot, at=at) if shown.slot and at != HEAD else shown.slot
    shown = replace(shown, at=at, typed=typed, adding="", conflict=told, slot=slot, status=422)
    return show(asked.request, conn, state, shown)
