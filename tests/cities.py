"""The emulated city, for tests that speak to the platforms: a served city, its accounts registered in the pond, and a bare client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.emulator import City
from yutang.vault import Vault

VAULT = Vault(b"s" * 32)
START = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
"""Twelve o'clock in Shanghai, on a Friday."""


class Clock:
    """A clock that stands until it is moved; the same one may be given to the city and to the program."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> datetime:
        self.at += timedelta(**span)
        return self.at


class Api:
    """A bare client of the city: fetches its token once, and gives back what the platform answers."""

    def __init__(self, city: City, name: str = "main") -> None:
        self.city, self.name = city, name
        self.http = httpx.Client(base_url=city.address, timeout=10)
        self.token = self.fetch()

    def fetch(self) -> str:
        """A token; asked for again, perhaps the same one."""
        of = self.city.account("wecom", self.name)
        asked = {"corpid": of["corp_id"], "corpsecret": of["secret"]}
        self.token = self.http.get("/cgi-bin/gettoken", params=asked).json().get("access_token", "")
        return self.token

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """``api.get("externalcontact/list", userid="guide01")``"""
        return self.http.get(f"/cgi-bin/{path}", params={"access_token": self.token} | query).json()

    def post(self, path: str, body: Mapping[str, Any] | None = None, /, **given: Any) -> dict[str, Any]:
        """``api.post("externalcontact/mark_tag", userid=…)``; or the whole body as the second argument."""
        query = {"access_token": self.token}
        return self.http.post(f"/cgi-bin/{path}", params=query, json=dict(body or {}) | given).json()

    def upload(self, path: str, name: str, data: bytes, **query: Any) -> dict[str, Any]:
        query = {"access_token": self.token} | query
        return self.http.post(f"/cgi-bin/{path}", params=query, files={"media": (name, data)}).json()

    def pages(self, path: str, key: str, **given: Any) -> list[Any]:
        """All rows, page by page."""
        rows, cursor = [], ""
        while True:
            found = self.post(path, given | ({"cursor": cursor} if cursor else {}))
            rows += found[key]
            if not (cursor := found.get("next_cursor", "")):
                return rows


@dataclass
class Living:
    """A city that is served, and the pond's accounts in it, by kind."""

    city: City
    address: str
    accounts: dict[str, Account] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        return Api(self.city)


@contextmanager
def living(
    conn: psycopg.Connection | None = None,
    *,
    clock: Callable[[], datetime] | None = None,
    vault: Vault = VAULT,
    seed: int = 7,
    kinds: tuple[str, ...] = ("wecom",),
    staff: tuple[str, ...] = ("guide01", "guide02", "guide03"),
    manual: bool = True,
) -> Iterator[Living]:
    """A served city with these staff; with `conn`, its accounts of these kinds are registered in the pond as ``main``.

    manual: callbacks leave when ``city.deliver()`` is called, else by themselves. Give the program the same clock.
    """
    city = City(seed=seed, clock=clock)
    city.manual = manual
    for userid in staff:
        city.add_staff(userid, f"店员{userid}")
    with city.serve() as address:
        accounts = {
            kind: account.add(conn, vault, city.now(), kind, "main", city.account(kind)) for kind in kinds if conn
        }
        yield Living(city, address, accounts)
