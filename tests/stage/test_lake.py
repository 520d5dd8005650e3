"""The archive step and the lake that it writes, against what PostgreSQL holds and naive arithmetic."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from ponds import NOON, TITLE, Pond
from shops import Shop
from walks import Walk
from yutang import lake
from yutang.lake import engine, export, tables
from yutang.lake.place import Folder
from yutang.model import bucket_of

DAY = timedelta(days=1)


@pytest.fixture
def place(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "lake")


def rows(place: Folder, question: str) -> list[Any]:
    with lake.opened(place.root) as opened:
        return opened.rows(question)


def facts(conn: psycopg.Connection) -> Counter[tuple]:
    """What PostgreSQL holds, as the lake should."""
    return Counter(
        (
            r.bucket,
            r.person_id,
            r.event_id,
            r.type,
            r.at,
            r.day,
            r.props["amount_fen"] if r.type in ("ordered", "refunded") else None,
        )
        for r in conn.execute("select * from person_event")
    )


def kept(place: Folder) -> Counter[tuple]:
    return Counter(
        tuple(r) for r in rows(place, 'select bucket, person_id, event_id, type, "at", day, amount from events')
    )


def test_every_event_is_in_the_lake_exactly_once(conn: psycopg.Connection, place: Folder) -> None:
    pond = Pond(conn)
    people = [pond.person(city="上海") for _ in range(5)]
    for n in range(60):
        pond.happened(
            people[n % 5],
            "ordered" if n % 3 else "viewed",
            NOON + n * DAY,
            order_id=f"o{n}",
            amount_fen=n * 100,
            odd='a"b,\n\\c',
        )
    done = lake.archive(conn, NOON + 90 * DAY, place)
    assert done["events"] == 60
    assert kept(place) == facts(conn)
    assert sum(json.loads(r.props)["odd"] == 'a"b,\n\\c' for r in rows(place, "select props from events")) == 60
    assert {r.part for r in conn.execute("select part from lake_file where table_name = 'events'")} == {
        "month=2026-03",
        "month=2026-04",
    }

    assert not lake.archive(conn, NOON + 91 * DAY, place).busy(), "nothing has come since"
    late = pond.happened(people[0], "ordered", NOON, order_id="late", amount_fen=1)
    assert lake.archive(conn, NOON + 91 * DAY, place)["events"] == 1
    assert kept(place) == facts(conn)
    (row,) = rows(place, f"select * from orders where event_id = {late}")
    assert (row.order_id, row.amount, row.refunded, row.bucket) == ("late", 1, 0, bucket_of(people[0]))


def test_touches_follow_what_becomes_of_them(conn: psycopg.Connection, place: Folder) -> None:
    shop = Shop(conn)
    a, b = (int(p) for p in shop.people(2))
    journey = shop.journey(0, "wake", [{"do": "message", "id": "hello-line"}])
    sent, waiting = shop.reached(journey, a, at=NOON), shop.reached(journey, b, at=NOON)
    conn.execute("update attempt set state = 'assigned' where touch_id = %s", (waiting,))
    lake.archive(conn, NOON + DAY, place)
    found = {r.touch_id: r for r in rows(place, "select * from touches")}
    assert (found[sent].journey, found[sent].step, found[sent].channel, found[sent].state) == (
        "wake",
        "hello-line",
        "sandbox",
        "sent",
    )
    assert (found[sent].decided_at, found[sent].sent_at, str(found[sent].day), found[sent].arm) == (
        NOON,
        NOON,
        "2026-03-02",
        "treated",
    )
    assert (found[waiting].state, found[waiting].sent_at) == ("assigned", None)
    assert parts(conn, "touches") == {"current", "month=2026-03"}

    conn.execute("update attempt set state = 'sent', at = %s where touch_id = %s", (NOON + 2 * DAY, waiting))
    assert lake.archive(conn, NOON + 3 * DAY, place)["touches"] == 1
    found = {r.touch_id: r for r in rows(place, "select * from touches")}
    assert (found[waiting].state, found[waiting].sent_at) == ("sent", NOON + 2 * DAY)
    assert parts(conn, "touches") == {"month=2026-03"}
    assert not lake.archive(conn, NOON + 3 * DAY, place).busy()


def test_memberships_end_and_follow_a_merge(conn: psycopg.Connection, place: Folder) -> None:
    walk = Walk(conn)
    a, b = walk.known(), walk.known()
    for person in (a, b):
        walk.happened(person, "viewed")
    sleepers, early = walk.segment("sleepers"), walk.segment("early")
    walk.comes_in(a, sleepers)
    walk.comes_in(b, sleepers)
    walk.comes_in(b, early, NOON - DAY)
    lake.archive(conn, NOON + DAY, place)
    walk.goes_out(a, NOON + 2 * DAY)
    lake.archive(conn, NOON + 3 * DAY, place)
    question = "select person_id, segment, entered_at, left_at from memberships"
    assert {tuple(r) for r in rows(place, question)} == {
        (a, "sleepers", NOON, NOON + 2 * DAY), (b, "sleepers", NOON, None), (b, "early", NOON - DAY, None)
    }  # fmt: skip
    conn.execute("update person set merged_into = %s, changed = pg_current_xact_id() where person_id = %s", (a, b))
    lake.archive(conn, NOON + 4 * DAY, place)
    assert sorted(tuple(r) for r in rows(place, question)) == [
        (a, "early", NOON - DAY, None),
        (a, "sleepers", NOON, None),
    ]
    assert [r.person_id for r in rows(place, "select person_id from persons where valid_to is null")] == [a]
    assert [r.valid_to for r in rows(place, f"select valid_to from persons where person_id = {b}")] == [NOON + 4 * DAY]


def test_an_erased_person_is_in_no_file_any_more(conn: psycopg.Connection, place: Folder) -> None:
    shop = Shop(conn)
    a, b = (int(p) for p in shop.people(2))
    journey, segment = shop.journey(0), shop.define("segment", "all", {"title": TITLE, "rule": {}})
    for person in (a, b):
        for n in range(4):
            shop.happened(person, "ordered", NOON + 40 * n * DAY, order_id=f"{person}-{n}", amount_fen=5)
        shop.reached(journey, person)
        conn.execute(
            "insert into membership (bucket, person_id, segment_id, version, since) values (%s, %s, %s, 1, %s)",
            (bucket_of(person), person, segment.definition_id, NOON),
        )
    lake.archive(conn, NOON + DAY, place)
    assert {len(everywhere(place, person)) for person in (a, b)} == {5}
    assert lake.erase(conn, NOON + DAY, [a]) == 1
    shop.happened(a, "viewed", NOON + DAY)
    done = lake.archive(conn, NOON + 2 * DAY, place)
    assert done["erased"] == 1
    assert everywhere(place, a) == set(), "of all files, also those that are no longer live"
    assert everywhere(place, b) == {"events", "orders", "touches", "memberships", "persons"}
    shop.happened(a, "viewed", NOON + 3 * DAY)
    lake.archive(conn, NOON + 3 * DAY, place)
    assert everywhere(place, a) == set(), "nor does anything come again"


def test_files_of_an_older_version_stay_readable(
    conn: psycopg.Connection, place: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    pond = Pond(conn)
    pond.happened(person := pond.person(), "viewed")
    lake.archive(conn, NOON, place)
    wider = replace(tables.EVENTS, columns=(*tables.EVENTS.columns, tables.Column("mood", "INTEGER", 2)))
    monkeypatch.setattr(engine, "TABLES", (wider,))
    assert [(r.type, r.mood) for r in rows(place, "select * from events")] == [("viewed", None)]
    new = place.root / "events" / "month=2026-03" / "00000002-new.parquet"
    duckdb.sql(f"copy (select *, 7 as mood from '{place.root}/events/*/*.parquet') to '{new}'")
    manifest = json.loads((place.root / "live.json").read_text())
    manifest["files"].append(
        {"table": "events", "part": "month=2026-03", "path": f"events/month=2026-03/{new.name}", "version": 2}
    )
    (place.root / "live.json").write_text(json.dumps(manifest))
    found = rows(place, "select person_id, mood from events order by mood nulls first")
    assert [tuple(r) for r in found] == [(person, None), (person, 7)]


def test_anybody_can_read_the_files_with_what_live_json_says(conn: psycopg.Connection, place: Folder) -> None:
    pond = Pond(conn)
    for n in range(30):
        pond.happened(pond.person(), "viewed", NOON - n * timedelta(hours=5))
    lake.archive(conn, NOON, place)
    manifest = json.loads((place.root / "live.json").read_text())
    files = [str(place.root / file["path"]) for file in manifest["files"] if file["table"] == "events"]
    for file in files:
        found = duckdb.sql(f"select bucket, person_id, epoch_us(\"at\") from '{file}'").fetchall()
        assert found == sorted(found), "each file lies in the order of bucket, person, time"
    assert sum(duckdb.sql(f"select count(*) from '{file}'").fetchall()[0][0] for file in files) == 30


def test_a_copy_that_breaks_leaves_the_connection_in_order(conn: psycopg.Connection) -> None:
    class Full:
        def write(self, _: Any) -> None:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        export._copy_out(conn, "copy (select * from generate_series(1, 1000000)) to stdout", Full())
    assert conn.execute("select 1").fetchone()[0] == 1
    with pytest.raises(psycopg.errors.DivisionByZero):
        export._copy_out(conn, "copy (select 1 / (5 - n) from generate_series(1, 9) n) to stdout", io.BytesIO())
    with pytest.raises(psycopg.errors.UndefinedTable):
        export._copy_out(conn, "copy (select * from nowhere) to stdout", io.BytesIO())
    assert conn.execute("select 1").fetchone()[0] == 1


def parts(conn: psycopg.Connection, table: str) -> set[str]:
    return {r.part for r in conn.execute("select part from lake_file where gone is null and table_name = %s", (table,))}


def everywhere(place: Folder, person: int) -> set[str]:
    """The tables of which any file at all, live or not, speaks of a person."""
    return {
        path.split("/")[0]
        for path in place.paths()
        if duckdb.sql(f"select 1 from '{place.root / path}' where person_id = {person}").fetchall()
    }
