"""What a rule can name in this pond: event types, attributes and their values, tags, channels, segments, offers, journeys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from yutang import channels, definitions, source
from yutang.brand import drafts
from yutang.db.queries import Queries
from yutang.ingest import catalog
from yutang.model import YutangError
from yutang.segment.language import Condition
from yutang.segment.operators import role_of
from yutang.why.chain import Words
from yutang.why.words import both, event_title, title_of

sql = Queries(__package__)
KEPT_SECONDS = 60
"""How long what was seen in the data is believed: new tags and attributes may be that much late."""
KEPT_MOST = 500
_kept: dict[tuple[str, ...], tuple[float, Any]] = {}

Option = tuple[str, Words]
"""What a rule writes, and what people call it."""

TRAITS: dict[str, Words] = {
    "name": both("姓名", "name"),
    "city": both("城市", "city"),
    "province": both("省份", "province"),
    "gender": both("性别", "gender"),
    "age": both("年龄", "age"),
    "birthday": both("生日", "birthday"),
    "level": both("会员等级", "level"),
    "store": both("门店", "store"),
    "time_zone": both("时区", "time zone"),
    "kids_count": both("孩子数", "children"),
}
"""What attributes that many shops know are called."""


class Book:
    """The choices, each kind read when it is first asked for."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn
        self._read: dict[str, list[Option]] = {}
        self._titles: dict[str, dict[str, Words]] = {}

    def options(self, role: str) -> list[Option]:
        """The choices of a kind: event, trait, tag, channel, segment, coupon, ladder, journey."""
        if role not in self._read:
            self._read[role] = _READ[role](self)
        return self._read[role]

    def has(self, role: str, name: str) -> bool:
        return name in self._named(role)

    def title(self, role: str, name: str) -> Words | None:
        """What people call it; None where it has no name but its own."""
        if role == "event":
            return event_title(name)
        return self._named(role).get(name) or (TRAITS.get(name) if role == "trait" else None)

    def values(self, trait: str) -> list[Any]:
        """What an attribute has been seen to be, the most frequent first."""
        return self.remembered("values", trait, read=lambda: [r.value for r in sql.seen_values(self.conn, name=trait)])

    def names(self, language: str) -> Callable[[Condition, str], str | None]:
        """For `wording.sentence`: the titles of what a condition names."""

        def name(condition: Condition, key: str) -> str | None:
            kind = condition.row.params.get(key)
            if kind not in ("name", "segment", "offer", "journey") or condition.get(key) is None:
                return None
            found = self.title(role_of(condition.row, key), condition.get(key))
            return found[language] if found else None

        return name

    def remembered(self, *key: str, read: Callable[[], Any]) -> Any:
        """What the data say, asked once a minute."""
        full = (self.conn.info.host or "", str(self.conn.info.port), self.conn.info.dbname, *key)
        at, found = _kept.get(full, (0.0, None))
        if at < time.monotonic() - KEPT_SECONDS or not at:
            found = read()
            while len(_kept) >= KEPT_MOST:
                _kept.pop(next(iter(_kept)), None)
            if found:
                _kept[full] = (time.monotonic(), found)
        return found

    def _named(self, role: str) -> dict[str, Words]:
        if role not in self._titles:
            self._titles[role] = dict(self.options(role))
        return self._titles[role]


def _events(book: Book) -> list[Option]:
    """What has happened here first, then whatever else is registered."""
    seen = book.remembered("events", read=lambda: [row.name for row in sql.seen_events(book.conn)])
    here = sorted(
        seen,
        key=lambda name: (
            name not in catalog.BY_NAME,
            list(catalog.BY_NAME).index(name) if name in catalog.BY_NAME else 0,
            name,
        ),
    )
    return [(name, event_title(name)) for name in dict.fromkeys([*here, *catalog.BY_NAME])]


def _traits(book: Book) -> list[Option]:
    seen = book.remembered("traits", read=lambda: [row.name for row in sql.seen_traits(book.conn)])
    return [(name, TRAITS.get(name, both(name, name))) for name in seen]


def _tags(book: Book) -> list[Option]:
    return [
        (name, both(name, name)) for name in book.remembered("tags", read=lambda: [r.name for r in sql.tags(book.conn)])
    ]


def _channels(book: Book) -> list[Option]:
    return [
        (name, both("全部渠道", "all channels") if name == "*" else both(*channels.called(name)))
        for name in definitions.pond(book.conn)["consent"]
    ]


def _defined(kind: str, sort: Callable[[dict[str, Any]], bool] = lambda _: True) -> Callable[[Book], list[Option]]:
    """Definitions in service, and those that are drafted."""

    def read(book: Book) -> list[Option]:
        found = {d.name: title_of(d.body, d.name) for d in definitions.all_current(book.conn, kind) if sort(d.body)}
        return sorted({**_drafted(book.conn, kind), **found}.items())

    return read


def _drafted(conn: psycopg.Connection, kind: str) -> dict[str, Words]:
    """Titles of segments and journeys that only stand in the working copy."""
    folder = f"{kind}s/"
    changed = drafts.working(conn).changed
    return {
        Path(path).stem: _title(path, edit.text)
        for path, edit in changed.items()
        if path.startswith(folder) and edit.text
    }


def _title(path: str, text: str) -> Words:
    name = Path(path).stem
    try:
        return title_of(source.load(text, path).plain(), name)
    except (YutangError, AttributeError):
        return both(name, name)


_READ: dict[str, Callable[[Book], list[Option]]] = {
    "event": _events,
    "trait": _traits,
    "tag": _tags,
    "channel": _channels,
    "segment": _defined("segment"),
    "journey": _defined("journey"),
    "coupon": _defined("offer", lambda body: body.get("sort") != "ladder"),
    "ladder": _defined("offer", lambda body: body.get("sort") == "ladder"),
}
