"""bench: figures for performance, one JSON line per task."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(bench)


def bench(
    task: Annotated[
        str | None, typer.Option(help="哪一项，例如 T5；默认全部。 Which one, for example T5; all by default.")
    ] = None,
    scale: Annotated[float, typer.Option(help="规模，1 为目标规模。 Size; 1 is the target's.")] = 0.05,
) -> None:
    """性能测量。 Measure."""
    from yutang.bench import main

    raise typer.Exit(main(task, scale))
