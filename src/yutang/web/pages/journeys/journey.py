"""One journey: its steps with the people on them, its versions, its runs, what it has changed, and what stood in its way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath

from yutang.insight import words as measures
from yutang.insight.experiment import DAYS
from yutang.plan import diff
from yutang.plan.words import told
from yutang.web import scope
from yutang.web.drafting import draft_of
from yutang.web.edge import edge_of
from yutang.web.pages.editor.wording import begins
from yutang.web.pages.journeys import figures, program
from yutang.web.pages.journeys.figures import sql
from yutang.web.pages.journeys.page import FOLDER, Titled, drafted, titles
from yutang.web.pages.journeys.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.pages.plans.said import changes
from yutang.web.problems import Problem
from yutang.web.routes import look
from yutang.why import lines, words
from yutang.why.words import OUTCOMES, event_title

SHOWN = 50
LOOKED = 5_000
"""Runs that are looked at for one page of what is rare."""
WINDOWS = (7, 14, DAYS, 56)
"""Days for which somebody may be looked at."""
STATES = ("active", "done", "exited")
ARMS = ("treated", "holdout", "global")


@dataclass(frozen=True)
class Shown:
    """What every tab of a journey shows. row: its newest version in service; None for a draft."""

    name: str
    body: dict[str, Any]
    row: Any
    titled: Titled
    edited: bool

    def words(self, step: dict[str, Any]) -> dict[str, str]:
        return lines.line(step, self.titled.titled)


@look("/journeys/{name:str}", "look")
def steps(request: Request, name: FromPath[str]) -> Response[bytes]:
    """The steps, with who stands, passed and left where."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        shown = _shown(conn, name)
        page = _page(request, conn)
    walked = figures.walked(edge, shown.row.definition_id).value if shown.row else None
    ids = {line["id"] for line in shown.body["program"]}
    return page.show(
        "journeys/steps.html",
        **_head(shown),
        rows=program.rows(shown.body["program"], shown.titled.titled),
        walked=walked,
        empty=figures.Line(),
        older={} if walked is None else {k: v for k, v in walked.lines.items() if v.standing and k not in ids},
        place={line["id"]: n for n, line in enumerate(shown.body["program"])},
        settings=list(_settings(shown)),
        outcome=lines.outcome,
        outcomes=OUTCOMES,
        reason=words.reason,
        waits=shown.row is not None and walked is None,
    )


@look("/journeys/{name:str}/versions", "look")
def versions(request: Request, name: FromPath[str]) -> Response[bytes]:
    """Every version, the newest first, and what each has changed."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        shown = _shown(conn, name)
        page = _page(request, conn)
        rows = sql.versions(conn, journey=shown.row.definition_id).fetchall() if shown.row else []
    walked = figures.walked(edge, shown.row.definition_id).value if shown.row else None
    return page.show(
        "journeys/versions.html",
        **_head(shown),
        versions=list(_told(name, rows, shown.titled))[::-1],
        standing=walked.standing if walked else {},
    )


@look("/journeys/{name:str}/people", "people")
def people(request: Request, name: FromPath[str]) -> Response[bytes]:
    """Its runs, the newest first. ``?state=&arm=``, and ``version=&step=`` for who stands on a line."""
    edge, query = edge_of(request), request.query_params
    with edge.pool.lend() as conn:
        shown = _shown(conn, name)
        page = _page(request, conn)
        after, version, step = _after(query.get("after", "")), query.get("version", ""), query.get("step", "")
        on = (int(version), int(step)) if version.isdigit() and step.isdigit() else (None, None)
        state = "active" if on[0] is not None else _of(query.get("state"), STATES)
        rows = _runs(conn, shown, state, _of(query.get("arm"), ARMS), on, after)
        programs = (
            {row.version: row.body["program"] for row in sql.versions(conn, journey=shown.row.definition_id)}
            if shown.row
            else {}
        )
        seen = set(scope.within(conn, request.state.visitor, [row.person_id for row in rows]))
    return page.show(
        "journeys/people.html",
        **_head(shown),
        rows=[row for row in rows if row.person_id in seen and not row.looked],
        following=_place(rows[-1]) if len(rows) == SHOWN or (rows[-1:] and rows[-1].looked) else None,
        later=bool(query.get("after")),
        state=state,
        arm=_of(query.get("arm"), ARMS),
        states=STATES,
        arms=ARMS,
        on=on,
        on_line=_line(shown, programs, *on) if on[0] is not None else None,
        line=lambda row: _line(shown, programs, row.version, row.step),
        reason=words.reason,
    )


@look("/journeys/{name:str}/effect", "look")
def effect(request: Request, name: FromPath[str]) -> Response[bytes]:
    """What it has changed: ``?days=`` after entry."""
    edge = edge_of(request)
    days = request.query_params.get("days", "")
    window = int(days) if days.isdigit() and int(days) in WINDOWS else DAYS
    with edge.pool.lend() as conn:
        shown = _shown(conn, name)
        page = _page(request, conn)
    found = figures.effect(edge, name, window) if shown.row else None
    path = figures.path(edge, name, window) if found and found.value and found.value.readings else None
    return page.show(
        "journeys/effect.html",
        **_head(shown),
        effect=found.value if found else None,
        waits=found is not None and found.value is None,
        window=window,
        windows=WINDOWS,
        amount=measures.amount,
        chart=_chart(page, path.value) if path and path.value else None,
        draws=path is not None and path.value is None,
    )


@look("/journeys/{name:str}/collisions", "look")
def collisions(request: Request, name: FromPath[str]) -> Response[bytes]:
    """Why its touches waited or were not sent, and for which other journey."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        shown = _shown(conn, name)
        page = _page(request, conn)
        names = {row.definition_id: row for row in sql.known(conn)}
    found = figures.collisions(edge, shown.row.definition_id) if shown.row else None
    return page.show(
        "journeys/collisions.html",
        **_head(shown),
        rows=found.value if found else [],
        waits=found is not None and found.value is None,
        names=names,
        reason=words.reason,
    )


