"""What one run of the stage knows: the instant, the scope, and the journeys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from yutang import definitions
from yutang.definitions import Definition
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
        found = (d for kind in ("message", "offer", "segment") for d in definitions.all_current(self.conn, kind))
        return {(d.kind, d.name): d for d in found}

    def named(self, kind: str, name: str) -> Definition | None:
        """The message, offer or segment of this name, if it is in service."""
        return self._named.get((kind, name))

    def due(self, line: dict[str, Any]) -> datetime | None:
        """When a person who comes to this line now is to leave it; None: when something happens."""
        if line["do"] in ("wait", "wait_for"):
            return self.now + timedelta(seconds=line["seconds"])
        if line["do"] == "until":
            return self._next(line["time"])
        return None if line["do"] == "ladder" else self.now

    def _next(self, time: str) -> datetime:
        """The next instant at which the pond's clocks show this time of day."""
        local = self.now.astimezone(ZoneInfo(self.pond["time_zone"]))
        hour, minute = map(int, time.split(":"))
        at = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return (at if at > local else at + timedelta(days=1)).astimezone(self.now.tzinfo)
