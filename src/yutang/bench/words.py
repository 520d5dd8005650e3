"""The small brand that the tasks work with, published as a loader would publish its files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from yutang import definitions, journey, source
from yutang.definitions import Definition
from yutang.offer import definition as offers
from yutang.segment import language

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Noon in Shanghai: no quiet hours."""
DAY = timedelta(days=1)
CHANNEL = "sandbox"
TITLE = {"zh": "测", "en": "Bench"}

SEGMENTS = {
    "loyal": {"all": [{"tag": "t0"}, {"count": "ordered", "at_least": 3}]},
    "silent": {"all": [{"count": "ordered", "at_least": 3}, {"none": "ordered", "days": 30}]},
    "lookers": {"count": "viewed", "at_least": 2, "days": 7},
    "buyers": {"last": "ordered", "within_days": 14},
    "spenders": {"sum": "ordered", "at_least": 20_000, "days": 90},
}
LADDER = """
wake_up:
  sort: ladder
  title: {zh: 阶梯券, en: Ladder}
  down: [85, 43, 28]
  up: [43, 58, 95]
  basket_fen: 2000
  existing: none
"""


def publish(conn: psycopg.Connection, kind: str, name: str, body: dict[str, Any]) -> Definition:
    """One definition, in service from now on."""
    return definitions.publish(conn, NOW, kind, name, body, "bench")


def segment(conn: psycopg.Connection, name: str, rule: dict[str, Any]) -> Definition:
    """A segment from its rule."""
    return publish(conn, "segment", name, language.segment(source.plain({"title": TITLE, "rule": rule}, name)))


def message(conn: psycopg.Connection) -> Definition:
    """The message ``hello`` on the sandbox channel."""
    return publish(
        conn, "message", "hello", {"title": TITLE, "subject": "你好", "body": "欢迎 {{ name }}", "channel": CHANNEL}
    )


def walk(
    conn: psycopg.Connection, name: str, trigger: dict[str, Any], *steps: dict[str, Any], **more: Any
) -> Definition:
    """A journey from its trigger and steps."""
    body = {"title": TITLE, "trigger": trigger, "steps": list(steps), **more}
    return publish(conn, "journey", name, journey.journey(source.plain(body, name)))


def offer(conn: psycopg.Connection, text: str) -> Definition:
    """The one offer in the text of an offers file."""
    ((name, body),) = offers.read(text).items()
    return publish(conn, "offer", name, body)
