"""`yutang tasks` as an operator runs it."""

from __future__ import annotations

import json

import psycopg

from commands import Run, said
from touches import NOW, decided, people, trait
from yutang import deliver
from yutang.channels.staff.send import Staff


def test_tasks_are_listed_ended_and_called_off(yutang: Run, conn: psycopg.Connection) -> None:
    [person] = people(conn, 1)
    trait(conn, person, "owner", "li")
    first = decided(conn, [person], channel="staff", message="call", now=NOW)[0]
    second = decided(conn, [person], channel="staff", message="write", now=NOW, subject="写信")[0]
    deliver.send(conn, NOW, channels={"staff": Staff()})
    told = yutang("tasks").stdout
    assert "写信" in told
    assert "超时 overdue" in told
    assert "done: 1" in yutang("tasks", "done", str(first), "--by", "wang").stdout
    assert "before" in yutang("tasks", "done", str(first)).stdout
    assert "called off" in yutang("tasks", "drop", str(second)).stdout
    assert json.loads(yutang("tasks", "list", "--all", "--staff", "li", "--json").stdout.splitlines()[0])["state"] in (
        "done",
        "dropped",
    )
    assert yutang("tasks", "list", "--json").stdout == ""
    assert "已结束（已撤回）。 this task has ended (dropped)" in said(yutang("tasks", "done", str(second), code=2))
    listed = yutang("tasks", "list", "--all").stdout
    assert "已由人工撤回" in listed
    assert "called_off" not in listed
    assert "no task" in yutang("tasks", "drop", "99", code=2).stderr
