"""A person who vanishes while work is under way: between any two stages, while a letter is being sent, under the eyes of an old
transaction; and what the database has to read for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from erasures import DAY, VAULT, Lived, holding
from yutang import erasure, worker
from yutang.channels.contract import Letter, Result
from yutang.channels.sandbox.send import Sandbox
from yutang.db.connect import connect
from yutang.db.queries import Queries
from yutang.erasure.run import LEASE
from yutang.erasure.whom import find
from yutang.model import Counts

HOUR = timedelta(hours=1)


def words(n: int) -> tuple[str, ...]:
    return (f"vanish-{n:03}", f"1390000{n:04}", f"商品{n:03}")


def test_erased_between_any_two_stages(conn: psycopg.Connection) -> None:
    """One person for each gap of a pass, who has just registered, ordered and agreed; then the loop goes on for ten days."""
    pond = Lived(conn, days=1)
    gaps = range(len(worker.STAGES))
    for n in gaps:
        handles = {"shop:luckin": words(n)[0], "phone": words(n)[1]}
        pond.tell("registered", handles, f"r{n}")
    pond.settle()
    gone = [pond.person(words(n)[0]) for n in gaps]
    pond.now += 31 * DAY
    for n in gaps:
        handles = {"shop:luckin": words(n)[0]}
        items = [{"product": words(n)[2], "quantity": 1}]
        pond.tell("ordered", handles, f"o{n}", order_id=f"{words(n)[0]}-1", amount_fen=1900, items=items)
        pond.tell("consent_given", handles, f"c{n}", channel="*")
    for n, stage in enumerate(worker.STAGES):
        erasure.erase(conn, VAULT, pond.now, gone[n], "test")
        extra: dict[str, Any] = {"channels": pond.channels} if stage in worker.OUTSIDE else {}
        stage(conn, pond.now, **extra)  # type: ignore[operator]
    for _ in range(5):
        pond.settle()
        pond.now += 2 * DAY
    erasure.settle(conn, pond.now)
    assert holding(conn, [word for n in gaps for word in words(n)]) == {}
    living = conn.execute("select count(*) as n from tally t where person_id = any(%s)", (gone,)).fetchone()
    assert living.n == 0
    under_way = conn.execute(
        """select (select count(*) from attempt where person_id = any(%(p)s) and state in ('waiting', 'claimed', 'assigned'))
                + (select count(*) from enrolment where person_id = any(%(p)s) and state = 'active')
                + (select count(*) from touch where person_id = any(%(p)s) and verdict = 'hold') as n""",
        {"p": gone},
    ).fetchone()
    assert under_way.n == 0
    assert conn.execute("select count(*) as n from erasure where settled_at is null").fetchone().n == 0


class Vanishing(Sandbox):
    """Whoever is written to is erased by somebody else, while the letter is on its way."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.letters = url, 0

    def send(self, conn: psycopg.Connection, now: Any, letters: Sequence[Letter]) -> list[Result]:
        with connect(self.url) as other:
            for person in {letter.person_id for letter in letters}:
                erasure.erase(other, VAULT, now, person, "test")
        self.letters += len(letters)
        return super().send(conn, now, letters)


def test_erased_while_a_letter_is_being_sent(conn: psycopg.Connection, url: str) -> None:
    pond = Lived(conn, days=1)
    channel = Vanishing(url)
    pond.channels = {"sandbox": channel}
    pond.tell("registered", {"shop:luckin": words(1)[0], "phone": words(1)[1]}, "r1", name=words(1)[2])
    pond.settle()
    assert channel.letters == 1
    left = holding(conn, words(1))
    assert set(left) <= {"sandbox_message"}, "what the channel wrote down after it had gone"
    pond.settle()
    erasure.settle(conn, pond.now + HOUR)
    assert holding(conn, words(1)) == {}
    made = erasure.listed(conn)[0]
    assert made.settled_at == pond.now + HOUR
    assert made.again > 0


