"""Between a file of messages/ and the form: the head as a tree whose comments stay, the words below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from yutang.brand import tree
from yutang.brand.message import FENCE
from yutang.channels.attachments import FIELDS, LINES, allowed
from yutang.channels.contract import STAFF
from yutang.web.forms import text_of

Errors = dict[str, str]
TASK = ("to", "within_hours", "escalate_to", "escalate_after_hours")
MOST = 20
"""Attachments that a form may hold; each channel has a lower limit of its own."""


@dataclass
class Typed:
    """What stands in the form. attachments: ``{"kind", "at": its place in the file, …fields as texts}``."""

    title_zh: str = ""
    title_en: str = ""
    subject: str = ""
    channel: str = ""
    body: str = ""
    task: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TASK, ""))
    attachments: list[dict[str, str]] = field(default_factory=list)


def parts(text: str | None) -> tuple[CommentedMap, str]:
    """The head as a tree and the words; both empty where the text is no message."""
    lines = (text or "").splitlines()
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == FENCE), 0)
    try:
        head = tree.read("\n".join(lines[1:end]) + "\n") if end else CommentedMap()
    except YAMLError:
        head = CommentedMap()
    words = "\n".join(lines[end + 1 :]) if end else "\n".join(lines)
    return head if isinstance(head, CommentedMap) else CommentedMap(), words.strip("\n")


def shown(text: str | None) -> Typed:
    """A file as the form shows it."""
    head, words = parts(text)
    title = head.get("title") if isinstance(head.get("title"), Mapping) else {}
    task = head.get("task") if isinstance(head.get("task"), Mapping) else {}
    cards = head.get("attachments") if isinstance(head.get("attachments"), list) else []
    return Typed(
        *(str(title.get("zh") or ""), str(title.get("en") or ""), str(head.get("subject") or "")),
        *(str(head.get("channel") or ""), words),
        task={name: "" if task.get(name) is None else str(task[name]) for name in TASK},
        attachments=[_card(n, one) for n, one in enumerate(cards) if isinstance(one, Mapping)],
    )


def typed_of(data: Mapping[str, Any]) -> Typed:
    """What a form has sent; browsers end lines with two characters."""
    names = ("title_zh", "title_en", "subject", "channel")
    body = text_of(data, "body", strip=False).replace("\r\n", "\n").strip("\n")
    cards = [_sent(data, n) for n in range(MOST) if text_of(data, f"a{n}.kind") in FIELDS]
    task = {name: text_of(data, f"task.{name}") for name in TASK}
    return Typed(*(text_of(data, name) for name in names), body, task, cards)


def change(typed: Typed, do: str) -> Typed:
    """The form with an attachment more (``add:link``) or less (``cut:0``)."""
    what, _, which = do.partition(":")
    if what == "add" and which in FIELDS and len(typed.attachments) < MOST:
        typed.attachments.append({"kind": which, "at": "", **dict.fromkeys(FIELDS[which], "")})
    if what == "cut" and which.isdigit() and int(which) < len(typed.attachments):
        del typed.attachments[int(which)]
    return typed


def write(text: str | None, typed: Typed) -> tuple[str, Errors]:
    """The file with what was typed, and what of it cannot be: a phrase's key by field."""
    head, _ = parts(text)
    errors = {
        name: "wrong.needed" for name in ("title_zh", "subject", "channel", "body") if not getattr(typed, name).strip()
    }
    title = {"zh": typed.title_zh, "en": typed.title_en or typed.title_zh}
    if not isinstance(head.get("title"), CommentedMap):
        head["title"] = _flow(title)
    for language, words in title.items():
        _put(head["title"], language, words)
    _put(head, "subject", typed.subject)
    _put(head, "channel", typed.channel)
    _write_cards(head, typed)
    _write_task(head, typed, errors)
    return f"{FENCE}\n{tree.write(head)}{FENCE}\n{typed.body}\n", errors


