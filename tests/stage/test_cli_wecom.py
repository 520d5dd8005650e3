"""What operators do with codes into groups and with tags, as commands: a process each, against a city."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

import commands
from cities import living
from yutang.emulator import City
from yutang.emulator.wecom.groups import Groups
from yutang.emulator.wecom.tags import Tags
from yutang.vault import open_vault

Run = Callable[..., str]


@pytest.fixture
def city(conn: psycopg.Connection, home: Path) -> Iterator[City]:  # noqa: ARG001
    with living(conn, vault=open_vault()) as place:
        yield place.city


@pytest.fixture
def yutang(city: City, yutang: commands.Run) -> Run:  # noqa: ARG001
    return lambda *arguments, code=0: commands.said(yutang(*arguments, code=code))


def test_a_code_into_groups(yutang: Run, city: City) -> None:
    one, two = (city.makes_group("guide01", name).chat_id for name in ("一群", "二群"))
    assert "/city/qr/" in yutang(
        "code", "add", "wecom", "west", "--chat", one, "--room", "城西福利群", "--store", "城西店"
    )
    (way,) = city.part(Groups).ways.values()
    assert (way["chat_id_list"], way["room_base_name"]) == ([one], "城西福利群")
    yutang("code", "update", "wecom", "west", "--chat", one, "--chat", two)
    assert (way["chat_id_list"], way["room_base_name"]) == ([one, two], "城西福利群")
    listed = yutang("code", "list", "wecom")
    assert f"{one}, {two}" in listed
    assert "群 groups" in listed
    assert json.loads(yutang("code", "list", "wecom", "--json"))["chats"] == [one, two]
    assert "--chat" in yutang("code", "add", "wecom", "both", "--chat", one, "--staff", "guide01", code=2)
    assert "--chat" in yutang("code", "add", "wecom", "none", code=2)


def test_tags_that_are_managed(yutang: Run, city: City) -> None:
    assert "管理中 managed" in yutang("channel", "mirror", "wecom", "鱼塘/常客", "鱼塘/沉睡")
    assert {tag.name for tag in city.part(Tags).tags.values()} == {"常客", "沉睡"}
    stopped = yutang("channel", "mirror", "wecom", "--stop", "鱼塘/沉睡")
    assert "常客" in stopped
    assert "沉睡" not in stopped
    assert yutang("channel", "mirror", "wecom", "--list").count("鱼塘/") == 1
    assert "--list" in yutang("channel", "mirror", "wecom", code=2)
    assert "鱼塘/新" in yutang("channel", "mirror", "wecom", "--stop", "鱼塘/新", code=2)
    assert "组/名" in yutang("channel", "mirror", "wecom", "常客", code=2)
