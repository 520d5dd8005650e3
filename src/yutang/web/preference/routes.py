"""The page and what can be done on it. Whoever holds the link is the person: nobody else knows it, and a form goes to it alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
import psycopg
from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import channels, definitions
from yutang.deliver.preference import PATH, holder
from yutang.identity import canonical
from yutang.model import YutangError
from yutang.web.edge import Edge, edge_of
from yutang.web.pages.page import Page
from yutang.web.preference import wishes
from yutang.web.preference.wishes import Wishes
from yutang.web.preference.words import WORDS, ZONES

MAX_FORM = 20_000
"""Bytes."""
PRIVATE = {"x-robots-tag": "noindex"}
HOURS = [f"{hour:02}:00" for hour in range(24)]


# Litestar would wrap a plain function once for each method of its path, and then not await it: so threads are asked for here.
@get(f"{PATH}/{{token:str}}", include_in_schema=False)
async def page(request: Request, token: FromPath[str]) -> Response:
    """What holds now. Looking changes nothing: programs that check mail open every link."""
    return await sync_to_thread(_page, request, token)


@post(f"{PATH}/{{token:str}}", include_in_schema=False, status_code=303, request_max_body_size=MAX_FORM)
async def change(request: Request, token: FromPath[str]) -> Response:
    """What the form says from now on, or nothing more at all; and back to the page, which offers to undo it."""
    return await sync_to_thread(_change, request, token, await _form(request))


@get(f"{PATH}/{{token:str}}/{{channel:str}}", include_in_schema=False)
async def ask(request: Request, token: FromPath[str], channel: FromPath[str]) -> Response:
    """The address of List-Unsubscribe, opened by a person: one button."""
    return await sync_to_thread(_ask, request, token, channel)


@post(f"{PATH}/{{token:str}}/{{channel:str}}", include_in_schema=False, status_code=200, request_max_body_size=MAX_FORM)
async def leave(request: Request, token: FromPath[str], channel: FromPath[str]) -> Response:
    """One click (RFC 8058): a mail program posts here by itself, without cookies, and follows no redirect."""
    return await sync_to_thread(_left, request, token, channel)


async def _form(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def _page(request: Request, token: str) -> Response:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        person = _person(edge, conn, token)
        return _notice(request, 404, "gone") if person is None else _show(request, conn, person)


def _ask(request: Request, token: str, channel: str) -> Response:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        if _person(edge, conn, token) is None or channel not in definitions.pond(conn)["consent"]:
            return _notice(request, 404, "gone")
        return _leave(request, conn, token, channel, done=False)


def _change(request: Request, token: str, form: Mapping[str, str]) -> Response:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        person = _person(edge, conn, token)
        if person is None:
            return _notice(request, 404, "gone")
        if not edge.changes.allows(str(person), edge.clock()):
            return _notice(request, 429, "busy")
        before = wishes.read(conn, person)
        events = (
            wishes.stop()
            if "stop" in form
            else wishes.changes(before, wishes.from_form(form, definitions.pond(conn)["quiet"]))
        )
        if events:
            wishes.save(conn, edge.clock(), person, events)
    return Redirect(f"{PATH}/{token}?{urlencode({'undo': _packed(before.form())})}" if events else f"{PATH}/{token}", status_code=303, headers=PRIVATE)  # fmt: skip


def _left(request: Request, token: str, channel: str) -> Response:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        person = _person(edge, conn, token)
        if person is None or channel not in definitions.pond(conn)["consent"]:
            return _notice(request, 404, "gone")
        if not edge.changes.allows(str(person), edge.clock()):
            return _notice(request, 429, "busy")
        if wishes.read(conn, person).channels.get(channel, True):
            wishes.save(conn, edge.clock(), person, wishes.stop(channel))
        return _leave(request, conn, token, channel, done=True)


def _person(edge: Edge, conn: psycopg.Connection, token: str) -> int | None:
    """Who holds the facts today of the person whose link it is."""
    named = holder(edge.vault, edge.clock(), token)
    try:
        return None if named is None else canonical(conn, named)
    except YutangError:
        return None


def _show(request: Request, conn: psycopg.Connection, person: int) -> Response:
    pond, now_is = definitions.pond(conn), wishes.read(conn, person)
    undo = _unpacked(request.query_params.get("undo", ""))
    return Page(request, now_is.zone or pond["time_zone"]).show(
        "preference/page.html",
        headers=PRIVATE,
        words=WORDS,
        pond=pond,
        now_is=now_is,
        channels=[(name, _title(name), on) for name, on in now_is.channels.items()],
        caps=wishes.CAPS,
        hours=sorted({*HOURS, *filter(None, _chosen(now_is))}),
        chosen=_chosen(now_is),
        zones=ZONES
        if now_is.zone in (None, *ZONES)
        else {**ZONES, now_is.zone: {"zh": now_is.zone, "en": now_is.zone}},
        arrival=wishes.arrival(conn, person),
        undo=undo,
    )


def _chosen(now_is: Wishes) -> tuple[str, str]:
    begin, _, end = (now_is.quiet or "-").partition("-")
    return begin, end


def _leave(request: Request, conn: psycopg.Connection, token: str, channel: str, *, done: bool) -> Response:
    pond = definitions.pond(conn)
    return Page(request, pond["time_zone"]).show(
        "preference/leave.html",
        headers=PRIVATE,
        words=WORDS,
        pond=pond,
        token=token,
        channel=_title(channel),
        done=done,
    )


def _notice(request: Request, status: int, what: str) -> Response:
    return Page(request).show(
        "preference/notice.html", status=status, headers=PRIVATE, title=WORDS[f"{what}_title"], text=WORDS[what]
    )


def _title(channel: str) -> dict[str, str]:
    zh, en = channels.title(channel)
    return {"zh": zh, "en": en}


def _packed(form: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(form)).decode()


def _unpacked(text: str) -> dict[str, Any] | None:
    """The fields of the form that undoes a change; None when there are none to be read."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=dict[str, str]) if text else None
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return None


ROUTES: list[HTTPRouteHandler] = [page, change, ask, leave]
