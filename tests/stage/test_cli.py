"""The commands as a user runs them: a process each, against a database of the test's own."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from commands import COMMAND, Run, environment_of, runner, said
from edges import free_port
from languages import in_both
from yutang import worker
from yutang.channels import configured
from yutang.vault import Vault

ORDERS = "订单号,手机号,实付金额,付款时间\nA1,13800000000,12.50,2026-03-01 10:00:00\nA2,,9,2026-03-01 10:00:00\n"


@pytest.fixture
def environment(url: str, home: Path) -> dict[str, str]:
    return environment_of(url, home, YUTANG_PORT=str(free_port()))


@pytest.fixture
def yutang(environment: dict[str, str]) -> Run:
    """With a port that is free."""
    return runner(environment)


def test_a_file_is_tried_imported_and_taken_back(yutang: Run, conn: psycopg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(ORDERS)
    tried = yutang("import", "orders", str(file), "--dry-run")
    assert "Dry run" in tried.stdout
    sample = [json.loads(line) for line in tried.stdout.splitlines() if line.startswith("{")]
    assert [event["props"]["amount_fen"] for event in sample] == [1250], "a refused row is none of them"
    assert "row 3: handles: " in tried.stdout
    assert conn.execute("select count(*) as n from event").fetchone().n == 0  # type: ignore[union-attr]
    done = yutang("import", "orders", str(file))
    assert "accepted 1 ·" in done.stdout
    assert "row 3" in done.stdout
    assert "A2" not in yutang("events", "--json").stdout
    assert "no_handle" in yutang("rejects").stdout
    assert "orders.csv" in yutang("import", "list").stdout
    assert "1 events taken back" in yutang("import", "undo", "1").stdout
    assert "undo" in yutang("import", "undo", "1", code=2).stderr


def test_who_came_in_one_file_as_one_is_split_and_joined_again(
    yutang: Run, conn: psycopg.Connection, tmp_path: Path
) -> None:
    lines = (("1", '"phone":"13800000000"'), ("2", '"pos:t":"c1"'), ("3", '"pos:t":"c1","phone":"13800000000"'))
    file = tmp_path / "events.jsonl"
    file.write_text(
        "".join(f'{{"id":"{n}","type":"viewed","at":"2026-03-01T10:00:00Z","handles":{{{h}}}}}\n' for n, h in lines)
    )
    yutang("source", "add", "till")
    yutang("import", "events", str(file), "--source", "till")
    worker.settle(conn, datetime.now(UTC), configured(Vault(b"s" * 32)))
    assert "Split into 1 and 2" in yutang("person", "split", "pos:t=c1").stdout
    assert "1 and 2 are one: 1" in yutang("person", "join", "pos:t=c1", "phone=13800000000").stdout
    assert "one person already" in yutang("person", "join", "1", "2", code=2).stderr
    assert "Split into 1 and 2" in yutang("person", "split", "2").stdout
    assert "nothing to split" in yutang("person", "split", "2", code=2).stderr


def test_why_finds_the_person_by_phone(yutang: Run, conn: psycopg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(ORDERS)
    yutang("import", "orders", str(file))
    worker.settle(conn, datetime.now(UTC), configured(Vault(b"s" * 32)))
    chain = json.loads(yutang("why", "phone=13800000000", "--json").stdout)
    assert [event["type"] for event in chain["events"]] == ["ordered"]
    assert [handle["value"] for handle in chain["handles"]] == ["138****0000"]
    told = yutang("why", "13800000000", "--lang", "en").stdout
    assert "placed an order" in told
    assert "¥12.50" in told
    assert json.loads(yutang("person", "show", "13800000000").stdout)["person_id"] == chain["person_id"]
    assert "nobody is known" in yutang("why", "phone=13900000000", code=2).stderr
    assert "nothing to split" in yutang("person", "split", str(chain["person_id"]), code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "orders", "nowhere.csv"), "nowhere.csv"),
        (("import", "orders", "x.csv", "--map", "phone"), "COLUMN=FIELD"),
        (("brand", "check", "nowhere"), "shipped"),
        (("segment", "preview", "nowhere.yml"), "no such file"),
        (("segment", "explain", "none", "1"), "no person 1"),
        (("why", "1", "--lang", "fr"), "zh or en"),
        (("brand", "plan", "luckin", "--lang", "fr"), "zh or en"),
        (
            ("why", "张三"),
            "people are not found by name; write a person's number, or a handle such as phone=13800000000",
        ),
        (("--demo", "nope", "events"), "there is no demo brand 'nope'; write one of: city, grocery, luckin"),
        (("--demo", "grocry", "events"), "did you mean 'grocery'?"),
        (("--demo", "luckin", "events"), "run `yutang demo --brand luckin --once` first"),
        (("demo", "--brand", "nope"), "write one of: city, grocery, luckin"),
        (("demo", "--brand", "city", "--go-on"), "the city always begins anew"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(yutang: Run, arguments: tuple[str, ...], said: str) -> None:
    told = yutang(*arguments, code=2).stderr
    assert said in told
    assert in_both(told), told


def test_a_rule_is_shown_as_sql_that_finds_the_people_it_holds_for(
    yutang: Run, conn: psycopg.Connection, tmp_path: Path
) -> None:
    orders, rule = tmp_path / "orders.csv", tmp_path / "buyers.yml"
    orders.write_text(ORDERS.replace("A2,,", "A2,13900000000,"))
    yutang("import", "orders", str(orders))
    worker.settle(conn, datetime.now(UTC), configured(Vault(b"s" * 32)))
    rule.write_text("title: {zh: 大单, en: Big}\nrule: {sum: ordered, at_least: 1000}\n")
    found = conn.execute(yutang("segment", "sql", str(rule)).stdout).fetchall()  # type: ignore[arg-type]
    assert len(found) == 1
    assert "1 / 2" in yutang("segment", "preview", str(rule)).stdout


def test_the_doctor_names_the_fix(yutang: Run, environment: dict[str, str]) -> None:
    """The test's server does not wait for the disk, and the doctor sees it."""
    told = yutang("doctor", code=1).stdout
    assert "PostgreSQL" in told
    assert "set fsync = on" in told
    environment["YUTANG_SMTP_URL"] = "mail.example"
    told = yutang("doctor", code=1).stdout
    assert "✗ 邮件 e-mail" in told
    assert "✗ 启动 start" in told, "it is not the database that is wrong"
    environment["YUTANG_SMTP_URL"] = ""
    environment["YUTANG_DATABASE_URL"] = "postgresql://127.0.0.1:1/none"
    assert "cannot reach the database" in yutang("doctor", code=1).stdout
    environment["YUTANG_DATABASE_URL"] = "mysql://a:secret@b/c"
    told = yutang("events", code=2)
    assert "postgresql://" in said(told)
    assert "secret" not in said(told)


