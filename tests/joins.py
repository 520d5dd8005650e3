"""A pond lived through from the door on, in which people turn out to be one, or two after all."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import psycopg

from ponds import NOON, TITLE
from walks import body
from yutang import definitions, identity, ingest, offer, worker
from yutang.channels.contract import Channel
from yutang.channels.sandbox.send import Sandbox
from yutang.vault import Vault

ANN, BOB = {"shop:luckin": "ann"}, {"shop:luckin": "bob"}
PHONE = "13800000002"
BOTH, ONE = BOB | {"phone": PHONE}, ANN | {"phone": PHONE}
"""Bob's phone; the event that says that it is Ann's too makes them one."""


class Joined:
    """Events come in through the door, and every stage follows them."""

    def __init__(self, conn: psycopg.Connection, offers: dict[str, Any] | None = None, **settings: Any) -> None:
        self.conn, self.now, self.numbers = conn, NOON, count(1)
        self.channels: dict[str, Channel] = {"sandbox": Sandbox()}
        for name in ("app", "yutang"):
            ingest.add_source(conn, NOON, name, name)
        definitions.publish(conn, NOON, "pond", "pond", {"holdout_percent": 0} | settings, "test")
        for name, one in (offers or {}).items():
            definitions.publish(conn, NOON, "offer", name, offer.definition.read(one)[name], "test")
        for name in ("hello", "second", "third"):
            words = {"title": TITLE, "subject": "s", "body": name, "channel": "sandbox"}
            definitions.publish(conn, NOON, "message", name, words, "test")

    def start(self, text: str, name: str = "welcome", kind: str = "journey") -> int:
        """A journey (its file without the title) goes into service."""
        return definitions.publish(self.conn, NOON, kind, name, body(text, name), "test").definition_id

    def segment(self, name: str, rule: dict[str, Any]) -> None:
        definitions.publish(self.conn, NOON, "segment", name, {"title": TITLE, "rule": rule}, "test")

    def tell(self, type: str, who: dict[str, str], **props: Any) -> int:
        """An event, and what every stage makes of it. Returns its number."""
        name = self.record(type, who, **props)
        self.wait()
        return self.conn.execute("select event_id from event where source_id = %s", (name,)).fetchone().event_id

    def record(self, type: str, who: dict[str, str], **props: Any) -> str:
        """An event that nobody has looked at yet. Returns its name."""
        name = f"e{next(self.numbers)}"
        event = {"id": name, "source": "app", "type": type, "at": self.now.isoformat(), "handles": who, "props": props}
        assert not ingest.record(self.conn, Vault(b"s" * 32), self.now, [event]).rejected
        return name

    def buys(self, who: dict[str, str], **props: Any) -> int:
        return self.tell("ordered", who, order_id=f"o{next(self.numbers)}", amount_fen=2000, items=[], **props)

    def join(self) -> None:
        self.tell("viewed", BOTH)
        self.tell("viewed", ONE)

    def split(self) -> None:
        identity.split(self.conn, self.now, self.who("ann"))
        self.wait()

    def take_back(self, *events: int) -> None:
        for event in events:
            self.conn.execute("insert into event_undone (event_id, at) values (%s, %s)", (event, self.now))
        self.wait()

    def wait(self, days: float = 0) -> None:
        self.now += timedelta(days=days)
        worker.settle(self.conn, self.now, self.channels)

    def who(self, name: str) -> int:
        return self.conn.execute("select person_id from handle_shown where value = %s", (name,)).fetchone().person_id

    def said(self) -> list[tuple[int, str]]:
        """(person, message) of every letter that went out, in order."""
        rows = self.conn.execute(
            """select t.person_id, d.name from attempt a join touch t using (bucket, person_id, touch_id)
               join definition d on d.definition_id = t.message_id and d.version = t.message_version
               where a.state = 'sent' order by t.touch_id"""
        )
        return [(row.person_id, row.name) for row in rows]

    def runs(self, person: int) -> list[Any]:
        return self.conn.execute(
            "select * from enrolment where person_id = %s order by entered_at, cause", (person,)
        ).fetchall()
