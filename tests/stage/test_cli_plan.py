"""brand plan … and quota, as a user runs them."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from commands import COMMAND, Run, environment_of
from edges import free_port
from plans import WELCOME, files, message
from yutang import definitions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "trial", files(approval=True))


def write(folder: Path, texts: dict[str, str]) -> Path:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


def test_two_people_bring_a_change_into_service(yutang: Run, conn: psycopg.Connection, folder: Path) -> None:
    checked = yutang("brand", "check", str(folder)).stdout
    assert "提醒 warning: messages/promo.md:2:1: 没有旅程会发消息“promo”" in checked
    assert "可以用，有 1 处提醒" in checked
    yutang("brand", "load", str(folder))
    write(folder, {"messages/hello.md": message("嗨"), "journeys/welcome.yml": WELCOME.replace("days: 5", "days: 3")})
    assert "brand plan" in yutang("brand", "load", str(folder), code=2).stderr
    assert "brand plan" in yutang("up", "--brand", str(folder), code=2).stderr
    seen = yutang("brand", "diff", str(folder)).stdout
    assert "步骤 rest：等待 5 天 → 等待 3 天" in seen
    assert yutang("brand", "plans").stdout.count("\n") == 1
    assert "zh 或 en" in yutang("brand", "plan", str(folder), "--dry-run", "0", "--lang", "fr", code=2).stderr
    assert yutang("brand", "plans").stdout.count("\n") == 1, "nothing was made"
    made = yutang("brand", "plan", str(folder), "--as", "li", "--dry-run", "2", "--lang", "en").stdout
    assert "journey welcome 'Welcome' changed; it has a part in what is sent" in made
    assert "nobody in the pond" in made
    assert "messages/promo.md:2:1: no journey says the message 'promo'" in made
    assert "approve 1" in yutang("brand", "apply", "1", code=2).stderr
    assert "another person" in yutang("brand", "approve", "1", "--as", "li", code=2).stderr
    assert (
        "计划 1 已批准（wang）。 plan 1 is approved (by wang)" in yutang("brand", "approve", "1", "--as", "wang").stdout
    )
    yutang("brand", "apply", "1", "--as", "li")
    found = definitions.current(conn, "message", "hello")
    assert found is not None
    assert found.body["body"] == "嗨"
    heads = [yutang("brand", "show", "1", "--lang", lang).stdout for lang in ("zh", "en")]
    assert [
        (one.startswith(begin), word in one)
        for one, begin, word in zip(heads, ("计划 1 ·", "plan 1 ·"), ("已上线 li", "applied li"), strict=True)
    ] == [(True, True)] * 2
    assert "applied" not in heads[0]
    shown = json.loads(yutang("brand", "show", "1", "--json").stdout)
    assert [(mark["state"], mark["by"]) for mark in shown["log"]] == [
        ("draft", "li"), ("approved", "wang"), ("applied", "li")
    ]  # fmt: skip
    yutang("brand", "revert", "1", "--dry-run", "0", "--as", "li")
    listed = [json.loads(line) for line in yutang("brand", "plans", "--json").stdout.splitlines()]
    assert [(one["plan_id"], one["state"], one["reverts"]) for one in listed] == [(2, "draft", 1), (1, "applied", None)]
    assert "refused" in yutang("brand", "refuse", "2", "--why", "no").stdout


def test_the_calendar_and_the_keys(yutang: Run) -> None:
    assert json.loads(yutang("quota", "calendar", "--month", "2026-12", "--json").stdout)["from"] == "2026-12-01"
    assert "2026-03" in yutang("quota", "calendar", "--month", "soon", code=2).stderr
    assert yutang("key", "li").stdout.startswith("li.")
    assert "letters" in yutang("key", "Li Lei", code=2).stderr
    assert "no plan 7" in yutang("brand", "show", "7", code=2).stderr


def test_a_start_does_not_undo_what_came_after_the_folder(
    url: str, home: Path, yutang: Run, conn: psycopg.Connection, folder: Path
) -> None:
    """A restart with the same folder keeps it, also where another person must agree; a folder that was edited is taken."""
    write(folder, files())
    started(url, home, folder)
    write(folder, {"messages/hello.md": message("嗨")})
    assert "brand plan" not in started(url, home, folder)
    assert said_hello(conn) == "嗨"
    ours = write(folder.with_name("console"), files(approval=True) | {"messages/hello.md": message("早")})
    yutang("brand", "load", str(ours))
    told = started(url, home, folder)
    assert f"`yutang brand plan {folder}`" in told
    assert "保留线上的" in told
    assert said_hello(conn) == "早"


def started(url: str, home: Path, folder: Path) -> str:
    """What `up` says with this folder, until it serves."""
    environment = environment_of(url, home, YUTANG_PORT=str(free_port()))
    command = [*COMMAND, "up", "--brand", str(folder)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = ""
    try:
        while "http://" not in told and (line := process.stderr.readline()):
            told += line
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, told
    return told


def said_hello(conn: psycopg.Connection) -> str:
    found = definitions.current(conn, "message", "hello")
    assert found is not None
    return found.body["body"]
