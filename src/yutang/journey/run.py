"""What one run of the stage knows: the instant, the scope, and the journeys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import psycopg

from yutang import definitions
from yutang.definitions import Definition
from yutang.journey import moments
from yutang.model import Only


def is_service(d: Definition) -> bool:
    """Does this journey bring what the person waits for, whatever the hour and the cap?"""
    return d.body.get("class") == "service"


@dataclass(frozen=True)
class Run:
    """`current`: journeys in service, newest version; `live`: versions that somebody is on."""

    conn: psycopg.Connection
    now: datetime
    only: Only
    pond: dict[str, Any]
    current: list[Definition]
    live: list[Definition]

    @cached_property
    def _named(self) -> dict[tuple[str, str], Definition]:
        found = (
            d for kind in ("message", "offer", "segment", "store") for d in definitions.all_current(self.conn, kind)
        )
        return {(d.kind, d.name): d for d in found}

    def named(self, kind: str, name: str) -> Definition | None:
        """The message, offer or segment of this name, if it is in service."""
        return self._named.get((kind, name))

    def stores(self, name: str | None) -> dict[str, list[Any]]:
        """The places in service, or the one of this name: names, titles (in Chinese, as messages are), lats, lons."""
        found = [d for (kind, known), d in self._named.items() if kind == "store" and name in (None, known)]
        return {
            "names": [d.name for d in found],
            "titles": [d.body["title"]["zh"] for d in found],
            **{f"{axis}s": [d.body[axis] for d in found] for axis in ("lat", "lon")},
        }

    def journey(self, name: str) -> Definition | None:
        """The journey of this name, if it is in service."""
        return next((d for d in self.current if d.name == name), None)

    def due(self, line: dict[str, Any]) -> datetime | None:
        """When a person who comes to this line now is to leave it; None: when something happens."""
        if line["do"] in ("wait", "wait_for"):
            return self.now + timedelta(seconds=line["seconds"])
        if line["do"] == "until" and line["where"] == "pond" and not line.get("best"):
            return moments.next_at(line, self.now, self.pond["time_zone"])
        return None if line["do"] in ("ladder", "ended") else self.now
