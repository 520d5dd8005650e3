"""doctor: is everything here that the program needs, and what to do if not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import typer
from rich.text import Text

from yutang import doctor as doctor_
from yutang.app import opened
from yutang.channels import CHECKS as ACCOUNTS
from yutang.channels.platform.account import MAIN, one
from yutang.channels.platform.checks import Finding
from yutang.cli import say
from yutang.model import TryAgain, YutangError


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[KIND]", help=f"检查一个渠道账号：{'、'.join(ACCOUNTS)}。 Check an account: {', '.join(ACCOUNTS)}."
        ),
    ] = "",
    name: Annotated[str, typer.Option("--name", help="账号名称。 Name of the account.")] = MAIN,
) -> None:
    """检查安装，或一个渠道账号。 Check the installation, or an account with a platform."""
    found = _account(kind, name) if kind else (finding for check in CHECKS for finding in check())
    if not _all_well(found):
        raise typer.Exit(1)


def _all_well(findings: Iterable[Finding]) -> bool:
    """Show each as it comes."""
    well = True
    for finding in findings:
        mark = ("✗ ", "bold red") if finding.fix else ("✓ ", "green") if finding.sure else ("· ", "yellow")
        say.out.print(Text.assemble(mark, f"{finding.name}  ", (finding.found, "dim")))
        if finding.fix:
            say.out.print(Text(f"    → {finding.fix}"))
            well = False
    return well


def _account(kind: str, name: str) -> Iterator[Finding]:
    """The checks of one account; those that need it end where it is missing."""
    if kind not in ACCOUNTS:
        known = ", ".join(ACCOUNTS)
        raise YutangError(f"没有 '{kind}' 的检查，可选：{known}。 there are no checks for '{kind}'; known are {known}")
    try:
        with opened() as app, app.connect() as conn:
            account = one(conn, app.vault, kind, name)
            if account is None:
                fix = f"yutang channel add {kind} --name {name} …（yutang channel add {kind} --help）"
                yield Finding("账号 account", f"没有 {kind}:{name} there is none", fix)
                return
            yield from ACCOUNTS[kind](conn, app.vault, account, app.clock)
    except YutangError as error:
        yield Finding("账号 account", "无法使用 not usable", str(error))


def database() -> Iterator[Finding]:
    """Reachable, and as it must be."""
    try:
        with opened() as app, app.connect() as conn:
            yield from doctor_.database(conn)
            yield from doctor_.cluster(conn)
            yield from doctor_.letters(conn, app.clock())
    except TryAgain as error:
        yield Finding("数据库 database", "无法使用 not usable", str(error))
    except YutangError as error:
        yield Finding("启动 start", "被拒绝 refused", str(error))


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (*doctor_.MACHINE, doctor_.port, database)
