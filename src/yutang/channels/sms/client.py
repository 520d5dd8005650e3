"""Asking a provider: one signed request, recorded without what it said. Whoever calls decides about a second time."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import httpx
import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.errors import Unknown
from yutang.channels.platform.calls.log import Try, hash_of, record
from yutang.channels.sms.provider import Provider, Request
from yutang.vault import Vault

# httpx writes every address that it opens.
logging.getLogger("httpx").setLevel(logging.WARNING)

TIMEOUT = httpx.Timeout(10, connect=5)
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Unreached(Exception):
    """The provider cannot have seen the request."""


class Client:
    """Asks for one account. `conn` is in autocommit and outside any transaction."""

    def __init__(
        self,
        conn: psycopg.Connection,
        vault: Vault,
        account: Account,
        clock: Callable[[], datetime],
        provider: Provider,
    ) -> None:
        self.conn, self.vault, self.account, self.clock, self.provider = conn, vault, account, clock, provider

    def ask(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer as it came, refusals included. Raises Unreached, or Unknown when it may have taken effect."""
        at, began = self.clock(), time.perf_counter()
        request = self.provider.sign(self.account, action, params, at, secrets.token_hex(16))
        answer, hint = _exchange(request)
        ms = round(1000 * (time.perf_counter() - began))
        body_hash = hash_of(self.vault, {}, request.content)
        code = None if answer is None else 0
        record(self.conn, self.account.source, Try(action, at, ms, 1, code, hint), body_hash)
        if answer is None:
            raise Unreached(hint) if hint in {error.__name__ for error in UNSENT} else Unknown(action)
        return answer


def _exchange(request: Request) -> tuple[dict[str, Any] | None, str]:
    """The JSON that came back; None and the kind of failure when none did."""
    try:
        answer = _client().post(request.url, headers=dict(request.headers), content=request.content)
    except httpx.HTTPError as error:
        return None, type(error).__name__
    try:
        body = answer.json()
    except ValueError:
        return None, f"HTTP {answer.status_code}"
    return (body, "") if isinstance(body, dict) else (None, "not an object")


@lru_cache(maxsize=1)
def _client() -> httpx.Client:
    """One pool of connections per process; it is safe between threads."""
    return httpx.Client(timeout=TIMEOUT)
