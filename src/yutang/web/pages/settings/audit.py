"""The audit log: who did what, filtered by who, what it was done to, and the day; page after page, and as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.response import Stream

from yutang import definitions, users
from yutang.users import Deed
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import number_of
from yutang.web.pages.settings.frame import show
from yutang.web.pages.settings.text import TEXT
from yutang.web.routes import look

PAGE = 50
BLOCK = 1_000
UNSAFE = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula."""


@look("/settings/audit", "settings")
def log(request: Request) -> Response[bytes]:
    """The newest deeds first."""
    before = number_of(request.query_params, "before")
    with edge_of(request).pool.lend() as conn:
        found = _asked(request, definitions.pond(conn)["time_zone"])
        deeds = users.deeds(conn, **found, before=before, limit=PAGE + 1)
        shown = deeds[:PAGE]
        return show(
            request,
            conn,
            "audit",
            deeds=[(deed, words_of(deed)) for deed in shown],
            asked={name: request.query_params.get(name, "") for name in ("by", "about", "day")},
            following=shown[-1].audit_id if len(deeds) > PAGE else None,
            later=before is not None,
            export="/settings/audit.csv?"
            + urlencode([(k, v) for k, v in request.query_params.items() if k != "before"]),
        )


@look("/settings/audit.csv", "settings")
def export(request: Request) -> Stream:
    """The same deeds as a file, all of them."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = _asked(request, definitions.pond(conn)["time_zone"])
    headers = {"content-disposition": 'attachment; filename="audit.csv"', "cache-control": "no-store"}
    return Stream(_rows(edge, found), media_type="text/csv; charset=utf-8", headers=headers)


def words_of(deed: Deed) -> dict[str, str]:
    """What was done, in words; the act itself where it has none."""
    zh, en = TEXT.get(f"act.{deed.act}", (deed.act, deed.act))
    return {"zh": zh, "en": en}


def _asked(request: Request, zone: str) -> dict[str, Any]:
    """Who, what, and which day, as the address says."""
    said = request.query_params
    since = _day(said.get("day", ""), zone)
    return {
        "by": said.get("by", "").strip() or None,
        "about": said.get("about", "").strip() or None,
        "since": since,
        "until": since and since + timedelta(days=1),
    }


def _day(text: str, zone: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone))
    except ValueError:
        return None


def _rows(edge: Edge, found: dict[str, Any]) -> Iterator[bytes]:
    """Block by block, each with a connection of its own: a file may take as long as its reader likes."""
    yield "\ufeff".encode() + _csv([("at", "by", "act", "object", "detail")])
    before = None
    while True:
        with edge.pool.lend() as conn:
            deeds = users.deeds(conn, **found, before=before, limit=BLOCK)
        if not deeds:
            return
        before = deeds[-1].audit_id
        yield _csv(
            (d.at.isoformat(), d.by, d.act, d.object, json.dumps(d.detail, ensure_ascii=False) if d.detail else "")
            for d in deeds
        )


def _csv(rows: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([[f"'{cell}" if cell.startswith(UNSAFE) else cell for cell in row] for row in rows])
    return out.getvalue().encode()


ROUTES = [log, export]
