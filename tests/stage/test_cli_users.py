"""`yutang user`: as whoever runs the server uses it."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from commands import Run, environment_of, runner, said
from yutang import users

PASSWORD = "一句没有人会猜到的话\n"


@pytest.fixture
def run(url: str, tmp_path: Path) -> Run:
    return runner(environment_of(url, tmp_path / "home"))


def test_users_from_the_first_to_the_last(run: Run, conn: psycopg.Connection) -> None:
    add = ("user", "add", "--password-stdin")
    first = run(*add, "li", "--role", "analyst", code=2, typed=PASSWORD)
    assert "administrator" in said(first), "the first must be able to let others in"
    run(*add, "wang", "--role", "administrator", "--title", "王", typed=PASSWORD)
    run(*add, "chen", "--role", "manager", "--store", "xuhui", "--store", "jingan", typed=PASSWORD)
    run("user", "add", "li", "--role", "salesperson", "--staff", "guide01", "--identity", "wecom:main:Guide01")
    assert "identity" in said(run("user", "add", "x", "--role", "analyst", "--identity", "wecom:main", code=2))
    assert "--password-stdin" in said(run("user", "add", "x", "--role", "analyst", code=2)), "there is no terminal"
    rows = {row["name"]: row for row in map(json.loads, run("user", "list", "--json").stdout.splitlines())}
    assert rows["chen"]["stores"] == ["jingan", "xuhui"] or rows["chen"]["stores"] == ["xuhui", "jingan"]
    assert (rows["li"]["identity"], rows["li"]["password"]) == ("wecom:main:guide01", False)
    assert users.check(conn, "wang", PASSWORD.strip()) is not None
    table = run("user").stdout
    assert all(word in table for word in ("店长", "guide01", "启用"))


def test_a_user_is_changed_and_every_deed_is_written_down(run: Run, conn: psycopg.Connection) -> None:
    for name, role in (("wang", "administrator"), ("li", "analyst")):
        run("user", "add", name, "--role", role, "--password-stdin", typed=PASSWORD)
    token = users.begin(conn, users.by_name(conn, "li").made_at, users.by_name(conn, "li"), "", "")
    run("user", "role", "li", "operator")
    run("user", "password", "li", "--password-stdin", typed="another sentence\n")
    assert users.find(conn, users.by_name(conn, "li").made_at, token) is None
    run("user", "close", "li")
    run("user", "open", "li")
    assert "last administrator" in said(run("user", "close", "wang", code=2))
    assert "nobody" in said(run("user", "role", "nobody", "analyst", code=2))
    acts = [d.act for d in users.deeds(conn) if d.by == "server"]
    assert acts == ["user_open", "user_close", "user_password", "user_change", "user_add", "user_add"]
    assert "sentence" not in str(users.deeds(conn))
