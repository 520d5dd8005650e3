"""A sketch as HTML: what each condition's sentence needs for its holes, and the panel that says what the rule means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from markupsafe import Markup

from yutang.ingest import catalog
from yutang.segment.language import Rule
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS, SCORES, SIDES, STAGES, role_of
from yutang.segment.wording import sentence
from yutang.web.pages.page import Page
from yutang.web.pages.rules import holes, palette, values
from yutang.web.pages.rules.choices import Book
from yutang.web.pages.rules.presses import focus
from yutang.web.pages.rules.reading import Fault, Read, read
from yutang.web.pages.rules.sketch import Asked, Group, Sketch
from yutang.web.pages.rules.text import TEXT

MOST_LISTED = 300
"""Choices of one list; whatever is missing can be typed."""
LONG = 30
"""With more choices than this a list is typed into, not opened."""


def builder(
    page: Page,
    conn: psycopg.Connection,
    sketch: Sketch,
    base: str,
    *,
    pressed: str = "",
    strict: bool = False,
    size: Any = None,
) -> Markup:
    """The builder, for a form of the host. pressed: of `sent`, so that the focus follows; strict: what is missing is an error;
    size: of `sizes.counted`, where it is known."""
    root = sketch if isinstance(sketch, Group) else Group("all", (sketch,))
    page.texts = {**TEXT, **page.texts}
    view = _View(page, Book(conn), base, read(conn, root), strict, focus(root, pressed))
    shown = view.group(root, ())
    return Markup(
        page.render(
            "rules/builder.html",
            base=base,
            root=shown,
            panel=panel(page, view.book, view.read, base, size),
            lists=view.lists,
            strict=strict,
        )
    )


def panel_of(page: Page, conn: psycopg.Connection, body: dict[str, Any] | None, base: str) -> dict[str, Any]:
    """The panel of a rule that stands in no builder, for ``rules/size.html``."""
    return panel(page, Book(conn), Read(body), base)


def panel(page: Page, book: Book, found: Read, base: str, size: Any = None) -> dict[str, Any]:
    """What the panel beside the conditions says; `rule`: the JSON that the size is asked for with."""
    rule, text = found.rule, found.text
    return {
        "said": said(page, book, rule) if rule else None,
        "rule": text,
        "key": key_of(text),
        "size": size,
        "again": False,
        "base": base,
    }


def key_of(rule: str | None) -> str:
    """A short word for a rule's text."""
    return hashlib.sha256((rule or "").encode()).hexdigest()[:12]


def said(page: Page, book: Book, rule: Rule) -> str:
    """A rule in the language of the page, with the titles of what it names."""
    return sentence(rule, page.language, book.names(page.language))


@dataclass(frozen=True)
class Field:
    """One control. kind: how the template draws it; options: (value, words); label: for those who cannot see the sentence."""

    kind: str
    name: str
    id: str
    label: str
    texts: tuple[str, ...] = ("",)
    options: tuple[tuple[str, str], ...] = ()
    list: str = ""
    wrong: bool = False
    focus: bool = False
    fields: tuple[Field, ...] = ()

    @property
    def text(self) -> str:
        return self.texts[-1] if self.texts else ""


class _View:
    """Turns parts into what the template shows."""

    def __init__(self, page: Page, book: Book, base: str, found: Read, strict: bool, focus: str | None) -> None:
        self.page, self.book, self.base, self.read, self.strict, self.focus = page, book, base, found, strict, focus
        self.lists: dict[str, list[tuple[str, str]]] = {}

    def group(self, group: Group, at: tuple[int, ...]) -> dict[str, Any]:
        path = ".".join(map(str, at))
        return {
            "group": True,
            "path": path,
            "name": self._name(path),
            "id": self._id(path),
            "kind": group.kind,
            "focus": path == self.focus,
            "negated": group.negated,
            "find": group.find,
            "palette": palette.groups(group.find),
            "parts": [self.part(part, (*at, n)) for n, part in enumerate(group.parts)],
            "faults": [],
        }

    def part(self, part: Sketch, at: tuple[int, ...]) -> dict[str, Any]:
        return self.group(part, at) if isinstance(part, Group) else self.condition(part, ".".join(map(str, at)))

    def condition(self, asked: Asked, path: str) -> dict[str, Any]:
        parts = holes.sentence(asked.operator, self.page.language)
        faults = {fault.name: fault for fault in self.read.faults.get(path, ())}
        shown = _Condition(self, asked, self._name(path), self._id(path), faults)
        shown.focus = path == self.focus
        return {
            "group": False,
            "path": path,
            "name": self._name(path),
            "id": self._id(path),
            "operator": asked.operator,
            "negated": asked.negated,
            "lead": [(holes.bare(piece.text), shown.field(piece.hole)) for piece in parts.lead],
            "kin": parts.kin,
            "rest": [(piece.text, shown.field(piece.hole)) for piece in parts.rest],
            "faults": list(faults.values()),
        }

    def choices(self, role: str) -> tuple[tuple[str, str], ...]:
        return tuple((name, words[self.page.language]) for name, words in self.book.options(role)[:MOST_LISTED])

    def listed(self, role: str) -> str:
        """The id of a list to type into."""
        name = f"{self.base}-{role}s"
        if name not in self.lists:
            self.lists[name] = list(self.choices(role))
        return name

    def _name(self, path: str) -> str:
        return f"{self.base}.{path}" if path else self.base

    def _id(self, path: str) -> str:
        return self._name(path).replace(".", "-")