@pytest.mark.parametrize("command", ["up", "worker"])
def test_a_demo_is_not_mistaken_for_the_own_pond(yutang: Run, environment: dict[str, str], command: str) -> None:
    """A plan that is applied through what `up` serves would land in the real pond."""
    told = yutang("--demo", "grocery", command, code=2).stderr
    assert "`yutang demo --brand grocery --go-on`" in told
    assert "演示的塘" in told
    environment["YUTANG_DEMO"] = "luckin"
    assert "`yutang demo --brand luckin --go-on`" in yutang(command, code=2).stderr


def test_up_serves_works_and_ends_on_a_signal(
    environment: dict[str, str], yutang: Run, conn: psycopg.Connection
) -> None:
    base, key = f"http://127.0.0.1:{environment['YUTANG_PORT']}", yutang("key").stdout.strip()
    yutang("source", "add", "shop")
    process = subprocess.Popen([*COMMAND, "up"], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        assert base in process.stderr.readline()
        event = {
            "id": "1",
            "source": "shop",
            "type": "viewed",
            "at": datetime.now(UTC).isoformat(),
            "handles": {"shop:a": "1"},
        }
        sent = httpx.post(f"{base}/v1/events", json=[event], headers={"Authorization": f"Bearer {key}"})
        assert sent.json()["accepted"] == 1
        _wait(lambda: conn.execute("select count(*) as n from profile").fetchone().n == 1)  # type: ignore[union-attr]
        _wait(lambda: httpx.get(f"{base}/healthz").json() == {"ok": True, "database": "up", "loop": "running"})
        assert "cannot listen" in yutang("up", code=2).stderr
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert "Traceback" not in process.stderr.read()


def test_a_loop_that_fails_again_and_again_is_told(environment: dict[str, str], conn: psycopg.Connection) -> None:
    """Whoever watches learns of it, and it goes on by itself when the cause is mended."""
    base = f"http://127.0.0.1:{environment['YUTANG_PORT']}"
    process = subprocess.Popen([*COMMAND, "up"], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        assert base in process.stderr.readline()
        viewed = "insert into person_event values (%s, %s, 'viewed', now(), %s, current_date, 0, '{}')"
        conn.execute(viewed, (1, 1, 1))
        _wait(lambda: conn.execute("select count(*) as n from profile").fetchone().n == 1)  # type: ignore[union-attr]
        conn.execute("alter table tally rename to away")
        conn.execute(viewed, (2, 2, 2))
        _wait(lambda: httpx.get(f"{base}/healthz").status_code == 503)
        assert httpx.get(f"{base}/healthz").json() == {"ok": False, "database": "up", "loop": "failing"}
        conn.execute("alter table away rename to tally")
        _wait(lambda: httpx.get(f"{base}/healthz").json() == {"ok": True, "database": "up", "loop": "running"})
        _wait(lambda: conn.execute("select count(*) as n from profile").fetchone().n == 2)  # type: ignore[union-attr]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    told = process.stderr.read()
    assert "a pass failed" in told
    assert "\x1b" not in told, "no terminal, no colours"


def _wait(done: Callable[[], bool]) -> None:
    import time

    for _ in range(600):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within thirty seconds")
