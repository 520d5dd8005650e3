"""An import that is undone takes back what its events began: nothing more is sent, what was sent stays sent."""

from __future__ import annotations

import psycopg
import pytest

from joins import ANN, Joined
from yutang.channels.contract import Result
from yutang.channels.sandbox.send import Sandbox

BOUGHT = "trigger: {event: ordered}\nsteps: [{message: hello}, {wait: {days: 1}}, {message: second}]"


class Busy(Sandbox):
    """Takes no letter now."""

    def send(self, conn, now, letters):  # noqa: ARG002
        return [Result.retry("busy")] * len(letters)


def test_a_run_ends_and_says_nothing_more(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start(BOUGHT)
    order, other = pond.buys(ANN), pond.tell("viewed", ANN)
    pond.take_back(other)
    ann = pond.who("ann")
    assert [run.state for run in pond.runs(ann)] == ["active"]
    pond.take_back(order)
    pond.wait(2)
    assert [(run.state, run.reason) for run in pond.runs(ann)] == [("exited", "undone")]
    assert pond.said() == [(ann, "hello")]


def test_so_does_a_run_below_it_and_one_that_a_join_had_ended(conn: psycopg.Connection) -> None:
    pond = Joined(conn)
    pond.start("trigger: {called: true}\nsteps: [{wait: {days: 1}}, {message: second}]", "below")
    pond.start("trigger: {event: ordered}\nreentry: always\nsteps: [{journey: below, wait: true}, {message: hello}]")
    pond.tell("viewed", ANN)
    his = pond.buys({"shop:luckin": "bob"})
    hers = pond.buys(ANN)
    pond.join()
    pond.take_back(his, hers)
    pond.wait(2)
    assert set(conn.execute("select state, reason from enrolment").fetchall()) == {("exited", "undone")}
    assert pond.said() == []


def test_what_waits_for_a_quieter_hour_is_not_sent(conn: psycopg.Connection) -> None:
    pond = Joined(conn, quiet={"from": "11:00", "to": "13:00", "holidays": []})
    pond.start(BOUGHT)
    order = pond.buys(ANN)
    pond.take_back(order)
    pond.wait(0.5)
    assert conn.execute("select verdict, reason from touch").fetchall() == [("no", "undone")]
    assert pond.said() == []


@pytest.mark.parametrize("taken", [True, False])
def test_what_is_on_its_way_is_stopped(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, taken: bool) -> None:
    """Whether the letter has been tried already, or is decided and nobody has looked at it."""
    pond = Joined(conn)
    pond.start("trigger: {event: ordered}\nsteps: [{message: hello}]")
    with monkeypatch.context() as busy:
        busy.setitem(pond.channels, "sandbox", Busy())
        order = pond.buys(ANN)
    assert conn.execute("select state from attempt").fetchall() == [("waiting",)]
    if not taken:
        conn.execute("delete from attempt")
        conn.execute("update touch set xid = pg_current_xact_id()")
    pond.take_back(order)
    pond.wait(1)
    assert conn.execute("select state, reason from attempt").fetchall() == [("failed", "undone")]
    assert pond.said() == []


@pytest.mark.parametrize("sent", [True, False])
def test_the_corrected_import_begins_it_for_whoever_has_got_nothing_yet(conn: psycopg.Connection, sent: bool) -> None:
    pond = Joined(conn)
    pond.start(
        "trigger: {event: ordered}\nsteps: [{wait: {days: 1}}, {message: hello}, {wait: {days: 1}}, {message: second}]"
    )
    pond.tell("viewed", ANN)
    wrong = pond.buys(ANN)
    pond.wait(1 if sent else 0)
    pond.take_back(wrong)
    pond.buys(ANN)
    pond.wait(1)
    pond.wait(1)
    assert [message for _, message in pond.said()] == (["hello"] if sent else ["hello", "second"])