class _Condition:
    """The fields of one condition."""

    def __init__(self, view: _View, asked: Asked, name: str, id: str, faults: Mapping[str, Fault]) -> None:
        self.view, self.asked, self.name, self.id, self.faults = view, asked, name, id, faults
        self.t = view.page.text
        self.focus = False
        """The next field that is made takes the focus."""

    def field(self, hole: str) -> Field | None:
        """The control for a hole of the sentence."""
        if not hole:
            return None
        if hole == "window":
            return self._window()
        if hole == "where":
            return self._where()
        return self._value(hole, self.asked.row.params[hole])

    def _value(self, hole: str, kind: str) -> Field:
        if kind in ("name", "segment", "offer", "journey"):
            return self._named(hole)
        if kind in ("scalar", "scalars", "text"):
            return self._free(hole, kind)
        if kind in ("numbers", "wholes"):
            texts = (*self._texts(hole), "", "")[:2]
            return self._make("pair", hole, self.t("rule.number"), texts)
        if kind == "stages":
            options = tuple((stage, self.t(f"stage.{stage}")) for stage in STAGES)
            return self._make("stages", hole, self.t("rule.stages"), options=options)
        if kind in ("score", "side"):
            options = tuple((s, self.t(f"rule.{s}")) for s in SCORES) if kind == "score" else self._sides()
            return self._make("select", hole, self.t(f"rule.{kind}"), options=options)
        if kind in ("prediction", "predicted_day"):
            foretold = PREDICTIONS if kind == "prediction" else PREDICTED_DAYS
            options = tuple(
                (name, zh if self.view.page.language == "zh" else en) for name, (zh, en) in foretold.items()
            )
            return self._make("select", hole, self.t("rule.prediction"), options=options)
        words = {"fen": "rule.yuan", "days": "rule.days", "year": "rule.days"}.get(kind, "rule.number")
        return self._make({"date": "date", "fen": "money"}.get(kind, "number"), hole, self.t(words))

    def _sides(self) -> tuple[tuple[str, str], ...]:
        return tuple((side, self.t(f"rule.{side}_side")) for side in SIDES)

    def _named(self, hole: str) -> Field:
        """From a list that is opened; attributes and tags may be typed, for there may be any number of them."""
        role = role_of(self.asked.row, hole)
        label = self.t(f"rule.role.{role}")
        if role in ("trait", "tag"):
            return self._make("text", hole, label, list=self.view.listed(role))
        options = self.view.choices(role)
        now = self._texts(hole)[-1]
        if now and now not in dict(options):
            options = (*options, (now, now))
        first = self.t("rule.any_offer" if role == "coupon" and hole in self.asked.row.options else "rule.pick")
        return self._make("select", hole, label, options=(("", first), *options))

    def _free(self, hole: str, kind: str) -> Field:
        """What an attribute is: typed, with what it has been seen to be at hand."""
        if hole == "category":
            return self._make("text", hole, self.t("rule.category"))
        trait = self.asked.values.get("attribute", ("",))[-1].strip()
        seen = self.view.book.values(trait) if trait else []
        name = f"{self.id}-seen"
        if seen:
            self.view.lists[name] = [
                (values.scalar_text(value) if kind != "text" else str(value), "") for value in seen
            ]
        return self._make(
            "many" if kind == "scalars" else "text", hole, self.t("rule.value"), list=name if seen else ""
        )

    def _window(self) -> Field:
        row = self.asked.row
        kinds = ("ever", "days", "range") if "from_days" in row.options else ("ever", "days")
        chosen = self.asked.values.get("window", ("ever",))[-1]
        names = {"days": ("days",), "range": ("from_days", "to_days")}.get(chosen, ())
        fields = tuple(self._make("number", name, self.t("rule.days")) for name in names)
        options = tuple((kind, self.t(f"rule.window.{kind}")) for kind in kinds)
        return self._make("window", "window", self.t("rule.window"), (chosen,), options=options, fields=fields)

    def _where(self) -> Field:
        names, given = (self.asked.values.get(f"where.{part}", ()) for part in ("name", "value"))
        pairs = [(name, text) for name, text in zip(names, given, strict=False) if name or text]
        event = self.asked.values.get(self.asked.row.head, ("",))[-1]
        known = catalog.BY_NAME.get(event)
        name = f"{self.id}-fields"
        if known:
            self.view.lists[name] = [
                (one.name, one.zh if self.view.page.language == "zh" else one.en) for one in known.fields
            ]
        lines = tuple(
            Field("line", f"{self.name}.v.where", f"{self.id}-where-{n}", "", pair, list=name if known else "")
            for n, pair in enumerate([*pairs, ("", "")])
        )
        return self._make("where", "where", self.t("rule.where"), ("open",) if pairs else ("",), fields=lines)

    def _texts(self, hole: str) -> tuple[str, ...]:
        return self.asked.values.get(hole, ("",)) or ("",)

    def _make(self, kind: str, hole: str, label: str, texts: tuple[str, ...] | None = None, **more: Any) -> Field:
        fault = self.faults.get(hole)
        wrong = fault is not None and (self.view.strict or not fault.missing)
        found = self._texts(hole) if texts is None else texts
        first, self.focus = self.focus and kind != "where", False
        return Field(kind, f"{self.name}.v.{hole}", f"{self.id}-{hole}", label, found, wrong=wrong, focus=first, **more)
