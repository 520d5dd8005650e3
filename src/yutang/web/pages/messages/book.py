"""The messages as the console knows them: those in service, and how the working copy would have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import psycopg

from yutang import definitions
from yutang.brand.pond import pond
from yutang.brand.toml import load
from yutang.brand.uses import journeys_of, uses
from yutang.definitions import Definition
from yutang.source import SourceError
from yutang.web.drafting import Draft
from yutang.web.pages.messages.form import Typed, cards_of, shown
from yutang.why.words import Words, both


@dataclass(frozen=True)
class Item:
    """One message. mark: new, changed, gone, or None where it is as it is in service. used: the journeys that say it."""

    name: str
    typed: Typed
    title: Words
    mark: str | None
    live: Definition | None
    used: list[str]

    @property
    def channel(self) -> str:
        return self.typed.channel


def path_of(name: str) -> str:
    """The file of a message."""
    return f"messages/{name}.md"


def items(conn: psycopg.Connection, draft: Draft) -> list[Item]:
    """Every message by name, drafted ones too."""
    live = {d.name: d for d in definitions.all_current(conn, "message")}
    current = {d.name: d.body for d in definitions.all_current(conn, "journey")}
    used = uses(journeys_of(draft.working.files, current), "message")
    names = {PurePosixPath(path).stem for path in draft.working.files if path.startswith("messages/")} | live.keys()
    return [_item(name, live.get(name), draft, used.get(name, [])) for name in sorted(names)]


def item(conn: psycopg.Connection, draft: Draft, name: str) -> Item | None:
    """One message by its name."""
    return next((one for one in items(conn, draft) if one.name == name), None)


def channels(conn: psycopg.Connection, draft: Draft) -> list[str]:
    """The channels on which this pond may write, by the brand's settings as they are drafted."""
    text = draft.text("pond.toml")
    return list((_channels(text) if text else None) or definitions.pond(conn)["consent"])


@lru_cache(maxsize=16)
def _channels(text: str) -> tuple[str, ...] | None:
    try:
        return tuple(pond(load(text, "pond.toml"))[0]["consent"])
    except SourceError:
        return None


@lru_cache(maxsize=512)
def _typed(text: str) -> Typed:
    """The file for those who only look: reading YAML is what a list would else spend its time on."""
    return shown(text)


def _item(name: str, live: Definition | None, draft: Draft, used: list[str]) -> Item:
    path = path_of(name)
    text, was = draft.text(path), draft.working.published.get(path)
    mark = None
    if draft.known:
        mark = "gone" if text is None else "new" if live is None else "changed" if text != was else None
    typed = _typed(text) if text is not None else _of_body(live)
    return Item(name, typed, both(typed.title_zh or name, typed.title_en or name), mark, live, used)


def _of_body(live: Definition | None) -> Typed:
    """What is in service, where there is no file of it."""
    if live is None:
        return Typed()
    body = live.body
    typed = Typed(body["title"]["zh"], body["title"]["en"], body["subject"], body["channel"], body["body"])
    typed.task = typed.task | {
        name: "" if value is None else str(value) for name, value in body.get("task", {}).items()
    }
    return typed


def attachments_of(one: Item) -> list[dict[str, Any]]:
    """What goes with the words."""
    if one.typed.attachments or one.live is None:
        return cards_of(one.typed)
    return list(one.live.body.get("attachments", [])) if one.mark is None else []
