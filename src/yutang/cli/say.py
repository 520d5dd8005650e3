"""What the commands print, and how."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from yutang.model import YutangError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def _language(lang: str) -> str:
    if lang not in ("zh", "en"):
        raise YutangError(f"没有语言“{lang}”，请写 zh 或 en。 there is no language '{lang}'; write zh or en")
    return lang


Lang = Annotated[
    str,
    typer.Option(metavar="zh|en", help="输出的语言。 Language of the output.", callback=_language, show_default=True),
]


def error(text: str) -> None:
    """One sentence about what went wrong."""
    err.print(Text.assemble(("错误 error: ", "bold red"), text))


def hints(found: Iterable[str]) -> None:
    """What is surely not meant, each on a line of its own."""
    for one in found:
        out.print(Text.assemble(("提醒 warning: ", "yellow"), one))


def as_json(value: Any) -> None:
    """One JSON document on one line."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def table(columns: list[str], rows: list[list[Any]]) -> None:
    """Rows under headings; numbers to the right."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for n, name in enumerate(columns):
        numbers = bool(rows) and all(isinstance(row[n], int) for row in rows)
        made.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(
            *[
                Text(f"{cell:,}" if isinstance(cell, int) and n else "–" if cell is None else str(cell))
                for n, cell in enumerate(row)
            ]
        )
    out.print(made)


def standing(closed_at: datetime | None) -> str:
    """Of a user or a source: is it in use?"""
    return "启用 open" if closed_at is None else "已停用 closed"


def when(at: datetime | None, zone: str) -> str:
    """An instant on the pond's clock."""
    return "–" if at is None else at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