def cards_of(typed: Typed) -> list[dict[str, Any]]:
    """The attachments as they would stand in the file, without what the file may say besides."""
    return [dict(_filled(CommentedMap(), card)) for card in typed.attachments]


def lines(values: Any) -> str:
    """A mapping as the form shows it: a line each."""
    return "\n".join(f"{name}: {value}" for name, value in values.items()) if isinstance(values, Mapping) else ""


def mapping(text: str) -> dict[str, str]:
    """The mapping that such lines mean; a line without a colon is a name without a text."""
    found = (line.replace("：", ":", 1).partition(":") for line in text.replace("\r", "").split("\n") if line.strip())
    return {name.strip(): value.strip() for name, _, value in found}


def _card(at: int, one: Mapping[str, Any]) -> dict[str, str]:
    kind = str(one.get("kind"))
    return {"kind": kind, "at": str(at)} | {name: _shown(one, name) for name in FIELDS.get(kind, ())}


def _shown(one: Mapping[str, Any], name: str) -> str:
    outer, _, inner = name.partition(".")
    value = one.get(outer)
    if inner:
        value = value.get(inner) if isinstance(value, Mapping) else None
    return lines(value) if name in LINES else "" if value is None else str(value)


def _sent(data: Mapping[str, Any], n: int) -> dict[str, str]:
    kind = text_of(data, f"a{n}.kind")
    return {name: text_of(data, f"a{n}.{name}") for name in ("kind", "at", *FIELDS[kind])}


def _write_cards(head: CommentedMap, typed: Typed) -> None:
    kept = head.get("attachments")
    kept = kept if isinstance(kept, list) else []
    cards = [_filled(_kept(kept, card), card) for card in typed.attachments if card["kind"] in allowed(typed.channel)]
    if not cards:
        head.pop("attachments", None)
    elif list(kept) != cards:
        head["attachments"] = CommentedSeq(cards)


def _kept(kept: list[Any], card: Mapping[str, str]) -> CommentedMap:
    """The attachment as it was, where it was of the same kind: it may say more than the form asks."""
    at = int(card["at"]) if card["at"].isdigit() else -1
    one = kept[at] if 0 <= at < len(kept) else None
    return one if isinstance(one, CommentedMap) and one.get("kind") == card["kind"] else CommentedMap()


def _filled(one: CommentedMap, card: Mapping[str, str]) -> CommentedMap:
    _put(one, "kind", card["kind"])
    for name in FIELDS[card["kind"]]:
        outer, _, inner = name.partition(".")
        value: Any = mapping(card[name]) if name in LINES else card[name]
        if inner:
            value = dict(one.get(outer) or {}) | {inner: value}
            value = {key: item for key, item in value.items() if item}
        if value:
            _put(one, outer, _flow(value) if isinstance(value, dict) else value)
        elif name in LINES or not inner or not one.get(outer):
            one.pop(outer, None)
    return one


def _write_task(head: CommentedMap, typed: Typed, errors: Errors) -> None:
    if typed.channel != STAFF:
        head.pop("task", None)
        return
    said: dict[str, Any] = {name: value for name, value in typed.task.items() if value}
    for name in ("within_hours", "escalate_after_hours"):
        if name in said and (hours := _hours(said[name])) is None:
            errors[f"task.{name}"] = "wrong.hours"
        elif name in said:
            said[name] = hours
    if said and dict(head.get("task") or {}) != said:
        head["task"] = _flow(said)
    elif not said:
        head.pop("task", None)


def _hours(text: str) -> int | float | None:
    whole, dot, part = text.partition(".")
    if not (
        whole.isascii() and whole.isdigit() and len(whole) < 5 and (not dot or (part.isascii() and part.isdigit()))
    ):
        return None
    return float(text) if dot else int(whole)


def _put(target: CommentedMap, name: str, value: Any) -> None:
    """What is the same stays as it was written, quotes and all."""
    if target.get(name) != value:
        target[name] = value


def _flow(values: Mapping[str, Any]) -> CommentedMap:
    found = CommentedMap(values)
    found.fa.set_flow_style()
    return found
