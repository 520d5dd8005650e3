"""The demo's own database, beside the installation's: made anew at each run, so that a demo never touches real data."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from yutang.db.connect import connect
from yutang.db.migrate import migrate
from yutang.model import YutangError
from yutang.source import suggest
from yutang.vault import Vault

PREFIX = "yutang_demo_"
MARK = "Yutang demo: dropped and made anew at each run"
"""The comment on a database that a demo made; a database without it is never dropped."""


class Installation(Protocol):
    """What the demo needs of an installation."""

    @property
    def url(self) -> str: ...
    @property
    def vault(self) -> Vault: ...


def url_of(app: Installation, brand: str) -> str:
    """Where the demo of a brand keeps its pond: on the installation's server, in a database of its own."""
    return make_conninfo(app.url, dbname=PREFIX + brand)


def made(app: Installation, brand: str) -> str:
    """The URL of the pond that the last demo of a brand has left. Raises YutangError when there was none."""
    with connect(app.url) as admin:
        found = _mark(admin, PREFIX + brand)
    if found != MARK:
        refuse_unknown(brand)
        raise YutangError(
            f"这里还没有“{brand}”的演示，请先运行 `yutang demo --brand {brand} --once`。 "
            f"there is no demo of '{brand}' here yet; run `yutang demo --brand {brand} --once` first"
        )
    return url_of(app, brand)


def refuse_unknown(brand: str) -> None:
    """Raises YutangError with the brands of which there are demos, when this is none of them."""
    from yutang.brand import shipped  # late, for every command opens a pond, and few of them a brand

    if brand not in shipped():
        fix = suggest(brand, shipped())
        raise YutangError(f"没有演示品牌“{brand}”，{fix.zh} there is no demo brand '{brand}'; {fix.en}")


def last_instant(url: str) -> datetime:
    """Where the simulated clock stopped: whoever works in a demo's pond takes it for now. Raises YutangError when it is empty."""
    with connect(url) as conn:
        row = conn.execute("select max(received_at) as at from event").fetchone()
    if row is None or row.at is None:
        raise YutangError("演示的鱼塘是空的，请重新运行演示。 the demo's pond is empty; run the demo again")
    return row.at


def fresh(app: Installation, brand: str) -> str:
    """Drop the demo database of an earlier run, make a new one with all tables; returns its URL. Raises YutangError."""
    name = PREFIX + brand
    with connect(app.url) as admin:
        try:
            _drop(admin, name)
            admin.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
            admin.execute(sql.SQL("comment on database {} is {}").format(sql.Identifier(name), sql.Literal(MARK)))
            # Whatever a crash costs here is made again by the next run; nobody waits for the disk.
            admin.execute(sql.SQL("alter database {} set synchronous_commit to off").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise YutangError(
                "演示需要自己的数据库，请给 YUTANG_DATABASE_URL 的用户 CREATEDB 权限。 "
                "the demo needs a database of its own: give the user of YUTANG_DATABASE_URL the right CREATEDB"
            ) from error
        except psycopg.errors.ObjectInUse as error:
            raise YutangError(
                f"另一个演示正在用数据库“{name}”，请先结束它（在它的窗口按 Ctrl-C）。 "
                f"another demo is using the database '{name}'; end it first (Ctrl-C where it runs)"
            ) from error
    with connect(url_of(app, brand)) as conn:
        migrate(conn)
    return url_of(app, brand)


def _mark(admin: psycopg.Connection, name: str) -> str | None:
    """The comment on a database; empty when it has none, None when there is no such database."""
    row = admin.execute(
        "select coalesce(shobj_description(oid, 'pg_database'), '') as mark from pg_database where datname = %s",
        (name,),
    ).fetchone()
    return row and row.mark


def _drop(admin: psycopg.Connection, name: str) -> None:
    mark = _mark(admin, name)
    if mark is None:
        return
    if mark != MARK:
        raise YutangError(
            f"数据库“{name}”不是演示建的，请改名，或自行删除。 "
            f"the database '{name}' was not made by a demo; rename it, or drop it yourself"
        )
    admin.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
