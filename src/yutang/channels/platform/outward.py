"""Requests to systems that are no platform: signed, with a key by which a repeat is known, and never to an inner address unless
a setting names it, so that nobody who writes journeys can reach what stands behind the firewall."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import msgspec

from yutang.channels.contract import Channel
from yutang.model import Reason, YutangError
from yutang.vault import Vault

TIMEOUT = httpx.Timeout(10, connect=3)
AT_ONCE = 8
LARGEST = 64 * 1024
"""Bytes of an answer that are read."""
LONGEST = 20
"""Seconds that an answer may take to come in: it must not hold a worker by coming drop by drop."""
_LATER = {408, 425, 429}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def signing_key(vault: Vault) -> bytes:
    """What receivers check our signatures with."""
    return vault.derive("webhook")


def headers(vault: Vault, now: datetime, key: int, content: bytes) -> dict[str, str]:
    """What lets the receiver know who wrote and recognise a repeat: ``Yutang-Signature: t=UNIX_SECONDS,v1=HEX``, the HMAC-SHA256
    of ``t + "." + body`` under `signing_key`, and ``Idempotency-Key``."""
    t = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": str(key),
        "Yutang-Signature": f"t={t},v1={vault.sign('webhook', t.encode() + b'.' + content)}",
    }


def may_work_later(status: int) -> bool:
    """Is this the refusal of a moment?"""
    return status in _LATER or status >= 500


@dataclass(frozen=True)
class Request:
    """What is asked of another system. `key` is the same at every try; `body` is JSON, None for no body."""

    key: int
    method: str
    url: str
    body: Any = None


@dataclass(frozen=True)
class Reply:
    """What came back: a status and the JSON of the answer (None where it held none), or why there is no answer.

    again: it may work later. `detail` is for operators and holds no personal data.
    """

    status: int | None = None
    answer: Any = None
    reason: Reason | None = None
    detail: str | None = None
    again: bool = False

    @property
    def ok(self) -> bool:
        return self.reason is None


class Refused(Exception):
    """This address may not be called."""


class Outward(Channel):
    """Makes the calls of journeys. It carries no letters; it stands among the channels because it is an outlet like them, and
    where it is missing (a back-test, a demonstration) nothing is called.

    allowed: names of hosts, and networks, that may be called although they are inner ones, between commas.
    """

    name = "call"

    def __init__(self, vault: Vault, allowed: str = "") -> None:
        self.vault = vault
        self._hosts: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for word in filter(None, (part.strip().lower() for part in allowed.split(","))):
            self._allow(word)

    def _allow(self, word: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(word))
        except ValueError:
            if "/" in word or ":" in word:
                raise YutangError(
                    f"YUTANG_CALL_INSIDE: “{word}”既不是主机名也不是网段，请写成例如 erp.local,10.2.0.0/16。 "
                    f"'{word}' is neither a host nor a network; write for example erp.local,10.2.0.0/16"
                ) from None
            self._hosts.add(word)

    def ask(self, now: datetime, requests: Sequence[Request]) -> list[Reply]:
        """One reply per request, in their order. Redirects are not followed: they could lead inside."""
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client, ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda request: self._ask(client, now, request), requests))

    def _ask(self, client: httpx.Client, now: datetime, request: Request) -> Reply:
        try:
            with client.stream(**self._parts(now, request)) as response:
                return _reply(response)
        except Refused as error:
            return Reply(reason=Reason.INNER_ADDRESS, detail=str(error))
        except (httpx.HTTPError, OSError) as error:
            return Reply(reason=Reason.TEMPORARY, detail=type(error).__name__, again=True)
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            return Reply(reason=Reason.PERMANENT, detail=type(error).__name__)

    def _parts(self, now: datetime, request: Request) -> dict[str, Any]:
        """The connection goes to the address that was looked at, whatever the name says a moment later."""
        url = httpx.URL(request.url)
        address = self._checked(url.host, url.port or (443 if url.scheme == "https" else 80))
        content = b"" if request.body is None else msgspec.json.encode(request.body)
        named = headers(self.vault, now, request.key, content) | {
            "Host": url.netloc.decode(),
            "Accept-Encoding": "identity",
        }
        return {
            "method": request.method,
            "url": url.copy_with(host=str(address)),
            "headers": named,
            "content": content or None,
            "extensions": {"sni_hostname": url.host} if url.scheme == "https" else {},
        }

    def _checked(self, host: str, port: int) -> Address:
        """An address of the host. Raises Refused when one of them is an inner one that nobody allowed, OSError when there is none."""
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = sorted((ipaddress.ip_address(row[4][0]) for row in rows), key=lambda address: address.version)
        if host.lower() not in self._hosts and not all(self._open(address) for address in found):
            raise Refused(
                f"{host} 是内网地址；确要调用，请写进 YUTANG_CALL_INSIDE。 "
                f"{host} is an inner address; YUTANG_CALL_INSIDE may allow it"
            )
        return found[0]

    def _open(self, address: Address) -> bool:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return (mapped.is_global and not mapped.is_multicast) or any(mapped in network for network in self._networks)


def _reply(response: httpx.Response) -> Reply:
    if may_work_later(response.status_code):
        return Reply(response.status_code, None, Reason.TEMPORARY, f"HTTP {response.status_code}", again=True)
    if not response.is_success:
        return Reply(response.status_code, None, Reason.PERMANENT, f"HTTP {response.status_code}")
    return Reply(response.status_code, _json(response))


def _json(response: httpx.Response) -> Any:
    """The answer, if it is JSON of a reasonable size that the database can keep."""
    content, late = b"", time.monotonic() + LONGEST
    for piece in response.iter_raw():
        content += piece
        if len(content) > LARGEST or time.monotonic() > late:
            return None
    try:
        return None if b"\\u0000" in content else msgspec.json.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
