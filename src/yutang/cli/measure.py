"""bench: figures for performance, one JSON line per task."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(bench)


def bench(
    task: Annotated[str | None, typer.Option(help="例如 for example T5；默认全部 all.")] = None,
    scale: Annotated[float, typer.Option(help="规模 size; 1 = 目标规模 the target's.")] = 0.05,
) -> None:
    """性能测量。 Measure."""
    from yutang.bench import main

    raise typer.Exit(main(task, scale))
