"""The commands, named after what they do. One file per group; each command builds what it needs and lets go of it."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, Any

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
    usage,
    users,
)
from yutang.cli.say import error
from yutang.model import YutangError

app = typer.Typer(
    name="yutang",
    help="鱼塘：私域运营引擎。 Yutang: the engine for private-domain growth.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
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


def command() -> Any:
    """The whole command line, which speaks both languages."""
    return usage.speaking(typer.main.get_command(app))


def main() -> None:
    """Run the command line."""
    _log_plainly()
    sys.exit(run_one(sys.argv[1:]))


def run_one(arguments: list[str]) -> int:
    """Run one command; returns its exit code. What a user can mend is one sentence on standard error, and code 2."""
    try:
        return command().main(arguments, standalone_mode=False) or 0
    except YutangError as problem:
        error(str(problem))
    except typer.TyperException as problem:
        usage.tell(problem)
    except typer.Abort:
        error("已取消。 Aborted!")
        return 1
    return 2


def _log_plainly() -> None:
    """Logs go to standard error, in colour for a terminal alone, and without the values of local
    variables: those may be personal data."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
