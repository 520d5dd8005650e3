"""The archive's files on the cluster: each once, however often they are sent; a rewritten part in the place of the old one."""

from __future__ import annotations

from typing import Any

import pytest

from clusters import DATABASE, Cluster, Filler, everything
from lakes import Event, Pond, loaded, random_pond, table_rows
from yutang.lake import clickhouse
from yutang.lake.clickhouse import feed as feeding
from yutang.lake.tables import EVENTS
from yutang.model import YutangError


def without(pond: Pond, person: int) -> Pond:
    """The pond after that person was erased."""
    kept = {name: [row for row in rows if row.person_id != person] for name, rows in vars(pond).items()}
    return Pond(**kept)


def test_the_cluster_holds_what_the_lake_holds_each_person_on_one_shard(fill: Filler, two: Cluster) -> None:
    pond = random_pond(1, people=40)
    assert everything(fill(pond)) == everything(loaded(pond))
    for table in ("events", "orders", "persons"):
        shares = [two.say(f"select groupUniqArray(bucket % 2) from {DATABASE}.{table}_local", n) for n in (0, 1)]
        assert shares == ["[0]\n", "[1]\n"]


def test_a_second_run_sends_nothing(fill: Filler) -> None:
    files = fill.written(random_pond(2))
    first = fill.feed(files)
    assert first.rows > 0
    assert fill.feed(files) == (0, 0, 0, 0)


def test_a_file_whose_receipt_was_lost_is_there_once(fill: Filler) -> None:
    """The sender did not hear the answer, so it sends the same file again at once."""
    pond = random_pond(3)
    fill(Pond())
    (file, *_) = fill.files(EVENTS, [row for row in _rows(pond) if row[5].month == 1])
    with fill.feeding() as feed:
        feed.send(EVENTS, "_local", file, file["path"])
        feed.send(EVENTS, "_local", file, file["path"])
    assert fill.lake.rows("select count(*) as n from events") == [(file["rows"],)]


def test_half_a_file_is_mended(fill: Filler, two: Cluster) -> None:
    """One shard has taken its half of a file and the other has not."""
    pond = random_pond(4, people=30)
    files = fill.written(pond)
    fill.feed(files)
    two.say(f"truncate table {DATABASE}.events_local", node=1)
    assert fill.feed(files).replaced > 0
    assert everything(fill.lake) == everything(loaded(pond))


def test_what_somebody_dropped_by_hand_comes_back(fill: Filler, two: Cluster) -> None:
    """The shards remember that these very files were sent, and would leave them out for that."""
    pond = random_pond(10)
    files = fill.written(pond)
    fill.feed(files)
    for node in (0, 1):
        two.say(f"alter table {DATABASE}.events_local drop partition '{files[0]['part']}'", node)
    fill.feed(files)
    assert everything(fill.lake) == everything(loaded(pond))


def test_a_rewritten_part_takes_the_place_of_the_old_one(fill: Filler) -> None:
    """Somebody was erased, and somebody else turned out to be a person who lives on the other shard."""
    pond = random_pond(5, people=30)
    fill(pond)
    gone, merged = pond.events[0].person_id, pond.events[-1].person_id
    other = without(pond, gone)
    other.events = [e._replace(person_id=merged + 1) if e.person_id == merged else e for e in other.events]
    done = fill.feed(fill.written(other))
    assert done.replaced > 0
    assert done.added == 0
    assert everything(fill.lake) == everything(loaded(other))
    assert fill.lake.rows(
        "select count(*) as n from events where person_id in ({a:Int64}, {b:Int64})", a=gone, b=merged
    ) == [(0,)]


def test_new_files_are_added_and_parts_that_are_gone_are_dropped(fill: Filler) -> None:
    pond = random_pond(6)
    files = fill.written(pond)
    fill.feed(files)
    more = [Event(77, 10_000 + n, "viewed", pond.events[0].at) for n in range(5)]
    added = fill.files(EVENTS, _rows(Pond(events=more)))
    assert fill.feed(files + added) == (1, 0, 0, 5)
    only = [file for file in files + added if file["part"] == added[0]["part"]]
    assert fill.feed(only).dropped > 0
    rows = sum(file["rows"] for file in only if file["table"] == "events")
    assert fill.lake.rows("select count(*) as n from events") == [(rows,)]
    assert fill.feed([]).dropped > 0
    assert not any(everything(fill.lake).values())


def test_a_large_file_goes_in_pieces_and_is_shown_whole(fill: Filler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "BLOCK", 20)
    monkeypatch.setattr(feeding, "LOAD", 50)
    pond = random_pond(7, people=40)
    assert everything(fill(pond)) == everything(loaded(pond))


def test_a_node_that_is_down_stops_the_feeding_and_the_next_run_mends_it(fill: Filler, two: Cluster) -> None:
    before, after = random_pond(8, people=30), random_pond(9, people=30)
    fill(before)
    files = fill.written(after)
    two.nodes[1].kill()
    with pytest.raises(YutangError, match=f"{two.nodes[1].tcp}|{two.nodes[1].http}"):
        fill.feed(files)
    two.nodes[1].start()
    fill.feed(files)
    assert everything(fill.lake) == everything(loaded(after))


def test_an_address_that_names_one_node_of_two_needs_their_keeper(fill: Filler, two: Cluster) -> None:
    """There is none here, and the server's own words say so."""
    with pytest.raises(YutangError, match="DDL"):
        clickhouse.mirrored(two.url_of(two.nodes[0]), fill.place, [])


def test_a_cluster_that_is_not_there_is_named(fill: Filler, two: Cluster) -> None:
    with pytest.raises(YutangError, match="knows no cluster 'sea'"):
        clickhouse.mirrored(two.url.replace("cluster=pond", "cluster=sea"), fill.place, [])


def _rows(pond: Pond) -> list[list[Any]]:
    return table_rows(pond)["events"]
