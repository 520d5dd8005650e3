"""What one answer is made from: the rows of one person, read once, and the definitions they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from yutang import definitions
from yutang.db.queries import Queries
from yutang.definitions import Definition
from yutang.model import Only
from yutang.why.chain import Words
from yutang.why.words import both, title_of

sql = Queries(__package__)

NEWEST = 60
"""Events that a chain tells; older ones are on the person's page."""


@dataclass
class Book:
    """The person's rows. `only` holds the ids that were merged into the person, itself included."""

    conn: psycopg.Connection
    now: datetime
    only: Only
    _names: dict[tuple[int, int | None], Definition | None] = field(default_factory=dict)
    _titles: dict[str, dict[str, Words]] = field(default_factory=dict)
    _ladders: dict[str, Any] | None = None

    def rows(self, name: str, **params: Any) -> list[Any]:
        """The rows of a statement about these persons."""
        return sql.all[name](self.conn, self.only, **params).fetchall()

    def definition(self, definition_id: int, version: int | None = None) -> Definition | None:
        """A version, without one the newest; None when there never was one."""
        key = (definition_id, version)
        if key not in self._names:
            self._names[key] = self._read(definition_id, version)
        return self._names[key]

    def _read(self, definition_id: int, version: int | None) -> Definition | None:
        if version is None:
            newest = sql.newest_version(self.conn, definition_id=definition_id).fetchone()
            version = newest.version if newest else 0
        return definitions.find(self.conn, definition_id, version)

    def name(self, definition_id: int, version: int | None = None) -> str:
        found = self.definition(definition_id, version)
        return found.name if found else f"#{definition_id}"

    def title(self, definition_id: int, version: int | None = None) -> Words:
        found = self.definition(definition_id, version)
        return title_of(found.body, found.name) if found else both(f"#{definition_id}", f"#{definition_id}")

    def titled(self, kind: str, name: str) -> Words:
        """The title of a definition in service by its name; the name itself where there is none."""
        if kind not in self._titles:
            self._titles[kind] = {d.name: title_of(d.body, d.name) for d in definitions.all_current(self.conn, kind)}
        return self._titles[kind].get(name, both(name, name))

    def ladder(self, name: str) -> Any | None:
        """The person's row on the ladder of this name; None: the person does not stand on it."""
        if self._ladders is None:
            self._ladders = {self.name(row.definition_id): row for row in self.rows("ladders")}
        return self._ladders.get(name)


def grouped(rows: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    """Rows by key, each group in their order."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
