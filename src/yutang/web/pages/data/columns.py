"""The columns of a file: what each means, as guessed or chosen, its first values, and what is wrong with which row."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from yutang.ingest.mapping import FIELDS, IGNORE
from yutang.ingest.readers import open_table
from yutang.web.forms import text_of
from yutang.web.imports import File
from yutang.web.pages.data.shown import Place, place, quiet
from yutang.web.pages.data.text import TEXT
from yutang.web.pages.page import Page
from yutang.why import words

PROBLEMS = 20


def problems(report: Any) -> list[tuple[Place, words.Words]]:
    """The first ones, with row and column apart."""
    found = [] if report is None else report.problems[:PROBLEMS]
    return [(place(one.detail), words.reason(one.reason.value)) for one in found]


def plainly(page: Page, kind: str, error: str) -> str:
    """What is wrong with the choice of columns, in the page's words where a column is missing."""
    found = re.search(r"\bno column for ([\w, ]+?)( \(or another handle\))?;", error)
    if found is None:
        return error
    comma = "、" if page.language == "zh" else ", "
    return page.text("missing", columns=comma.join(word(page, kind, one) for one in found[1].split(", ")))


def chosen(columns: list[str], said: Any) -> dict[str, str]:
    """The field of each column that somebody chose; "props" keeps the column under its own name."""
    found = {name: text_of(said, f"c{n}") for n, name in enumerate(columns)}
    return {name: f"props.{name}" if field == "props" else field for name, field in found.items() if field}


def choices(page: Page, kind: str) -> list[tuple[str, str]]:
    """Every field that a column of this kind of import can be, with its word."""
    known = [(field, word(page, kind, field)) for field in FIELDS[kind]]
    return [*known, ("props", page.text("field.props")), (IGNORE, page.text("field.ignore"))]


def word(page: Page, kind: str, field: str) -> str:
    """What a field is called; its own name where it is another handle or a free field."""
    if field == IGNORE:
        return page.text("field.ignore")
    if field not in FIELDS[kind]:
        return page.text("field.props") if field.startswith("props.") else field
    return page.text(f"field.{field}") if f"field.{field}" in TEXT else field


def samples(file: File, columns: list[str]) -> dict[str, str]:
    """The first values of each column, for the eye; what may be personal is masked."""
    found: dict[str, list[str]] = {name: [] for name in columns}
    for row in islice(open_table(file.path).rows(), 3):
        for name, cell in row.cells.items():
            if name in found and cell not in (None, ""):
                found[name].append(str(quiet(cell))[:24])
    return {name: " · ".join(values) for name, values in found.items()}
