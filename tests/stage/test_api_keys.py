"""Keys of the API one by one: a new one beside the old, when each was used, and the end of one alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from commands import Run, environment_of, runner, said
from edges import NOW, VAULT, serving, signed_in
from yutang import users
from yutang.model import YutangError
from yutang.vault import Key


@pytest.fixture
def base(url: str) -> Iterator[str]:
    with serving(url, local=False) as address:
        yield address


def answer(base: str, key: str, path: str = "/v1/plans") -> int:
    return httpx.get(base + path, headers={"Authorization": f"Bearer {key}"}).status_code


def refused(base: str, key: str) -> httpx.Response:
    """The answer when the edge has heard of it, which takes a second."""
    until = time.monotonic() + 10
    while (
        said := httpx.post(f"{base}/v1/events", content=b"[]", headers={"Authorization": f"Bearer {key}"})
    ).is_success:
        assert time.monotonic() < until
        time.sleep(0.1)
    return said


def test_an_old_key_is_changed_for_a_new_one_without_a_pause(base: str, conn: psycopg.Connection) -> None:
    old, new = (VAULT.key_of(*users.give(conn, NOW, "till", new=new)) for new in (False, True))
    assert old == VAULT.key_of("till"), "whoever has the key of a name keeps it"
    assert [answer(base, key) for key in (old, new)] == [200, 200]
    used = {(row.name, row.number): row.used_at for row in users.every_key(conn)}
    assert used == {("till", 1): NOW, ("till", 2): NOW}
    users.revoke(conn, NOW, Key("till"))
    gone = refused(base, old)
    assert (gone.status_code, gone.json()["reason"]) == (401, "no_key")
    assert "已作废" in gone.json()["detail"]
    assert [answer(base, key) for key in (old, new, VAULT.api_key)] == [401, 200, 200]
    assert httpx.get(base, auth=("any", old)).status_code == 401, "nor does it open the pages"
    assert VAULT.key_of(*users.give(conn, NOW, "till")) == new


def test_a_revoked_key_is_refused_from_the_first_request_on(url: str, conn: psycopg.Connection) -> None:
    users.revoke(conn, NOW, users.give(conn, NOW, "wang"))
    with serving(url) as base:
        assert answer(base, VAULT.key_of("wang")) == 401
        forged = VAULT.key_of("wang").replace("wang.", "wang.2.")
        assert [answer(base, key) for key in (forged, "wang.x.y", "wang..y")] == [401, 401, 401]


def test_an_administrator_revokes_on_the_page(base: str, conn: psycopg.Connection) -> None:
    key = VAULT.key_of(*users.give(conn, NOW, "robot"))
    assert answer(base, key) == 200
    with signed_in(conn, base, "administrator") as boss, signed_in(conn, base, "operator") as other:
        assert "robot" in boss.get("/settings/keys").text
        fields = {"name": "robot", "number": "1"}
        assert other.post("/settings/keys/revoke", data=fields).status_code == 403
        assert boss.post("/settings/keys/revoke", data=fields).status_code == 303
        assert refused(base, key).status_code == 401
        assert "已作废" in boss.get("/settings/keys").text
        assert boss.post("/settings/keys/revoke", data={"name": "api"}).status_code == 404, "all share it"
        for strange in ({}, {"name": "robot"}, {"name": "Li Lei", "number": "1"}, {"name": "nobody", "number": "1"}):
            assert boss.post("/settings/keys/revoke", data=strange).status_code == 404
        assert {row.name for row in users.every_key(conn)} == {"robot"}
        assert "作废钥匙" in boss.get("/settings/audit").text
    (deed,) = [d for d in users.deeds(conn) if d.act == "key_revoke"]
    assert (deed.by, deed.object) == ("administrator", "key/robot")


def test_a_deed_by_command_makes_nobody_a_holder_of_a_key(base: str, conn: psycopg.Connection) -> None:
    users.note(conn, NOW, "root", "erase", "person/1")
    with signed_in(conn, base, "administrator") as boss:
        listed = boss.get("/settings/keys").text
    assert "by=root" not in listed


def test_the_first_key_of_a_name_is_revoked_where_there_is_a_sign_of_it(conn: psycopg.Connection) -> None:
    """It may have been given out before keys were written down."""
    with pytest.raises(YutangError, match="`yutang keys` lists them"):
        users.revoke(conn, NOW, Key("lina"))
    users.note(conn, NOW, "lina", "plan_approve", "plan/1")
    users.revoke(conn, NOW, Key("lina"))
    assert users.revoked(conn) == {Key("lina")}


def test_keys_by_command(url: str, tmp_path: Path, conn: psycopg.Connection) -> None:
    run: Run = runner(environment_of(url, tmp_path / "home"))
    first = run("key", "till").stdout
    assert run("key", "till").stdout == first
    second = run("key", "till", "--new").stdout
    assert second.startswith("till.2.")
    run("key", "till", "--revoke", "1")
    assert run("key", "till").stdout == second
    run("key", "till", "--revoke", "2")
    assert "--new" in said(run("key", "till", code=2))
    assert "there is no key till.7" in said(run("key", "till", "--revoke", "7", code=2))
    assert run("key", "till", "--new").stdout.startswith("till.3.")
    assert "there is no key nobody" in said(run("key", "nobody", "--revoke", "1", code=2))
    assert "do not go together" in said(run("key", "till", "--new", "--revoke", "3", code=2))
    assert "请写名字" in said(run("key", "--new", code=2))
    assert "有效" in run("keys").stdout
    assert [d.object for d in users.deeds(conn) if d.act == "key_revoke"] == ["key/till.2", "key/till"]
