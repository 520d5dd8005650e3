"""Predictions as rules ask for them, and as the commands tell them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest

from buyers import Bought, buyers, write
from commands import Run
from yutang import chores, definitions, lake
from yutang.chores import training
from yutang.clock import system_now
from yutang.db.connect import connect
from yutang.model import YutangError
from yutang.predict.train import train
from yutang.segment.explain import explain
from yutang.segment.language import from_json
from yutang.segment.refresh import check_all, refresh
from yutang.source import SourceError

NOW = datetime(2026, 1, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def bought() -> list[Bought]:
    return buyers(400, 365, shape=9.0)


def publish(conn: psycopg.Connection, name: str, rule: dict) -> None:
    body = {"title": {"zh": name, "en": name}, "rule": from_json(rule).to_json()}
    definitions.publish(conn, NOW, "segment", name, body, "test")


def members(conn: psycopg.Connection, name: str) -> set[int]:
    rows = conn.execute(
        """select m.person_id from membership m join definition d on d.definition_id = m.segment_id
           where d.name = %s and m.until is null""",
        (name,),
    )
    return {row.person_id for row in rows}


def rest(conn: psycopg.Connection, now: datetime = NOW) -> int:
    """How many people the stage looked at until it rested."""
    looked = 0
    while (counts := refresh(conn, now)).busy():
        looked += counts["person"]
    return looked


def test_a_training_moves_people_in_and_out_of_segments(conn: psycopg.Connection, bought: list[Bought]) -> None:
    publish(conn, "leaving", {"predicted": "p_alive", "at_most": 0.3})
    publish(conn, "soon", {"predicted": "next_order_day", "within_days": 7})
    write(conn, bought)
    rest(conn)
    assert members(conn, "leaving") == members(conn, "soon") == set()
    train(conn, NOW)
    assert rest(conn) == len({one.person for one in bought})
    told = conn.execute("select person_id, name, value from prediction").fetchall()
    today = (NOW.date() - datetime(2000, 1, 1).date()).days
    leaving = {row.person_id for row in told if row.name == "p_alive" and row.value <= 0.3}
    soon = {row.person_id for row in told if row.name == "next_order_day" and today <= row.value < today + 7}
    assert members(conn, "leaving") == leaving
    assert members(conn, "soon") == soon
    assert min(len(leaving), len(soon)) > 5
    train(conn, NOW + timedelta(minutes=5))
    assert rest(conn) == 0, "nothing was foretold otherwise, so nobody is looked at"
    later = NOW + timedelta(days=3)
    rest(conn, later)
    moved = {row.person_id for row in told if row.name == "next_order_day" and today + 3 <= row.value < today + 10}
    assert members(conn, "soon") == moved != soon, "time alone brings days near"
    full = check_all(conn, later)
    assert (full["entered"], full["left"]) == (0, 0)


def test_why_somebody_is_in_shows_the_prediction(conn: psycopg.Connection) -> None:
    write(conn, [Bought(7, NOW.date(), 100)])
    conn.execute(
        "insert into prediction (bucket, person_id, name, value, at, model_id) values (7, 7, 'p_alive', 0.25, %s, 1)",
        (NOW,),
    )
    publish(conn, "leaving", {"predicted": "p_alive", "at_most": 0.3})
    found = explain(conn, 7, "leaving", NOW)
    assert (found.holds, found.seen) == (True, 0.25)
    assert found.zh == "预测「仍是顾客的概率」不大于 0.3"
    assert found.en == "the prediction 'probability of still being a customer' is at most 0.3"


def test_a_number_is_no_day() -> None:
    with pytest.raises(SourceError, match="next_order_day"):
        from_json({"predicted": "p_alive", "within_days": 7})
    with pytest.raises(SourceError, match="did you mean 'p_alive'"):
        from_json({"predicted": "palive", "at_most": 0.3})


class _Balanced(HTMLParser):
    """Every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag not in ("meta", "line", "circle", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "circle"):
            assert self.open.pop() == tag


def test_the_commands(conn: psycopg.Connection, yutang: Run, tmp_path: Path, bought: list[Bought]) -> None:
    assert "yutang predict train" in yutang("predict", "report").stdout
    behind = system_now().date() - NOW.date()
    write(conn, [Bought(one.person, one.day + behind, one.fen) for one in bought])
    trained = json.loads(yutang("predict", "train", "--json").stdout)
    names = ["orders_90d", "p_order_90d", "value_90d", "next_order_day"]
    assert [one["name"] for one in trained["models"]][:4] == names
    assert {one["state"] for one in trained["models"][:4]} == {"serving"}
    again = json.loads(yutang("predict", "report", "--json").stdout)
    assert again["models"] == trained["models"]
    text = yutang("predict", "report").stdout
    orders = trained["models"][0]
    for result in orders["metrics"]["results"]:
        assert result["zh"] in text
        assert result["en"] in text
        assert f"{result['accuracy']['rmse']:.3f}" in text
    file = tmp_path / "report.html"
    yutang("predict", "report", "--html", str(file))
    page = file.read_text("utf-8")
    _Balanced().feed(page)
    assert "未来 90 天会下单的概率" in page
    assert page.count("<circle") == 10 * sum("reliability" in one["metrics"] for one in trained["models"]) >= 30
    assert orders["verdict"]["zh"] in page
    (who,) = conn.execute("select person_id from prediction where name = 'next_order_day' limit 1").fetchone()
    said = {one["name"]: one for one in json.loads(yutang("predict", "person", str(who), "--json").stdout)}
    kept = dict(conn.execute("select name, value from prediction where person_id = %s", (who,)).fetchall())
    assert said["p_alive"]["value"] == kept["p_alive"]
    assert said["orders_90d"]["alike"] is not None
    assert said["next_order_day"]["value"].startswith("20")
    assert "仍是顾客的概率" in yutang("predict", "person", str(who)).stdout


@pytest.mark.usefixtures("home")
def test_the_worker_trains_once_a_day_by_one_program(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []
    monkeypatch.setattr(training, "run", lambda *_: trained.append(1))
    with connect(url) as other:
        assert chores.sql.claim(other).fetchone().claimed
        chores.do(conn, url, NOW)
        assert trained == [], "another program is at it"
        other.execute("select pg_advisory_unlock_all()")
    chores.do(conn, url, NOW)
    assert trained == [1]
    monkeypatch.setenv("YUTANG_TRAIN_HOURS", "0")
    chores.do(conn, url, NOW)
    assert trained == [1]


@pytest.mark.parametrize("error", [YutangError("the lake's place is away"), OSError("the disk is full")])
def test_a_chore_that_fails_keeps_no_other_waiting(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    trained: list[int] = []
    monkeypatch.setattr(training, "run", lambda *_: trained.append(1))
    monkeypatch.setattr(lake, "due", fails)
    chores.do(conn, url, NOW)
    assert trained == [1]


@pytest.mark.usefixtures("home")
def test_a_training_runs_in_a_process_of_its_own(conn: psycopg.Connection, url: str) -> None:
    assert training.due(conn, NOW)
    training.run(url, NOW)
    (at,) = conn.execute("select max(trained_at) from model").fetchone()
    assert not training.due(conn, at + timedelta(hours=23))
    assert training.due(conn, at + timedelta(hours=24))
    with pytest.raises(YutangError, match="the training failed"):
        training.run("postgresql://nobody@127.0.0.1:1/none", NOW)
