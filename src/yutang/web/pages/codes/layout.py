"""What stands where on a poster: a list of shapes in millimetres from the sheet's upper left corner. Pure.

The PDF and the preview draw the same list, so what is seen is what is printed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal

POINT = 25.4 / 72
"""Millimetres."""
SIZES: dict[str, tuple[float, float]] = {"A4": (210.0, 297.0), "A5": (148.0, 210.0)}
LAYOUTS = ("poster", "cards")
CARDS: dict[str, tuple[int, int]] = {"A4": (3, 3), "A5": (2, 2)}
"""Columns and rows of table cards on a sheet."""
LONGEST: dict[str, int] = {"title": 24, "words": 80, "store": 24, "brand": 24}
"""Characters of each text."""
ELLIPSIS = "…"
LINE = 1.35
"""Height of a line, of the size of its letters."""
NO_BREAK_BEFORE = "，。、；：！？）」』”’…"

Tone = Literal["ink", "soft", "light", "pond", "paper", "line"]
Measure = Callable[[str, float], float]
"""The width of a text in millimetres, at a size in millimetres."""


@dataclass(frozen=True)
class Words:
    """What a poster says. hint: what to do with the code."""

    title: str
    words: str
    store: str
    brand: str
    hint: str


@dataclass(frozen=True)
class Box:
    """A filled rectangle; a cut line where it has no height or no width."""

    x: float
    y: float
    width: float
    height: float
    tone: Tone
    round: float = 0
    kind: str = "box"


@dataclass(frozen=True)
class Text:
    """A line of text around x; y: its base line. size: of the letters, in millimetres."""

    x: float
    y: float
    size: float
    text: str
    tone: Tone = "ink"
    bold: bool = False
    kind: str = "text"


@dataclass(frozen=True)
class Code:
    """Where the picture of the code is."""

    x: float
    y: float
    side: float
    kind: str = "code"


@dataclass(frozen=True)
class Cut:
    """Where to cut."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str = "cut"


Shape = Box | Text | Code | Cut


def clean(text: str, most: int) -> str:
    """One line of characters that the font has."""
    kept = "".join(c if ord(c) <= 0xFFFF and unicodedata.category(c)[0] not in "CZ" else " " for c in text)
    return " ".join(kept.split())[:most]


def sheet(layout: str, size: str, words: Words, measure: Measure) -> list[Shape]:
    """A whole sheet: one poster, or as many table cards as fit."""
    width, height = SIZES[size]
    if layout == "poster":
        return list(_poster(width, height, words, measure))
    columns, rows = CARDS[size]
    wide, high = width / columns, height / rows
    cuts: list[Shape] = [Cut(wide * n, 0, wide * n, height) for n in range(1, columns)]
    cuts += [Cut(0, high * n, width, high * n) for n in range(1, rows)]
    places = [(wide * column, high * row) for row in range(rows) for column in range(columns)]
    return cuts + [shape for x, y in places for shape in _card(x, y, wide, high, words, measure)]


def _poster(width: float, height: float, words: Words, measure: Measure) -> Iterator[Shape]:
    """A coloured head with the words, the code on a white field half in it, the store and the brand below."""
    unit, middle = width / 210, width / 2
    head, side = height * 0.46, width * 0.5
    yield Box(0, 0, width, head, "pond")
    y = yield from _lines(middle, 50 * unit, width * 0.84, 22 * unit, 2, words.title, "paper", measure, bold=True)
    yield from _lines(middle, y + 5 * unit, width * 0.78, 8.6 * unit, 2, words.words, "light", measure)
    field, top = side + 22 * unit, head - side * 0.32
    yield Box(middle - field / 2, top, field, field + 12 * unit, "line", 6 * unit)
    yield Box(middle - field / 2 + 0.4, top + 0.4, field - 0.8, field + 12 * unit - 0.8, "paper", 6 * unit)
    yield Code(middle - side / 2, top + 11 * unit, side)
    yield Text(middle, top + field + 3.5 * unit, 8 * unit, words.hint, "pond", bold=True)
    below = top + field + 12 * unit
    y = yield from _lines(middle, below + 20 * unit, width * 0.8, 9.5 * unit, 1, words.store, "ink", measure)
    yield from _lines(middle, height - 16 * unit, width * 0.8, 6.5 * unit, 1, words.brand, "soft", measure)


def _card(x: float, y: float, width: float, height: float, words: Words, measure: Measure) -> Iterator[Shape]:
    """A small upright card: a coloured strip, the title, the code, the words, store and brand."""
    unit, middle = min(width / 70, height / 99), x + width / 2
    side = min(width * 0.62, height * 0.44)
    yield Box(x, y, width, 15 * unit, "pond")
    yield from _lines(middle, y + 9.6 * unit, width * 0.88, 5.8 * unit, 1, words.title, "paper", measure, bold=True)
    yield Code(middle - side / 2, y + 21 * unit, side)
    under = y + 21 * unit + side
    yield Text(middle, under + 6 * unit, 3.6 * unit, words.hint, "pond", bold=True)
    yield from _lines(middle, under + 12.5 * unit, width * 0.84, 3.7 * unit, 2, words.words, "ink", measure)
    foot = " · ".join(filter(None, (words.store, words.brand)))
    yield from _lines(middle, y + height - 6 * unit, width * 0.86, 3.2 * unit, 1, foot, "soft", measure)


def _lines(
    x: float,
    y: float,
    width: float,
    size: float,
    most: int,
    text: str,
    tone: Tone,
    measure: Measure,
    bold: bool = False,
) -> Generator[Shape, None, float]:
    """A text in at most so many lines, in smaller letters where it would not fit; from the base line y downwards.

    Returns where the next line would begin.
    """
    if not text:
        return y
    size, lines = fitted(text, width, size, most, measure)
    for line in lines:
        yield Text(x, y, size, line, tone, bold)
        y += size * LINE
    return y


def fitted(text: str, width: float, size: float, most: int, measure: Measure) -> tuple[float, list[str]]:
    """The size, from `size` down to six tenths of it, at which the text takes at most so many lines; else it is cut."""
    for tenths in (10, 9, 8, 7, 6):
        lines = broken(text, width, size * tenths / 10, measure)
        if len(lines) <= most:
            return size * tenths / 10, lines
    last = lines[most - 1]
    while last and measure(last + ELLIPSIS, size * 0.6) > width:
        last = last[:-1]
    return size * 0.6, [*lines[: most - 1], last + ELLIPSIS]


def broken(text: str, width: float, size: float, measure: Measure) -> list[str]:
    """Lines of nearly the same length; Chinese breaks anywhere, but no line begins with a closing mark."""
    count = max(1, -int(-measure(text, size) // width))
    for share in (measure(text, size) / count * 1.06, width):
        lines = _broken(text, min(share, width), size, measure)
        if len(lines) == count:
            break
    return lines


def _broken(text: str, width: float, size: float, measure: Measure) -> list[str]:
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and measure((lines[-1] + piece).rstrip(), size) > width and piece not in NO_BREAK_BEFORE:
            lines.append("")
        lines[-1] = (lines[-1] + piece).lstrip()
    return [line.rstrip() for line in lines if line.strip()]


def _pieces(text: str) -> Iterator[str]:
    """What a line does not break: a Chinese character, or a word with the space after it."""
    word = ""
    for c in text:
        if ord(c) < 0x2E80:
            word += c
            if c == " ":
                yield word
                word = ""
            continue
        if word:
            yield word
            word = ""
        yield c
    if word:
        yield word
