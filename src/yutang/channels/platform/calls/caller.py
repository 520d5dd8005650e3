"""Calls: one way to ask any of the platforms, with its tokens, its pace, its second tries and a record of each."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any

import httpx
import psycopg
from psycopg.pq import TransactionStatus

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.dialect import Dialect, Request, Retry
from yutang.channels.platform.calls.errors import (
    BUSY,
    NETWORK,
    Later,
    Meaning,
    PlatformError,
    Unknown,
    hint_of,
    ip_of,
)
from yutang.channels.platform.calls.log import Try, content_of, hash_of, record
from yutang.channels.platform.calls.pace import Pace
from yutang.channels.platform.calls.tokens import Fresh, Tokens
from yutang.model import Reason
from yutang.vault import Vault

# httpx writes every address that it opens at level INFO, and our tokens stand in the addresses.
logging.getLogger("httpx").setLevel(logging.WARNING)

TIMEOUT = httpx.Timeout(10, connect=5)
PAUSES: Mapping[Retry, tuple[float, ...]] = {
    "read": (0.5, 2, 8),
    "effect": (0.5, 2, 8),
    "create": (0.5, 2, 8),
    "once": (0.2,),
}
"""Seconds before the second try and those after it."""
TOKEN_PAUSES = (0.5, 1, 2)
"""Shorter, for others are waiting for the same token."""
JITTER = 0.25
BAD_ADDRESS = Meaning("config", "base_url 不是可用的网址", "base_url is not an address that can be called")

Files = Mapping[str, tuple[str, bytes, str]]
"""Parts of a multipart body: field to (file name, content, media type)."""


@dataclass(frozen=True)
class Asked:
    """A call as it goes out, without its token."""

    path: str
    query: Mapping[str, str]
    content: bytes
    files: Files | None
    post: bool

    @property
    def sent(self) -> dict[str, Any]:
        """What httpx is to send as body."""
        if self.files is not None:
            return {"files": self.files}
        return {"content": self.content, "headers": {"Content-Type": "application/json"}} if self.post else {}


@dataclass(frozen=True)
class Got:
    """What came of one try. code: None when there was no answer; unsent: the platform cannot have seen it."""

    code: int | None
    body: dict[str, Any]
    hint: str = ""
    unsent: bool = False


class Caller:
    """Calls one account's platform. `conn` is in autocommit and outside any transaction; one thread uses a caller at a time.

    clock: what time it is, for tokens and pace. pause: waits some seconds. Each step of its bookkeeping (permit, slot, record)
    is a transaction of its own, so nothing is locked while the network is busy; `Tokens.get` is the one exception.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        vault: Vault,
        account: Account,
        clock: Callable[[], datetime],
        dialect: Dialect,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.conn, self.vault, self.account, self.clock, self.dialect = conn, vault, account, clock, dialect
        self.pause = pause
        self.pace = Pace(conn, account.source, clock, lambda path, now: dialect.limit(path, now.date()), pause)
        request = dialect.token(account)
        self.tokens = Tokens(
            conn, vault, account.source, vault.sign("channel token", repr(request).encode())[:32], dialect.meaning
        )

    def call(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        files: Files | None = None,
        until: datetime | None = None,
    ) -> dict[str, Any]:
        """Ask, and return the answer as it came; POST when there is a body or files, else GET. No try begins after `until`.

        Raises PlatformError when the platform refuses or stays out of reach, Unknown when something was to be made and
        no answer came, Later when the budget or the platform says: not now.
        """
        if self.conn.info.transaction_status != TransactionStatus.IDLE:
            raise RuntimeError("a call may last; make it outside any transaction")
        post = body is not None or files is not None
        asked = Asked(path, dict(query or {}), content_of(body), files, post)
        retry = self.dialect.retry.get(path, "effect")
        pauses, refused = iter(PAUSES[retry]), None
        for number in count(1):
            token = None if path in self.dialect.tokenless else self.token(refused)
            got = self._try(asked, token, number)
            if got.code == 0:
                return got.body
            if got.code in self.dialect.stale and token and refused is None:
                refused = token
            elif not (self._worth_another(got, retry) and self._wait(next(pauses, None), until)):
                raise self._failure(asked, got, retry, number)
        raise AssertionError("count() does not end")

    def token(self, refused: str | None = None) -> str:
        """The access token; another one when the platform has just `refused` this. Raises PlatformError and Later."""
        return self.tokens.get(self.clock(), self._fetch_token, refused)

    def ticket(self, purpose: str, path: str, query: Mapping[str, str] | None = None) -> str:
        """A ticket for pages (``{"ticket", "expires_in"}``), kept for all workers like the token. Raises as `call` does."""
        now = self.clock()
        if kept := self.tokens.kept(now, purpose):
            return kept
        answer = self.call(path, query=query)
        self.tokens.keep(now, purpose, Fresh(answer["ticket"], int(answer["expires_in"])))
        return answer["ticket"]

    def _fetch_token(self) -> Fresh:
        request: Request = self.dialect.token(self.account)
        asked = Asked(request.path, request.query, content_of(request.body), None, request.body is not None)
        pauses = iter(TOKEN_PAUSES)
        for number in count(1):
            got = self._send(asked, None, number)
            if got.code == 0 and got.body.get("access_token"):
                return Fresh(str(got.body["access_token"]), int(got.body.get("expires_in") or 7200))
            if not (self._worth_another(got, "read") and self._wait(next(pauses, None), None)):
                raise self._refusal(asked, got, number)
        raise AssertionError("count() does not end")

    def _worth_another(self, got: Got, retry: Retry) -> bool:
        if got.code is None:
            return got.unsent or retry != "create"
        return got.code in self.dialect.busy

    def _wait(self, seconds: float | None, until: datetime | None) -> bool:
        """Wait before the next try; False when there is to be none."""
        if seconds is None or (until is not None and self.clock() + timedelta(seconds=seconds) >= until):
            return False
        self.pause(seconds * (1 + JITTER * random.random()))
        return True

    def _failure(self, asked: Asked, got: Got, retry: Retry, number: int) -> Exception:
        if got.code is None and retry == "create" and not got.unsent:
            return Unknown(asked.path)
        if got.code in self.dialect.often:
            return Later(self.pace.too_often(asked.path), Reason.QUOTA)
        if got.code in self.dialect.crowded:
            return Later(self.pace.too_many(asked.path), Reason.QUOTA)
        return self._refusal(asked, got, number)

    def _refusal(self, asked: Asked, got: Got, number: int) -> PlatformError:
        if got.code is None:
            return PlatformError(NETWORK, got.hint, asked.path, BUSY, tries=number)
        ip = ip_of(str(got.body.get("errmsg", "")))
        return PlatformError(got.code, got.hint, asked.path, self.dialect.meaning(got.code), ip=ip, tries=number)

    def _try(self, asked: Asked, token: str | None, number: int) -> Got:
        with self.pace.turn(asked.path):
            return self._send(asked, token, number)

    def _send(self, asked: Asked, token: str | None, number: int) -> Got:
        """One try, recorded."""
        at, began = self.clock(), time.perf_counter()
        got = self._exchange(asked, token)
        ms = round(1000 * (time.perf_counter() - began))
        body_hash = hash_of(self.vault, asked.query, asked.content)
        record(self.conn, self.account.source, Try(asked.path, at, ms, number, got.code, got.hint), body_hash)
        return got

    def _exchange(self, asked: Asked, token: str | None) -> Got:
        """Errors of the network are told by their kind alone: their texts may hold the address, and so the token."""
        query = dict(asked.query) | ({"access_token": token} if token else {})
        try:
            http = _client(self.account.get("base_url"))
            answer = http.request(
                "POST" if asked.post else "GET", self.dialect.prefix + asked.path, params=query, **asked.sent
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise PlatformError(NETWORK, "", asked.path, BAD_ADDRESS) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Got(None, {}, type(error).__name__, unsent=True)
        except httpx.HTTPError as error:
            return Got(None, {}, type(error).__name__)
        return _read(answer)


def _read(answer: httpx.Response) -> Got:
    """A business answer has status 2xx and is a JSON object; anything else came from something in between."""
    if not answer.is_success:
        return Got(None, {}, f"HTTP {answer.status_code}")
    try:
        body = answer.json()
        return Got(int(body.get("errcode") or 0), body, hint_of(str(body.get("errmsg", ""))))
    except (ValueError, TypeError, AttributeError):
        return Got(None, {}, "not JSON")


@lru_cache(maxsize=32)
def _client(base_url: str) -> httpx.Client:
    """One pool of connections per platform and process; it is safe between threads."""
    return httpx.Client(base_url=base_url, timeout=TIMEOUT)
