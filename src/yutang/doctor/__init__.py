"""Is everything here that the program needs, and what to do if not. Each check is a generator of findings; none raises."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg

from yutang import channels, config
from yutang.channels.platform.account import Account
from yutang.channels.platform.checks import Finding
from yutang.db.migrate import steps
from yutang.db.place import outside
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import Vault, open_vault

sql = Queries(__package__)

LEAST_FREE = 2 * 1024**3
"""Bytes of disk below which a busy day may fill it."""
WAITED = timedelta(minutes=10)
"""How long letters may wait for a worker before it is said."""
LEAST_SECRET = 16
"""Characters."""
_TOO_SHORT = f"请至少用 {LEAST_SECRET} 个字符。 use at least {LEAST_SECRET} characters"


class Unsent(NamedTuple):
    """A channel on which so many letters wait, the oldest since then."""

    channel: str
    n: int
    since: datetime


def python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "Python",
        found,
        None if sys.version_info >= (3, 11) else "请用 Python 3.11 或更新的版本。 use Python 3.11 or newer",
    )


def disk() -> Iterator[Finding]:
    free = shutil.disk_usage(config.home()).free
    fix = (
        None
        if free >= LEAST_FREE
        else f"请清理 {config.home()} 所在的磁盘，或改设 YUTANG_HOME。 "
        f"free some space where {config.home()} lies, or set YUTANG_HOME"
    )
    yield Finding("磁盘 disk", f"{free / 1024**3:.1f} GiB free", fix)


def data() -> Iterator[Finding]:
    """Where the data of the embedded server lie: a backup of the home folder alone may hold none."""
    if config.DATABASE_URL.value:
        yield Finding("数据 data", f"在 {config.DATABASE_URL.name} 指向的数据库里 in the database of that setting")
        return
    home = config.home()
    try:
        base = outside(home)
    except YutangError as error:
        yield Finding("数据 data", str(home), str(error))
        return
    also = "" if base is None else f"，以及 and {base}（备份要两处一起 a backup needs both）"
    yield Finding("数据 data", f"{home}{also}")


def secret() -> Iterator[Finding]:
    """Kept with the right mode, or given by the environment and long enough."""
    try:
        open_vault()
    except YutangError as error:
        yield Finding("密钥 secret", "无法使用 not usable", str(error))
        return
    if config.SECRET.value:
        yield Finding(
            "密钥 secret",
            "YUTANG_SECRET",
            None if len(config.SECRET.value) >= LEAST_SECRET else _TOO_SHORT,
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
            "端口 port",
            f"{address}: {error}",
            "请把 YUTANG_HOST 和 YUTANG_PORT 设成本机的地址。 "
            "set YUTANG_HOST and YUTANG_PORT to an address of this machine",
        )


def database(conn: psycopg.Connection) -> Iterator[Finding]:
    """New enough, keeps what it commits, and has the tables of this version."""
    row, version = sql.durability(conn).fetchone(), sql.schema_version(conn).fetchone()
    assert row is not None
    assert version is not None
    yield Finding(
        "数据库 database",
        f"PostgreSQL {row.version}",
        None if row.number >= 150000 else "请用 PostgreSQL 15 或更新的版本。 use PostgreSQL 15 or newer",
    )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        value = getattr(row, name)
        yield Finding(
            f"持久性 {name}",
            value,
            f"请设 {name} = on：断电时可能丢失已确认的事件。 "
            f"set {name} = on: a power cut may lose events that were answered"
            if value == "off"
            else None,
        )
    newest = steps()[-1][0]
    yield Finding(
        "表结构 schema",
        f"{version.version} / {newest}",
        None
        if version.version == newest
        else "请用这个版本启动一次，它会自动升级表结构。 start this version of Yutang once, it migrates",
    )


def cluster(conn: psycopg.Connection) -> Iterator[Finding]:
    """Of a lake on a cluster: has it everything that was archived?"""
    if config.LAKE_URL.value.startswith("clickhouse"):
        row = sql.fed(conn).fetchone()
        assert row is not None
        found = row.feed_error or "与归档一致 holds what is archived"
        again = "" if row.feed_at is None else f"{row.feed_at:%Y-%m-%d %H:%M} UTC"
        fix = f"已失败 {row.feed_tries} 次，{again} 自动再试；修好后可立即运行 yutang lake archive。 failed {row.feed_tries} times, tried again by "
        fix += f"itself at {again}; once it is mended, `yutang lake archive` does it now"
        yield Finding("集群 cluster", found, fix if row.feed_error else None)


def unsent(conn: psycopg.Connection, now: datetime) -> list[Unsent]:
    """Channels on which letters wait and nobody sends them: no running process has their settings, or no worker runs."""
    return [Unsent(*row) for row in sql.unsent(conn, now=now, since=now - WAITED)]


def letters(conn: psycopg.Connection, now: datetime) -> Iterator[Finding]:
    """Of each channel: does somebody send what waits?"""
    for one in unsent(conn, now):
        switches = "、".join(setting.name for setting in channels.SWITCHED.get(one.channel, ())[:1])
        yield Finding(
            f"消息 letters {one.channel}",
            f"{one.n:,} 条等着发，没有进程在发 wait, and no process sends them",
            f"请运行 `yutang worker`，并给它渠道 {one.channel} 的设置{f'（{switches}）' if switches else ''}。 "
            f"run `yutang worker` with the settings of channel {one.channel}{f' ({switches})' if switches else ''}",
        )


def keys() -> Iterator[Finding]:
    """A key that people chose can be guessed when it is short."""
    if given := config.API_KEY.value:
        short = len(given) < LEAST_SECRET
        yield Finding("接口钥匙 key", config.API_KEY.name, _TOO_SHORT if short else None)


def account(conn: psycopg.Connection, vault: Vault, one: Account, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """The checks of an account's kind; of kinds without any, that it can be read."""
    if one.kind in channels.CHECKS:
        yield from channels.CHECKS[one.kind](conn, vault, one, clock)
    else:
        yield Finding("账号 account", f"{one.source} 可读 can be read")


MACHINE: tuple[Callable[[], Iterator[Finding]], ...] = (python, disk, data, secret, keys, *channels.LOOKS)
"""What can be seen without the database."""
