"""The stage on a real database: claim, hand over, record, retry, stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from touches import NOW, WELCOME, attempt, decided, people, trait
from yutang import definitions, worker
from yutang.channels.contract import LEASE_SECONDS, Channel, Result
from yutang.channels.sandbox.send import Reaction, Reply, Sandbox
from yutang.db.connect import connect
from yutang.deliver import again, receive, send
from yutang.deliver.backoff import MOST_TRIES, WAITS
from yutang.ingest import add_source, record
from yutang.model import Counts, Only, Reason
from yutang.vault import open_vault


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUTANG_SECRET", "a secret for tests")


class Scripted(Channel):
    """Gives the results of a function of the letter, and remembers every letter."""

    name = "scripted"

    def __init__(self, result: Callable, handle: str | None = None) -> None:
        self.result, self.handle, self.letters = result, handle, []

    def send(self, conn, now, letters):  # noqa: ARG002
        self.letters += letters
        return [self.result(letter) for letter in letters]


class Deadly(Scripted):
    """The worker ends in the middle of sending."""

    def send(self, conn, now, letters):
        super().send(conn, now, letters)
        raise KeyboardInterrupt


def run(conn: psycopg.Connection, now: datetime, *channels: Channel) -> Counts:
    """The ear and the stage until nothing is due, as the worker does it."""
    total, by_name = Counts(), {c.name: c for c in channels}
    while True:
        counts = receive(conn, now, channels=by_name)
        counts.update(send(conn, now, channels=by_name))
        if not counts.busy():
            return total
        total.update(counts)


def email(conn: psycopg.Connection, person_id: int, address: str, at: datetime) -> None:
    """An address as it comes in: through the door, sealed, linked to the person."""
    add_source(conn, NOW, "test", "test")
    event = {
        "id": address,
        "source": "test",
        "type": "registered",
        "at": at.isoformat(),
        "handles": {"email": address},
        "props": {},
    }
    assert record(conn, open_vault(), NOW, [event]).accepted == 1
    conn.execute(
        "insert into handle select keys[1], %s, %s, event_id from event where source_id = %s",
        (person_id, person_id, address),
    )


def events(conn: psycopg.Connection) -> dict[str, list[int]]:
    """Touch ids by type of the events that deliver said."""
    rows = conn.execute(
        "select type, array_agg((props->>'touch_id')::bigint order by event_id) as ids from event group by type"
    )
    return {row.type: row.ids for row in rows}


def test_a_decision_is_sent_once_and_said_once(conn):
    somebody, friend = people(conn, 2)
    trait(conn, friend, "name", "小李")
    touches = decided(conn, [somebody, friend])
    decided(conn, people(conn, 1), message="held")
    conn.execute("update decision set verdict = 'hold' where touch_id <> all(%s)", (touches,))

    assert run(conn, NOW, Sandbox()) == Counts(taken=2, sent=2)
    bodies = {row.person_id: row.body for row in conn.execute("select person_id, body from sandbox_message")}
    assert bodies == {somebody: "朋友，欢迎来到鱼塘", friend: "小李，欢迎来到鱼塘"}
    assert events(conn) == {"message_sent": touches}

    conn.execute("update stage_cursor set xid = '0'")
    assert run(conn, NOW + timedelta(days=1), Sandbox()) == Counts()
    assert events(conn) == {"message_sent": touches}


def test_a_hold_that_becomes_a_send_is_seen(conn):
    [touch] = decided(conn, people(conn, 1))
    conn.execute("update decision set verdict = 'hold'")
    assert not run(conn, NOW, Sandbox()).busy()
    conn.execute("update decision set verdict = 'send', xid = pg_current_xact_id()")
    assert run(conn, NOW, Sandbox())["sent"] == 1
    assert attempt(conn, touch).state == "sent"


def test_only_some_persons_or_buckets(conn):
    persons = people(conn, 3)
    decided(conn, persons)
    channels = {"sandbox": Sandbox()}
    assert send(conn, NOW, Only(persons=(persons[0],)), channels=channels)["sent"] == 1
    bucket = persons[1] % 1024
    assert send(conn, NOW, Only(bucket, bucket), channels=channels)["sent"] == 1
    assert [r.person_id for r in conn.execute("select person_id from sandbox_message order by 1")] == persons[:2]


def test_the_backoff_schedule_then_gave_up(conn):
    [touch] = decided(conn, people(conn, 1), channel="scripted")
    channel = Scripted(lambda _: Result.retry("busy"))
    now = NOW - timedelta(hours=4)
    for tries, base in enumerate(WAITS, 1):
        assert run(conn, now, channel)["waiting"] == 1
        row = attempt(conn, touch)
        assert (row.state, row.tries, row.reason, row.detail) == ("waiting", tries, Reason.TEMPORARY, "busy")
        assert base <= row.retry_at - now <= base * 1.2
        assert not run(conn, row.retry_at - timedelta(seconds=1), channel).busy()
        now = row.retry_at
    assert run(conn, now, channel)["failed"] == 1
    row = attempt(conn, touch)
    assert (row.state, row.reason, row.detail, row.retry_at) == ("failed", Reason.GAVE_UP, "busy", None)
    assert len(channel.letters) == MOST_TRIES
    assert events(conn) == {"message_failed": [touch]}
    assert not run(conn, now + timedelta(days=9), channel).busy()


def test_a_permanent_error_stops_and_spoils_no_neighbour(conn):
    bad, good = decided(conn, people(conn, 2), channel="scripted")
    channel = Scripted(lambda letter: Result.failed("no such user") if letter.touch_id == bad else Result.sent("id-7"))
    run(conn, NOW, channel)
    run(conn, NOW + timedelta(days=9), channel)
    assert len(channel.letters) == 2
    assert (attempt(conn, bad).state, attempt(conn, bad).reason) == ("failed", Reason.PERMANENT)
    assert (attempt(conn, good).state, attempt(conn, good).provider_id) == ("sent", "id-7")
    assert events(conn) == {"message_failed": [bad], "message_sent": [good]}


@pytest.mark.parametrize("fault", ["raises", "forgets one", "breaks the transaction"])
def test_a_channel_that_breaks_costs_a_try_and_nothing_else(conn, fault):
    touches = decided(conn, people(conn, 2), channel="scripted")
    others = decided(conn, people(conn, 1), message="other")

    class Broken(Scripted):
        def send(self, conn, now, letters):  # noqa: ARG002
            if fault == "breaks the transaction":
                with conn.transaction():
                    conn.execute("select 1 / 0")
            if fault == "raises":
                raise RuntimeError(f"secret address {letters[0].address}")
            return [Result.sent()]

    counts = run(conn, NOW, Broken(Result.sent), Sandbox())
    assert (counts["waiting"], counts["sent"]) == (2, 1)
    for touch in touches:
        assert attempt(conn, touch).state == "waiting"
        assert "secret" not in attempt(conn, touch).detail
    assert run(conn, NOW + timedelta(hours=1), Scripted(lambda _: Result.sent()))["sent"] == 2
    assert attempt(conn, others[0]).state == "sent"


def test_what_cannot_become_a_letter_has_a_reason(conn):
    [broken] = decided(conn, people(conn, 1), message="broken", body="{{ person.city }}")
    [late] = decided(conn, people(conn, 1), message="late", deadline=NOW - timedelta(seconds=1))
    [retired] = decided(conn, people(conn, 1), message="retired")
    conn.execute("update touch set message_version = 9 where touch_id = %s", (retired,))
    [nowhere] = decided(conn, people(conn, 1), channel="pigeon", deadline=NOW - timedelta(seconds=1))
    [homeless] = decided(conn, people(conn, 1), channel="scripted")
    channel = Scripted(lambda _: Result.sent(), handle="email")
    assert run(conn, NOW, Sandbox(), channel)["failed"] == 5
    assert channel.letters == []
    found = {touch: attempt(conn, touch) for touch in (broken, late, retired, nowhere, homeless)}
    assert {touch: row.reason for touch, row in found.items()} == {
        broken: Reason.CANNOT_RENDER,
        late: Reason.TOO_LATE,
        retired: Reason.RETIRED,
        nowhere: Reason.TOO_LATE,
        homeless: Reason.NO_ADDRESS,
    }
    assert "broken" in found[broken].detail
    assert "city" in found[broken].detail
    assert "pigeon" in found[nowhere].detail
    assert sorted(events(conn)["message_failed"]) == sorted(found)


def test_letters_wait_for_the_process_that_has_the_settings_of_their_channel(conn):
    """A worker without them runs beside one that has them: it neither fails the letters nor runs in circles."""
    touches = decided(conn, people(conn, 2), channel="scripted")
    bare, equipped = {"sandbox": Sandbox()}, {"scripted": Scripted(lambda _: Result.sent())}
    assert run(conn, NOW, Sandbox()) == Counts(taken=2)
    assert {attempt(conn, touch).tries for touch in touches} == {0}
    assert "deliver" not in worker.due_stages(conn, NOW, bare)
    assert "deliver" in worker.due_stages(conn, NOW, equipped)
    assert run(conn, NOW, *equipped.values())["sent"] == 2


def test_words_that_could_not_be_made_are_the_templates_fault_and_go_out_once_mended(conn):
    (person,) = people(conn, 1)
    [touch] = decided(conn, [person], message="broken", body="{{ person.city }}")
    assert run(conn, NOW, Sandbox())["failed"] == 1
    (failed,) = conn.execute("select props from event where type = 'message_failed'")
    assert failed.props["reason"] == attempt(conn, touch).reason == Reason.CANNOT_RENDER
    assert "渠道" not in Reason.CANNOT_RENDER.zh, "no channel was asked"
    trait(conn, person, "city", "杭州")
    assert len(again(conn, NOW, reason=Reason.CANNOT_RENDER)) == 1
    assert run(conn, NOW, Sandbox())["sent"] == 1
    assert [row.body for row in conn.execute("select body from sandbox_message")] == ["杭州"]


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ({"sort": "gift", "title": {"zh": "马克杯", "en": "A mug"}}, "马克杯"),
        ({"sort": "red_packet", "title": {"zh": "新年红包", "en": "A red packet"}}, "8.88元红包"),
    ],
)
def test_a_gift_and_a_red_packet_are_called_what_they_are(conn, offer, said):
    (person,) = people(conn, 1)
    found = definitions.publish(conn, NOW, "offer", "present", offer, "test")
    conn.execute(
        """insert into coupon (code, bucket, person_id, origin_id, definition_id, version, state, value_fen, issued_at, valid_from)
           values ('P-1', %(p)s::bigint & 1023, %(p)s, %(p)s, %(d)s, %(v)s, 'issued', 888, %(now)s, %(now)s)""",
        {"p": person, "d": found.definition_id, "v": found.version, "now": NOW},
    )
    decided(conn, [person], channel="scripted", coupon="P-1", body="{{ coupon.discount }}")
    channel = Scripted(lambda _: Result.sent())
    run(conn, NOW, channel)
    assert [letter.body for letter in channel.letters] == [said]


def test_the_newest_address_wins_and_the_words_tell_of_the_coupon(conn):
    [winner] = people(conn, 1)
    trait(conn, winner, "name", "小王")
    email(conn, winner, "old@example.com", NOW - timedelta(days=2))
    email(conn, winner, "new@example.com", NOW - timedelta(days=1))
    email(conn, winner, "older@example.com", NOW - timedelta(days=3))
    conn.execute(
        """insert into coupon (code, bucket, person_id, origin_id, definition_id, state, value_fen, off_fen, minimum_fen, issued_at, valid_from, expires_at)
           values ('C-1', %s, %s, %s, 99, 'issued', 900, 1250, 3000, %s, %s, '2026-03-10T16:00:00Z')""",
        (winner % 1024, winner, winner, NOW, NOW),
    )
    body = "{{ person.name }}|{{ coupon.code }}|{{ coupon.discount }}|{{ coupon.expires }}"
    decided(conn, [winner], channel="scripted", coupon="C-1", body=body)
    channel = Scripted(lambda _: Result.sent(), handle="email")
    assert run(conn, NOW, channel)["sent"] == 1
    [letter] = channel.letters
    assert letter.address == "new@example.com"
    assert letter.body == "小王|C-1|满30元减12.50元|2026-03-10"
    assert "new@example.com" not in repr(letter)


def test_a_wrong_secret_waits_for_the_operator(conn, monkeypatch):
    [person] = people(conn, 1)
    email(conn, person, "a@example.com", NOW)
    [touch] = decided(conn, [person], channel="scripted")
    channel = Scripted(lambda _: Result.sent(), handle="email")
    monkeypatch.setenv("YUTANG_SECRET", "another")
    assert run(conn, NOW, channel)["waiting"] == 1
    monkeypatch.setenv("YUTANG_SECRET", "a secret for tests")
    assert run(conn, attempt(conn, touch).retry_at, channel)["sent"] == 1


def test_a_retry_that_falls_into_the_night_waits_where_the_person_lives(conn):
    here, there = people(conn, 2)
    trait(conn, there, "time_zone", "Europe/Berlin")
    touches = decided(conn, [here, there], channel="scripted")
    run(conn, NOW, Scripted(lambda _: Result.retry("busy")))
    evening, channel = datetime(2026, 3, 2, 14, 30, tzinfo=UTC), Scripted(lambda _: Result.sent())
    assert run(conn, evening, channel) == Counts(sent=1, waiting=1)
    assert [letter.person_id for letter in channel.letters] == [there]
    row = attempt(conn, touches[0])
    assert (row.state, row.reason, row.tries) == ("waiting", Reason.QUIET_HOURS, 1)
    assert row.retry_at == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    assert run(conn, row.retry_at, channel)["sent"] == 1
    assert (channel.letters[-1].meta["tries"], attempt(conn, touches[0]).reason) == (2, None)


def test_a_service_is_not_held_at_night(conn):
    service, marketing = decided(conn, people(conn, 2), channel="scripted")
    conn.execute("update touch set class = 'service' where touch_id = %s", (service,))
    channel = Scripted(lambda _: Result.sent())
    assert run(conn, datetime(2026, 3, 2, 15, 0, tzinfo=UTC), channel) == Counts(taken=2, sent=1, waiting=1)
    assert [letter.touch_id for letter in channel.letters] == [service]
    assert attempt(conn, marketing).reason == Reason.QUIET_HOURS


def test_the_message_version_of_the_touch_is_the_one_that_goes_out(conn):
    decided(conn, people(conn, 1), body="first")
    definitions.publish(conn, NOW, "message", "welcome", WELCOME | {"body": "second"}, "test")
    run(conn, NOW, Sandbox())
    assert [row.body for row in conn.execute("select body from sandbox_message")] == ["first"]


def test_a_claim_is_committed_before_the_channel_is_asked_and_a_second_worker_keeps_off(conn, url):
    decided(conn, people(conn, 3), channel="scripted")
    seen = []

    class Watched(Scripted):
        def send(self, conn, now, letters):
            with connect(url) as other:
                seen.extend(row.state for row in other.execute("select state from attempt"))
                seen.append(run(other, now, Scripted(lambda _: Result.sent()))["sent"])
            return super().send(conn, now, letters)

    run(conn, NOW, Watched(lambda _: Result.sent()))
    assert seen == ["claimed", "claimed", "claimed", 0]


def test_sent_is_true_however_late_it_is_said(conn, url):
    """A worker that sleeps past its lease: another takes over and fails for now; then the first says that it was sent."""
    [touch] = decided(conn, people(conn, 1), channel="scripted")
    later = NOW + timedelta(seconds=LEASE_SECONDS)

    class Slow(Scripted):
        def send(self, conn, now, letters):
            with connect(url) as other:
                assert run(other, later, Scripted(lambda _: Result.retry("busy")))["waiting"] == 1
            return super().send(conn, now, letters)

    assert send(conn, NOW, channels={"scripted": Slow(lambda _: Result.sent())})["sent"] == 1
    assert (attempt(conn, touch).state, attempt(conn, touch).retry_at) == ("sent", None)


@pytest.mark.parametrize("late", [Result.sent(), Result.failed("no"), Result.retry("busy")])
def test_once_sent_nothing_said_later_counts(conn, url, late):
    [touch] = decided(conn, people(conn, 1), channel="scripted")
    later = NOW + timedelta(seconds=LEASE_SECONDS)

    class Slow(Scripted):
        def send(self, conn, now, letters):
            with connect(url) as other:
                assert run(other, later, Scripted(lambda _: Result.sent()))["sent"] == 1
            return super().send(conn, now, letters)

    assert run(conn, NOW, Slow(lambda _: late)) == Counts(taken=1)
    assert (attempt(conn, touch).state, attempt(conn, touch).at) == ("sent", later)
    assert events(conn) == {"message_sent": [touch]}


@pytest.mark.parametrize("late", [Result.failed("no"), Result.retry("busy")])
def test_a_late_failure_does_not_take_the_claim_from_the_next_worker(conn, url, late):
    [touch] = decided(conn, people(conn, 1), channel="scripted")
    later = NOW + timedelta(seconds=LEASE_SECONDS)

    class Slow(Scripted):
        def send(self, conn, now, letters):
            with connect(url) as other, pytest.raises(KeyboardInterrupt):
                run(other, later, Deadly(lambda _: Result.sent()))
            return super().send(conn, now, letters)

    run(conn, NOW, Slow(lambda _: late))
    assert (attempt(conn, touch).state, attempt(conn, touch).tries) == ("claimed", 2)
    assert run(conn, later + timedelta(seconds=LEASE_SECONDS), Scripted(lambda _: Result.sent()))["sent"] == 1


def test_workers_claim_around_each_others_locks(conn, url):
    """Both ask at the same instant: the second neither waits for the first's rows nor takes them afterwards."""
    touches = decided(conn, people(conn, 3), channel="scripted")
    run(conn, NOW, Scripted(lambda _: Result.retry("busy")))
    later, second = NOW + timedelta(hours=1), Scripted(lambda _: Result.sent())

    class First(Scripted):
        batch = 2

        def send(self, conn, now, letters):
            with connect(url) as other:
                other.execute("set lock_timeout = '3s'")
                send(other, now, channels={"scripted": second})
            return super().send(conn, now, letters)

    first = First(lambda _: Result.sent())
    with conn.transaction():
        assert send(conn, later, channels={"scripted": first})["sent"] == 2
    assert sorted(x.touch_id for x in first.letters + second.letters) == touches


