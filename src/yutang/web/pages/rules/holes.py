"""The sentences of the operators with their holes: what stands around a value, where it goes, and which sentences are kin."""

from __future__ import annotations

from functools import cache
from itertools import takewhile
from string import Formatter
from typing import NamedTuple

from yutang.segment.operators import BY_KEY, OPERATORS, Operator, role_of

EMPTY = "…"
EVENT = {"zh": "行为", "en": "event"}
SILENT = ("window", "where", "category")
"""Holes that a short label leaves out."""


class Piece(NamedTuple):
    """Words, and the name of the hole behind them ("" at the end)."""

    text: str
    hole: str


class Sentence(NamedTuple):
    """lead: what all kin begin with. kin: (operator, what it says after that), to choose from; empty where there is only one.
    rest: the holes of this operator after the lead; its words stand in the choice."""

    lead: list[Piece]
    kin: list[tuple[str, str]]
    rest: list[Piece]


@cache
def sentence(operator: str, language: str) -> Sentence:
    """How a condition is written as a form."""
    row = BY_KEY[operator]
    family = [one for one in OPERATORS if one.head == row.head]
    if len(family) == 1:
        return Sentence(_pieces(_template(row, language)), [], [])
    shared = _lead([_template(one, language) for one in family])
    rest = _template(row, language)[len(shared) :]
    kin = [(one.key, label(_template(one, language)[len(shared) :])) for one in family]
    return Sentence(_pieces(shared), kin, [Piece("", piece.hole) for piece in _pieces(rest) if piece.hole])


def label(template: str) -> str:
    """A sentence with dots for its holes."""
    return _shown(_pieces(template))


def _shown(pieces: list[Piece]) -> str:
    shown = "".join(piece.text + (EMPTY if piece.hole and piece.hole not in SILENT else "") for piece in pieces)
    return " ".join(shown.split()).lstrip(": ")


def bare(text: str) -> str:
    """Words without the quotation marks around a hole: a control needs none."""
    return text.strip().removesuffix("「").removesuffix("'").removeprefix("」").removeprefix("'").strip()


def title(operator: Operator, language: str) -> str:
    """The label of a whole operator, as a list of all of them shows it: with a word where an event is asked for."""
    word = EVENT[language]
    pieces = [
        Piece(
            piece.text + (word if asks_event(operator, piece.hole) else ""),
            "" if asks_event(operator, piece.hole) else piece.hole,
        )
        for piece in _pieces(_template(operator, language))
    ]
    return _shown(pieces)


def asks_event(operator: Operator, hole: str) -> bool:
    return operator.params.get(hole) == "name" and role_of(operator, hole) == "event"


def _template(operator: Operator, language: str) -> str:
    return operator.zh if language == "zh" else operator.en


def _pieces(template: str) -> list[Piece]:
    return [Piece(text, hole or "") for text, hole, _, _ in Formatter().parse(template)]


def _lead(templates: list[str]) -> str:
    """What they begin with, cut where a hole or its quotation ends, so that no word is torn apart."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*templates, strict=False))
    shared = "".join(letters[0] for letters in alike)
    ends = [shared.rfind(mark) + len(mark) for mark in ("}」", "}'", "{where}") if mark in shared]
    return shared[: max(ends, default=0)]
