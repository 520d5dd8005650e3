"""A question's form: its parameters as fields, what was asked, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from yutang.insight.questions import PANELS, Question, of_pond, params
from yutang.insight.questions.params import ATTRIBUTES, KINDS
from yutang.insight.questions.shape import Param
from yutang.model import YutangError
from yutang.web.pages.page import Page

LISTED = {"name": "events", "names": "events", "steps": "steps", "attribute": "splits", "beginning": "splits"}
"""Kinds of parameters that a list of suggestions helps with."""


@dataclass(frozen=True)
class Field:
    """One parameter. kind: ``choice``, ``number`` or ``text``; options: of a choice; listed: which list of suggestions; wrong: what
    is wrong with the value, None where nothing is."""

    name: str
    label: str
    kind: str
    value: str
    hint: str
    options: tuple[tuple[str, str], ...] = ()
    low: int = 1
    high: int = 366
    listed: str | None = None
    wrong: str | None = None


@dataclass(frozen=True)
class Ask:
    """What is asked of a question. given: the parameters that differ from their defaults or were typed; wrong: None when it can be asked."""

    question: Question
    given: dict[str, str]
    fields: list[Field]
    wrong: str | None

    def href(self, **change: str) -> str:
        """The page of this question, with other parameters."""
        return f"/insight/{self.question.name}{self.query(**change)}"

    def query(self, **change: str) -> str:
        said = {name: text for name, text in (self.given | change).items() if text}
        return f"?{urlencode(said)}" if said else ""

    @property
    def command(self) -> str:
        """The same on a command line."""
        said = (f"--{name.replace('_', '-')} {_quoted(text)}" for name, text in self.given.items() if text)
        return " ".join(("yutang insight", self.question.name, *said))


def ask_of(page: Page, known: Question, typed: Mapping[str, str], today: date, pond: Mapping[str, Any]) -> Ask:
    """From the parameters of an address; a field that is empty has its default. What the question needs and nobody has given is as
    the dashboard asks it."""
    usual = of_pond(known.name, pond) | _needed(known)
    names = [p.name for p in known.params]
    given = usual | {name: text.strip() for name, text in typed.items() if name in names and text.strip()}
    wrong = {p.name: _wrong(page, p, given.get(p.name, p.default or ""), today) for p in known.params}
    fields = [_field(page, p, given.get(p.name, p.default or ""), wrong[p.name]) for p in known.params]
    first = next(
        (f"{f.label}：{f.wrong}" if page.language == "zh" else f"{f.label}: {f.wrong}" for f in fields if f.wrong), None
    )
    return Ask(known, given, fields, first or _together(page, known, given, today, pond))


def _needed(known: Question) -> dict[str, str]:
    panel = dict(PANELS).get(known.name, {}) | known.example
    return {p.name: panel[p.name] for p in known.params if p.default is None and p.name in panel}


def _wrong(page: Page, param: Param, text: str, today: date) -> str | None:
    """How to write it, where it cannot be read; None also where nothing stands and nothing needs to."""
    if text == "" and param.default == "":
        return None
    try:
        KINDS[param.kind].read(text, param, today)
    except (ValueError, OverflowError):
        return page.text("cannot_read" if text else "is_missing", text=text, how=_how(page, param))
    return None


def _together(page: Page, known: Question, given: dict[str, str], today: date, pond: Mapping[str, Any]) -> str | None:
    """What is wrong with values that are right each by itself: a first day after the last one."""
    try:
        params.asked(known.name, known.params, given, today, pond["time_zone"])
    except YutangError:
        return page.text("turned_round")
    return None


def _field(page: Page, param: Param, value: str, wrong: str | None) -> Field:
    options = tuple((word, choice_of(page, word)) for word in param.choices)
    if options and param.default == "":
        options = (("", page.text("no_split")), *options)
    kind = {"choice": "choice", "whole": "number"}.get(param.kind, "text")
    label = page.words({"zh": param.zh, "en": param.en[:1].upper() + param.en[1:]})
    hint = "" if kind == "choice" else _how(page, param)
    return Field(
        param.name, label, kind, value, hint, options, param.low, param.high, LISTED.get(param.kind), wrong
    )  # fmt: skip


def _how(page: Page, param: Param) -> str:
    if param.kind == "whole":
        return page.text("from_to_number", low=param.low, high=param.high)
    if param.kind == "choice":
        return " · ".join(choice_of(page, word) for word in param.choices)
    kind = KINDS[param.kind]
    return kind.zh if page.language == "zh" else kind.en


def choice_of(page: Page, word: str) -> str:
    """A word of a choice as people say it."""
    return page.text(f"choice.{word}") if f"choice.{word}" in page.texts else word


def splits(page: Page) -> list[tuple[str, str]]:
    """What people can be split by: (as it is written, as it is called)."""
    return [(word, choice_of(page, word)) for word in ATTRIBUTES]


def _quoted(text: str) -> str:
    return text if text.replace(",", "").replace("-", "").replace("_", "").replace(":", "").isalnum() else f"'{text}'"
