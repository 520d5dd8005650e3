"""From a form to a rehearsal that waits to be played; and which rehearsals the same files have had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from litestar import Request

from yutang import users
from yutang.model import YutangError
from yutang.plan.book import digest
from yutang.replay import Asked, book
from yutang.web.edge import edge_of
from yutang.web.forms import number_of, text_of

DAYS = 30
SHARES = (100, 25, 10, 1)
"""In percent."""
TICKS = ("1h", "10:00,20:00")
SHOWN = 10


class Wrong(YutangError):
    """A field that says nothing that can be played; its text is a key of the catalogue."""


def defaults(now: datetime, zone: str) -> dict[str, str]:
    """What the fields say at first: the coming month, and the last one that is over."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return {
        "days": str(DAYS),
        "since": (today - timedelta(days=DAYS)).isoformat(),
        "until": (today - timedelta(days=1)).isoformat(),
        "share": "100",
        "tick": TICKS[0],
    }


def typed(form: Mapping[str, Any], now: datetime, zone: str) -> dict[str, str]:
    """The fields as they were typed."""
    return {name: text_of(form, name) or said for name, said in defaults(now, zone).items()}


def ask(
    request: Request,
    conn: psycopg.Connection,
    files: Mapping[str, str],
    journeys: Sequence[str],
    form: Mapping[str, Any],
) -> int:
    """Keep what the form asks for (its field ``rehearse`` says what), and wake who plays it; returns its number.

    Raises Wrong, YutangError.
    """
    edge, by = edge_of(request), request.state.visitor.name
    kind = "backtest" if text_of(form, "rehearse") == "backtest" else "dryrun"
    asked = _backtest(files, journeys, form) if kind == "backtest" else _dry_run(files, journeys, form)
    with conn.transaction():
        number = book.ask(conn, edge.clock(), kind, asked, by)
        users.note(conn, edge.clock(), by, "rehearse", about(files), {"rehearsal": number, "kind": kind})
    edge.rehearsals.wake()
    return number


def about(files: Mapping[str, str]) -> str:
    """How the log names these files: the same texts, the same name."""
    return f"files/{digest(dict(files))[:16]}"


def of_files(conn: psycopg.Connection, files: Mapping[str, str]) -> list[Any]:
    """The rehearsals that these very files have had, newest first."""
    deeds = users.deeds(conn, about=about(files), limit=SHOWN)
    numbers = [deed.detail["rehearsal"] for deed in deeds if "rehearsal" in deed.detail]
    return book.listing(conn, numbers=numbers) if numbers else []


def _dry_run(files: Mapping[str, str], journeys: Sequence[str], form: Mapping[str, Any]) -> Asked:
    days = number_of(form, "days")
    if days is None or not 1 <= days <= 366:
        raise Wrong("not_days")
    return Asked(list(journeys), days=days, files=dict(files), tick=_tick(form))


def _backtest(files: Mapping[str, str], journeys: Sequence[str], form: Mapping[str, Any]) -> Asked:
    since, until = (_day(text_of(form, name)) for name in ("since", "until"))
    if since is None or until is None or since > until:
        raise Wrong("not_span")
    share = (number_of(form, "share") or 100) / 100
    return Asked(list(journeys), since=since, until=until, share=min(share, 1.0), files=dict(files), tick=_tick(form))


def _tick(form: Mapping[str, Any]) -> str:
    said = text_of(form, "tick")
    return said if said in TICKS else TICKS[0]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
