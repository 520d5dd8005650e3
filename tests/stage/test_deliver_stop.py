"""Between the verdict and the sending: whoever withdraws, blocks us, goes or is merged away is not written to any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ponds import Pond
from touches import NOW, attempt, decided
from yutang import definitions, deliver, worker
from yutang.channels.contract import LEASE_SECONDS, Answer, Channel, Result

MINUTE = timedelta(minutes=1)


class Asking(Channel):
    """Answers each letter with `result`; remembers letters and what was called off, and tells `answers` once."""

    name = "sandbox"

    def __init__(self, result: Result) -> None:
        self.result, self.letters, self.off, self.answers = result, [], [], []

    def send(self, conn, now, letters):  # noqa: ARG002
        self.letters += [letter.person_id for letter in letters]
        return [self.result] * len(letters)

    def call_off(self, conn, now, touches):  # noqa: ARG002
        self.off += touches

    def receive(self, conn, now):  # noqa: ARG002
        told, self.answers = self.answers, []
        return told


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUTANG_SECRET", "a secret for tests")


@pytest.fixture
def pond(conn: psycopg.Connection) -> Pond:
    return Pond(conn)


def withdraws(pond: Pond, person: int) -> None:
    pond.consent(person, False, "*", NOW)
    pond.happened(person, "consent_withdrawn", NOW, channel="*")


def withdraws_the_class(pond: Pond, person: int) -> None:
    pond.consent(person, False, "class:marketing", NOW)
    pond.happened(person, "consent_withdrawn", NOW, **{"class": "marketing"})


def unfollows(pond: Pond, person: int) -> None:
    pond.happened(person, "unfollowed", NOW, channel="sandbox")


def deletes_the_contact(pond: Pond, person: int) -> None:
    pond.happened(person, "contact_lost", NOW, staff="guide01", by="customer", channel="sandbox")


def is_merged(pond: Pond, person: int) -> None:
    other = pond.person()
    pond.conn.execute(
        "update person set merged_into = %s, changed = pg_current_xact_id() where person_id = %s", (other, person)
    )


STOPS = [
    (withdraws, "no_consent"),
    (withdraws_the_class, "no_consent"),
    (unfollows, "blocked"),
    (deletes_the_contact, "blocked"),
    (is_merged, "merged"),
]
Stop = Callable[[Pond, int], None]


def send(pond: Pond, now: datetime, channel: Channel) -> None:
    while deliver.send(pond.conn, now, channels={channel.name: channel}).busy():
        pass


def ends(pond: Pond, touches: Sequence[int]) -> list[tuple[str, str | None]]:
    return [(row.state, row.reason) for row in (attempt(pond.conn, touch) for touch in touches)]


def failed(pond: Pond) -> dict[int, Any]:
    rows = pond.conn.execute("select props from event where type = 'message_failed'").fetchall()
    return {row.props["touch_id"]: row.props["reason"] for row in rows}


@pytest.mark.parametrize(("stop", "reason"), STOPS)
def test_before_the_claim(pond: Pond, stop: Stop, reason: str) -> None:
    gone, there = pond.person(), pond.person()
    touches = decided(pond.conn, [gone, there])
    stop(pond, gone)
    channel = Asking(Result.sent())
    send(pond, NOW, channel)
    assert channel.letters == [there]
    assert ends(pond, touches) == [("failed", reason), ("sent", None)]
    assert failed(pond) == {touches[0]: reason}


@pytest.mark.parametrize("kind", ["journey", "message"])
def test_what_went_out_of_service_is_not_sent_at_the_next_try(pond: Pond, kind: str) -> None:
    """The first try was not answered; meanwhile somebody took the journey, or its message, out of service."""
    pond.define("journey", "journey", {"title": {"zh": "", "en": ""}, "program": [{"do": "end"}]})
    (touch,) = decided(pond.conn, [pond.person()])
    journey = definitions.current(pond.conn, "journey", "journey")
    pond.conn.execute("update touch set journey_id = %s", (journey.definition_id,))
    send(pond, NOW, Asking(Result.retry("busy")))
    assert ends(pond, [touch])[0][0] == "waiting"
    definitions.retire(pond.conn, NOW, kind, [])
    channel = Asking(Result.sent())
    send(pond, NOW + timedelta(days=1), channel)
    assert (channel.letters, ends(pond, [touch])) == ([], [("failed", "retired")])


def test_where_consent_is_asked_for_since_who_never_gave_it_is_not_written_to(pond: Pond) -> None:
    silent, willing = pond.person(), pond.person()
    touches = decided(pond.conn, [silent, willing])
    pond.consent(willing, True)
    send(pond, NOW, Asking(Result.retry("busy")))
    pond.settings(holdout_percent=0, consent={"sandbox": "required"})
    channel = Asking(Result.sent())
    send(pond, NOW + timedelta(days=1), channel)
    assert channel.letters == [willing]
    assert ends(pond, touches) == [("failed", "no_consent"), ("sent", None)]


@pytest.mark.parametrize(("stop", "reason"), STOPS)
def test_when_its_worker_died_with_it_in_hand(pond: Pond, stop: Stop, reason: str) -> None:
    class Deadly(Asking):
        def send(self, conn, now, letters):  # noqa: ARG002
            raise KeyboardInterrupt

    gone = pond.person()
    touches = decided(pond.conn, [gone])
    with pytest.raises(KeyboardInterrupt):
        send(pond, NOW, Deadly(Result.sent()))
    stop(pond, gone)
    channel = Asking(Result.sent())
    send(pond, NOW, channel)
    noted = None if stop is is_merged else reason
    assert ends(pond, touches) == [("claimed", noted)], "for whoever has it in hand, were it still there"
    send(pond, NOW + timedelta(seconds=LEASE_SECONDS), channel)
    assert (channel.letters, ends(pond, touches)) == ([], [("failed", reason)])


@pytest.mark.parametrize(("stop", "reason"), [one for one in STOPS if one[0] is not is_merged])
def test_what_waits_for_its_next_try_ends_at_once(pond: Pond, stop: Stop, reason: str) -> None:
    gone, there = pond.person(), pond.person()
    touches = decided(pond.conn, [gone, there])
    send(pond, NOW, Asking(Result.retry("busy")))
    stop(pond, gone)
    assert "deliver" in worker.due_stages(pond.conn, NOW, {})
    send(pond, NOW, Asking(Result.sent()))
    assert ends(pond, touches) == [("failed", reason), ("waiting", "temporary")]


def test_what_somebody_was_asked_to_send_is_called_off(pond: Pond) -> None:
    gone, late, there = (pond.person() for _ in range(3))
    touches = decided(pond.conn, [gone, late, there])
    channel = Asking(Result.assigned("task-1"))
    send(pond, NOW, channel)
    for person in (gone, late):
        withdraws(pond, person)
    send(pond, NOW + MINUTE, channel)
    send(pond, NOW + MINUTE, channel)
    assert channel.off == touches[:2], "told once"
    assert ends(pond, touches) == [("assigned", "no_consent")] * 2 + [("assigned", None)]
    channel.answers = [
        Answer(touches[0], gone, "end", "message_failed", NOW + MINUTE, {"reason": "not_sent"}),
        Answer(touches[1], late, "end", "message_sent", NOW + MINUTE),
        Answer(touches[2], there, "end", "message_failed", NOW + MINUTE, {"reason": "not_sent"}),
    ]
    deliver.receive(pond.conn, NOW + MINUTE, channels={"sandbox": channel})
    assert ends(pond, touches) == [("failed", "no_consent"), ("sent", None), ("failed", "not_sent")]


def retires(pond: Pond, person: int) -> None:  # noqa: ARG001
    definitions.retire(pond.conn, NOW, "message", [])


@pytest.mark.parametrize(("stop", "reason"), [(retires, "retired"), (withdraws, "no_consent")])
def test_what_is_stopped_while_staff_are_being_asked_is_called_off(pond: Pond, stop: Stop, reason: str) -> None:
    """A worker has read and handed over the letter when another one hears of it; only then the first writes down that it is assigned."""
    person = pond.person()
    touches = decided(pond.conn, [person])
    other = Asking(Result.sent())

    class Slow(Asking):
        def send(self, conn, now, letters):
            stop(pond, person)
            send(pond, now, other)
            return super().send(conn, now, letters)

    channel = Slow(Result.assigned("task-1"))
    send(pond, NOW, channel)
    assert (other.letters, other.off, channel.letters) == ([], [], [person])
    assert (channel.off, ends(pond, touches)) == (touches, [("assigned", reason)])
    send(pond, NOW + MINUTE, channel)
    assert channel.off == touches, "told once"


def test_a_word_on_another_channel_or_class_stops_nothing(pond: Pond) -> None:
    person = pond.person()
    touches = decided(pond.conn, [person])
    send(pond, NOW, Asking(Result.retry("busy")))
    pond.consent(person, False, "letter", NOW)
    pond.happened(person, "consent_withdrawn", NOW, channel="letter")
    pond.consent(person, False, "class:companion", NOW)
    pond.happened(person, "consent_withdrawn", NOW + MINUTE, **{"class": "companion"})
    pond.happened(person, "unfollowed", NOW, channel="letter")
    send(pond, NOW + timedelta(hours=1), Asking(Result.sent()))
    assert ends(pond, touches) == [("sent", None)]


def test_what_a_retired_journey_asked_of_staff_is_called_off_once(pond: Pond) -> None:
    ended, stays = pond.person(), pond.person()
    touches = decided(pond.conn, [ended]) + decided(pond.conn, [stays], message="other")
    channel = Asking(Result.assigned("task-1"))
    send(pond, NOW, channel)
    definitions.retire(pond.conn, NOW, "message", ["other"])
    for _ in range(2):
        send(pond, NOW + MINUTE, channel)
    assert channel.off == touches[:1], "told once"
    assert ends(pond, touches) == [("assigned", "retired"), ("assigned", None)]
