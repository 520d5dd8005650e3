"""The cursor loses nothing when writers overlap."""

from __future__ import annotations

from yutang.db.connect import connect
from yutang.db.cursor import Reader, windows
from yutang.model import EVERYBODY, Only

INSERT = """insert into event (source, source_id, type, at, received_at, handles, keys, props)
            values ('pos', %s, 'viewed', '2026-01-01Z', '2026-01-01Z', '{}', '{}', '{}')"""


def read(conn, only=EVERYBODY, limit=20_000):
    with conn.transaction():
        (w,) = windows(conn, only, Reader("reader", "event", limit))
        rows = conn.execute(
            "select source_id from event where xid >= %s and xid < %s order by event_id", (w.low, w.high)
        ).fetchall()
    return [row.source_id for row in rows]


def test_a_late_committer_with_an_earlier_number_is_not_lost(conn, url):
    with connect(url) as early, connect(url) as late:
        early.execute("begin")
        early.execute(INSERT, ("early",))
        late.execute(INSERT, ("late",))
        assert read(conn) == []  # "late" has the higher number, and waits for the open writer
        early.execute("commit")
    assert read(conn) == ["early", "late"]
    assert read(conn) == []


def test_a_window_is_bounded_and_nothing_is_read_twice(conn):
    for n in range(10):
        conn.execute(INSERT, (str(n),))
    seen = []
    while part := read(conn, limit=3):
        assert len(part) <= 4
        seen += part
    assert seen == [str(n) for n in range(10)]


def test_two_readers_do_not_read_the_same_window(conn, url):
    conn.execute(INSERT, ("one",))
    read(conn)
    conn.execute(INSERT, ("two",))
    with connect(url) as other, conn.transaction():
        (w,) = windows(conn, EVERYBODY, Reader("reader", "event"))
        assert not w.empty
        assert read(other) == []
    assert read(conn) == []


def test_the_fast_path_reads_ahead_and_leaves_the_cursor(conn):
    conn.execute(INSERT, ("one",))
    assert read(conn, Only(persons=(1,))) == ["one"]
    assert read(conn) == ["one"]
