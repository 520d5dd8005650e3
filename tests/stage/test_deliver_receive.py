"""The ear of the loop: callbacks are heard once and in order, facts enter by the door, answers settle what staff were asked to send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from ponds import NOON
from touches import decided
from yutang import deliver, identity, ingest, worker
from yutang.channels.contract import Answer, Channel, Fact, Letter, Raw, Result
from yutang.channels.platform import news
from yutang.model import Counts
from yutang.vault import open_vault

SOURCE = "square:main"


class Square(Channel):
    """A platform on the market square: what is called back is a name, and becomes a fact about that customer."""

    name = "square"
    source = SOURCE

    def hear(self, conn, now, raws: Sequence[Raw]) -> None:  # noqa: ARG002
        for raw in raws:
            if raw.text == "broken":
                raise ValueError("no such word")
            handles = {"external_userid@square": raw.text}
            news.tell(conn, self.name, [Fact(f"added:{raw.text}", "contact_added", raw.at, handles, {"staff": "ann"})])

    def receive(self, conn, now):
        return news.take(conn, self.name, now)

    def send(self, conn, now, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        return [Result.assigned("task-1") for _ in letters]


@pytest.fixture
def square(conn, home) -> Square:  # noqa: ARG001
    ingest.add_source(conn, NOON, SOURCE, "Square")
    return Square()


def call_back(conn, *words: str) -> None:
    for word in words:
        ingest.keep_raw(conn, NOON, SOURCE, word.encode(), NOON)


def events(conn, type: str) -> list:
    return conn.execute(
        "select source, source_id, handles, props from event where type = %s order by event_id", (type,)
    ).fetchall()


def test_callbacks_become_facts_by_the_door_once(conn, square):
    call_back(conn, "anna", "bert", "anna")
    first = deliver.receive(conn, NOON, channels={"square": square})
    again = deliver.receive(conn, NOON, channels={"square": square})
    assert (first, again.busy()) == (Counts(callback=2, answer=0, fact=2), False)
    assert [(e.source, e.source_id, e.props) for e in events(conn, "contact_added")] == [
        (SOURCE, "added:anna", {"staff": "ann"}),
        (SOURCE, "added:bert", {"staff": "ann"}),
    ]
    identity.resolve(conn, NOON)
    assert conn.execute("select count(*) from person").fetchone()[0] == 2


def test_what_was_kept_sealed_is_heard_open(conn, square):
    ingest.keep_raw(conn, NOON, SOURCE, b"anna", NOON, open_vault().seal_text)
    deliver.receive(conn, NOON, channels={"square": square})
    assert [e.source_id for e in events(conn, "contact_added")] == ["added:anna"]


def test_a_callback_that_cannot_be_read_stops_no_other(conn, square):
    call_back(conn, "anna", "broken", "bert", "carl")
    deliver.receive(conn, NOON, channels={"square": square})
    told = [e.source_id for e in events(conn, "contact_added")]
    assert told == ["added:anna", "added:bert", "added:carl"]
    assert [e.props["text"] for e in events(conn, "callback")] == ["anna", "broken", "bert", "carl"]


def test_a_fact_that_the_door_refuses_is_among_the_rejects(conn, square):
    news.tell(
        conn, "square", [Fact("k", "contact_added", NOON, {"external_userid@square": "x"}, {"store": "lakeside"})]
    )
    deliver.receive(conn, NOON, channels={"square": square})
    assert events(conn, "contact_added") == []
    assert conn.execute("select source, source_id, reason from reject").fetchall() == [(SOURCE, "k", "bad_shape")]


def test_the_fast_path_brings_a_callback_to_its_person(conn, square):
    call_back(conn, "anna")
    done = worker.express(conn, NOON, {"square": square})
    assert done["callback"] == 1
    assert conn.execute("select type from person_event").fetchall() == [("contact_added",)]


@pytest.mark.parametrize(
    ("answer", "props", "ends"),
    [
        ("message_sent", {"staff": "ann"}, ("sent", None)),
        ("message_failed", {"reason": "not_sent"}, ("failed", "not_sent")),
    ],
)
def test_what_staff_were_asked_to_send_is_settled_by_the_answer(conn, square, answer, props, ends):
    person = conn.execute("select nextval('person_id')").fetchone()[0]
    conn.execute(
        "insert into person (bucket, person_id, created_at) values (%s & 1023, %s, %s)", (person, person, NOON)
    )
    (touch,) = decided(conn, [person], channel="square", now=NOON)
    at = NOON + timedelta(minutes=1)
    assert deliver.send(conn, at, channels={"square": square})["assigned"] == 1
    assert deliver.send(conn, at + timedelta(days=1), channels={"square": square})["assigned"] == 0, (
        "nobody is asked twice"
    )
    news.tell(conn, "square", [Answer(touch, person, "end", answer, at, props)])
    deliver.receive(conn, at, channels={"square": square})
    row = conn.execute("select state, reason from attempt").fetchone()
    assert tuple(row) == ends
    told = [e.type for e in conn.execute("select type from event where source = 'yutang' order by event_id")]
    assert told == [answer]
