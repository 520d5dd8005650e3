"""The live codes of all accounts in one list, and which of them a visitor may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

from yutang import channels, definitions
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.web.access import Visitor, is_loopback
from yutang.web.edge import Edge
from yutang.web.problems import Problem

QUIET = timedelta(days=30)
"""A code by which nobody came for so long is marked."""
STATES = ("live", "making", "problem", "quiet", "retired")


@dataclass(frozen=True)
class Item:
    """A code and its account. latest: when somebody last came by it; receivers: names of staff and groups, by id."""

    account: Account
    code: Any
    latest: datetime | None = None
    receivers: Any = None

    @property
    def name(self) -> str:
        return self.code.name

    @property
    def kind(self) -> str:
        return self.account.kind

    @property
    def id(self) -> str:
        return f"{self.account.source}/{self.name}"

    @property
    def path(self) -> str:
        return f"/codes/{self.kind}/{quote(self.account.name)}/{quote(self.name)}"

    @property
    def leads_to(self) -> str:
        """staff, groups, or fans of an official account."""
        return "groups" if self.code.chats else "staff" if self.code.users else "fans"

    @property
    def names(self) -> list[str]:
        """Of the staff, or of the groups."""
        return [self.called(one) for one in self.code.users or self.code.chats]

    def called(self, id: str) -> str:
        """The name of a member of staff, or of a group."""
        to = self.receivers
        return id if to is None else to.staff.get(id) or to.groups.get(id) or to.left.get(id) or id

    @property
    def state(self) -> str:
        if self.code.retired_at is not None:
            return "retired"
        return "problem" if self.code.problem else "live" if self.code.qr_code else "making"

    def is_quiet(self, now: datetime) -> bool:
        """It works, and nobody has come by it for long."""
        since = max(filter(None, (self.latest, self.code.made_at)), default=None)
        return self.state == "live" and since is not None and now - since > QUIET

    @property
    def phone(self) -> str | None:
        """Where the customer can be played: beside an emulated platform on this machine."""
        base = self.account.get("base_url").rstrip("/")
        return f"{base}/phone" if is_loopback(urlsplit(base).hostname or "") else None


def accounts(edge: Edge, conn: psycopg.Connection) -> list[Account]:
    """Those that have live codes, in the order of their kinds."""
    kinds = list(channels.CODES)
    return sorted(
        (one for one in account.every(conn, edge.vault) if one.kind in kinds), key=lambda one: kinds.index(one.kind)
    )


def book_of(kept: Account) -> Any:
    """The module of the account's codes."""
    return channels.CODES[kept.kind]


def receivers(conn: psycopg.Connection, kept: Account) -> Any:
    """Where codes of the account can lead; None where nobody receives."""
    book = book_of(kept)
    return book.receivers(conn, kept) if hasattr(book, "receivers") else None


def every(edge: Edge, conn: psycopg.Connection, visitor: Visitor) -> list[Item]:
    """All codes that he may see, by account and name."""
    found = []
    for kept in accounts(edge, conn):
        to = receivers(conn, kept)
        found += [Item(kept, code, receivers=to) for code in book_of(kept).listing(conn, kept)]
    return [item for item in found if may_see(visitor, item.code.store)]


def names(edge: Edge, conn: psycopg.Connection) -> set[str]:
    """Of every code there is."""
    return {code.name for kept in accounts(edge, conn) for code in book_of(kept).listing(conn, kept)}


def one(edge: Edge, conn: psycopg.Connection, visitor: Visitor, kind: str, app: str, name: str) -> Item:
    """Raises Problem 404 also for what he may not see."""
    kept = account.one(conn, edge.vault, kind, app) if kind in channels.CODES else None
    if kept is None:
        raise Problem(404, f"没有账号 {kind}:{app}。 there is no account {kind}:{app}")
    item = Item(kept, book_of(kept).one(conn, kept, name), receivers=receivers(conn, kept))
    if not may_see(visitor, item.code.store):
        raise Problem(404, f"没有活码 {name}。 there is no code {name}")
    return item


def may_see(visitor: Visitor, store: str | None) -> bool:
    """Whoever answers for stores sees the codes that hang there."""
    return visitor.role.scope == "all" or (store or "").lower() in {one.lower() for one in visitor.stores if one}


def stores(edge: Edge, conn: psycopg.Connection, visitor: Visitor) -> list[str]:
    """The stores that he may choose for a code: his own, else the brand's and those where codes hang."""
    if visitor.role.scope != "all":
        return list(visitor.stores)
    hang = {item.code.store for item in every(edge, conn, visitor) if item.code.store}
    return sorted(hang | {d.name for d in definitions.all_current(conn, "store")})
