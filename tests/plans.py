"""A small brand as texts, for tests of plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import psycopg

from ponds import Pond
from yutang.brand import Brand, read_brand
from yutang.channels.contract import Allowance, Channel
from yutang.model import bucket_of

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Twelve o'clock in Shanghai, on a Monday."""

WELCOME = """\
title: {zh: 欢迎, en: Welcome}
trigger: {event: registered}
reentry: always
holdout_percent: 0
steps:
  - wait: {days: 2}
    id: pause
  - message: hello
    id: greet
  - wait: {days: 5}
    id: rest
"""


def pond(*, approval: bool = False, title: str = "试") -> str:
    required = "true" if approval else "false"
    return (
        f'name = "trial"\ntitle = {{ zh = "{title}", en = "Trial" }}\ntime_zone = "Asia/Shanghai"\nholdout_percent = 0\n'
        f'[consent]\nsandbox = "assumed"\nlimited = "assumed"\n[reach]\n[approval]\nrequired = {required}\n'
    )


def message(words: str = "你好", channel: str = "sandbox") -> str:
    return f"---\ntitle: {{zh: 问好, en: Hello}}\nsubject: 你好\nchannel: {channel}\n---\n{words}\n"


def campaign(days: Sequence[int], message: str = "promo", audience: str = "{tag: vip}", more: str = "") -> str:
    """A journey on these days of the month, at ten."""
    return (
        f"title: {{zh: 活动, en: Campaign}}\ntrigger: {{schedule: {{at: '10:00', days: {list(days)}}}}}\n"
        f"audience: {audience}\nreentry: always\nholdout_percent: 0\nsteps:\n  - message: {message}\n{more}"
    )


def files(approval: bool = False, **changed: str | None) -> dict[str, str]:
    """The texts; `journeys_welcome="…"` stands for journeys/welcome.yml, None takes a file away."""
    found = {
        "pond.toml": pond(approval=approval),
        "segments/vip.yml": "title: {zh: 贵客, en: VIP}\nrule: {tag: vip}\n",
        "segments/unused.yml": "title: {zh: 没人用, en: Unused}\nrule: {tag: other}\n",
        "messages/hello.md": message(),
        "messages/promo.md": message(channel="limited"),
        "journeys/welcome.yml": WELCOME,
    }
    for name, text in changed.items():
        kind, _, rest = name.partition("_")
        path = "pond.toml" if name == "pond" else f"{kind}/{rest}.{'md' if kind == 'messages' else 'yml'}"
        found |= {path: text or ""}
    return {path: text for path, text in found.items() if text}


def brand(approval: bool = False, **changed: str | None) -> Brand:
    return read_brand(files(approval, **changed))


class Limited(Channel):
    """A channel whose platform allows little."""

    name = "limited"

    def __init__(self, *allowances: tuple[str, int, str]) -> None:
        """Each: per, amount, and the window (day or month)."""
        self.given = allowances

    def allowances(self, conn: psycopg.Connection, day: date) -> list[Allowance]:  # noqa: ARG002
        return [Allowance("message", per, amount, *_window(day, window)) for per, amount, window in self.given]  # type: ignore[arg-type]


def _window(day: date, window: str) -> tuple[date, date]:
    if window == "day":
        return day, day
    first = day.replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first, date.fromordinal(following.toordinal() - 1)


def people(conn: psycopg.Connection, number: int, tag: str = "vip") -> list[int]:
    """Persons who carry a tag."""
    found = Pond.__new__(Pond)
    found.conn = conn
    persons = [found.person() for _ in range(number)]
    for person in persons:
        conn.execute(
            """insert into profile (bucket, person_id, recency, frequency, monetary, life_stage, refreshed_at)
               values (%s, %s, 1, 1, 1, 'visitor', %s)""",
            (bucket_of(person), person, NOW),
        )
        conn.execute(
            "insert into tag (bucket, person_id, tag, at, event_id) values (%s, %s, %s, %s, 0)",
            (bucket_of(person), person, tag, NOW),
        )
    return persons


def details(shown: Mapping[str, Any], name: str) -> dict[str, str]:
    """The English sentences about one definition, by path."""
    change = next(one for one in shown["changes"] if one["name"] == name)
    return {one["path"]: one["en"] for one in change["details"]}