def test_a_letter_that_kills_its_workers_is_given_up_unsent(conn):
    [touch] = decided(conn, people(conn, 1), channel="scripted")

    channel, now = Deadly(lambda _: Result.sent()), NOW
    for _ in range(MOST_TRIES):
        with pytest.raises(KeyboardInterrupt):
            run(conn, now, channel)
        now += timedelta(seconds=LEASE_SECONDS)
    assert run(conn, now, channel)["failed"] == 1
    assert (len(channel.letters), attempt(conn, touch).reason) == (MOST_TRIES, Reason.GAVE_UP)


def test_inside_an_outer_transaction_everything_can_be_rolled_back(conn):
    decided(conn, people(conn, 2))
    with conn.transaction(force_rollback=True):
        assert send(conn, NOW, channels={"sandbox": Sandbox()})["sent"] == 2
    for table in ("attempt", "sandbox_message", "event"):
        assert conn.execute(f"select count(*) from {table}").fetchone()[0] == 0
    assert run(conn, NOW, Sandbox())["sent"] == 2


def test_the_scripts_answers_become_events_when_their_time_comes(conn):
    [touch] = decided(conn, people(conn, 1))
    hour = timedelta(hours=1)
    sandbox = Sandbox(
        lambda _: Reaction(
            replies=(Reply("message_opened", hour), Reply("message_clicked", 2 * hour, {"link": "menu"}))
        )
    )
    run(conn, NOW, sandbox)
    assert "message_opened" not in events(conn)
    assert run(conn, NOW + hour, sandbox)["answer"] == 1
    assert run(conn, NOW + 5 * hour, sandbox)["answer"] == 1
    assert not run(conn, NOW + 9 * hour, sandbox).busy()
    assert events(conn) == {"message_sent": [touch], "message_opened": [touch], "message_clicked": [touch]}
    row = conn.execute("select at, props from event where type = 'message_clicked'").fetchone()
    assert (row.at, row.props["link"]) == (NOW + 2 * hour, "menu")
