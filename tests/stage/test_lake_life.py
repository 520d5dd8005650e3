"""A pond that lives: orders, refunds, merges, splits, undone imports, late events, killed runs. The lake must follow all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from histories import Town
from ponds import NOON
from yutang import lake
from yutang.lake import manifest
from yutang.lake.place import Folder
from yutang.model import YutangError

DAY = timedelta(days=1)


class Dying(Folder):
    """A folder whose program is killed after some files."""

    puts = 10**9

    def put(self, path: str, local: Path) -> None:
        self.puts -= 1
        if self.puts < 0:
            raise KeyboardInterrupt
        super().put(path, local)


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4])
def test_the_lake_follows_whatever_happens_and_whatever_is_killed(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    town, place = Town(conn, seed), Dying(tmp_path / "lake")
    commit, publish = manifest.commit, manifest.publish
    for _day in range(8):
        town.now += DAY
        town.events(25)
        town.settle()
        for act in town.dice.sample([town.undo, town.split, town.undo, lambda: None], 2):
            act()
        town.settle()
        way = town.dice.choice(["well", "well", "file", "before", "after"])
        if way == "file":
            place.puts = town.dice.randrange(4)
        if way in ("before", "after"):

            def die(*args: Any, way: str = way) -> None:
                if way == "after":
                    commit(*args)
                raise KeyboardInterrupt

            monkeypatch.setattr(manifest, "commit", die)
        if way != "well":
            with pytest.raises(KeyboardInterrupt):
                lake.archive(conn, town.now, place, window=60)
        monkeypatch.setattr(manifest, "commit", commit)
        place.puts = 10**9
        lake.archive(conn, town.now, place, window=60)
        town.check(place)
    assert publish is manifest.publish
    town.now += 2 * DAY
    lake.archive(conn, town.now, place)
    named = {file["path"] for file in place.manifest()["files"]}
    assert named == set(place.paths()), "what no manifest names has been swept"
    town.check(place)


@pytest.mark.parametrize("seen", [True, False])
def test_of_whom_all_was_taken_back_was_never_in_the_lake(conn: psycopg.Connection, tmp_path: Path, seen: bool) -> None:
    town, place = Town(conn, 3), Folder(tmp_path / "lake")
    for member in ("real", "wrong"):
        town.said({"shop:tmall": member})
    town.settle()
    people = dict(conn.execute("select value, person_id from handle_shown").fetchall())
    if seen:
        lake.archive(conn, town.now, place)
    conn.execute("insert into event_undone select event_id, now() from event where handles ->> 'shop:tmall' = 'wrong'")
    town.settle()
    lake.archive(conn, town.now + DAY, place)
    with lake.opened(place.root) as opened:
        assert [r.person_id for r in opened.rows("select person_id from persons")] == [people["real"]]
    town.check(place)


def test_of_two_runs_at_once_one_commits(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, place = Town(conn, 1), Folder(tmp_path / "lake")
    town.events(20)
    town.settle()
    commit = manifest.commit

    def meanwhile(*args: Any) -> None:
        monkeypatch.setattr(manifest, "commit", commit)
        lake.archive(conn, town.now, place)
        commit(*args)

    monkeypatch.setattr(manifest, "commit", meanwhile)
    with pytest.raises(YutangError, match="faster"):
        lake.archive(conn, town.now, place)
    town.check(place)


def test_many_small_files_become_one_and_old_ones_go_after_a_day(conn: psycopg.Connection, tmp_path: Path) -> None:
    town, place = Town(conn, 2), Folder(tmp_path / "lake")
    for _ in range(12):
        town.pond.happened(town.pond.person(), "viewed", datetime(2026, 1, 9, tzinfo=UTC))
        lake.archive(conn, NOON, place)
    live = [file for file in place.manifest()["files"] if file["table"] == "events"]
    assert 1 <= len(live) <= 8
    assert sum(file["rows"] for file in live) == 12
    before = set(place.paths())
    assert before > {file["path"] for file in place.manifest()["files"]}, "who reads the old ones may go on"
    lake.archive(conn, NOON + 2 * DAY, place)
    assert set(place.paths()) == {file["path"] for file in place.manifest()["files"]}