def test_it_is_settled_only_when_nothing_old_runs_any_more(conn: psycopg.Connection, url: str) -> None:
    pond = Lived(conn, days=1)
    ann = pond.person()
    with connect(url) as old:
        old.execute("begin isolation level repeatable read")
        old.execute("select count(*) from trait")
        erasure.erase(conn, VAULT, pond.now, ann, "test")
        late = pond.now + LEASE
        erasure.settle(conn, late)
        assert erasure.receipt(conn, ann).settled_at is None
        old.execute(
            "insert into trait (bucket, person_id, name, value, at, event_id) values (%s, %s, 'name', '\"安小鱼\"', %s, 0)",
            (ann & 1023, ann, pond.now),
        )
        old.execute("commit")
    erasure.settle(conn, pond.now + LEASE / 2)
    assert holding(conn) == {}
    assert erasure.receipt(conn, ann).settled_at is None, "claims of that time may still be held"
    erasure.settle(conn, late)
    assert erasure.receipt(conn, ann).settled_at == late


MAY_BE_SCANNED = {
    "proposal", "channel_news", "sandbox_answer", "reject", "tag_change", "keep_apart", "saved_view", "channel_account", "kf_account",
    "channel_grant_event", "channel_notice_receipt", "lake_erased",
}  # fmt: skip
"""What is emptied as it is read, or only ever small; refusals have to be opened one by one."""
ERASING = (
    "profile", "segment", "predict", "deliver", "decide", "journey", "journey.calls", "users", "channels.sandbox", "channels.staff",
    "channels.platform", "channels.platform.grants", "channels.official_account", "channels.sms", "channels.customer_service",
    "channels.wecom.erase", "channels.wecom.tasks", "offer", "identity", "ingest", "erasure", "lake",
)  # fmt: skip
ASKING = {
    "identity": ("canonical", "members", "person_handles", "events_of", "cases_of", "erased_among"),
    "ingest": ("waiting_of", "undone_of", "callbacks_of", "sealed_callbacks"),
    "offer": ("codes_of", "held_by", "end_coupons"),
    "erasure": ("touches_of", "accounts", "erased"),
}


def scanned(plan: dict[str, Any]) -> set[str]:
    own = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return own.union(*(scanned(part) for part in plan.get("Plans", ())))


@pytest.mark.parametrize("package", ERASING)
def test_no_big_table_is_scanned(conn: psycopg.Connection, package: str) -> None:
    """With scans forbidden the planner scans only where no index serves."""
    pond = Lived(conn, days=0) if package == "profile" else None
    person = (
        pond.person()
        if pond
        else conn.execute("insert into person (bucket, person_id, created_at) values (7, 7, now()) returning person_id")
        .fetchone()
        .person_id
    )
    with conn.transaction(force_rollback=True):
        whom = find(conn, VAULT, pond.now if pond else DAY and None, person).whom.params()  # type: ignore[arg-type]
    more = {"low": "0", "strong": whom["keys"], "person": person, "cases": [], "now": None}
    queries = Queries(f"yutang.{package}").all
    names = [name for name in queries if name.startswith("erase_") or name in ASKING.get(package, ())]
    assert names or package in ("lake", "erasure")
    conn.execute("set enable_seqscan = off")
    for name in names + (["erase"] if package == "lake" else []):
        plan = conn.execute(
            "explain (format json) " + queries[name].template, whom | more | {"names": ["x" * 9]}
        ).fetchone()[0]  # type: ignore[arg-type]
        found = json.loads(plan) if isinstance(plan, str) else plan
        assert scanned(found[0]["Plan"]) <= MAY_BE_SCANNED, name


def test_a_running_loop_does_not_notice(conn: psycopg.Connection) -> None:
    """Nothing is due, and nothing fails, after everybody has gone."""
    pond = Lived(conn, days=1)
    for member in ("member-ann-001", "member-bob-002", "member-cat-003"):
        erasure.erase(conn, VAULT, pond.now, pond.person(member), "test")
    pond.now += 3 * DAY
    done: Counts = worker.settle(conn, pond.now, pond.channels)
    assert not any(n for name, n in done.items() if name.split(".")[0] in ("decide", "deliver", "journey")), done
