"""The offers as the console knows them: those in service, and how the working copy would have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from yutang import definitions
from yutang.brand import tree
from yutang.brand.uses import journeys_of, uses
from yutang.definitions import Definition
from yutang.offer import definition
from yutang.source import SourceError
from yutang.web.drafting import Draft
from yutang.why.words import Words, title_of

FILE = "offers.yml"


@dataclass(frozen=True)
class Item:
    """One offer. body: its terms as they would be, None where the draft cannot be read. mark: new, changed, gone, or None
    where it is as it is in service. used: the journeys that give it out."""

    name: str
    sort: str
    title: Words
    body: dict[str, Any] | None
    mark: str | None
    live: Definition | None
    used: list[str]


def items(conn: psycopg.Connection, draft: Draft) -> list[Item]:
    """Every offer by name, drafted ones too."""
    live = {d.name: d for d in definitions.all_current(conn, "offer")}
    was, now = _seen(draft.working.published.get(FILE)), _seen(draft.text(FILE))
    read, used = bodies(draft.text(FILE)), journeys_with(conn, draft)
    names = [*(now if draft.known else live), *(name for name in live if draft.known and name not in now)]
    return [
        _item(name, live.get(name), was.get(name), now.get(name) if draft.known else None, read, used, draft)
        for name in names
    ]


def item(conn: psycopg.Connection, draft: Draft, name: str) -> Item | None:
    """One offer by its name."""
    return next((one for one in items(conn, draft) if one.name == name), None)


def entries(text: str | None) -> CommentedMap:
    """The entries of the file as a tree that may be changed; an empty one where it cannot be read."""
    try:
        found = tree.read(text or "")
    except YAMLError:
        return CommentedMap()
    return found if isinstance(found, CommentedMap) else CommentedMap()


@lru_cache(maxsize=64)
def _seen(text: str | None) -> CommentedMap:
    """The same for those who only look: reading YAML is what a list would else spend its time on."""
    return entries(text)


@lru_cache(maxsize=64)
def bodies(text: str | None) -> dict[str, dict[str, Any]]:
    """The terms of each entry; {} where one of them is wrong."""
    try:
        return definition.read(text, FILE) if text and text.strip() else {}
    except SourceError:
        return {}


def journeys_with(conn: psycopg.Connection, draft: Draft) -> dict[str, list[str]]:
    """The journeys that give out each offer."""
    current = {d.name: d.body for d in definitions.all_current(conn, "journey")}
    return uses(journeys_of(draft.working.files, current), "offer")


def _item(
    name: str,
    live: Definition | None,
    was: Any,
    entry: Any,
    read: Mapping[str, dict[str, Any]],
    used: Mapping[str, list[str]],
    draft: Draft,
) -> Item:
    gone = draft.known and entry is None
    mark = "gone" if gone else "new" if live is None else "changed" if draft.known and entry != was else None
    body = read.get(name) or (live.body if live is not None and mark != "changed" else None)
    raw = entry if isinstance(entry, Mapping) else live.body if live is not None else {}
    sort = raw.get("sort") if raw.get("sort") in definition.SORTS else "coupon"
    return Item(name, sort, title_of(dict(raw), name), body, mark, live, used.get(name, []))
