"""A file of persons: numbers, scores, orders, tags and the traits that were asked for; never a phone number in clear."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from litestar import Request, Response
from litestar.response import Stream

from yutang import definitions
from yutang.model import YutangError
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, text_of, texts_of
from yutang.web.pages.page import Page
from yutang.web.pages.persons.bulk import LONGEST
from yutang.web.pages.persons.found import sql
from yutang.web.pages.persons.page import note
from yutang.web.pages.persons.text import TEXT
from yutang.web.pages.persons.whom import form, params_of, whom_of
from yutang.web.routes import act, look

BLOCK = 1_000
HEAD = ("person", "life_stage", "recency", "frequency", "monetary", "orders", "spent_yuan", "last_order", "tags")
_RISKY = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@look("/persons/export", "export")
def export_form(request: Request) -> Response[bytes]:
    """Whom, with what, and why."""
    return _form(request, params_of(request))


@act("/persons/export", "export")
def export(request: Request, data: Form) -> Response[Any]:
    """The file, as it is read."""
    edge, reason = edge_of(request), text_of(data, "reason")
    page = Page(request, texts=TEXT)
    if not reason:
        return _form(request, data, page.text("why_missing"))
    traits = texts_of(data, "trait")[:100]
    phones = bool(text_of(data, "phones")) and page.can("settings")
    with edge.pool.lend() as conn:
        try:
            whom = whom_of(request, page, conn, data)
        except YutangError as problem:
            return _form(request, data, str(problem))
        zone = definitions.pond(conn)["time_zone"]
        note(
            request, conn, "export", "persons", persons=len(whom.persons), whom=whom.about, reason=reason[:LONGEST],
            columns=[*traits, *(["phone"] if phones else [])],
        )  # fmt: skip
    name = f"yutang-persons-{edge.clock().astimezone(ZoneInfo(zone)):%Y%m%d-%H%M}.csv"
    return Stream(
        _lines(edge, whom.persons, traits, phones, ZoneInfo(zone)),
        status_code=200,
        media_type="text/csv",
        headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
    )


def _form(request: Request, given: Mapping[str, Any], error: str | None = None) -> Response[bytes]:
    def values(conn: psycopg.Connection) -> dict[str, Any]:
        return {
            "traits": [row.name for row in sql.trait_names(conn)],
            "chosen": texts_of(given, "trait"),
            "phones": bool(text_of(given, "phones")),
            "reason": text_of(given, "reason"),
        }

    return form(request, "persons/export.html", given, error, values)


def _lines(edge: Edge, persons: list[int], traits: list[str], phones: bool, zone: ZoneInfo) -> Iterator[bytes]:
    """The file in pieces: the mark by which Excel knows UTF-8, the head, then block after block."""
    yield b"\xef\xbb\xbf" + _written([[*HEAD, *map(cell, traits), *(["phone"] if phones else [])]])
    with edge.pool.lend() as conn:
        for at in range(0, len(persons), BLOCK):
            block = persons[at : at + BLOCK]
            rows = sql.exported(conn, persons=block, traits=traits, phones=phones, now=edge.clock())
            yield _written([_row(row, traits, phones, zone) for row in rows])


def _row(row: Any, traits: list[str], phones: bool, zone: ZoneInfo) -> list[Any]:
    known = row.traits or {}
    last = row.last_at and row.last_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    found = [
        row.person_id, row.life_stage, row.recency, row.frequency, row.monetary, row.orders, f"{row.spent_fen / 100:.2f}", last,
        cell(" ".join(row.tags or ())),
    ]  # fmt: skip
    return [*found, *(cell(known.get(name)) for name in traits), *([cell(row.handles)] if phones else [])]


def cell(value: Any) -> Any:
    """A value as a cell that no spreadsheet takes for a formula."""
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.lstrip().startswith(_RISKY) or text.startswith(_RISKY) else text


def _written(rows: list[list[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
