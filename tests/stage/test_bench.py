"""Every task runs in a tiny pond and finds the right result. Nothing here looks at how long it took."""

from __future__ import annotations

import json

import pytest

from yutang import bench
from yutang.demo import completejourney
from yutang.model import YutangError

KEYS = {
    "task", "size", "seconds", "cpu_seconds", "per_cpu_second", "peak_rss_mb", "sql_per_item", "floor", "ratio_to_floor", "must",
    "moonshot", "checked",
}  # fmt: skip
LINES = [
    "T1",
    "T1b",
    "T2",
    "T3",
    "T4",
    "T5",
    "T6",
    "T7",
    "T7-redeem",
    "T8",
    "T8-merge",
    "T9",
    "T9-warm",
    "T11",
    "T11-sample",
    "M2",
    "M8",
]
REAL = ["M1", "M3", "M4", "M8-baskets", "M9"]
"""What is measured on the demo's data package, where that is installed."""
WITHOUT_SQL = ("T9", "T9-warm", "M1", "M2", "M3", "M4", "M8", "M8-baskets", "M9")
"""Tasks that send PostgreSQL nothing."""


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    """Nothing here looks at the time, so the server need not be as durable as in service."""
    monkeypatch.setitem(bench.house.CONF, "fsync", "off")


def test_every_task_is_right(capsys):
    assert bench.main(None, 0.001) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["task"] for line in lines) == sorted(LINES + (REAL if completejourney.folder() else []))
    for line in lines:
        assert line.keys() >= KEYS
        assert line["checked"] is True
        assert line["size"] > 0
        assert line["sql_per_item"] > 0 or line["task"] in WITHOUT_SQL
        assert line["peak_rss_mb"] > 10


def test_a_wrong_result_is_told(monkeypatch, capsys):
    """The stage that gives out coupons forgets one: the line says so, and so does the exit code."""
    issue = bench.coupons.offer.issue
    monkeypatch.setattr(bench.coupons.offer, "issue", lambda conn, now, wanted: issue(conn, now, wanted[1:]))
    assert bench.main("T7", 0.0005) == 1
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert line["checked"] is False
    assert "answers" in line["wrong"]


def test_an_unknown_task_or_scale_is_named():
    with pytest.raises(YutangError, match="T1b"):
        bench.main("T99", 1)
    with pytest.raises(YutangError, match="more than 0"):
        bench.main("T5", 0)
