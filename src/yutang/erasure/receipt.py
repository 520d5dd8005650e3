"""The proof: what was erased of whom, what stays and why, and how far the lake is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang.erasure.tables import BY_NAME, KEPT
from yutang.erasure.whom import sql
from yutang.model import YutangError


@dataclass(frozen=True)
class Row:
    """Rows of one table: `fate` deleted, or emptied; then zh and en say what stays and why."""

    table: str
    rows: int
    fate: str
    zh: str = ""
    en: str = ""


@dataclass(frozen=True)
class Receipt:
    """numbers: how many numbers the person had. again: rows that work under way had still written, erased since. settled_at: when
    no such work was left; None: not yet. lake: ``none`` (nothing was ever archived), ``waiting``, or ``done`` at `lake_at`."""

    erasure_id: int
    person_id: int
    numbers: int
    at: datetime
    by: str
    reason: str
    rows: list[Row]
    again: int
    settled_at: datetime | None
    lake: str
    lake_at: datetime | None
    beyond: dict[str, str]


BEYOND = {
    "zh": "程序够不到的：数据库与磁盘的备份、已导出的文件、平台与收银系统自己的记录、已送达的消息。见 docs/erasure.md。",
    "en": "Out of reach: backups of the database and the disk, files that were exported, what platforms and tills keep themselves, "
    "messages that have arrived. See docs/erasure.md.",
}


def listed(conn: psycopg.Connection, limit: int = 100) -> list[Receipt]:
    """The newest first."""
    return [_receipt(row) for row in sql.receipts(conn, person=None, limit=limit)]


def receipt(conn: psycopg.Connection, person_id: int) -> Receipt:
    """That of one person. Raises YutangError when the person was not erased."""
    row = sql.receipts(conn, person=person_id, limit=1).fetchone()
    if row is None:
        raise YutangError(f"顾客 {person_id} 没有被抹去。 person {person_id} was not erased")
    return _receipt(row)


def _receipt(row: Any) -> Receipt:
    rows = [_row(name, n) for name, n in row.counts.items()]
    state = "done" if row.lake_at else "none" if row.known_at is None else "waiting"
    return Receipt(
        row.erasure_id, row.person_id, row.numbers, row.at, row.by, row.reason, rows, row.again, row.settled_at, state, row.lake_at, BEYOND,
    )  # fmt: skip


def _row(name: str, n: int) -> Row:
    table = BY_NAME.get(name)
    if table is None or table not in KEPT:
        return Row(name, n, "deleted")
    return Row(name, n, "emptied", table.zh, table.en)
