"""Old events leave PostgreSQL when the lake has them, and nobody can tell by the people."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from histories import Town
from ponds import NOON, TITLE
from yutang import identity, ingest, lake, segment
from yutang.ingest.undo import undo
from yutang.lake.hot import droppable
from yutang.lake.place import placed
from yutang.model import YutangError
from yutang.vault import Vault

DAY = timedelta(days=1)
HOT = 100
FACTS = {
    "profile": "bucket, person_id, recency, frequency, monetary, life_stage, recompute_at",
    "tally": "*",
    "activity": "*",
    "trait": "*",
    "tag": "*",
    "consent": "*",
    "membership": "bucket, person_id, segment_id, version, since, until",
}


@pytest.fixture
def town(conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town of 200 days, archived today."""
    monkeypatch.setenv("YUTANG_LAKE_URL", str(tmp_path / "lake"))
    town = Town(conn, 5)
    rules = {
        "lookers": {"count": "viewed", "at_least": 2},
        "recent": {"count": "viewed", "days": 150, "at_least": 1},
        "buyers": {"count": "ordered", "at_least": 1},
    }
    for name, rule in rules.items():
        town.pond.define("segment", name, {"title": TITLE, "rule": rule})
    for _ in range(20):
        town.now += 10 * DAY
        town.events(12)
        town.settle()
        segment.refresh(conn, town.now)
    return town


def people(conn: psycopg.Connection) -> dict[str, Counter]:
    return {
        table: Counter(map(str, conn.execute(f"select {columns} from {table}"))) for table, columns in FACTS.items()
    }


def hot(town: Town) -> None:
    town.pond.settings(holdout_percent=0, history={"hot_days": HOT})


def made_again(town: Town) -> None:
    """Everybody's profile from nothing, and everybody's segments."""
    town.conn.execute("update person set changed = pg_current_xact_id() where merged_into is null")
    town.settle()
    town.conn.execute("delete from pond_followed")
    town.settle()
    town.conn.execute("delete from segment_state")
    segment.refresh(town.conn, town.now)


def counts_of_the_lake() -> tuple[Counter, Counter]:
    """Tallies and days of all that ever happened."""
    with lake.opened() as opened:
        rows = opened.rows("select person_id, type, day, coalesce(amount, 0) as fen from events")
    tally, days = Counter(), Counter()
    for r in rows:
        tally[r.person_id, r.type] += 1
        days[r.person_id, r.type, r.day] += 1
    return tally, days


def counts(conn: psycopg.Connection) -> tuple[Counter, Counter]:
    tally = Counter({(r.person_id, r.type): r.n for r in conn.execute("select * from tally")})
    return tally, Counter({(r.person_id, r.type, r.day): r.n for r in conn.execute("select * from activity")})


def test_nothing_about_the_people_changes(conn: psycopg.Connection, town: Town) -> None:
    lake.keep(conn, town.now)
    made_again(town)
    inside = Counter(r.segment_id for r in conn.execute("select segment_id from membership where until is null"))
    assert len(inside) == 3
    before, events = people(conn), conn.execute("select count(*) from event").fetchone()[0]
    assert lake.keep(conn, town.now)["dropped"] == 0, "without the setting nothing goes"
    hot(town)
    dropped = lake.keep(conn, town.now)["dropped"]
    assert dropped > 10
    assert conn.execute("select count(*) from event").fetchone()[0] == events - dropped
    assert people(conn) == before
    made_again(town)
    assert people(conn) == before
    edge = conn.execute("select before from history_edge").fetchone().before
    old = conn.execute("select e.event_id, e.type from person_event e where at < %s", (edge,)).fetchall()
    kept = {r.event_id for r in conn.execute("select event_id from handle union select event_id from merge_log")}
    assert {r.event_id for r in old if r.type == "viewed"} <= kept, "of what is only counted, the evidence alone stays"
    assert {r.event_id for r in conn.execute("select event_id from handle")} <= {
        r.event_id for r in conn.execute("select event_id from event")
    }
    assert {r.type for r in old} >= {"ordered", "profile_updated"}, "what is read one by one stays"
    assert lake.keep(conn, town.now)["dropped"] == 0


def test_people_who_are_joined_later_keep_what_only_the_lake_has(conn: psycopg.Connection, town: Town) -> None:
    hot(town)
    assert lake.keep(conn, town.now)["dropped"]
    merges = conn.execute("select count(*) from merge_log").fetchone()[0]
    for n in range(6):
        town.said({"phone": f"+861380000{n:04}", "shop:tmall": f"m{n}"})
    town.settle()
    assert conn.execute("select count(*) from merge_log").fetchone()[0] > merges
    lake.archive(conn, town.now, placed())
    assert counts(conn) == counts_of_the_lake()
    made_again(town)
    assert counts(conn) == counts_of_the_lake()


def test_what_could_no_longer_be_right_is_refused(conn: psycopg.Connection, town: Town) -> None:
    vault = Vault(b"0123456789abcdef0123456789abcdef")
    ingest.add_source(conn, NOON, "pos", "POS")
    conn.execute(
        "insert into import (kind, path, digest, mapping, state, accepted, started_at) values ('events', 'x', 'x', '{}', 'done', 10, now())"
    )
    conn.execute("update event set import_id = 1 where event_id in (select event_id from event order by 1 limit 10)")
    hot(town)
    lake.keep(conn, town.now)
    late = {
        "id": "late",
        "type": "viewed",
        "at": (town.now - (HOT + 5) * DAY).isoformat(),
        "handles": {"phone": "+8613800000001"},
    }
    answer = ingest.record(conn, vault, town.now, [late | {"source": "pos"}])
    assert [r.reason for r in answer.rejected] == ["too_old"]
    with pytest.raises(YutangError, match="cannot be undone"):
        undo(conn, town.now, 1)
    number = conn.execute("select person_id from person_past limit 1").fetchone().person_id
    by_number = {
        "id": "n",
        "source": "pos",
        "type": "viewed",
        "at": town.now.isoformat(),
        "handles": {"person": str(number)},
    }
    ingest.record(conn, vault, town.now, [by_number])
    conn.execute(
        "insert into import (kind, path, digest, mapping, state, accepted, started_at) values ('events', 'y', 'y', '{}', 'done', 1, now())"
    )
    conn.execute("update event set import_id = 2 where source_id = 'n'")
    with pytest.raises(YutangError, match="cannot be undone"):
        undo(conn, town.now, 2)
    winners = conn.execute(
        "select winner_id from merge_log join person_past on person_id = winner_id where undone_at is null limit 1"
    ).fetchone()
    if winners:
        with pytest.raises(YutangError, match="cannot be split"):
            identity.split(conn, town.now, winners.winner_id)


@pytest.mark.parametrize(
    "rule",
    [
        {"count": "viewed", "where": {"page": "/a"}, "at_least": 1},
        {"sequence": "viewed", "then_not": "ordered", "within_days": 3},
    ],
)
def test_what_a_rule_reads_closely_stays(conn: psycopg.Connection, town: Town, rule: dict[str, Any]) -> None:
    assert droppable(conn, town.now) == ["viewed"]
    town.pond.define("segment", "close", {"title": TITLE, "rule": rule})
    assert droppable(conn, town.now) == []
