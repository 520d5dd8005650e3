"""Imports: a file is uploaded, its columns are named, its first rows are looked at, then it is read in beside the requests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response import Redirect, ServerSentEvent

from yutang import users
from yutang.db.queries import Queries
from yutang.ingest import sources
from yutang.ingest.files import begun
from yutang.ingest.mapping import FIELDS, guess
from yutang.ingest.readers import open_table
from yutang.ingest.record import OURS
from yutang.ingest.undo import imports as newest
from yutang.ingest.undo import one, undo
from yutang.model import YutangError
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, Upload, text_of
from yutang.web.imports import LOOKED_AT, File, forget, keep, kept
from yutang.web.pages.data import columns
from yutang.web.pages.data.page import tabs
from yutang.web.pages.data.shown import place
from yutang.web.pages.data.text import TEXT
from yutang.web.pages.page import Page, done
from yutang.web.problems import Problem
from yutang.web.progress import State, follow
from yutang.web.routes import act, look
from yutang.why import words

sql = Queries(__package__)
LARGEST = 200_000_000
"""Bytes of an uploaded file; larger ones are read in by `yutang import`."""
ENDINGS = (".csv", ".xlsx", ".jsonl", ".parquet")
KINDS = tuple(FIELDS)
SHOWN = 100
WAIT_SECONDS = 3.0
"""How long the answer waits for the import to have a number."""


@look("/data/imports", "data", "look")
def imports(request: Request) -> Response[bytes]:
    """The latest imports."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        rows = [(row, Path(row.path).name, _state(edge, row)) for row in newest(conn, SHOWN)]
        return page.show("data/imports.html", tabs_=tabs(page), rows=rows)


@look("/data/imports/new", "data")
def new(request: Request) -> Response[bytes]:
    """The form for a file."""
    return _new(request, {}, None)


@act("/data/imports/new", "data", most=LARGEST)
def upload(request: Request, data: Upload) -> Response[Any]:
    """Put the file aside and go on to its columns."""
    file, kind = data.get("file"), text_of(data, "kind")
    typed = {"kind": kind, "source": text_of(data, "source")}
    if not isinstance(file, UploadFile) or not file.filename:
        return _new(request, typed, "no_file")
    if Path(file.filename).suffix.lower() not in ENDINGS or kind not in KINDS:
        return _new(request, typed, "bad_file")
    found = keep(file.filename, kind, typed["source"] or "import", file.file)
    try:
        open_table(found.path)
    except YutangError as error:
        forget(found.path)
        return _new(request, typed, "unreadable", str(error).replace(str(found.path), found.name))
    return Redirect(f"/data/imports/file/{found.token}", status_code=303)


def _new(request: Request, typed: dict[str, str], wrong: str | None, said: str = "") -> Response[bytes]:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        return page.show(
            "data/new.html",
            status=422 if wrong else 200,
            kinds=KINDS,
            endings=",".join(ENDINGS),
            sources=[one for one in sources(conn) if one.name != OURS and one.closed_at is None],
            typed={"kind": "customers", "source": "import"} | typed,
            wrong=wrong and f"{page.text(wrong)} {said}".strip(),
            megabytes=LARGEST // 1_000_000,
        )


@look("/data/imports/file/{token:str}", "data")
def check(request: Request, token: FromPath[str]) -> Response[bytes]:
    """The columns of an uploaded file, guessed or as the parameters say, and what its first rows would do."""
    return _check(request, _file(token), dict(request.query_params))


@act("/data/imports/file/{token:str}", "data")
def start(request: Request, token: FromPath[str], data: Form) -> Response[Any]:
    """Read the file in."""
    edge, file = edge_of(request), _file(token)
    names = open_table(file.path).columns
    mapping = columns.chosen(names, data)
    try:
        guess(file.kind, names, mapping)
    except YutangError:
        return _check(request, file, data, 422)
    job = edge.imports.start(file.kind, file.path, mapping, file.source)
    number = _number(edge, file, job)
    with edge.pool.lend() as conn:
        about = f"import/{number or file.token}"
        users.note(conn, edge.clock(), request.state.visitor.name, "import", about, {"kind": file.kind})
    if job.error and number is None:
        return _check(request, file, data, 422, job.error)
    if job.report is not None and job.report.already_done:
        return done(f"/data/imports/{number}", "这个文件以前导入过，没有改动。", "This file was imported before.")
    return Redirect(f"/data/imports/{number}" if number else "/data/imports", status_code=303)


@act("/data/imports/file/{token:str}/forget", "data")
def drop(request: Request, token: FromPath[str]) -> Redirect:  # noqa: ARG001 - the guard reads it
    """Throw an uploaded file away that nobody will read in."""
    forget(_file(token).path)
    return done("/data/imports", "文件已删除，没有导入任何数据。", "The file is gone; nothing was imported.")


