"""The segments there are: in service, drafted, or both; and who names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from yutang import definitions, source
from yutang.brand.drafts import Working
from yutang.definitions import Definition
from yutang.model import YutangError
from yutang.segment import language
from yutang.why.chain import Words
from yutang.why.words import title_of

State = Literal["live", "edited", "drafted", "gone"]
"""live: as it is in service; edited: the draft differs; drafted: in the draft alone; gone: the draft has it no more."""
_NAMES = ("segment", "left")
"""The keys under which journeys and segments name a segment."""


@dataclass(frozen=True)
class Known:
    """A segment. live: the version in service; title: as it is drafted, where it is."""

    name: str
    title: Words
    state: State
    live: Definition | None


def path_of(name: str) -> str:
    return f"segments/{name}.yml"


def known(conn: psycopg.Connection, working: Working) -> list[Known]:
    """Every segment, those drafted last first, then by title."""
    live = {d.name: d for d in definitions.all_current(conn, "segment")}
    edits = {path[9:-4]: edit.text for path, edit in working.changed.items() if path.startswith("segments/")}
    found = [_known(name, live.get(name), edits.get(name), name in edits) for name in {*live, *edits}]
    return sorted((one for one in found if one), key=lambda one: (one.state != "drafted", one.title["zh"]))


def one(conn: psycopg.Connection, working: Working, name: str) -> Known | None:
    return next((known for known in known(conn, working) if known.name == name), None)


def drafted_body(working: Working, name: str) -> dict[str, Any] | None:
    """The segment as its file would have it; None where that is not right as yet."""
    text = working.text(path_of(name))
    try:
        return language.segment(source.load(text, path_of(name))) if text is not None else None
    except YutangError:
        return None


def uses(conn: psycopg.Connection, working: Working) -> dict[str, list[tuple[str, str, Words]]]:
    """By segment: (kind, name, title) of the journeys and segments that name it, in service or drafted."""
    found: dict[str, list[tuple[str, str, Words]]] = {}
    for kind in ("journey", "segment"):
        bodies = {d.name: d.body for d in definitions.all_current(conn, kind)} | _drafted(working, f"{kind}s/")
        for name, body in sorted(bodies.items()):
            for said in dict.fromkeys(_named(body)):
                if said != name or kind != "segment":
                    found.setdefault(said, []).append((kind, name, title_of(body, name)))
    return found


def _known(name: str, live: Definition | None, text: str | None, edited: bool) -> Known | None:
    body = _plain(path_of(name), text) if text else live.body if live else {}
    if live is None:
        return Known(name, title_of(body, name), "drafted", None) if text is not None else None
    return Known(name, title_of(body, name), "live" if not edited else "gone" if text is None else "edited", live)


def _drafted(working: Working, folder: str) -> dict[str, dict[str, Any]]:
    """What the edited files of a folder say, as far as they can be read."""
    edits = {path: edit.text for path, edit in working.changed.items() if path.startswith(folder)}
    return {
        path.removeprefix(folder).removesuffix(".yml"): _plain(path, text) if text else {}
        for path, text in edits.items()
    }


def _plain(path: str, text: str) -> dict[str, Any]:
    try:
        found = source.load(text, path).plain()
    except YutangError:
        return {}
    return found if isinstance(found, dict) else {}


def _named(value: Any) -> Iterator[str]:
    """Every segment that a body names, wherever."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _NAMES and not isinstance(item, dict):
                yield from (one for one in (item if isinstance(item, list) else [item]) if isinstance(one, str))
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
