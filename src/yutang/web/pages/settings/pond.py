"""The pond: what a person may be spent, what a touch takes, when nobody is spoken to, and whether a second person must agree.

The page writes pond.toml in the working copy; it is in service when a plan has been applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from litestar import Request, Response

from yutang import channels
from yutang.brand import drafts
from yutang.brand.pond import BY_HAND
from yutang.clock import zones
from yutang.model import YutangError
from yutang.web import drafting
from yutang.web.drafting import Draft
from yutang.web.edge import edge_of
from yutang.web.forms import Form, number_of
from yutang.web.pages.page import done
from yutang.web.pages.settings import pondfile
from yutang.web.pages.settings.frame import show
from yutang.web.pages.settings.pondfile import FILE
from yutang.web.routes import act, look
from yutang.why.words import both

COMMON_ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Asia/Seoul", "Asia/Bangkok",
    "Asia/Jakarta", "Asia/Kolkata", "Asia/Dubai", "Europe/Berlin", "Europe/London", "America/New_York",
    "America/Los_Angeles", "Australia/Sydney", "UTC",
)  # fmt: skip
"""Offered first."""


@look("/settings/pond", "settings")
def pond(request: Request) -> Response[bytes]:
    with edge_of(request).pool.lend() as conn:
        draft = drafting.draft_of(conn)
        return _show(request, conn, draft, None)


@act("/settings/pond", "settings")
def save(request: Request, data: Form) -> Response[Any]:
    """The file with what was changed, into the working copy; nothing of what was typed is lost when it cannot be."""
    with edge_of(request).pool.lend() as conn:
        draft = drafting.draft_of(conn)
        text = draft.text(FILE)
        if text is None:
            return _show(request, conn, draft, None)
        before = pondfile.shown(text, _names(request, conn))
        said = pondfile.typed(data, before)
        if wrong := pondfile.wrong(said):
            return _show(request, conn, draft, said, wrong=wrong)
        new = pondfile.written(text, said, before)
        if problem := _problem(draft, new):
            return _show(request, conn, draft, said, problem)
        try:
            drafting.save(request, conn, FILE, new, number_of(data, "version") or 0)
        except drafts.Conflict as error:
            return _show(request, conn, draft, said, str(error), status=409)
        except YutangError as error:
            return _show(request, conn, draft, said, str(error))
    if new == text:
        return done("/settings/pond", "没有改动。", "Nothing was changed.")
    return done(
        "/settings/pond", "已存为草稿，预览并上线后生效。", "Kept as a draft; it holds when it has been applied."
    )


def _problem(draft: Draft, text: str) -> str | None:
    """What is wrong with this file; what is wrong with others is theirs to say."""
    problem = drafting.problem_of(draft.working.files | {FILE: text})
    return problem if problem and (problem.startswith(FILE) or draft.problem is None) else None


def _names(request: Request, conn: psycopg.Connection) -> list[str]:
    return [*edge_of(request).channels(conn), *BY_HAND]


def _show(
    request: Request,
    conn: psycopg.Connection,
    draft: Draft,
    said: Mapping[str, str] | None,
    error: str | None = None,
    *,
    wrong: Mapping[str, dict[str, str]] | None = None,
    status: int = 422,
) -> Response[bytes]:
    """As somebody sent it, else as the file says it."""
    names = _names(request, conn)
    values = said or (pondfile.shown(draft.text(FILE) or "", names) if draft.known else {})
    named = sorted({name.partition(".")[2] for name in values if name.partition(".")[0] in pondfile.BY_CHANNEL})
    return show(
        request,
        conn,
        "pond",
        status if error or wrong else 200,
        draft=draft,
        file=FILE,
        values=values,
        error=error,
        wrong=wrong or {},
        channels=[
            (name, BY_HAND.get(name) or both(*channels.called(name)))
            for name in [*names, *(n for n in named if n not in names)]
        ],
        zones=[*COMMON_ZONES, *sorted(zones() - set(COMMON_ZONES))],
    )


ROUTES = [pond, save]
