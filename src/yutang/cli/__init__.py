"""The commands, named after what they do. One file per group; each command builds what it needs and lets go of it."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import structlog
import typer

from yutang import config
from yutang.cli import (
    brand,
    channel,
    code,
    docs,
    doctor,
    emulator,
    erase,
    events,
    experiment,
    imports,
    insight,
    keys,
    lake,
    measure,
    offer,
    person,
    plan,
    post,
    predict,
    rehearse,
    run,
    scene,
    segment,
    tasks,
    users,
)
from yutang.cli.say import error
from yutang.model import YutangError

app = typer.Typer(
    name="yutang",
    help="鱼塘：私域运营引擎。Yutang: the engine for private-domain growth.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def everywhere(
    demo: Annotated[
        str | None,
        typer.Option(metavar="BRAND", help="在上次演示的塘里操作。 Work in the pond of a brand's last demo."),
    ] = None,
) -> None:
    """What every command takes."""
    if demo:
        os.environ[config.DEMO.name] = demo


for group in (
    run,
    imports,
    events,
    person,
    erase,
    segment,
    offer,
    brand,
    plan,
    scene,
    experiment,
    insight,
    predict,
    channel,
    code,
    post,
    lake,
    keys,
    doctor,
    docs,
    emulator,
    measure,
    rehearse,
    tasks,
    users,
):
    group.register(app)


def main() -> None:
    """Run the command line. What a user can mend is one sentence on standard error and exit code 2."""
    _log_plainly()
    try:
        app()
    except YutangError as problem:
        error(str(problem))
        sys.exit(2)


def _log_plainly() -> None:
    """Logs go to standard error, and without the values of local variables: those may be personal data."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
