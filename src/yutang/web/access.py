"""Who may ask: the API by its bearer key; pages from this machine alone, from elsewhere with the same key."""

from __future__ import annotations

import base64
import binascii
import hmac
from ipaddress import ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from yutang.web.problems import Problem

NEED_KEY = "send 'Authorization: Bearer KEY'; `yutang key` shows the key"
NEED_LOGIN = (
    "these pages are open without a login only on this machine; elsewhere the browser asks for a name (any) "
    "and a password: the key that `yutang key` shows"
)


def is_loopback(host: str) -> bool:
    """Does this name only ever mean the machine itself?"""
    host = host.strip("[]").lower()
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def with_key(connection: ASGIConnection, _: BaseRouteHandler) -> None:
    """A guard: the bearer key, compared in constant time. Raises Problem 401. Not a plain function: that would run in a thread."""
    if not _is_key(connection, _bearer(connection)):
        raise Problem(401, NEED_KEY)


async def local_or_key(connection: ASGIConnection, _: BaseRouteHandler) -> None:
    """A guard for what people look at. The Host must name this machine too: a page elsewhere may have its name point here.

    Raises Problem 401.
    """
    host = connection.base_url.hostname or ""
    if connection.app.state.edge.local and is_loopback(host):
        return
    if not _is_key(connection, _bearer(connection) or _password(connection)):
        raise Problem(401, NEED_LOGIN)


def _is_key(connection: ASGIConnection, given: str) -> bool:
    return hmac.compare_digest(given.encode(), connection.app.state.edge.vault.api_key.encode())


def _bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _password(connection: ASGIConnection) -> str:
    """The password of HTTP basic authentication."""
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
