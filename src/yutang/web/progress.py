"""Long work as it goes: server-sent events, each the fragment that replaces what the page shows; a reload begins anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import psycopg
from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.response import ServerSentEvent, ServerSentEventMessage

from yutang.web.edge import Edge, edge_of

LOOK_SECONDS = 0.5
LONGEST_LOOKS = 7_200
"""An hour; then the browser asks again."""


class State(NamedTuple):
    """How far the work is. html: the fragment to show; to: where to go when it has ended ("" reloads), None while it goes on."""

    html: str
    to: str | None = None


def follow(request: Request, look: Callable[[psycopg.Connection], State]) -> ServerSentEvent:
    """Answer a page's ``data-progress``: what `look` finds, each time that it changes, until it has ended."""
    return ServerSentEvent(_states(edge_of(request), look))


async def _states(edge: Edge, look: Callable[[psycopg.Connection], State]) -> AsyncIterator[ServerSentEventMessage]:
    shown = None
    for _ in range(LONGEST_LOOKS):
        state = await sync_to_thread(_look, edge, look)
        if state.html != shown:
            yield ServerSentEventMessage(data=state.html)
            shown = state.html
        if state.to is not None:
            yield ServerSentEventMessage(data=state.to, event="done")
            return
        await asyncio.sleep(LOOK_SECONDS)


def _look(edge: Edge, look: Callable[[psycopg.Connection], State]) -> State:
    with edge.pool.lend() as conn:
        return look(conn)
