"""Migrations: each step once, whoever asks and how many at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from yutang.app import App, opened
from yutang.db.connect import connect
from yutang.db.migrate import migrate, steps
from yutang.db.server import Server
from yutang.demo import database
from yutang.model import YutangError
from yutang.vault import open_vault


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """The URL of a database in which nothing has been made."""
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("create database empty_pond")
        yield make_conninfo(server.url, dbname="empty_pond")
        admin.execute("drop database empty_pond with (force)")


def test_steps_are_numbered_without_gaps() -> None:
    assert [number for number, _, _ in steps()] == list(range(1, len(steps()) + 1))


def test_the_second_run_does_nothing(empty: str) -> None:
    with connect(empty) as conn:
        assert migrate(conn) == [name for _, name, _ in steps()]
        assert migrate(conn) == []


def test_several_at_once_on_an_empty_database(empty: str) -> None:
    together = Barrier(4)

    def one(_: int) -> list[str]:
        with connect(empty) as conn:
            together.wait()
            return migrate(conn)

    with ThreadPoolExecutor(4) as pool:
        applied = [name for names in pool.map(one, range(4)) for name in names]
    assert sorted(applied) == [name for _, name, _ in steps()]
    with connect(empty) as conn:
        assert conn.execute("select count(*) from schema_version").fetchone() == (len(steps()),)


def test_a_pond_with_data_keeps_its_cells_and_its_news(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of days move into the row of their sums; whom segments have not read yet, they read."""
    every = steps()
    monkeypatch.setattr("yutang.db.migrate.steps", lambda: every[:32])
    with connect(empty) as conn:
        migrate(conn)
        for day, n, amount in (("2026-01-03", 1, 0), ("2026-01-01", 2, 900), ("2026-01-02", 3, 0)):
            conn.execute("insert into activity values (7, 7, 'ordered', %s, %s, %s)", (day, n, amount))
        conn.execute("insert into activity values (7, 7, 'viewed', '2026-01-02', 4, 0)")
        conn.execute(
            """insert into tally values (7, 7, 'ordered', 6, 900, '2026-01-01', '2026-01-03'),
                                        (7, 7, 'viewed', 4, 0, '2026-01-02', '2026-01-02')"""
        )
        conn.execute(
            "insert into profile values (7, 7, 1, 1, 1, 'new', now(), null, '90'), (8, 8, 1, 1, 1, 'new', now(), null, '100')"
        )
        conn.execute(
            """insert into stage_cursor values ('profile', '0-1023', 'person_event.xid', '200'),
                                               ('segment.profile', '0-1023', 'profile.xid', '100')"""
        )
        cells = conn.execute("select * from activity order by type, day").fetchall()
        monkeypatch.setattr("yutang.db.migrate.steps", lambda: every)
        migrate(conn)
        assert conn.execute("select * from activity order by type, day").fetchall() == cells
        assert conn.execute("select days[1] = '2026-01-01', day_n, day_amount from tally order by type").fetchall() == [
            (True, [2, 3, 1], [900, 0, 0]),
            (False, [4], []),
        ]
        assert conn.execute("select persons from profile_due").fetchall() == [([8],)]
        assert conn.execute(
            "select source, xid::text from stage_cursor where stage = 'segment.person_event'"
        ).fetchall() == [("person_event.xid", "200")]


def test_whoever_stands_on_a_ladder_is_in_the_calendar(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of one bucket within an hour share a row under the earlier time; who waits for nothing has none."""
    every = steps()
    monkeypatch.setattr("yutang.db.migrate.steps", lambda: every[:35])
    with connect(empty) as conn:
        migrate(conn)
        for person, due in (
            (7, "2026-01-02 10:40Z"),
            (1031, "2026-01-02 10:20Z"),
            (2055, "2026-01-02 11:00Z"),
            (8, None),
        ):
            conn.execute(
                """insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, due_at)
                   values (%(person)s::bigint & 1023, %(person)s, 1, 1, %(person)s, 'down', 0, 0, now(), now(), %(due)s)""",
                {"person": person, "due": due},
            )
        monkeypatch.setattr("yutang.db.migrate.steps", lambda: every)
        migrate(conn)
        rows = conn.execute("select bucket, persons, due_at::text from ladder_due order by due_at").fetchall()
        assert [(row.bucket, sorted(row.persons), row.due_at) for row in rows] == [
            (7, [7, 1031], "2026-01-02 10:20:00+00"),
            (7, [2055], "2026-01-02 11:00:00+00"),
        ]


def test_a_step_that_fails_leaves_nothing_behind(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [(1, "0001_broken.sql", "create table half (a int); select no_such_function()")]
    monkeypatch.setattr("yutang.db.migrate.steps", lambda: broken)
    with connect(empty) as conn:
        with pytest.raises(psycopg.errors.UndefinedFunction):
            migrate(conn)
        assert conn.execute("select to_regclass('half')").fetchone() == (None,)


def test_a_database_of_a_newer_program_is_left_alone(conn: psycopg.Connection) -> None:
    conn.execute("insert into schema_version (version, name) values (9999, '9999_future.sql')")
    with pytest.raises(YutangError, match=r"newer than this program .*9999.* upgrade"):
        migrate(conn)


def test_a_demos_pond_of_an_older_program_is_brought_up(
    home: Path,  # noqa: ARG001
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = steps()
    monkeypatch.setattr("yutang.db.migrate.steps", lambda: every[:-1])
    older = database.fresh(App(url, open_vault()), "older")
    with connect(older) as conn:
        conn.execute(
            """insert into event (source, source_id, type, at, received_at, handles, keys, props)
               values ('pos', '1', 'viewed', '2026-01-01Z', '2026-01-01Z', '{}', '{}', '{}')"""
        )
    monkeypatch.setattr("yutang.db.migrate.steps", lambda: every)
    monkeypatch.setenv("YUTANG_DATABASE_URL", url)
    monkeypatch.setenv("YUTANG_DEMO", "older")
    with opened() as app, app.connect() as conn:
        assert conn.execute("select max(version) from schema_version").fetchone() == (len(every),)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("drop database yutang_demo_older")


def test_contradictions_name_people_who_exist_and_nobodys_handles_are_free(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = steps()
    monkeypatch.setattr("yutang.db.migrate.steps", lambda: every[:43])
    one, other, third = (str(UUID(int=n)) for n in (1, 2, 3))
    with connect(empty) as conn:
        migrate(conn)
        conn.execute(
            """insert into event (event_id, source, source_id, type, at, received_at, handles, keys, props)
               overriding system value values (5, 'pos', '5', 'viewed', now(), now(), '{}', %s, '{}')""",
            ([one, other],),
        )
        for key, person in ((one, 11), (other, 12), (third, 0)):
            conn.execute("insert into handle values (%s, %s, %s, 5)", (key, person, person))
        conn.execute(
            "insert into identity_case (reason, event_id, persons, at) values ('conflict', 5, %s, now())",
            ([2**62 + 1, 2**62 + 2],),
        )
        monkeypatch.setattr("yutang.db.migrate.steps", lambda: every)
        migrate(conn)
        assert conn.execute("select persons from identity_case").fetchall() == [([11, 12],)]
        assert conn.execute("select person_id from handle order by 1").fetchall() == [(11,), (12,)]
