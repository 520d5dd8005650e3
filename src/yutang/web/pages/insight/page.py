"""The dashboard, a page for each question, and its answer as a file. Nothing is counted inside a request: figures come from the shelf."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

from litestar import Request, Response
from litestar.params import FromPath

from yutang import definitions
from yutang.clock import business_day
from yutang.ingest.catalog import CATALOG
from yutang.insight import questions
from yutang.insight.questions import QUESTIONS, Answer
from yutang.web import chores
from yutang.web.edge import edge_of
from yutang.web.pages.insight import counted, links, spans
from yutang.web.pages.insight.asking import Ask, ask_of, splits
from yutang.web.pages.insight.finding import finding
from yutang.web.pages.insight.picture import picture
from yutang.web.pages.insight.saying import Say
from yutang.web.pages.insight.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.pages.persons.export import cell
from yutang.web.problems import Problem
from yutang.web.routes import look

PANEL_ROWS, SHOWN = 8, 500
"""Bars of a panel; lines of a question's table on its page: the file has them all."""


@look("/insight", "look")
def dashboard(request: Request) -> Response[bytes]:
    """Eight questions over the last ``?days=30|90|365`` days. While they are counted the page looks again by itself."""
    edge = edge_of(request)
    asked = request.query_params.get("days", "")
    days = int(asked) if asked in map(str, spans.SPANS) else spans.USUAL
    with edge.pool.lend() as conn:
        page, pond = Page.of(request, conn, TEXT), definitions.pond(conn)
        today, lake = business_day(edge.clock(), pond["time_zone"]), counted.lake_of(conn)
        found = counted.count(edge, conn, spans.of_panels(days, today, pond), spans.instead(days)) if lake.at else None
        made = found.value if found else None
        say = Say.of(page, conn)
        return page.show(
            "insight/page.html",
            days=days,
            spans=spans.SPANS,
            questions=QUESTIONS,
            panels=[_panel(say, one, made, today) for one in made.answers] if made else [],
            error=made.error if made else None,
            coming=bool(found and found.coming),
            **_lake(request, lake),
        )


@look("/insight/{name:str}", "look")
def one(request: Request, name: FromPath[str]) -> Response[bytes]:
    """One question; its parameters stand in the address."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        page, pond = Page.of(request, conn, TEXT), definitions.pond(conn)
        today, lake = business_day(edge.clock(), pond["time_zone"]), counted.lake_of(conn)
        ask = _ask(request, page, name, today, pond)
        found = counted.count(edge, conn, [(name, ask.given)]) if lake.at and not ask.wrong else None
        made = found.value if found else None
        say = Say.of(page, conn)
        return page.show(
            "insight/question.html",
            status=422 if ask.wrong else 200,
            ask=ask,
            known=ask.question,
            say=say,
            days=spans.SPANS if {"since", "until"} <= {f.name for f in ask.fields} else (),
            shown=SHOWN,
            lists={"events": _types(page), "steps": [("viewed,ordered", ""), ("ordered,ordered", "")], "splits": splits(page)},
            panel=_panel(say, made.answers[0], made, today, None) if made and made.answers else None,
            error=made.error if made else None,
            coming=bool(found and found.coming),
            sql=None if ask.wrong else counted.sql_of(ask.question, ask.given, today, pond["time_zone"]),
            **_lake(request, lake),
        )  # fmt: skip


@look("/insight/{name:str}/csv", "look")
def download(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The answer with all its rows, as a spreadsheet reads it: yuan, and shares as parts of one."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        page, pond = Page.of(request, conn, TEXT), definitions.pond(conn)
        ask = _ask(request, page, name, business_day(edge.clock(), pond["time_zone"]), pond)
        if ask.wrong:
            raise Problem(400, ask.wrong)
        if not counted.lake_of(conn).at:
            raise Problem(503, page.text("lake_empty"))
        made = counted.count(edge, conn, [(name, ask.given)]).value
        say = Say.of(page, conn)
    if made is None or made.error:
        raise Problem(503, made.error if made else page.text("counting"))
    out = io.StringIO()
    csv.writer(out).writerows([[cell(one) for one in line] for line in _lines(say, made.answers[0])])
    return Response(
        b"\xef\xbb\xbf" + out.getvalue().encode(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}.csv"', "cache-control": "no-store"},
    )


def _lines(say: Say, answer: Answer) -> list[list[Any]]:
    """Head and rows for a file."""
    columns = say.shown(answer)
    keys = [column.key for column in answer.columns]
    places = [(keys.index(column.key), column) for column in columns]

    def plain(column: Any, value: Any) -> Any:
        if column.unit == "fen" and value is not None:
            return round(value / 100, 2)
        return say.cell(answer, column, value) if column.unit in ("text", "words") else value

    return [[say.page.words(c.title) for c in columns], *([plain(c, row[n]) for n, c in places] for row in answer.rows)]


def _panel(
    say: Say, answer: Answer, made: counted.Counted, today: date, most: int | None = PANEL_ROWS
) -> dict[str, Any]:
    """An answer as the templates show it."""
    before = made.before.get(answer.question)
    return {
        "answer": answer,
        "finding": finding(say, answer, before, today),
        "picture": picture(say, answer, today, most) if most else picture(say, answer, today),
        "links": links.onward(say.page, answer),
        "href": Ask(questions.question(answer.question), answer.asked, [], None).href(),
    }


def _ask(request: Request, page: Page, name: str, today: date, pond: dict[str, Any]) -> Ask:
    typed = {key: request.query_params[key] for key in request.query_params}
    return ask_of(page, questions.question(name), typed, today, pond)


def _lake(request: Request, lake: counted.Lake) -> dict[str, Any]:
    """What both pages say of the lake: how fresh it is, and the archive run that somebody has asked for."""
    return {"lake": lake, "chore": chores.of(edge_of(request), "archive")}


def _types(page: Page) -> list[tuple[str, str]]:
    return [(known.name, known.zh if page.language == "zh" else known.en) for known in CATALOG]
