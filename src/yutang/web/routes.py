"""How the console's pages are routed: one decorator to look, one to act. Both run in a thread and name the rights that they need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler

from yutang.users import Right
from yutang.web.access import needs

T = TypeVar("T")
MAX_FORM = 1_000_000
"""Bytes of a form; uploads say their own."""


def look(path: str, *rights: Right) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """``@look("/segments", "look")``: a page, for whoever has one of the rights (for all who signed in where none is named)."""
    return lambda fn: get(path, guards=[needs(*rights)], include_in_schema=False)(in_thread(fn))


def act(path: str, *rights: Right, most: int = MAX_FORM) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """``@act("/segments/{name:str}/delete", "edit")``: a form of ours; it answers with `page.done` or with the page again."""
    return lambda fn: post(
        path, guards=[needs(*rights)], status_code=303, include_in_schema=False, request_max_body_size=most
    )(in_thread(fn))


def in_thread(fn: Callable[..., T]) -> Callable[..., Awaitable[T]]:
    """The same as a coroutine. The framework's own `sync_to_thread` breaks the first of two handlers of a path (litestar 2.25): it
    wraps it again when the second is registered."""

    @wraps(fn)
    async def run(*args: Any, **kwargs: Any) -> T:
        return await sync_to_thread(fn, *args, **kwargs)

    return run
