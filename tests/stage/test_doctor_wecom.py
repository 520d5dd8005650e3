"""`yutang doctor wecom`: each thing that is missing is named with its fix, and nothing makes it fall over."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scripted import HANG_UP, Clock, Scripted, scripted
from yutang.channels import CHECKS
from yutang.channels.platform import account
from yutang.channels.platform.checks import Finding
from yutang.clock import system_now
from yutang.vault import Vault

VAULT = Vault(b"a secret of a test")
OK = {"errcode": 0, "errmsg": "ok"}
ERRMSG = "not allowed, hint: [17_1_ab], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com"
WELL: dict[str, Any] = {
    "gettoken": OK | {"access_token": "AT1", "expires_in": 7200},
    "externalcontact/get_follow_user_list": OK | {"follow_user": ["guide01", "guide02"]},
    "externalcontact/get_corp_tag_list": OK | {"tag_group": [{"tag": [{"id": "etA1"}, {"id": "etA2"}]}]},
    "externalcontact/list_contact_way": OK | {"contact_way": [{"config_id": "c1"}], "next_cursor": ""},
    "get_jsapi_ticket": OK | {"ticket": "T1", "expires_in": 7200},
    "ticket/get": OK | {"ticket": "T2", "expires_in": 7200},
}


@pytest.fixture
def platform() -> Iterator[Scripted]:
    with scripted() as one:
        one.answers |= {f"/cgi-bin/{path}": answer for path, answer in WELL.items()}
        yield one


def given(platform: Scripted) -> dict[str, str]:
    return {
        "corp_id": "wwA", "agent_id": "1000002", "secret": "the-app-secret", "token": "callbackToken",
        "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "base_url": platform.address,
    }  # fmt: skip


def look(conn: psycopg.Connection, platform: Scripted, **other: str) -> dict[str, Finding]:
    """The findings by the English part of their name."""
    clock = Clock(system_now())
    kept = account.add(conn, VAULT, clock.now, "wecom", "main", given(platform) | other)
    found = list(CHECKS["wecom"](conn, VAULT, kept, clock))
    assert all("the-app-secret" not in str(one) and "AT1" not in str(one) for one in found)
    for one in found:
        if one.fix:
            assert re.search("[一-鿿]", one.fix), "Chinese first"
            assert re.search("[a-z]{3}", one.fix), "English beside it"
    return {one.name.split(" ", 1)[1]: one for one in found}


def heard(conn: psycopg.Connection, at: datetime) -> None:
    conn.execute(
        "insert into event (source, source_id, type, at, received_at, handles, keys, props)"
        " values ('wecom:main', 'x', 'callback', %(at)s, %(at)s, '{}', '{}', '{}')",
        {"at": at},
    )


def test_all_is_well(conn: psycopg.Connection, platform: Scripted) -> None:
    heard(conn, system_now())
    found = look(conn, platform)
    assert [name for name, one in found.items() if one.fix] == []
    assert found["customer contact"].found.startswith("2")
    assert found["tags"].found.startswith("2")
    assert "/callbacks/wecom/main" in found["callback"].found
    assert not found["trusted domain"].sure


def test_no_callback_yet_is_to_be_mended(conn: psycopg.Connection, platform: Scripted) -> None:
    found = look(conn, platform)
    assert [name for name, one in found.items() if one.fix] == ["last callback"]


@pytest.mark.parametrize(
    ("path", "code", "name", "told"),
    [
        ("gettoken", 40001, "token", "Secret"),
        ("gettoken", 40013, "token", "corp id"),
        ("gettoken", 40091, "token", "Secret"),
        ("gettoken", 60020, "token", "可信IP"),
        ("externalcontact/get_follow_user_list", 60020, "customer contact", "可信IP"),
        ("externalcontact/get_follow_user_list", 48002, "customer contact", "可调用接口的应用"),
        ("externalcontact/get_follow_user_list", 60011, "customer contact", "可见范围"),
        ("externalcontact/get_follow_user_list", 84074, "customer contact", "权限配置"),
        ("externalcontact/get_corp_tag_list", 48002, "tags", "可调用接口的应用"),
        ("ticket/get", 48002, "tickets", "可调用接口的应用"),
    ],
)
def test_what_is_missing_is_named_with_its_fix(
    conn: psycopg.Connection, platform: Scripted, path: str, code: int, name: str, told: str
) -> None:
    platform.answers[f"/cgi-bin/{path}"] = {"errcode": code, "errmsg": ERRMSG}
    found = look(conn, platform)
    assert str(code) in found[name].found
    assert "203.0.113.7" in found[name].found
    assert told in (found[name].fix or "")
    assert "last callback" in found, "the rest is looked at all the same"


def test_nobody_in_range(conn: psycopg.Connection, platform: Scripted) -> None:
    platform.answers["/cgi-bin/externalcontact/get_follow_user_list"] = OK | {"follow_user": []}
    assert "可见范围" in (look(conn, platform)["customer contact"].fix or "")


def test_what_was_mended_is_seen_at_once(conn: psycopg.Connection, platform: Scripted) -> None:
    platform.answers["/cgi-bin/gettoken"] = {"errcode": 60020, "errmsg": ERRMSG}
    assert look(conn, platform)["token"].fix
    platform.answers["/cgi-bin/gettoken"] = WELL["gettoken"]
    assert look(conn, platform)["token"].fix is None


@pytest.mark.parametrize("answer", [HANG_UP, (502, b""), (200, b"<html>"), {"errcode": 45009, "errmsg": "often"}, {}])
@pytest.mark.parametrize("path", WELL)
def test_nothing_makes_it_fall_over(
    conn: psycopg.Connection, platform: Scripted, path: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    platform.answers[f"/cgi-bin/{path}"] = answer
    assert "callback" in look(conn, platform)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-such-host.invalid", "http://127.0.0.1:99999"])
def test_an_address_that_nobody_answers_at(conn: psycopg.Connection, platform: Scripted, address: str) -> None:
    found = look(conn, platform, base_url=address)
    assert "base_url" in (found["address"].fix or "")
    assert "token" not in found, "what hangs on it is not asked"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["doctor", "wecom"], 1, "yutang channel add wecom --name main"),
        (["doctor", "wecom", "--name", "second"], 1, "--name second"),
        (["doctor", "pigeon"], 2, "pigeon"),
    ],
)
def test_the_command_says_what_is_missing(url: str, home: Path, arguments: list[str], code: int, told: str) -> None:
    environment = os.environ | {"YUTANG_HOME": str(home), "YUTANG_DATABASE_URL": url, "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "yutang.cli", *arguments], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
