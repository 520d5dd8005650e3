"""The working copy of the brand's files: what is in service, and the edits over it that are in no service yet.

Everybody who edits works on the same copy; whoever writes says which version he has seen, so nobody overwrites another unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from yutang.brand.folder import PATH, Brand, read_brand
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.source import SourceError

sql = Queries(__package__)
LONGEST = 200_000
"""Characters of one file."""


@dataclass(frozen=True)
class Edit:
    """One edit of a file. text: the whole file, None where it is taken away."""

    edit_id: int
    path: str
    text: str | None
    by: str
    at: datetime


class Conflict(YutangError):
    """Somebody else has changed the file meanwhile."""


@dataclass(frozen=True)
class Working:
    """The files in service and the edits over them; `ahead`: how many edits of a path can be done again."""

    published: Mapping[str, str]
    edits: Mapping[str, list[Edit]] = field(default_factory=dict)
    ahead: Mapping[str, int] = field(default_factory=dict)

    @property
    def changed(self) -> dict[str, Edit]:
        """The newest edit of every path that is not as it is in service."""
        newest = {path: edits[-1] for path, edits in self.edits.items() if edits}
        return {path: edit for path, edit in newest.items() if edit.text != self.published.get(path)}

    @property
    def files(self) -> dict[str, str]:
        """Every file as it would be."""
        return self.with_changes(self.changed)

    def with_changes(self, paths: Iterable[str]) -> dict[str, str]:
        """The files in service with the changes of these paths alone."""
        new = {path: self.changed[path].text for path in paths if path in self.changed}
        found = {path: text for path, text in self.published.items() if path not in new}
        return dict(sorted((found | {path: text for path, text in new.items() if text is not None}).items()))

    def text(self, path: str) -> str | None:
        """One file as it would be; None where there is none."""
        return self.files.get(path)

    def version(self, path: str) -> int:
        """What a writer must have seen; 0: as it is in service."""
        edits = self.edits.get(path)
        return edits[-1].edit_id if edits else 0


def working(conn: psycopg.Connection) -> Working:
    """The working copy as it is now."""
    edits: dict[str, list[Edit]] = {}
    ahead: dict[str, int] = {}
    for row in sql.edits(conn):
        if row.undone:
            ahead[row.path] = ahead.get(row.path, 0) + 1
        else:
            edits.setdefault(row.path, []).append(Edit(row.edit_id, row.path, row.text, row.by, row.at))
    return Working(published(conn), edits, ahead)


def published(conn: psycopg.Connection, publication: int | None = None) -> dict[str, str]:
    """The files in service, or those of one publication; empty where nobody has told us of any."""
    row = sql.publication(conn, publication=publication).fetchone()
    return row.files if row is not None else {}


def superseded(conn: psycopg.Connection, files: Mapping[str, str]) -> bool:
    """Were exactly these files in service before, and did others come after them?"""
    row = sql.came_after(conn, files=Jsonb(dict(files))).fetchone()
    return bool(row and row.others)


def publication_id(conn: psycopg.Connection) -> int | None:
    """Which publication is in service."""
    row = sql.publication(conn, publication=None).fetchone()
    return row.publication_id if row is not None else None


def write(conn: psycopg.Connection, now: datetime, path: str, text: str | None, version: int, by: str) -> int:
    """Another text of a file; returns its version. The same text again adds nothing.

    Raises Conflict when `version` is not the newest, YutangError for a path or a length that no brand has.
    """
    if not PATH.fullmatch(path):
        raise YutangError(f"{path}：不是品牌文件夹里的文件。 this is no file of a brand")
    if text is not None and len(text) > LONGEST:
        raise YutangError(f"{path}：超过 {LONGEST:,} 个字符。 longer than {LONGEST:,} characters")
    with conn.transaction():
        sql.lock(conn)
        seen = working(conn)
        _check_version(seen, path, version)
        if seen.text(path) == text:
            return seen.version(path)
        sql.cut(conn, path=path)
        made = sql.write(conn, path=path, text=text, by=by, now=now).fetchone()
        assert made is not None
        return made.edit_id


def undo(conn: psycopg.Connection, path: str) -> bool:
    """Take the newest edit of a file back; False when there is none."""
    return sql.undo(conn, path=path).rowcount > 0


def redo(conn: psycopg.Connection, path: str) -> bool:
    """Do again what was taken back last; False when there is nothing."""
    return sql.redo(conn, path=path).rowcount > 0


def discard(conn: psycopg.Connection, paths: Iterable[str]) -> None:
    """Forget every edit of these files: they are again as they are in service."""
    sql.discard(conn, paths=list(paths))


def problem(files: Mapping[str, str]) -> SourceError | None:
    """The first thing that is wrong with these files; None: they make a brand."""
    try:
        read_brand(files)
    except SourceError as error:
        return error
    return None


def keep(conn: psycopg.Connection, now: datetime, brand: Brand) -> None:
    """The files of a brand that has just been brought into service; edits that say the same are done with."""
    if brand.files and published(conn) != brand.files:
        sql.keep(conn, now=now, files=Jsonb(dict(brand.files)))
    if brand.files:
        sql.settle(conn, files=Jsonb(dict(brand.files)))


def _check_version(seen: Working, path: str, version: int) -> None:
    if seen.version(path) == version:
        return
    edits = seen.edits.get(path)
    who = edits[-1].by if edits else "—"
    raise Conflict(
        f"{path} 刚被 {who} 改过，你看到的不是最新的。请重新打开再改。 {who} has just changed {path}, and what you saw is not the "
        "newest; open it again"
    )
