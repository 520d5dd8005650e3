"""A database and its secret belong together: under another one nobody is found again by phone, and nothing opens."""

from __future__ import annotations

import psycopg
from cryptography.exceptions import InvalidTag

from yutang import config
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import Vault

sql = Queries(__package__)


def check(conn: psycopg.Connection, vault: Vault) -> None:
    """Is this the secret of this database? The first one is, unless it cannot open what lies there. Raises YutangError."""
    mark = vault.mark("mark of the secret", b"", 16)
    found = sql.secret_mark(conn).fetchone()
    if found is None and _opens(conn, vault):
        sql.mark_secret(conn, mark=mark)
        found = sql.secret_mark(conn).fetchone()
    if found is None or found.mark != mark:
        raise _another()


def _opens(conn: psycopg.Connection, vault: Vault) -> bool:
    row = sql.sealed(conn).fetchone()
    try:
        return row is None or bool(vault.unseal_text(row.text))
    except InvalidTag:
        return False


def _another() -> YutangError:
    file = config.home() / "secret"
    return YutangError(
        f"这个数据库属于另一个安装密钥，用现在的密钥既匹配不了手机号，也打不开已有的资料：请从备份恢复文件 {file}，"
        f"或把 {config.SECRET.name} 设回原来的值；密钥确实丢了，就换一个新的数据库重新导入。 "
        "this database belongs to another secret; under this one phone numbers can neither be matched nor opened: "
        f"put back the file {file} from a backup, or set {config.SECRET.name} to what it was; "
        "if the secret is lost, begin a new database and import again"
    )
