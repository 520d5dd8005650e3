"""doctor: is everything here that the program needs, and what to do if not."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Annotated

import psycopg
import typer
from rich.text import Text

from yutang import config
from yutang.app import opened
from yutang.channels import CHECKS as ACCOUNTS
from yutang.channels.platform.account import MAIN, one
from yutang.channels.platform.checks import Finding
from yutang.cli import say
from yutang.cli.queries import sql
from yutang.db.migrate import steps
from yutang.model import YutangError
from yutang.vault import open_vault

LEAST_FREE = 2 * 1024**3
"""Bytes of disk below which a busy day may fill it."""


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help=f"检查一个渠道账号 check an account: {', '.join(ACCOUNTS)}")
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


def python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", found, None if sys.version_info >= (3, 11) else "use Python 3.11 or newer")


def disk() -> Iterator[Finding]:
    free = shutil.disk_usage(config.home()).free
    fix = None if free >= LEAST_FREE else f"free some space where {config.home()} lies, or set YUTANG_HOME"
    yield Finding("磁盘 disk", f"{free / 1024**3:.1f} GiB free", fix)


def secret() -> Iterator[Finding]:
    """Kept with the right mode, or given by the environment and long enough."""
    try:
        open_vault()
    except (OSError, ValueError) as error:
        yield Finding(
            "密钥 secret",
            str(error),
            f"put back the file {config.home() / 'secret'} from a backup, or set YUTANG_SECRET",
        )
        return
    if config.SECRET.value:
        yield Finding(
            "密钥 secret", "YUTANG_SECRET", None if len(config.SECRET.value) >= 16 else "use at least 16 characters"
        )
        return
    mode = (config.home() / "secret").stat().st_mode & 0o077
    yield Finding(
        "密钥 secret", str(config.home() / "secret"), f"chmod 600 {config.home() / 'secret'}" if mode else None
    )


def port() -> Iterator[Finding]:
    """Free, or held by a server of ours."""
    address = f"{config.HOST.value}:{config.PORT.value}"
    try:
        with closing(socket.create_connection((config.HOST.value, int(config.PORT.value)), timeout=1)):
            yield Finding("端口 port", f"{address}: 有程序在监听 something listens", None)
    except ConnectionRefusedError:
        yield Finding("端口 port", f"{address}: 空闲 free", None)
    except (OSError, ValueError, OverflowError) as error:
        yield Finding(
            "端口 port", f"{address}: {error}", "set YUTANG_HOST and YUTANG_PORT to an address of this machine"
        )


def database() -> Iterator[Finding]:
    """Reachable, new enough, keeps what it commits, and has the tables of this version."""
    try:
        with opened() as app, app.connect() as conn:
            yield from _settings(conn)
    except YutangError as error:
        yield Finding("数据库 database", "无法使用 not usable", str(error))


def _settings(conn: psycopg.Connection) -> Iterator[Finding]:
    row, version = sql.durability(conn).fetchone(), sql.schema_version(conn).fetchone()
    assert row is not None
    assert version is not None
    yield Finding(
        "数据库 database", f"PostgreSQL {row.version}", None if row.number >= 150000 else "use PostgreSQL 15 or newer"
    )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        value = getattr(row, name)
        yield Finding(
            f"持久性 {name}",
            value,
            f"set {name} = on: a power cut may lose events that were answered" if value == "off" else None,
        )
    newest = steps()[-1][0]
    yield Finding(
        "表结构 schema",
        f"{version.version} / {newest}",
        None if version.version == newest else "start this version of Yutang once, it migrates",
    )


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (python, disk, secret, port, database)