@look("/data/imports/{number:int}", "data", "look")
def imported(request: Request, number: FromPath[int]) -> Response[bytes]:
    """One import: how far it is, what was refused, and the way back."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        row = _found(conn, number)
        page = Page.of(request, conn, TEXT)
        refused = sql.refused_of(conn, import_id=number, since=row.started_at).fetchall()
        job = edge.imports.job(row.path)
        return page.show(
            "data/import.html",
            row=row,
            name=Path(row.path).name,
            state=_state(edge, row),
            job=job,
            there=Path(row.path).exists(),
            fields=[(column, columns.word(page, row.kind, field)) for column, field in row.mapping["columns"].items()],
            refused=[(place(one.detail), words.reason(one.reason)) for one in refused],
        )


@look("/data/imports/{number:int}/progress", "data", "look")
def progress(request: Request, number: FromPath[int]) -> ServerSentEvent:
    """How far it is, as it goes; a reload begins anew."""
    edge = edge_of(request)
    page = Page(request, texts=TEXT)

    def now(conn: psycopg.Connection) -> State:
        row = _found(conn, number)
        html = page.render("data/progress.html", row=row, job=edge.imports.job(row.path))
        return State(html, None if _state(edge, row) == "running" else "")

    return follow(request, now)


@act("/data/imports/{number:int}/resume", "data")
def resume(request: Request, number: FromPath[int]) -> Redirect:
    """Go on with an import whose process ended."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        row = _found(conn, number)
    if row.state != "running" or not Path(row.path).exists():
        raise Problem(
            404, "文件已不在服务器上，请重新上传同一个文件，会接着导入。 upload the same file again; it goes on"
        )
    edge.imports.start(row.kind, Path(row.path), row.mapping["columns"], row.mapping["source"])
    return Redirect(f"/data/imports/{number}", status_code=303)


@act("/data/imports/{number:int}/undo", "data")
def take_back(request: Request, number: FromPath[int]) -> Redirect:
    """Take every event of an import back."""
    edge = edge_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        row = _found(conn, number)
        count = undo(conn, edge.clock(), number)
        by = request.state.visitor.name
        users.note(conn, edge.clock(), by, "undo", f"import/{number}", {"events": count})
    forget(Path(row.path))
    return done(
        f"/data/imports/{number}",
        f"已撤销 {count:,} 个事件，改好后可以重新导入。",
        f"{count:,} events are taken back; the corrected file may be imported.",
    )


def _check(
    request: Request, file: File, said: Any, status: int = 200, error: str | None = None
) -> Response[bytes]:  # fmt: skip
    """The page of an uploaded file; `said`: what somebody chose for each column."""
    edge, report, mapping = edge_of(request), None, {}
    names = open_table(file.path).columns
    with edge.pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        chosen = columns.chosen(names, said)
        try:
            mapping = guess(file.kind, names, chosen)
            report = edge.imports.check(conn, file, mapping)
        except YutangError as problem:
            error = error or columns.plainly(page, file.kind, str(problem))
        return page.show(
            "data/check.html",
            status=status,
            file=file,
            error=error,
            columns=[(f"c{n}", name, (mapping or chosen).get(name, "")) for n, name in enumerate(names)],
            choices=columns.choices(page, file.kind),
            report=report,
            looked_at=LOOKED_AT,
            samples=columns.samples(file, names),
            problems=columns.problems(report),
            reasons=[] if report is None else [(words.reason(r.value), n) for r, n in report.reasons.most_common()],
        )


def _file(token: str) -> File:
    found = kept(token)
    if found is None:
        raise Problem(404, "这个文件已经导入或删除了，请重新上传。 this file is gone; upload it again")
    return found


def _found(conn: psycopg.Connection, number: int) -> Any:
    row = one(conn, number)
    if row is None:
        raise Problem(404, f"没有导入 {number}。 there is no import {number}")
    return row


def _number(edge: Edge, file: File, job: Any) -> int | None:
    """The number of an import that has just been started."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if job.ended.wait(0.05) and job.report is not None:
            return job.report.import_id
        with edge.pool.lend() as conn:
            if (number := begun(conn, file.path)) is not None:
                return number
        if job.ended.is_set():
            return None
    return None


def _state(edge: Edge, row: Any) -> str:
    """running, stopped (nobody is reading it in), done or undone."""
    if row.state != "running":
        return row.state
    job = edge.imports.job(row.path)
    return "running" if job is not None and not job.ended.is_set() else "stopped"
