"""A condition of a journey in a form of its own: of the audience, of an exit, of a branch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from ruamel.yaml.comments import CommentedMap

from yutang.model import YutangError
from yutang.segment import language
from yutang.source import Node
from yutang.web.pages import rules
from yutang.web.pages.editor import edits, heads
from yutang.web.pages.editor.outline import Outline
from yutang.web.pages.editor.values import put, yaml_shown
from yutang.web.pages.page import Page

BASE = "rule"
HEADS = ("audience", "exit_when")


@dataclass(frozen=True)
class Slot:
    """name: ``audience``, ``exit_when``, ``if`` or ``way2``; at: the step, or head. sketch, yaml: what was typed, where that is shown
    again."""

    name: str
    at: str
    body: Any = None
    sketch: Any = None
    yaml: str | None = None
    strict: bool = False

    @property
    def word(self) -> str:
        return self.name if self.name in HEADS else "condition"

    def form(self, page: Page, conn: psycopg.Connection) -> dict[str, Any]:
        """What the panel shows: the builder, and the same in YAML."""
        sketch = self.sketch if self.sketch is not None else _sketch(self.body)
        html = rules.builder(page, conn, sketch if sketch is not None else rules.of(None), BASE, strict=self.strict)
        return {
            "slot": self.name,
            "html": html,
            "given": bool(self.body),
            "yaml": self.yaml if self.yaml is not None else yaml_shown(self.body) if self.body else "",
            "yaml_open": self.yaml is not None or sketch is None,
        }


def _sketch(body: Any) -> Any:
    """None where it is no rule: then it can be mended in YAML."""
    try:
        return rules.of(body)
    except (YutangError, AttributeError, TypeError):
        return None


def slot_of(outline: Outline, at: str, name: str) -> Slot | None:
    """The condition of this name, if there may be one here."""
    if name in HEADS and at == "head":
        return Slot(name, at, _plain(outline.root.mapping().get(name)))
    step = outline.find(at)
    if step is None:
        return None
    if name == "if" and step.kind == "if":
        return Slot(name, at, _plain(step.node.mapping().get("if")))
    found = re.fullmatch(r"way(\d+)", name)
    if found and step.kind == "branch" and int(found[1]) < len(step.ways) and step.ways[int(found[1])].label != "else":
        return Slot(name, at, _plain(step.ways[int(found[1])].question))
    return None


def written(text: str, slot: Slot, body: Mapping[str, Any] | None) -> str:
    """The journey with another condition; what says the same is left as it is."""
    if _same(slot.body, body):
        return text
    if slot.name in HEADS:
        return heads.set_head(text, {slot.name: body})

    def change(item: CommentedMap) -> None:
        if slot.name == "if":
            put(item, "if", body or {})
        else:
            put(item["branch"][int(slot.name.removeprefix("way"))], "when", body or {})

    return edits.rewrite(text, slot.at, change)


def _same(old: Any, new: Any) -> bool:
    try:
        return bool(old) and bool(new) and language.from_json(old).to_json() == language.from_json(new).to_json()
    except YutangError:
        return False


def _plain(node: Node | None) -> Any:
    return None if node is None else node.plain()
