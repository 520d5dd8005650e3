"""How one family of platforms is spoken to; the caller is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.errors import BUG, Meaning

Retry = Literal["read", "effect", "create", "once"]
"""read, effect: asking twice changes nothing more; create: it would make a second one; once: worth one more try, no pause."""

EVERY = "*"
BURST = 0.15
"""Part of a limit that may be used in one go, on top of the steady pace: with a share of 0.7 no window sees more than 0.85."""


@dataclass(frozen=True)
class Limit:
    """What a platform allows per account on `path` (`EVERY` for those without a row), in force from `since` on.

    share: how much of it is used at a steady pace; the rest covers bursts and clocks that differ.
    """

    path: str
    minute: int
    hour: int
    since: date
    share: float = 0.7


@dataclass(frozen=True)
class Request:
    """A call that fetches a token: POST when there is a body, else GET."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Dialect:
    """A family of platforms.

    prefix: what stands between the base URL and a path. token: how an account asks for its access token; the answer is
    ``{"access_token", "expires_in"}``. meanings: by error code; rules: by the first digits of a code that has none.
    tokenless: paths that carry other credentials. retry: by path, others are ``effect``.
    """

    prefix: str
    token: Callable[[Account], Request]
    limits: tuple[Limit, ...]
    meanings: Mapping[int, Meaning]
    rules: tuple[tuple[str, Meaning], ...]
    retry: Mapping[str, Retry] = field(default_factory=dict)
    tokenless: frozenset[str] = frozenset()
    stale: frozenset[int] = frozenset({40001, 40014, 42001})
    busy: frozenset[int] = frozenset({-1, 6000})
    often: frozenset[int] = frozenset({45009})
    crowded: frozenset[int] = frozenset({45033})

    def meaning(self, code: int) -> Meaning:
        """What an error code means; one that nobody knows is a bug of ours."""
        if code in self.meanings:
            return self.meanings[code]
        return next((meaning for digits, meaning in self.rules if str(code).startswith(digits)), BUG)

    def limit(self, path: str, day: date) -> Limit:
        """The limit in force for a path on a day. Raises ValueError when none is."""
        for name in (path, EVERY):
            rows = [limit for limit in self.limits if limit.path == name and limit.since <= day]
            if rows:
                return max(rows, key=lambda limit: limit.since)
        raise ValueError(f"no limit is in force for {path} on {day}")
