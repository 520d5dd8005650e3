"""How large a replay will be, and whether there is room for it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import psycopg

from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)
TWICE = 2.5
"""The events lie there twice, as agenda and as facts, and what the journeys do comes on top."""
MOST = 0.8
"""How much of what is free a replay may take."""


@dataclass(frozen=True)
class Size:
    """`events`: about how many rows of the largest table; `size`: bytes that the replay will need."""

    events: float
    size: int


def size(live: psycopg.Connection, share: float) -> Size:
    """A look at the catalogue; no table is read."""
    row = sql.size(live).fetchone()
    assert row is not None
    return Size(row.events * share, round(row.size * share * TWICE))


def make_sure(live: psycopg.Connection, needed: int) -> None:
    """Raises YutangError when the disk of the database would fill up; where it cannot be seen, nobody knows."""
    row = sql.data_folder(live).fetchone()
    if row is None or row.folder is None or not Path(row.folder).exists():
        return
    free = shutil.disk_usage(row.folder).free
    if needed > free * MOST:
        raise YutangError(
            f"重放约需数据库磁盘 {needed >> 20:,} MB，现在只剩 {free >> 20:,} MB；请抽样（--sample 10%），或清理磁盘。 "
            f"the replay needs about {needed >> 20:,} MB on the disk of the database, and {free >> 20:,} MB are free; "
            "take a sample (--sample 10%), or make room"
        )
