"""The lake's tables: their columns, their keys, and how their rows are parted. Files of an older version lack columns; readers see NULL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

VERSION = 1
"""Raised when a table gains columns. A column is never renamed, retyped or taken away."""

CURRENT = "current"
"""The partition of what may still change: open memberships, persons as they are, touches that are still on their way."""


_MONTH = "strftime({}, 'month=%Y-%m')"
_UNTIL = f"case when {{0}} is null then '{CURRENT}' else strftime(timezone('UTC', {{0}}), 'month=%Y-%m') end"


def listed(names: Iterable[str]) -> str:
    """Columns for DuckDB, which takes a bare ``at`` for a word of its own."""
    return ", ".join(f'"{name}"' for name in names)


@dataclass(frozen=True)
class Column:
    """A column, its DuckDB type, and the version of the lake that brought it."""

    name: str
    type: str
    since: int = 1


@dataclass(frozen=True)
class Table:
    """One table. key: what tells its rows apart, for ever. order: how the rows lie in a file. part: DuckDB's expression of the
    partition to which a row belongs."""

    name: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    part: str
    columns: tuple[Column, ...]

    def names(self, version: int = VERSION) -> list[str]:
        """The columns that files of this version have."""
        return [column.name for column in self.columns if column.since <= version]

    @property
    def typed(self) -> str:
        """``name type, …``, as `create table` wants it."""
        return ", ".join(f'"{column.name}" {column.type}' for column in self.columns)


def _columns(text: str) -> tuple[Column, ...]:
    return tuple(Column(*part.split()) for part in f"bucket SMALLINT, person_id BIGINT, {text}".split(", "))


EVENTS = Table(
    "events",
    ("event_id",),
    ("bucket", "person_id", "at", "event_id"),
    _MONTH.format("day"),
    _columns("event_id BIGINT, type VARCHAR, at TIMESTAMPTZ, day DATE, amount BIGINT, props VARCHAR"),
)
ORDERS = Table(
    "orders",
    ("event_id",),
    ("bucket", "person_id", "at", "event_id"),
    _MONTH.format("day"),
    _columns(
        "event_id BIGINT, order_id VARCHAR, at TIMESTAMPTZ, day DATE, amount BIGINT, refunded BIGINT, store VARCHAR, "
        "channel VARCHAR, coupon VARCHAR, items VARCHAR"
    ),
)
TOUCHES = Table(
    "touches",
    ("touch_id",),
    ("bucket", "person_id", "decided_at", "touch_id"),
    f"case when verdict = 'no' or state in ('sent', 'failed') then {_MONTH.format('day')} else '{CURRENT}' end",
    _columns(
        "touch_id BIGINT, journey VARCHAR, step VARCHAR, message VARCHAR, offer VARCHAR, channel VARCHAR, "
        "decided_at TIMESTAMPTZ, verdict VARCHAR, reason VARCHAR, state VARCHAR, sent_at TIMESTAMPTZ, day DATE, arm VARCHAR"
    ),
)
MEMBERSHIPS = Table(
    "memberships",
    ("person_id", "segment", "entered_at"),
    ("bucket", "person_id", "entered_at", "segment"),
    _UNTIL.format("left_at"),
    _columns("segment VARCHAR, entered_at TIMESTAMPTZ, left_at TIMESTAMPTZ"),
)
PERSONS = Table(
    "persons",
    ("person_id", "valid_from"),
    ("bucket", "person_id", "valid_from"),
    _UNTIL.format("valid_to"),
    _columns(
        "created_at TIMESTAMPTZ, first_source VARCHAR, first_code VARCHAR, store VARCHAR, owner VARCHAR, traits VARCHAR, "
        "life_stage VARCHAR, valid_from TIMESTAMPTZ, valid_to TIMESTAMPTZ"
    ),
)
TABLES = (EVENTS, ORDERS, TOUCHES, MEMBERSHIPS, PERSONS)
