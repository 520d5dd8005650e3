"""Taking back a whole import."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from yutang.ingest.record import sql
from yutang.model import YutangError


def undo(conn: psycopg.Connection, now: datetime, import_id: int) -> int:
    """Take back every event of an import, also of one that stopped midway; returns how many. Identity follows the log.

    The events stay, under ids that are free again: the same or a corrected file can be imported anew.
    Raises YutangError when there is no such import or when it was taken back before.
    """
    with conn.transaction():
        if (past := sql.past_of_import(conn, import_id=import_id).fetchone()) and past.gone:
            raise YutangError(
                f"导入 {import_id} 不能撤销：鱼塘的 `[history] hot_days` 已过，它带来的部分数据或这些顾客的部分历史只在数据湖里。请改为抹去不该导入的顾客。 "
                f"import {import_id} cannot be undone: part of what it brought, or of the history of its people, is in the lake alone "
                "since the pond's `[history] hot_days` passed; erase the people it should not have brought instead"
            )
        if sql.end_undo(conn, import_id=import_id, now=now).fetchone() is None:
            raise YutangError(
                f"没有可撤销的导入 {import_id}，或已经撤销过。 "
                f"there is no import {import_id} to undo, or it was undone before"
            )
        undone = sql.undo(conn, import_id=import_id, now=now).rowcount
        sql.free_ids(conn, import_id=import_id)
    return undone


STATES = {
    "running": ("导入中", "running"),
    "stopped": ("已中断", "stopped"),
    "done": ("完成", "done"),
    "undone": ("已撤销", "taken back"),
}
"""How an import stands; one is `stopped` when it was running and nobody runs it any more."""


def imports(conn: psycopg.Connection, limit: int = 50) -> list[Any]:
    """The latest imports: rows (import_id, kind, path, state, rows_done, accepted, duplicate, rejected, started_at, ended_at)."""
    return sql.imports(conn, limit=limit).fetchall()


def one(conn: psycopg.Connection, import_id: int) -> Any | None:
    """One import, with its ``mapping``: {"columns": {column: field}, "source"}."""
    return sql.one_import(conn, import_id=import_id).fetchone()
