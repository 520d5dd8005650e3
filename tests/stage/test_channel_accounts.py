"""Accounts with platforms: kept sealed, checked, changed, shown without secrets; and the outbox of the channels."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest

from commands import Run
from edges import NOW, VAULT
from yutang import ingest
from yutang.channels import ACCOUNT_FIELDS
from yutang.channels.contract import Answer, Fact
from yutang.channels.platform import account, news
from yutang.db.connect import connect
from yutang.model import YutangError
from yutang.vault import Vault

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
GIVEN: dict[str, dict[str, str]] = {
    "wecom": {"corp_id": "ww1", "agent_id": "1000002", "secret": "hush", "token": "tok", "aes_key": KEY},
    "customer_service": {"corp_id": "ww1", "secret": "hush", "open_kfid": "wk1", "token": "tok", "aes_key": KEY},
    "official_account": {"app_id": "wx1", "secret": "hush", "token": "tok", "aes_key": KEY},
    "miniprogram": {"app_id": "wx2", "secret": "hush", "token": "tok", "aes_key": KEY},
    "sms": {"provider": "tencent", "key_id": "id", "key_secret": "hush", "sign": "鱼塘", "sdk_app_id": "14"},
}


@pytest.mark.parametrize("kind", ACCOUNT_FIELDS)
def test_an_account_is_kept_with_its_secrets_sealed(conn: psycopg.Connection, kind: str) -> None:
    account.add(conn, VAULT, NOW, kind, "main", GIVEN[kind])
    found = account.one(conn, VAULT, kind, "main")
    assert found is not None
    assert {name: found.get(name) for name in GIVEN[kind]} == GIVEN[kind]
    assert (found.source, found.channel, found.get("nothing")) == (f"{kind}:main", kind, "")
    assert account.every(conn, VAULT) == [found]
    row = str(conn.execute("select * from channel_account").fetchone())
    assert not [f.name for f in ACCOUNT_FIELDS[kind] if f.secret and f.name in GIVEN[kind] and found.get(f.name) in row]
    assert "hush" not in repr(found)
    assert KEY not in repr(found)
    with pytest.raises(YutangError, match="YUTANG_SECRET"):
        account.one(conn, Vault(b"t" * 32), kind, "main")
    assert account.one(conn, VAULT, kind, "other") is None
    assert account.remove(conn, kind, "main")
    assert not account.remove(conn, kind, "main")


@pytest.mark.parametrize(
    ("kind", "name", "change", "said"),
    [
        ("wecom", "main", {"corp_id": ""}, "--corp-id"),
        ("wecom", "main", {"app_id": "wx1"}, "--app-id"),
        ("wecom", "main", {"token": "t-1"}, "--token"),
        ("wecom", "main", {"token": "t" * 33}, "--token"),
        ("wecom", "main", {"aes_key": KEY[:-1]}, "--aes-key"),
        ("wecom", "main", {"aes_key": KEY + "\n"}, "--aes-key"),
        ("wecom", "main", {"agent_id": "x"}, "--agent-id"),
        ("wecom", "main", {"base_url": "ftp://x"}, "--base-url"),
        ("wecom", "main", {"secret": " s"}, "--secret"),
        ("wecom", "Main", {}, "--name"),
        ("wecom", "x" * 33, {}, "--name"),
        ("fax", "main", {}, "fax"),
        ("official_account", "main", {"app_id": ""}, "--app-id"),
        ("sms", "main", {"provider": "other"}, "--provider"),
        ("sms", "main", {"sdk_app_id": ""}, "--sdk-app-id"),
    ],
)
def test_what_is_wrong_is_named(
    conn: psycopg.Connection, kind: str, name: str, change: dict[str, str], said: str
) -> None:
    with pytest.raises(YutangError, match=said):
        account.add(conn, VAULT, NOW, kind, name, GIVEN.get(kind, {}) | change)
    assert account.every(conn, VAULT) == []


def test_what_one_provider_needs_the_other_does_not(conn: psycopg.Connection) -> None:
    given = {k: v for k, v in GIVEN["sms"].items() if k != "sdk_app_id"} | {"provider": "aliyun"}
    assert account.add(conn, VAULT, NOW, "sms", "main", given).get("sdk_app_id") == ""


def test_a_change_keeps_the_rest_and_the_pair_from_before(conn: psycopg.Connection) -> None:
    def pairs(after: timedelta) -> list[tuple[str, str]]:
        found = account.one(conn, VAULT, "wecom", "main")
        assert found is not None
        return found.pairs(NOW + after)

    hour, moment = timedelta(hours=1), timedelta(microseconds=1)
    account.add(conn, VAULT, NOW, "wecom", "main", GIVEN["wecom"])
    assert pairs(timedelta()) == [("tok", KEY)]
    account.add(conn, VAULT, NOW, "wecom", "main", {"token": "next"})
    assert pairs(hour - moment) == [("next", KEY), ("tok", KEY)]
    again = account.add(
        conn, VAULT, NOW + hour / 2, "wecom", "main", GIVEN["wecom"] | {"token": "next", "secret": "new"}
    )
    assert (again.get("secret"), again.get("corp_id")) == ("new", "ww1")
    assert pairs(hour - moment) == [("next", KEY), ("tok", KEY)], "the same token again is no change"
    assert pairs(hour) == [("next", KEY)]
    assert again.get("base_url") == "https://qyapi.weixin.qq.com"
    moved = account.add(conn, VAULT, NOW, "wecom", "main", {"base_url": "http://127.0.0.1:9/x"})
    assert account.add(conn, VAULT, NOW, "wecom", "main", {}).get("base_url") == moved.get("base_url")


def test_news_leave_with_the_transaction_that_takes_them(conn: psycopg.Connection, url: str) -> None:
    told = [
        Fact("a", "contact_added", NOW, {"external_userid@ww1": "wmY1"}, {"staff": "guide01"}),
        Answer(7, 3, "b", "message_sent", NOW - timedelta(hours=1), {"channel": "x"}),
        Fact("c", "scanned", NOW + timedelta(seconds=9), {}, {"code": "\0\\u0000\\\0"}),
    ]
    news.tell(conn, "x", told)
    news.tell(conn, "y", told[:1])
    news.tell(conn, "y", [])
    with conn.transaction(force_rollback=True), connect(url) as other:
        assert len(news.take(conn, "x", NOW)) == 3
        assert news.take(other, "x", NOW) == [], "no two workers take the same"
    assert news.take(conn, "x", NOW, limit=2) == told[:2]
    assert news.take(conn, "x", NOW) == [Fact("c", "scanned", NOW, {}, {"code": "\ufffd\\u0000\\\ufffd"})]
    assert news.take(conn, "x", NOW) == []
    assert news.take(conn, "y", NOW) == told[:1]


def options(kind: str, **change: str) -> list[str]:
    return [part for name, value in (GIVEN[kind] | change).items() for part in ("--" + name.replace("_", "-"), value)]


def test_accounts_by_command(yutang: Run, conn: psycopg.Connection) -> None:
    told = yutang("channel", "add", "wecom", *options("wecom", secret="-"), typed="hush\n").stdout
    assert "/callbacks/wecom/main\n" in told
    assert "hush" not in told
    assert "wecom:main" in [row.name for row in ingest.sources(conn)]
    assert "?key=" in yutang("channel", "add", "sms", "--name", "b", *options("sms")).stdout
    listed = yutang("channel", "list", "--json").stdout
    assert [(row["kind"], row["name"]) for row in map(json.loads, listed.splitlines())] == [
        ("sms", "b"),
        ("wecom", "main"),
    ]
    listed += yutang("channel", "list").stdout
    assert "corp_id=ww1" in listed
    assert not [secret for secret in ("hush", KEY, "tok") if secret in listed.replace("token", "")]
    assert "--app-id" in yutang("channel", "add", "wecom", *options("wecom"), "--app-id", "wx1", code=2).stderr
    assert "--sign" in yutang("channel", "add", "sms", "--provider", "aliyun", code=2).stderr
    assert "--corp-id" in yutang("channel", "add", "wecom", "--name", "two", code=2).stderr
    ingest.keep_raw(conn, NOW, "wecom:main", b"<xml/>", NOW)
    yutang("channel", "remove", "wecom", code=1, typed="n\n")
    yutang("channel", "remove", "wecom", "--yes")
    assert "wecom:main" in yutang("channel", "remove", "wecom", "--yes", code=2).stderr
    assert conn.execute("select count(*) as n from callback").fetchone().n == 1  # type: ignore[union-attr]


def test_callbacks_are_shown_one_a_line(yutang: Run, conn: psycopg.Connection) -> None:
    yutang("channel", "add", "wecom", *options("wecom"))
    texts = ["<xml>\n<A>鱼</A></xml>", '{"a": "b"}']
    for text in texts:
        ingest.keep_raw(conn, NOW, "wecom:main", text.encode(), NOW - timedelta(seconds=5))
    ingest.keep_raw(conn, NOW, "sms:main", b"[]", NOW)
    shown = [json.loads(line) for line in yutang("events", "--source", "wecom:main", "--json").stdout.splitlines()]
    assert [event["props"]["text"] for event in shown] == texts[::-1]
    assert shown[0].keys() >= {"id", "source", "type", "at", "received_at", "handles", "props"}
    assert {(event["source"], event["type"], str(event["handles"])) for event in shown} == {
        ("wecom:main", "callback", "{}")
    }
