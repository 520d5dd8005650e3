"""Erasing and exporting by command, API and page: who may, what is asked before, what is said afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import psycopg
import pytest

from commands import Run, said
from edges import BEARER, NOW, VAULT, signed_in
from yutang import erasure, ingest, worker
from yutang.channels.sandbox.send import Sandbox
from yutang.ingest import record
from yutang.model import YutangError
from yutang.vault import Vault, open_vault

PHONE = "13912345678"


def met(conn: psycopg.Connection, vault: Vault, member: str = "m-ann-001", phone: str = PHONE) -> int:
    """Somebody who has registered."""
    ingest.add_source(conn, NOW, "app", "App")
    event = {
        "id": member,
        "source": "app",
        "type": "registered",
        "at": NOW.isoformat(),
        "handles": {"shop:a": member, "phone": phone},
        "props": {"name": "安小鱼"},
    }
    assert record(conn, vault, NOW, [event]).accepted == 1
    worker.settle(conn, NOW, {"sandbox": Sandbox()})
    return conn.execute("select person_id from handle_shown where value = %s", (member,)).fetchone().person_id


def test_the_command_asks_erases_and_lists(conn: psycopg.Connection, yutang: Run, home: Path) -> None:
    person = met(conn, open_vault())
    out = home / "ann.json"
    assert "已写入" in said(yutang("export", PHONE, "--to", str(out), "--plain"))
    assert {"kind": "phone", "value": f"+86{PHONE}"} in json.loads(out.read_bytes())["handles"]
    assert out.stat().st_mode & 0o077 == 0
    assert json.loads(yutang("export", str(person)).stdout)["person_id"] == person
    yutang("erase", PHONE, code=1, typed="n\n")
    assert conn.execute("select count(*) as n from handle").fetchone().n == 2
    text = said(yutang("erase", PHONE, "--yes", "--reason", "来信 by letter"))
    assert f"顾客 {person} 已抹去" in text
    assert "person_event" in text
    assert "event 保留 keeps：" in text
    assert "备份" in text
    assert "nobody is known" in said(yutang("erase", PHONE, "--yes", code=2))
    made = json.loads(yutang("erase", str(person), "--json", "--yes").stdout)
    assert (made["person_id"], made["by"], made["reason"], made["lake"]) == (person, "cli", "来信 by letter", "none")
    assert "来信 by letter" in said(yutang("erase", "--list"))
    assert json.loads(yutang("erase", "--list", "--json").stdout)["erasure_id"] == made["erasure_id"]
    assert "写出顾客" in said(yutang("erase", code=2))


def test_the_api_gives_out_and_erases(conn: psycopg.Connection, web: httpx.Client) -> None:
    person = met(conn, VAULT)
    for answer in (web.get(f"/v1/persons/{person}/export"), web.delete(f"/v1/persons/{person}")):
        assert answer.status_code == 401
    masked = web.get(f"/v1/persons/{person}/export", headers=BEARER)
    assert PHONE not in masked.text
    assert masked.headers["cache-control"] == "no-store"
    assert "person_event" in masked.json()["tables"]
    assert PHONE in web.get(f"/v1/persons/{person}/export?plain=true", headers=BEARER).text
    assert web.get("/v1/persons/999/export", headers=BEARER).status_code == 404
    assert web.delete("/v1/persons/999", headers=BEARER).status_code == 404
    made = web.delete(f"/v1/persons/{person}?reason=letter", headers=BEARER)
    assert made.status_code == 200
    assert made.json()["by"] == "api"
    assert {row["fate"] for row in made.json()["rows"]} == {"deleted", "emptied"}
    assert web.delete(f"/v1/persons/{person}", headers=BEARER).json() == made.json()
    assert web.get(f"/v1/persons/{person}/export", headers=BEARER).json()["handles"] == []


def test_the_page_wants_the_number_typed(conn: psycopg.Connection, base: str) -> None:
    person = met(conn, VAULT)
    boss, operator = signed_in(conn, base, "administrator"), signed_in(conn, base, "operator")
    assert f'href="/persons/{person}/erase"' in boss.get(f"/persons/{person}?tab=identity").text
    assert f'href="/persons/{person}/erase"' not in operator.get(f"/persons/{person}?tab=identity").text
    assert operator.get(f"/persons/{person}/erase").status_code == 403
    assert operator.post(f"/persons/{person}/erase", data={"number": str(person)}).status_code == 403
    assert PHONE not in operator.get(f"/persons/{person}/export?plain=1").text
    assert PHONE in boss.get(f"/persons/{person}/export?plain=1").text
    assert "输入编号" in boss.get(f"/persons/{person}/erase").text
    wrong = boss.post(f"/persons/{person}/erase", data={"number": "", "reason": ""})
    assert wrong.status_code == 422
    assert conn.execute("select count(*) as n from erasure").fetchone().n == 0
    done = boss.post(f"/persons/{person}/erase", data={"number": f" {person} ", "reason": "来信"})
    assert (done.status_code, done.headers["location"]) == (303, f"/persons/{person}")
    for path in (f"/persons/{person}", f"/persons/{person}?tab=orders", f"/persons/{person}/erase"):
        text = boss.get(path).text
        assert "已抹去" in text
        assert "安小鱼" not in text
    assert "Person" in boss.get(f"/persons/{person}?lang=en").text
    assert f"/persons/{person}" not in boss.get("/persons").text
    acts = conn.execute(
        "select by, act, object, detail from audit where act in ('erase', 'export') order by audit_id"
    ).fetchall()
    assert [(row.by, row.act, row.detail) for row in acts] == [
        ("operator", "export", {}), ("administrator", "export", {}), ("administrator", "erase", {})
    ]  # fmt: skip
    with pytest.raises(YutangError, match="was not erased"):
        erasure.receipt(conn, 12345)
