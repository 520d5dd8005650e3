"""A batch of letters: what its letters share is made once, and each still ends, and is told, by itself."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from touches import NOW, WELCOME, attempt, decided, people, trait
from yutang.channels.contract import Channel, Result
from yutang.deliver import send, wallet
from yutang.deliver.asks import FORETOLD, PRODUCTS, RUN, WALLET, asks
from yutang.deliver.preference import holder
from yutang.model import Reason
from yutang.vault import open_vault


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUTANG_SECRET", "a secret for tests")


class Mixed(Channel):
    """Every letter of a batch ends in another way."""

    name = "mixed"

    def __init__(self, *results: Result) -> None:
        self.results, self.letters = results, []

    def send(self, conn, now, letters):  # noqa: ARG002
        self.letters += letters
        return list(self.results[: len(letters)])


def test_each_letter_of_a_batch_ends_in_its_own_way(conn: psycopg.Connection) -> None:
    until, longer = NOW + timedelta(hours=2), NOW + timedelta(hours=3)
    channel = Mixed(
        Result.sent("a"),
        Result.sent("b"),
        Result.sent(),
        Result.assigned("task"),
        Result.wait(until, Reason.QUOTA),
        Result.wait(longer, Reason.QUOTA),
        Result.failed("gone\0 away", Reason.NO_ADDRESS),
        Result.retry("busy"),
    )
    touches = decided(conn, people(conn, 8), channel="mixed")
    counts = send(conn, NOW, channels={"mixed": channel})
    assert (counts["sent"], counts["assigned"], counts["waiting"], counts["failed"]) == (3, 1, 3, 1)
    rows = [attempt(conn, touch) for touch in touches]
    assert [(r.state, r.reason, r.detail, r.provider_id, r.tries, r.claimed_by) for r in rows] == [
        ("sent", None, None, "a", 1, None),
        ("sent", None, None, "b", 1, None),
        ("sent", None, None, None, 1, None),
        ("assigned", None, None, "task", 1, None),
        ("waiting", Reason.QUOTA, None, None, 0, None),
        ("waiting", Reason.QUOTA, None, None, 0, None),
        ("failed", Reason.NO_ADDRESS, "gone away", None, 1, None),
        ("waiting", Reason.TEMPORARY, "busy", None, 1, None),
    ]
    assert [r.retry_at for r in rows[:7]] == [None, None, None, None, until, longer, None]
    assert rows[7].retry_at > NOW
    told = conn.execute("select type, props from event order by event_id").fetchall()
    # The touches of tests name the message's definition as their journey, too.
    message = {"channel": "mixed", "message": "welcome", "journey": "welcome"}
    assert [(row.type, row.props) for row in told] == [
        *(("message_sent", message | {"touch_id": touch}) for touch in touches[:3]),
        ("message_failed", message | {"touch_id": touches[6], "reason": "no_address"}),
    ]


def test_letters_that_wait_keep_no_other_channel_from_its_turn(conn: psycopg.Connection) -> None:
    """A channel whose letters all wait is passed over; one due letter among many that wait is found."""
    first, second = Mixed(Result.wait(NOW + timedelta(days=1), Reason.QUOTA)), Mixed(*[Result.sent()] * 2)
    first.name = "first"
    decided(conn, people(conn, 1), channel="first")
    decided(conn, people(conn, 2), channel="mixed")
    channels = {"first": first, "mixed": second}
    assert send(conn, NOW, channels=channels)["sent"] == 2
    assert not send(conn, NOW + timedelta(hours=1), channels=channels).busy()
    assert send(conn, NOW + timedelta(days=1), channels=channels)["waiting"] == 1
    assert len(first.letters) == 2


def test_what_one_person_chose_does_not_hold_for_the_next(conn: psycopg.Connection) -> None:
    """Quiet hours are worked out once for all who have the same; three kinds of people in one batch. It is noon in Shanghai."""
    plain, early, abroad = people(conn, 3)
    trait(conn, early, "quiet_hours", "11:00-14:00")
    trait(conn, abroad, "time_zone", "America/New_York")
    touches = decided(conn, [plain, early, abroad], channel="mixed")
    send(conn, NOW, channels={"mixed": Mixed(Result.sent())})
    rows = [attempt(conn, touch) for touch in touches]
    assert [row.state for row in rows] == ["sent", "waiting", "waiting"]
    assert [row.retry_at for row in rows[1:]] == [NOW + timedelta(hours=2), NOW + timedelta(hours=9)]


def test_links_are_each_persons_own_and_the_wallets_only_where_it_is_asked_for(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YUTANG_PUBLIC_URL", "https://pond.example")
    persons, vault = people(conn, 2), open_vault()
    channel = Mixed(*[Result.sent()] * 4)
    decided(conn, persons, channel="mixed", body="{{ preferences }}")
    decided(conn, persons, channel="mixed", message="coupons", body="{{ wallet }}")
    send(conn, NOW, channels={"mixed": channel})
    paths = [letter.body.removeprefix("https://pond.example") for letter in channel.letters]
    assert [path[:3] for path in paths] == ["/p/", "/p/", "/w/", "/w/"]
    assert [holder(vault, NOW, path[3:]) for path in paths[:2]] == persons
    assert [wallet.holder(vault, NOW, path[3:]) for path in paths[2:]] == persons


def test_the_words_of_the_event_reach_only_the_message_that_asks(conn: psycopg.Connection) -> None:
    """Two runs of one message, one about something, one about nothing; and a message that does not ask."""
    one, other = people(conn, 2)
    channel = Mixed(*[Result.sent()] * 3)
    decided(conn, [one, other], channel="mixed", body="{{ run.code | default('none') }}")
    decided(conn, [one], channel="mixed", message="plain", body="a run begins")
    conn.execute(
        """insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at, about, alone)
           select t.bucket, t.person_id, t.journey_id, t.cause, t.version, 'treated', 'active', 0, t.at, t.at,
                  case t.person_id when %s then '{"code": "A7"}'::jsonb else '{}' end, false from touch t""",
        (one,),
    )
    send(conn, NOW, channels={"mixed": channel})
    assert [(letter.person_id, letter.body) for letter in channel.letters] == [
        (one, "A7"),
        (other, "none"),
        (one, "a run begins"),
    ]


def test_a_touch_that_is_gone_ends_alone(conn: psycopg.Connection) -> None:
    gone, there = decided(conn, people(conn, 2), channel="mixed")
    channel = Mixed(Result.wait(NOW, Reason.QUOTA), Result.wait(NOW, Reason.QUOTA))
    send(conn, NOW, channels={"mixed": channel})
    conn.execute("delete from touch where touch_id = %s", (gone,))
    send(conn, NOW, channels={"mixed": Mixed(Result.sent())})
    assert (attempt(conn, gone).state, attempt(conn, gone).detail) == ("failed", "这条触达已不存在。 its touch is gone")
    assert attempt(conn, there).state == "sent"


def test_what_a_message_asks_for() -> None:
    def asked(body: str, **more: object) -> frozenset[str]:
        return asks(WELCOME | {"body": body} | more)

    assert asked("our products, a run, a wallet and predictions") == frozenset()
    assert asked("{{ products | length }}{{ run.code }}") == {PRODUCTS, RUN}
    assert asked("{% for run in products %}{{ run.title }}{% endfor %}") == {PRODUCTS}
    assert asked("好", subject="{{ wallet }}") == {WALLET}
    assert asked("好", attachments=[{"kind": "link", "url": "{{ wallet }}?a={{ person['predictions'].p_alive }}"}]) == {
        WALLET,
        FORETOLD,
    }
