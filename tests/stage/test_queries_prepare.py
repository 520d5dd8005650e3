"""Every named statement of the package is understood by PostgreSQL, in every scope in which it can be asked."""

from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from yutang.db.queries import Queries, Query
from yutang.model import EVERYBODY, Only

ROOT = Path(str(resources.files("yutang")))
SCOPES = {"everybody": EVERYBODY, "buckets": Only(0, 511), "persons": Only(persons=(1, 2))}
UTILITY = ("lock", "truncate", "create", "drop", "set", "analyze", "refresh", "notify", "listen")
"""Statements that PostgreSQL can only execute, not prepare."""
_PARAM = re.compile(r"%\((\w+)\)s")
_TABLE = re.compile(r"\s*create\s+(temp(orary)?\s+|unlogged\s+)?table", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def packages() -> list[str]:
    """Every package that keeps a queries.sql."""
    return sorted(".".join(("yutang", *file.parent.relative_to(ROOT).parts)) for file in ROOT.rglob("queries.sql"))


def first_word(query: Query) -> str:
    return _COMMENT.sub("", query.template).split(maxsplit=1)[0].lower()


def numbered(text: str) -> str:
    """``%(name)s`` as PREPARE wants it: $1, $2, … per name, and a doubled % as one."""
    names = list(dict.fromkeys(_PARAM.findall(text)))
    return _PARAM.sub(lambda found: f"${names.index(found[1]) + 1}", text).replace("%%", "%")


def folder(package: str) -> Path:
    return ROOT.joinpath(*package.split(".")[1:])


def own_tables(package: str) -> list[str]:
    """The statements that make tables a package keeps for itself (temporary ones above all): named ones, and texts in its modules."""
    named = [numbered(query.text()) for query in Queries(package).all.values()]
    in_code = [
        node.value
        for file in folder(package).glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [text for text in named + in_code if _TABLE.match(_COMMENT.sub("", text))]


@pytest.mark.parametrize("package", packages())
def test_every_statement_can_be_prepared(conn: psycopg.Connection, package: str) -> None:
    queries = Queries(package)
    assert queries.all, "a queries.sql without a named statement"
    wrong = []
    with conn.transaction(force_rollback=True):
        # All of them: one package may fill a temporary table of another.
        for statement in (table for name in packages() for table in own_tables(name)):
            conn.execute(statement)  # type: ignore[arg-type]
        for query in queries.all.values():
            if first_word(query) in UTILITY:
                continue
            for scope, only in SCOPES.items():
                try:
                    with conn.transaction():
                        conn.execute(f"prepare the_query as {numbered(query.text(only))}")  # type: ignore[arg-type]
                        conn.execute("deallocate the_query")
                except psycopg.Error as error:
                    wrong.append(f"{package}.{query.name} ({scope}): {str(error).splitlines()[0]}")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("package", packages())
def test_every_statement_is_used(package: str) -> None:
    """A statement that no code of its package names is dead."""
    files = folder(package).glob("*.py") if package == "yutang" else folder(package).rglob("*.py")
    code = "\n".join(file.read_text("utf-8") for file in files)
    dead = [name for name in Queries(package).all if not re.search(rf"\b{name}\b", code)]
    assert not dead, f"{package}: no code asks {dead}"
