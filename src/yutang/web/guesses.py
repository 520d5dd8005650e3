"""Wrong passwords: whoever guesses waits, and nobody can keep somebody else out by guessing.

A browser that has signed in is known by a cookie, and counts its own tries alone. All others count by their address, and
together by the name that they try; so a stranger may at worst keep others out who come with a new browser.
"""

from __future__ import annotations

import hmac
import secrets
from ipaddress import IPv6Address, ip_address

import psycopg
from litestar import Request

from yutang import users
from yutang.vault import Vault
from yutang.web.access import address_of
from yutang.web.edge import edge_of
from yutang.web.limits import Limit

DEVICE = "device"
"""The cookie by which a browser is known that has signed in before; it opens nothing."""
DEVICE_SECONDS = 400 * 86_400
PURPOSE = "known browser"
NOBODY = "nobody"
"""Who has tried to sign in, in the audit log."""


def sign_device(vault: Vault, name: str) -> str:
    """A value of the cookie: another one for each sign-in, good for this name."""
    mark = secrets.token_urlsafe(9)
    return f"{mark}.{_signature(vault, mark, name)}"


def _signature(vault: Vault, mark: str, name: str) -> str:
    return vault.sign(PURPOSE, f"{mark} {name}".encode())[:32]


class Tries:
    """One try to sign in under a name."""

    def __init__(self, request: Request, name: str) -> None:
        self.edge = edge_of(request)
        self.name = name.strip().lower()[:64]
        self.address = address_of(request)
        mark, _, signature = request.cookies.get(DEVICE, "").partition(".")
        known = hmac.compare_digest(signature.encode(), _signature(self.edge.vault, mark, self.name).encode())
        self.counts: list[tuple[Limit, str]] = (
            [(self.edge.signins, f"device {mark}")]
            if known
            else [(self.edge.signins, f"address {_network(self.address)}"), (self.edge.strangers, f"name {self.name}")]
        )

    def allowed(self, conn: psycopg.Connection) -> bool:
        """Count it, before the password is looked at: of many at once only so many are. Who has been given another password since
        begins anew."""
        return self._counted() or (self._given_another(conn) and self._counted())

    def _counted(self) -> bool:
        """An address that has had its tries counts against no name any more."""
        return all(limit.allows(key, self.edge.clock()) for limit, key in self.counts)

    def _given_another(self, conn: psycopg.Connection) -> bool:
        """By somebody else: whoever could begin anew by a password of his own could guess others' on for ever."""
        begun = [since for limit, key in self.counts if (since := limit.since(key)) is not None]
        if not begun or not users.given_another(conn, self.name, min(begun)):
            return False
        for limit, key in self.counts:
            limit.forget(key)
        return True

    def right(self) -> None:
        """It was no guess: this one try is not counted. Those before it are, or whoever has a password of his own could use it
        to guess on for ever."""
        for limit, key in self.counts:
            limit.give_back(key)

    def note(self, conn: psycopg.Connection) -> None:
        """It was wrong. The name is told where it is somebody's: what else was typed may be a password."""
        known = any(user.name == self.name for user in users.every(conn))
        about = f"user/{self.name if known else '?'}"
        blocked = any(limit.reached(key, self.edge.clock()) for limit, key in self.counts)
        act = "sign_in_blocked" if blocked else "sign_in_failed"
        users.note(conn, self.edge.clock(), NOBODY, act, about, {"address": self.address})


def _network(address: str) -> str:
    """Who has one address of IPv6 has 2**64 of them."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(found) >> 64 << 64)) if isinstance(found, IPv6Address) else address
