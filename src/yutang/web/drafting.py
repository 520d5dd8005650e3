"""What every editor of the console does with the brand's files: see what is drafted, and write it down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from litestar import Request

from yutang import users
from yutang.brand import drafts
from yutang.brand.drafts import Working
from yutang.web.edge import edge_of

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
"""What a definition may be called: a file's name, and a part of rules."""
NO_FILES = "鱼塘里还没有品牌文件，先运行 yutang brand load 文件夹。 the pond has no brand's files yet; run `yutang brand load FOLDER`"


@dataclass(frozen=True)
class Draft:
    """The working copy as an editor shows it. problem: why the files as they would be make no brand, None when they do."""

    working: Working
    problem: str | None

    @property
    def known(self) -> bool:
        """Has anybody told us the brand's files? Without them there is nothing to edit."""
        return bool(self.working.published)

    @property
    def changed(self) -> list[str]:
        return sorted(self.working.changed)

    def version(self, path: str) -> int:
        return self.working.version(path)

    def text(self, path: str) -> str | None:
        return self.working.text(path)

    def can_undo(self, path: str) -> bool:
        return bool(self.working.edits.get(path))

    def can_redo(self, path: str) -> bool:
        return self.working.ahead.get(path, 0) > 0


def draft_of(conn: psycopg.Connection) -> Draft:
    """The working copy, read and checked."""
    found = drafts.working(conn)
    return Draft(found, problem_of(found.files) if found.changed else None)


def problem_of(files: Mapping[str, str]) -> str | None:
    """What is wrong with these files, with its place and fix."""
    problem = drafts.problem(files)
    return None if problem is None else str(problem)


def save(request: Request, conn: psycopg.Connection, path: str, text: str | None, version: int) -> int:
    """Another text of a file (None: taken away) into the working copy; returns its version. Raises drafts.Conflict, YutangError.

    What is written may be wrong as yet: whoever is in the middle of an edit loses nothing; a plan is made of what is right alone.
    """
    edge, by = edge_of(request), request.state.visitor.name
    with conn.transaction():
        kept = drafts.write(conn, edge.clock(), path, text, version, by)
        if kept != version:
            users.note(conn, edge.clock(), by, "draft_delete" if text is None else "draft", path, {"version": kept})
    return kept


def undo(conn: psycopg.Connection, path: str) -> tuple[str, str]:
    """The newest edit of a file is taken back; says so, in Chinese and English, or that there is none."""
    return ("已撤销", "Undone") if drafts.undo(conn, path) else ("没有可撤销的", "There is nothing to undo")
