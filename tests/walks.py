"""People who walk: what tests of journeys ask for again and again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ponds import NOON, TITLE, Pond
from yutang import definitions, ingest, journey, source
from yutang.definitions import Definition
from yutang.model import Counts, bucket_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Walk(Pond):
    """A pond with the messages hello and reminder, in which people enter, walk and leave."""

    def __init__(self, conn: Any, **settings: Any) -> None:
        super().__init__(conn, **settings)
        ingest.add_source(conn, NOON, "yutang", "Yutang")
        for name in ("hello", "reminder"):
            self.message(name)

    def start(self, text: str, name: str = "welcome") -> Definition:
        return self.define("journey", name, body(text, name))

    def advance(self, now: datetime = NOON, *only: Any) -> Counts:
        return journey.advance(self.conn, now, *only)

    def known(self, **traits: Any) -> int:
        """A person with a profile, so that rules can be asked."""
        person = self.person(**traits)
        self.conn.execute(
            """insert into profile (bucket, person_id, recency, frequency, monetary, life_stage, refreshed_at)
               values (%s, %s, 1, 1, 1, 'visitor', %s)""",
            (bucket_of(person), person, NOON),
        )
        return person

    def tag(self, person: int, tag: str) -> None:
        self.conn.execute(
            "insert into tag (bucket, person_id, tag, at, event_id) values (%s, %s, %s, %s, 0)",
            (bucket_of(person), person, tag, NOON),
        )

    def segment(self, name: str = "sleepers") -> Definition:
        return self.define("segment", name, {"title": TITLE, "rule": {"tag": name}})

    def comes_in(self, person: int, segment: Definition, since: datetime = NOON) -> None:
        self.conn.execute(
            "insert into membership (bucket, person_id, segment_id, version, since) values (%s, %s, %s, 1, %s)",
            (bucket_of(person), person, segment.definition_id, since),
        )

    def goes_out(self, person: int, at: datetime) -> None:
        self.conn.execute(
            "update membership set until = %s, xid = pg_current_xact_id() where person_id = %s and until is null",
            (at, person),
        )

    def runs(self, person: int) -> list[Any]:
        return self.conn.execute(
            "select * from enrolment where person_id = %s order by entered_at, cause", (person,)
        ).fetchall()

    def said(self, person: int) -> list[str]:
        rows = self.conn.execute(
            """select d.name from proposed t
               join definition d on d.definition_id = t.message_id and d.version = t.message_version
               where person_id = %s order by t.touch_id""",
            (person,),
        )
        return [row.name for row in rows]

    def firings(self) -> list[Any]:
        return self.conn.execute("select * from journey_firing order by fires_at").fetchall()


def body(text: str, name: str = "welcome") -> dict[str, Any]:
    return journey.journey(source.load(f"title: {{zh: 甲, en: A}}\n{text}", f"{name}.yml"))


def retire_all(walk: Walk) -> None:
    definitions.retire(walk.conn, NOON, "journey", [])