def _page(request: Request, conn: psycopg.Connection) -> Page:
    return Page.of(request, conn, TEXT)


def _shown(conn: psycopg.Connection, name: str) -> Shown:
    """In service, stopped, or a draft. Raises Problem 404."""
    draft = draft_of(conn)
    titled = titles(conn)
    edited = f"{FOLDER}{name}.yml" in draft.working.changed
    row = next((row for row in sql.known(conn) if row.name == name), None)
    body = row.body if row else drafted(draft.working, name) if edited else None
    if body is None:
        raise Problem(404, f"没有旅程 {name}。 there is no journey '{name}'")
    return Shown(name, body, row, titled, edited)


def _head(shown: Shown) -> dict[str, Any]:
    return {
        "name": shown.name,
        "title": words.title_of(shown.body, shown.name),
        "body": shown.body,
        "row": shown.row,
        "edited": shown.edited,
        "begins": begins(shown.body["trigger"], shown.titled),
    }


def _settings(shown: Shown) -> Iterator[tuple[str, Any]]:
    """The head of the journey: (key of the catalogue, what it says: words, a key with a number, or a figure)."""
    body = shown.body
    yield "begins", begins(body["trigger"], shown.titled)
    if body.get("audience"):
        yield "audience", words.rule(body["audience"])
    again = body["reentry"]
    yield "reentry", ("reentry.days", again["after_days"]) if isinstance(again, dict) else (f"reentry.{again}", None)
    if body.get("goal"):
        yield "goal", event_title(body["goal"]["event"])
    exits = [event_title(one["event"]) for one in body.get("exit_on", [])]
    if body.get("exit_when"):
        exits.append(words.rule(body["exit_when"]))
    if exits:
        yield "exits", words.both("；".join(e["zh"] for e in exits), "; ".join(e["en"] for e in exits))
    if body.get("exit_on_leave"):
        yield "exits", ("exit_leave", None)
    yield "holdout_share", words.both(*[f"{body.get('holdout_percent', 0):g}%"] * 2)
    if body.get("value_expected"):
        declared = measures.money(body["value_fen"])
        yield (
            "value",
            words.both(
                f"逐人预计；未测得时触达一次值 {declared}",
                f"reckoned for each person; {declared} for a touch that reaches until measured",
            ),
        )
    elif body.get("value_fen"):
        yield "value", words.both(*[measures.money(body["value_fen"])] * 2)


def _told(name: str, rows: list[Any], titled: Titled) -> Iterator[tuple[Any, list[Any] | None]]:
    """Each version with what it has changed; None for the first."""
    before = None
    for row in rows:
        if before is None:
            yield row, None
        else:
            key = ("journey", name)
            found = diff.changes({key: before}, {key: row.body})
            said = changes({"changes": [told(one, titled.titled) for one in found]})
            yield row, said[0]["details"] if said else []
        before = row.body


def _runs(conn: psycopg.Connection, shown: Shown, state: str | None, arm: str | None, on: Any, after: Any) -> list[Any]:
    if shown.row is None:
        return []
    place = dict(zip(("at", "bucket", "person", "cause"), after or (None,) * 4, strict=True))
    asked = place | {"journey": shown.row.definition_id, "arm": arm, "version": on[0], "step": on[1], "limit": SHOWN}
    rows = sql.people(conn, **asked, state=state, window=LOOKED if state or arm else SHOWN).fetchall()
    if state == "active" and rows and rows[-1].looked:
        # Rare among the newest: those under way have an index of their own.
        rows = sql.people_under_way(conn, **asked).fetchall()
    return rows


def _place(row: Any) -> str:
    return f"{row.entered_at.isoformat()}~{row.bucket}~{row.person_id}~{row.cause}"


def _after(text: str) -> tuple[datetime, int, int, str] | None:
    """Where the page before this one ended; None for what is no such place."""
    at, _, rest = text.partition("~")
    bucket, _, rest = rest.partition("~")
    person, _, cause = rest.partition("~")
    try:
        return datetime.fromisoformat(at), int(bucket), int(person), cause
    except ValueError:
        return None


def _of(asked: str | None, known: tuple[str, ...]) -> str | None:
    return asked if asked in known else None


def _line(shown: Shown, programs: dict[int, Any], version: int, step: int) -> dict[str, str]:
    found = programs.get(version, [])
    return shown.words(found[step]) if 0 <= step < len(found) else words.both("—", "—")


def _chart(page: Page, path: list[Any]) -> dict[str, Any]:
    """The difference and its two intervals over time; money in yuan."""
    scale = 100 if path[0].unit == "fen" else 1
    lines_ = (
        ("difference", lambda f: f.difference),
        ("upper", lambda f: f.always.high),
        ("lower", lambda f: f.always.low),
        ("once_upper", lambda f: f.interval.high),
        ("once_lower", lambda f: f.interval.low),
    )
    series = [
        {"name": page.text(name), "data": [round(of(one.figure) / scale, 4) for one in path]} for name, of in lines_
    ]
    return {"x": [page.day(one.at) for one in path], "series": series, "unit": ""}
