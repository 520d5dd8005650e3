"""Lives: what people do goes through the door, and the whole loop runs after each word, as in a pond in service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from ponds import NOON, TITLE
from walks import body
from yutang import definitions, identity, ingest, worker
from yutang.channels.sandbox.send import Sandbox
from yutang.ingest import record
from yutang.offer.definition import read
from yutang.vault import Vault

VAULT = Vault(b"s" * 32)


class Life:
    """A pond with the messages hello and rung, in which time passes."""

    def __init__(self, conn: psycopg.Connection, offers: str = "", journeys: dict[str, str] | None = None) -> None:
        self.conn, self.now, self.told = conn, NOON, 0
        self.channels = {"sandbox": Sandbox()}
        for name in ("app", "yutang"):
            ingest.add_source(conn, NOON, name, name)
        self.define("pond", "pond", {"holdout_percent": 0, "earliest": "2020-01-01"})
        self.offers = (
            {name: self.define("offer", name, offer) for name, offer in read(offers).items()} if offers else {}
        )
        for name in ("hello", "rung"):
            self.define("message", name, {"title": TITLE, "subject": name, "body": name, "channel": "sandbox"})
        for name, text in (journeys or {}).items():
            self.define("journey", name, body(text, name))
        self.settle()

    def define(self, kind: str, name: str, content: dict[str, Any]) -> int:
        return definitions.publish(self.conn, NOON, kind, name, content, "test").definition_id

    def tell(self, type: str, handles: dict[str, str], **props: Any) -> int:
        """One event, and all that follows from it; returns its number."""
        self.told += 1
        event = {"id": str(self.told), "source": "app", "type": type, "at": self.now.isoformat(), "handles": handles}
        assert not record(self.conn, VAULT, self.now, [event | {"props": props}]).rejected
        self.settle()
        return self.row("select event_id from event where source = 'app' and source_id = %s", str(self.told))[0]

    def order(self, handles: dict[str, str], order_id: str, **props: Any) -> int:
        items = [{"product": "tea", "quantity": 1, "amount_fen": 2000}]
        return self.tell("ordered", handles, order_id=order_id, amount_fen=2000, items=items, **props)

    def settle(self) -> None:
        worker.settle(self.conn, self.now, self.channels)

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)
        self.settle()

    def split(self, person: int) -> None:
        identity.split(self.conn, self.now, person)
        self.settle()

    def undo(self, *events: int) -> None:
        """These events never were."""
        for event in events:
            self.conn.execute("insert into event_undone (event_id, at) values (%s, %s)", (event, self.now))
        self.settle()

    def who(self, value: str) -> int:
        """The person who has this handle."""
        return self.row("select person_id from handle_shown where value = %s", value)[0]

    def row(self, query: str, *params: Any) -> tuple:
        (found,) = self.rows(query, *params)
        return found

    def rows(self, query: str, *params: Any) -> list[tuple]:
        return [tuple(row) for row in self.conn.execute(query, params or None)]

    def said(self, person: int) -> list[tuple]:
        """What was decided for somebody: (message, verdict, reason, number of the move that it answers, with a coupon?)."""
        return self.rows(
            """select d.name, t.verdict, t.reason, t.move, t.coupon is not null from touch t
               join definition d on d.definition_id = t.message_id and d.version = t.message_version
               where t.person_id = %s order by t.touch_id""",
            person,
        )
