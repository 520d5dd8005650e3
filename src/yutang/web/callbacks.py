"""What platforms call back: checked, kept and answered at once; what it means is found out by the loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import psycopg
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yutang.channels.platform import account, callback
from yutang.ingest import keep_raw
from yutang.model import Reason
from yutang.web.edge import Edge, edge_of
from yutang.web.problems import Problem

MAX_CALLBACK = 1_000_000
"""Bytes; what platforms send is a few thousand at most."""
PATH = "/callbacks/{kind:str}/{app:str}"


# Litestar would wrap a plain function once for each method of its path, and then not await it: so threads are asked for here.
@get(PATH, include_in_schema=False)
async def check(request: Request, kind: FromPath[str], app: FromPath[str]) -> Response[bytes]:
    """The platform asks whether this address is ours: answered with exactly the bytes it wants."""
    return await sync_to_thread(_check, edge_of(request), kind, app, _query(request))


@post(PATH, status_code=200, include_in_schema=False, request_max_body_size=MAX_CALLBACK)
async def take(request: Request, kind: FromPath[str], app: FromPath[str]) -> Response[bytes]:
    """Kept once, however often it comes, and committed before the answer."""
    return await sync_to_thread(_take, edge_of(request), kind, app, _query(request), await request.body())


def _check(edge: Edge, kind: str, app: str, query: dict[str, str]) -> Response[bytes]:
    with edge.pool.lend() as conn, _refusals():
        return _answer(callback.check_address(_account(edge, conn, kind, app), edge.clock(), query))


def _take(edge: Edge, kind: str, app: str, query: dict[str, str], body: bytes) -> Response[bytes]:
    now = edge.clock()
    with edge.pool.lend() as conn, _refusals():
        found = _account(edge, conn, kind, app)
        message = callback.open_callback(found, edge.vault, now, query, body)
        seal = edge.vault.seal_text if callback.is_personal(found) else None
        keep_raw(conn, now, found.source, message, callback.time_of(message, now), seal)
    return _answer(*callback.thanks(found))


@contextmanager
def _refusals() -> Iterator[None]:
    """What the receiver refuses, as answers of the web."""
    try:
        yield
    except callback.NotTheirs as error:
        raise Problem(403, str(error), "bad_signature") from None
    except callback.REFUSED as error:
        raise Problem(400, str(error), Reason.BAD_SHAPE.value) from None


def _account(edge: Edge, conn: psycopg.Connection, kind: str, app: str) -> account.Account:
    if "\0" in kind + app or (found := account.one(conn, edge.vault, kind, app)) is None:
        raise Problem(
            404, "没有这个账号，请先 yutang channel add。 there is no such account; `yutang channel add` makes it"
        )
    return found


def _query(request: Request) -> dict[str, str]:
    """The query, percent-decoded once. A plus sign is itself: Base64 is full of them."""
    text = request.scope["query_string"].decode("utf-8", "surrogateescape")
    pairs = (part.partition("=") for part in text.split("&"))
    return {unquote(name): unquote(value, errors="surrogateescape") for name, _, value in pairs}


def _answer(text: bytes, media_type: str = MediaType.TEXT) -> Response[Any]:
    return Response(text, media_type=media_type)


ROUTES: list[HTTPRouteHandler] = [check, take]
