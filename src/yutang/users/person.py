"""A user, as rows tell of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yutang.users.roles import ROLES, Role


@dataclass(frozen=True)
class User:
    """Who may open the console. kind, app, userid: who this is on a platform; staff: whose customers a salesperson sees."""

    user_id: int
    name: str
    title: str
    role: str
    kind: str | None
    app: str | None
    userid: str | None
    stores: tuple[str, ...]
    staff: str | None
    made_at: datetime
    seen_at: datetime | None
    closed_at: datetime | None
    has_password: bool

    @property
    def part(self) -> Role:
        """What the role may do."""
        return ROLES[self.role]


def user_of(row: Any, seen_at: datetime | None) -> User:
    return User(
        row.user_id, row.name, row.title, row.role, row.kind, row.app, row.userid, tuple(row.stores), row.staff,
        row.made_at, seen_at, row.closed_at, row.has_password,
    )  # fmt: skip
