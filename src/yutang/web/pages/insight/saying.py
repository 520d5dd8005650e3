"""An answer as people read it: names in the place of codes, money in yuan, shares in per cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from yutang import definitions
from yutang.insight.questions import Answer
from yutang.insight.questions.shape import Column
from yutang.web.pages.page import Page
from yutang.why import words

TITLED = ("journey", "message", "offer")
WIDE = 10_000
"""Yuan from which money is told in 万."""


@dataclass(frozen=True)
class Say:
    """Words for the cells of answers. titles: of the brand's definitions, by kind and name."""

    page: Page
    titles: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, page: Page, conn: psycopg.Connection) -> Say:
        return cls(
            page,
            {
                kind: {d.name: words.title_of(d.body, d.name) for d in definitions.all_current(conn, kind)}
                for kind in TITLED
            },
        )

    def shown(self, answer: Answer) -> list[Column]:
        """Its columns, but for the codes of what the next column tells in words."""
        following = [*answer.columns[1:], None]
        return [
            one
            for one, after in zip(answer.columns, following, strict=True)
            if not (one.unit == "text" and after is not None and after.unit == "words")
        ]

    def lines(self, answer: Answer, most: int | None = None) -> list[list[str]]:
        """The cells of the columns that are shown, as text."""
        keys = [column.key for column in answer.columns]
        places = [(keys.index(column.key), column) for column in self.shown(answer)]
        return [[self.cell(answer, column, row[n]) for n, column in places] for row in answer.rows[:most]]

    def cell(self, answer: Answer, column: Column, value: Any) -> str:
        if column.unit == "text":
            return self.named(answer, column.key, value)
        if value is None:
            return "—"
        if column.unit == "words":
            return self.page.words(value)
        if column.unit == "day":
            return self.period(answer, value)
        if column.unit == "share":
            return self.page.percent(value)
        if column.unit == "fen":
            return self.page.yuan(value)
        return f"{value:,.1f}" if isinstance(value, float) else self.page.number(value)

    def named(self, answer: Answer, key: str, value: str | None) -> str:
        """A code by its name: channels, journeys, messages, offers, events, verdicts, arms."""
        if value in (None, ""):
            return self.page.text("untouched" if answer.question == "attribution" else "unnamed")
        assert value is not None
        by = "offer" if key == "offer" else answer.asked.get("by", "") if key == "who" else key
        if by == "channel" and answer.question in ("touches", "attribution"):
            return self.page.channel_name(value)
        if by == "hour":
            return f"{int(value):02d}:00"
        if by == "event":
            return self.event(value)
        if f"{by}.{value}" in self.page.texts:
            return self.page.text(f"{by}.{value}")
        title = self.titles.get(by, {}).get(value)
        return self.page.words(title) if title else value

    def event(self, step: str) -> str:
        """A step of a funnel; its conditions stay as they were typed."""
        type, mark, rest = step.partition("[")
        return self.page.words(words.event_title(type)) + mark + rest

    def period(self, answer: Answer, first: str) -> str:
        """A month by its name, a week by its Monday."""
        return first[:7] if answer.asked.get("unit") == "month" else first

    def money(self, fen: float) -> str:
        """Round money: ``37.4 万元``, ``¥374.2k``; below ten thousand yuan as everywhere."""
        yuan = fen / 100
        if abs(yuan) < WIDE:
            return f"¥{yuan:,.0f}" if abs(yuan) >= 100 else f"¥{yuan:,.2f}"
        if self.page.language == "zh":
            return f"{yuan / 1e8:,.2f} 亿元" if abs(yuan) >= 1e8 else f"{yuan / 1e4:,.1f} 万元"
        return f"¥{yuan / 1e6:,.2f}m" if abs(yuan) >= 1e6 else f"¥{yuan / 1e3:,.1f}k"


def records(answer: Answer | None) -> list[dict[str, Any]]:
    """The rows by the keys of the columns."""
    keys = [column.key for column in answer.columns] if answer else []
    return [dict(zip(keys, row, strict=True)) for row in answer.rows] if answer else []
