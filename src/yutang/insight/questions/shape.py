"""The shapes: a question, its parameters, the two halves of its query, and the answer that every face shows alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from sqlglot import exp

from yutang.why.chain import Words


class Lake(Protocol):
    """What a question needs of a lake. A lake may also have `seam`: map → the table that stands for it, on a cluster the map run on
    every shard."""

    @property
    def dialect(self) -> str:
        """``duckdb`` or ``clickhouse``."""

    def rows(self, question: exp.Expression | str, **params: Any) -> list[Any]:
        """The answer as named tuples."""


@dataclass(frozen=True)
class Param:
    """One parameter. kind: a word of `params.KINDS`; default: as one would write it, "" where there is none and none is needed, None
    where it must be given. choices: the words allowed (kind ``choice``); low, high: ends (kind ``whole``)."""

    name: str
    kind: str
    default: str | None
    zh: str
    en: str
    choices: tuple[str, ...] = ()
    low: int = 1
    high: int = 366


@dataclass(frozen=True)
class Asked:
    """Who asks what: the values of the parameters as Python values, the business day it is, and the brand's time zone."""

    values: dict[str, Any]
    today: date
    zone: str

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True)
class Parts:
    """The two halves of a query. map: from one shard's tables, every row about one person; aggregate: from the table ``map``, by
    functions that merge, so that it does not matter how the people were dealt out."""

    map: exp.Expression
    aggregate: exp.Expression


@dataclass(frozen=True)
class Column:
    """unit: text, day (ISO), people, count, fen, share (0…1), number, seconds, months or words (a pair zh, en)."""

    key: str
    title: Words
    unit: str


@dataclass(frozen=True)
class Table:
    """What a question's own arithmetic makes of the rows of its aggregate: money in fen, None where nothing can be said."""

    columns: Sequence[Column]
    rows: list[list[Any]]
    notes: Sequence[Words] = ()


@dataclass(frozen=True)
class Question:
    """One row of the catalogue. build: the two halves, in a dialect; finish: aggregate rows → table."""

    name: str
    title: Words
    says: Words
    params: tuple[Param, ...]
    build: Callable[[Asked, str], Parts]
    finish: Callable[[list[Any], Asked], Table]
    example: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """A question's answer: what was asked, with every parameter as one would write it, and a table."""

    question: str
    title: Words
    says: Words
    asked: dict[str, str]
    columns: Sequence[Column]
    rows: list[list[Any]]
    notes: Sequence[Words]


def column(key: str, zh: str, en: str, unit: str = "people") -> Column:
    return Column(key, {"zh": zh, "en": en}, unit)


def share(part: float | None, whole: float | None) -> float | None:
    """part / whole; None where there is no whole."""
    return part / whole if part is not None and whole else None
