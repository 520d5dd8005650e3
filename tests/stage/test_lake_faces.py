"""The lake as it is used: commands, S3-compatible storage, the chore beside the loop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from commands import Run, environment_of, runner, said
from edges import free_port
from ponds import NOON, Pond
from yutang import chores, lake
from yutang.lake.bucket import Bucket
from yutang.lake.clickhouse.feed import Fed
from yutang.lake.place import Folder, placed
from yutang.model import YutangError

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DOCS = Path(__file__).parents[2] / "docs"


def test_archive_status_and_sql(conn: psycopg.Connection, yutang: Run) -> None:
    pond = Pond(conn)
    person = pond.person(city="上海")
    for n in range(3):
        pond.happened(person, "ordered", NOON + 20 * n * DAY, order_id=f"o{n}", amount_fen=100 * n)
    assert "事件 events 3" in said(yutang("lake", "archive"))
    assert "没有新的历史" in said(yutang("lake", "archive"))
    status = json.loads(yutang("lake", "status", "--json").stdout)
    events = next(t for t in status["tables"] if t["name"] == "events")
    assert (events["months"], events["first"], events["last"], events["rows"]) == (2, "2026-03", "2026-04", 3)
    assert "events" in said(yutang("lake", "status"))
    answer = yutang(
        "lake", "sql", "select person_id, sum(amount) as fen, min(day) as first from orders group by 1", "--json"
    )
    assert json.loads(answer.stdout) == {"person_id": person, "fen": 300, "first": "2026-03-02"}
    talk = yutang(
        "lake", "sql", typed="select count(*) as n\nfrom events;\nselect nonsense from events;\nselect 7 as seven"
    )
    assert "3" in talk.stdout
    assert "nonsense" in talk.stderr
    assert "7" in talk.stdout, "what follows a mistake is still answered"


@pytest.mark.parametrize(
    "wrong", ["create table x as select 1", "copy events to 'x.csv'", "select 1; select 2", "attach 'x'", "selec 1"]
)
def test_sql_only_asks(yutang: Run, wrong: str) -> None:
    assert "错误" in said(yutang("lake", "sql", wrong, code=2))


def test_erasing_asks_first(conn: psycopg.Connection, yutang: Run) -> None:
    pond = Pond(conn)
    person = pond.person()
    pond.happened(person, "viewed")
    yutang("lake", "archive")
    yutang("lake", "erase", str(person), code=1, typed="n\n")
    assert "抹去" not in said(yutang("lake", "archive"))
    assert "已登记 1" in said(yutang("lake", "erase", str(person), "--yes"))
    assert "已抹去的顾客 persons erased：1" in said(yutang("lake", "archive"))
    assert json.loads(yutang("lake", "sql", "select count(*) as n from persons", "--json").stdout) == {"n": 0}


def test_the_documents_examples_run(conn: psycopg.Connection, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notebook's cells (those of DuckDB) and the snippet of lake.md, in a folder with a lake."""
    pond = Pond(conn)
    pond.happened(pond.person(), "ordered", order_id="1", amount_fen=500)
    monkeypatch.setenv("YUTANG_LAKE_URL", str(home / ".yutang" / "lake"))
    lake.keep(conn, NOON)
    monkeypatch.chdir(home)
    notebook = json.loads((DOCS / "lake.ipynb").read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    known: dict[str, Any] = {}
    for cell in cells:
        if "polars" not in cell:
            exec(cell, known)
    assert duckdb.sql("select sum(amount) from orders").fetchall() == [(500,)]
    monkeypatch.chdir(home / ".yutang")
    words = (DOCS / "lake.md").read_text("utf-8").split("## Reading it")[1].split("##")[0]
    snippet = "\n".join(line[4:] for line in words.splitlines() if line.startswith("    "))
    exec(snippet, known)
    assert [row[1:] for row in known["answer"].fetchall()] == [(1, 5.0)]


def test_a_place_belongs_to_one_database(conn: psycopg.Connection, tmp_path: Path) -> None:
    place = Folder(tmp_path)
    Pond(conn).happened(1, "viewed")
    lake.archive(conn, NOON, place)
    conn.execute("update lake_state set lake = gen_random_uuid()")
    with pytest.raises(YutangError, match="another database"):
        lake.archive(conn, NOON, place)


def test_the_chore_is_due_once_a_day(conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUTANG_LAKE_URL", str(tmp_path / "lake"))
    assert lake.due(conn, NOON)
    lake.keep(conn, NOON)
    assert not lake.due(conn, NOON + DAY / 2)
    assert lake.due(conn, NOON + DAY)
    monkeypatch.setenv("YUTANG_LAKE_HOURS", "0")
    assert not lake.due(conn, NOON + 9 * DAY)
    monkeypatch.setenv("YUTANG_LAKE_HOURS", "soon")
    with pytest.raises(YutangError, match="YUTANG_LAKE_HOURS"):
        lake.due(conn, NOON)


def test_a_cluster_that_cannot_be_fed_is_tried_again_with_growing_rests(
    conn: psycopg.Connection, url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing listens there."""
    nowhere = f"clickhouse://yutang:x@127.0.0.1:{free_port()}/yutang?cluster=pond"
    monkeypatch.setenv("YUTANG_LAKE_URL", nowhere)
    Pond(conn).person()
    with pytest.raises(YutangError):
        lake.keep(conn, NOON)
    assert not lake.due(conn, NOON + HOUR), "what PostgreSQL has is archived all the same"
    rests, now = [], NOON
    for _ in range(6):
        now = lake.status(conn, placed()).feed_at
        assert (lake.feed_due(conn, now - timedelta(seconds=1)), lake.feed_due(conn, now)) == (False, True)
        chores.do(conn, url, now)
        rests.append((lake.status(conn, placed()).feed_at - now).total_seconds() / 60)
    assert rests == [10, 20, 40, 60, 60, 60]
    run = runner(environment_of(url, home, YUTANG_LAKE_URL=nowhere))
    assert all(
        "127.0.0.1" in said(run(*words, code=code)) for words, code in ((("lake", "status"), 0), (("doctor",), 1))
    )
    assert "失败 7 次" in said(run("doctor", code=1))
    monkeypatch.setattr("yutang.lake.clickhouse.mirrored", lambda *_: Fed(0, 0, 0, 7))
    chores.do(conn, url, now + HOUR)
    found = lake.status(conn, placed())
    assert (found.feed_at, found.feed_error, lake.feed_due(conn, now + DAY)) == (None, None, False)


@pytest.mark.usefixtures("home")
def test_who_is_killed_while_feeding_leaves_it_to_the_next(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("YUTANG_LAKE_URL", "clickhouse://yutang:x@127.0.0.1:1/yutang?cluster=pond")
    monkeypatch.setattr("yutang.lake.clickhouse.mirrored", die)
    with pytest.raises(KeyboardInterrupt):
        lake.keep(conn, NOON)
    assert lake.feed_due(conn, NOON)


def test_a_demo_has_a_lake_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUTANG_LAKE_URL", "")
    assert placed().address("x") == str(home / "lake" / "x")
    monkeypatch.setenv("YUTANG_DEMO", "grocery")
    assert placed().address("x") == str(home / "lake-grocery" / "x")
    monkeypatch.setenv("YUTANG_LAKE_URL", "ftp://nowhere")
    with pytest.raises(YutangError, match="s3://"):
        placed()


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3-compatible server with an empty bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    known = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in (known | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    import boto3

    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
    client.create_bucket(Bucket="pond")
    yield "s3://pond/history"
    server.stop()


def test_the_lake_in_s3_compatible_storage(conn: psycopg.Connection, url: str, home: Path, storage: str) -> None:
    pond, place = Pond(conn), Bucket(storage)
    people = [pond.person() for _ in range(3)]
    for n in range(30):
        pond.happened(people[n % 3], "ordered", NOON + n * DAY, order_id=str(n), amount_fen=n)
    lake.archive(conn, NOON + 40 * DAY, place)
    lake.erase(conn, NOON + 40 * DAY, people[:1])
    pond.happened(people[1], "ordered", NOON, order_id="late", amount_fen=1000)
    lake.archive(conn, NOON + 41 * DAY, place)
    with lake.opened(storage) as opened:
        (row,) = opened.rows('select count(*) as n, sum(amount)::bigint as fen, max("at") as last from orders')
    assert tuple(row) == (21, sum(n for n in range(30) if n % 3) + 1000, NOON + 29 * DAY)
    assert set(place.paths()) == {file["path"] for file in place.manifest()["files"]}, "the erased one's files are gone"
    run = runner(environment_of(url, home, YUTANG_LAKE_URL=storage))
    assert json.loads(run("lake", "sql", "select count(*) as n from events", "--json").stdout) == {"n": 21}
    assert "nobody-has-made-this" in said(run_at(url, home, "s3://nobody-has-made-this/x"))


def run_at(url: str, home: Path, place: str):
    return runner(environment_of(url, home, YUTANG_LAKE_URL=place))("lake", "sql", "select 1", code=2)
