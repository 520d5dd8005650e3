"""A real web edge on a free port, for tests that speak HTTP to it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from yutang import users
from yutang.vault import Vault
from yutang.web.edge import Edge
from yutang.web.serve import Running

NOW = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
VAULT = Vault(b"s" * 32)
BEARER = {"Authorization": f"Bearer {VAULT.api_key}"}


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(url: str, local: bool = True, clock: Callable[[], datetime] = lambda: NOW) -> Iterator[str]:
    """The base address of a server over this database, for as long as the block runs. A page waits for its figures, however busy the
    machine is."""
    edge = Edge.open(url, VAULT, clock, local)
    edge.shelf.patience = 30.0
    try:
        with Running(edge, "127.0.0.1", 0).in_background("edge") as address:
            yield address
    finally:
        edge.close()


def signed_in(
    conn: psycopg.Connection, base: Any, role: str, name: str = "", follow: bool = False, **more: Any
) -> httpx.Client:
    """A browser in which somebody of this role has signed in; he is called after the role, unless a name is given."""
    user = users.add(conn, NOW, name or role, name or role, role, "correct horse battery", **more)
    cookies = {"console": users.begin(conn, NOW, user, "127.0.0.1", "test")}
    return httpx.Client(
        base_url=base, headers={"Origin": str(base).rstrip("/")}, cookies=cookies, timeout=30, follow_redirects=follow
    )
