"""The calendar: a month of touches against what the platforms allow; ``?month=2026-03&day=2026-03-08``."""

from __future__ import annotations

from datetime import date

from litestar import Request, Response

from yutang import definitions
from yutang.model import YutangError
from yutang.web.edge import edge_of
from yutang.web.pages.calendar.month import Day, Month, month
from yutang.web.pages.calendar.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.problems import Problem
from yutang.web.routes import look
from yutang.why.words import title_of


@look("/calendar", "look")
def calendar(request: Request) -> Response[bytes]:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        now, pond = edge.clock(), definitions.pond(conn)
        try:
            found = month(conn, now, edge.channels(conn), request.query_params.get("month") or None)
        except (YutangError, OverflowError) as error:
            raise Problem(404, str(error)) from None
        chosen = _chosen(found, request.query_params.get("day", ""))
        return Page(request, pond["time_zone"], TEXT).show(
            "calendar/page.html",
            month=found,
            chosen=chosen,
            kinds=TEXT.keys(),
            windows=found.windows(chosen.day if chosen else _within(found)),
            looked_at=chosen.day if chosen else _within(found),
            titles={d.name: title_of(d.body, d.name) for d in definitions.all_current(conn, "journey")},
        )


def _chosen(found: Month, text: str) -> Day | None:
    """The day that somebody has opened, if it is one of the month."""
    try:
        return found.days.get(date.fromisoformat(text))
    except ValueError:
        return None


def _within(found: Month) -> date:
    """Today, or the nearest day of the month to it."""
    return min(max(found.today, min(found.days)), max(found.days))
