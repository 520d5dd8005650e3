"""Named queries: each stage keeps its SQL in ``queries.sql`` beside its code, one ``-- name:`` block per statement.

``@only(p)`` in a statement stands for the scope of the run: the buckets, or the few persons, of table alias ``p``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import psycopg

from yutang.model import EVERYBODY, Only

_BLOCK = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_ONLY = re.compile(r"@only\((\w+)\)")
_BY_BUCKET = r"\1.bucket between %(lo)s and %(hi)s"
_BY_PERSON = r"\1.bucket = any(%(buckets)s) and \1.person_id = any(%(persons)s)"


@dataclass(frozen=True)
class Query:
    """One named statement. Call it with a connection, the scope and its parameters; it returns the cursor."""

    name: str
    template: str

    def text(self, only: Only = EVERYBODY) -> str:
        """The SQL for this scope."""
        if only.persons is not None:
            return _scoped(self.template, _BY_PERSON)
        return _scoped(self.template, "true" if only == EVERYBODY else _BY_BUCKET)

    def __call__(self, conn: psycopg.Connection, only: Only = EVERYBODY, **params: Any) -> psycopg.Cursor:
        return conn.execute(self.text(only), scope(only) | params)  # type: ignore[arg-type]


class Queries:
    """The statements of one package, as attributes: ``sql = Queries(__package__); sql.record(conn, …)``."""

    def __init__(self, package: str) -> None:
        text = (resources.files(package) / "queries.sql").read_text("utf-8")
        parts = _BLOCK.split(text)
        self.all = {
            name: Query(name, body.strip().rstrip(";")) for name, body in zip(parts[1::2], parts[2::2], strict=True)
        }

    def __getattr__(self, name: str) -> Query:
        try:
            return self.all[name]
        except KeyError:
            raise AttributeError(f"queries.sql has no statement named {name}") from None


@cache
def _scoped(template: str, whom: str) -> str:
    """Made once: a pass of the loop has hundreds of statements, and the driver finds again a text that is the same object faster."""
    return _ONLY.sub(whom, template)


def scope(only: Only) -> dict[str, Any]:
    """The parameters behind ``@only``."""
    if only.persons is None:
        return {"lo": only.lo, "hi": only.hi}
    return {"buckets": only.buckets, "persons": list(only.persons)}
