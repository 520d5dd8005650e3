"""Which files make up the lake: the truth is in PostgreSQL, an image of it lies beside the files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from yutang.db.queries import Queries
from yutang.lake.place import MANIFEST, Place
from yutang.lake.tables import VERSION
from yutang.model import YutangError

sql = Queries(__package__)
KEPT = timedelta(days=1)
"""How long a file that was left out stays for those who opened the lake before."""


@dataclass(frozen=True)
class File:
    """One Parquet file. newest: the highest event_id in it; None where there are no events."""

    table: str
    part: str
    path: str
    version: int
    rows: int
    bytes: int
    newest: int | None = None

    def said(self) -> dict[str, Any]:
        """As the image shows it."""
        return {name: getattr(self, name) for name in ("table", "part", "path", "version", "rows", "bytes")}


def live(conn: psycopg.Connection) -> list[File]:
    return [File(*row) for row in sql.live(conn)]


def commit(
    conn: psycopg.Connection,
    now: datetime,
    generation: int,
    xid: str,
    new: list[File],
    old: list[File],
    erased: list[int],
) -> None:
    """The next generation, all at once. Raises YutangError when another run has been faster: nothing is committed then."""
    with conn.transaction():
        row = sql.advance(conn, generation=generation, xid=xid, now=now).fetchone()
        if row is None:
            raise YutangError(
                "另一次归档抢先完成，这一次没有改动，请再运行一次。 "
                "another archive run has been faster; this one has changed nothing; run it again"
            )
        sql.leave_out(conn, paths=[file.path for file in old], generation=row.generation, now=now)
        sql.name_files(
            conn, paths=[f.path for f in new], tables=[f.table for f in new], parts=[f.part for f in new],
            versions=[f.version for f in new], rows=[f.rows for f in new], bytes=[f.bytes for f in new],
            newest=[f.newest for f in new], born=[row.generation] * len(new),
        )  # fmt: skip
        sql.erasure_done(conn, persons=erased, now=now)


def publish(conn: psycopg.Connection, place: Place) -> None:
    """Write the image anew where it does not show the manifest as it is: after each commit, and after a run that died before it could.

    Raises YutangError when the place holds another database's lake.
    """
    with conn.transaction():
        state, files = sql.state(conn).fetchone(), live(conn)
    image = place.manifest()
    if image.get("lake", state.lake) != state.lake:
        raise YutangError(
            f"{place.address('')} 里是另一个数据库的数据湖，请用 YUTANG_LAKE_URL 换个位置，或删掉里面的文件。 "
            f"{place.address('')} holds the lake of another database; choose another place by YUTANG_LAKE_URL, or remove its files"
        )
    if image["generation"] != state.generation:
        shown = {
            "format": "yutang lake",
            "lake": state.lake,
            "version": VERSION,
            "generation": state.generation,
            "at": state.at,
        }
        text = json.dumps(shown | {"files": [file.said() for file in files]}, indent=1, default=_time)
        place.write(MANIFEST, text + "\n")


def sweep(conn: psycopg.Connection, now: datetime, place: Place, at_once: bool = False) -> int:
    """Remove files that were left out some time ago (`at_once`: just now), and those that no generation will ever name. Returns how many."""
    before = now if at_once else now - KEPT
    old = [row.path for row in sql.old_files(conn, before=before)]
    for path in old:
        place.remove(path)
    sql.forget_files(conn, paths=old)
    orphans = _orphans(conn, place)
    for path in orphans:
        place.remove(path)
    return len(old) + len(orphans)


def _orphans(conn: psycopg.Connection, place: Place) -> list[str]:
    """A file's name begins with the generation it was written for: once that has been committed without it, it never will be."""
    state = sql.state(conn).fetchone()
    there = [path for path in place.paths() if _generation(path) <= state.generation]
    named = {row.path for row in sql.known(conn, paths=there)}
    return [path for path in there if path not in named]


def _generation(path: str) -> int:
    return int(path.rsplit("/", 1)[1].split("-", 1)[0])


def _time(value: Any) -> str:
    return value.isoformat()
