"""Erasing what platforms and the door have left behind: every table of the list that speaks of a person, row by row; raw callbacks, refusals,
the audit log. Then what an export shows, and that neither scans a big table."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.types.json import Jsonb

from erasures import SECRETS, VAULT, Lived, holding
from yutang import erasure, users
from yutang.erasure.export import HIDDEN
from yutang.erasure.tables import ASKED, TABLES
from yutang.erasure.whom import find
from yutang.ingest import keep_raw, record
from yutang.model import bucket_of

XML = (
    "<xml><ToUserName><![CDATA[corp]]></ToUserName><{0}><![CDATA[{1}]]></{0}><Content><![CDATA[hello]]></Content></xml>"
)
T = "2026-03-02 04:00:00+00"
ACCOUNTS = (("wecom", "main"), ("official_account", "main"), ("sms", "main"))


def platform_rows(person: int, touch: int, external: str, openid: str) -> dict[str, dict[str, Any]]:
    """A row of each table that platforms fill, as their connectors write them."""
    corp, relation = {"account": "wecom:main"}, {"userid": "zhang", "state": "active"}
    out = {"touch_id": touch, "account": "main", "person_id": person, "state": "sent", "at": T}
    kf = {"open_kfid": "kf1", "external_userid": external}
    return {
        "wecom_relation": corp | relation | {"external_userid": external, "remark": f"name of {external}"},
        "wecom_contact": corp | {"external_userid": external, "name": f"name of {external}"},
        "wecom_wish": corp | {"external_userid": external, "tag": "vip", "wanted": True, "at": T},
        "wecom_welcome": corp | {"external_userid": external, "staff": "zhang", "code": "c", "at": T, "expires_at": T},
        "wecom_group_member": corp | {"chat_id": "g", "member": external, "kind": "customer", "joined_at": T},
        "wecom_errand": corp | {"kind": "contact", "key": external, "due_at": T, "at": T},
        "wecom_transfer": corp | {"handover": "a", "takeover": "b", "kind": "customer", "id": external, "begun_at": T, "resigned": True, "state": "done"},
        "wecom_task_receiver": {"task_id": 1, "receiver": external, "touch_id": touch, "person_id": person, "state": "asked", "day": T, "at": T},
        "wecom_quota_use": corp | {"receiver": external, "day": T, "n": 1},
        "wecom_greeting": corp | {"touch_id": touch, "state": "sent", "code": external, "at": T},
        "oa_fan": {"account": "main", "openid": openid, "following": True, "at": T},
        "oa_window": {"account": "main", "openid": openid, "kind": "message", "opened_at": T, "until": T, "allowed": 5},
        "oa_out": out | {"openid": openid, "way": "custom", "msgid": f"m{touch}"},
        "oa_receipt": {"account": "main", "msgid": f"m{touch}", "status": "ok", "at": T},
        "channel_grant": {"account": "official_account:main", "openid": openid, "template": "t", "count": 1},
        "channel_grant_event": {"account": "official_account:main", "key": f"accept:{openid}:1", "at": T},
        "channel_notice": out | {"account": "official_account:main", "openid": openid, "template": "t", "msgid": f"n{touch}"},
        "channel_notice_receipt": {"account": "official_account:main", "msgid": f"n{touch}", "openid": openid, "template": "t", "code": "0", "at": T},
        "sms_out": out | {"serial": f"s{touch}"},
        "sms_receipt": {"account": "main", "serial": f"s{touch}", "arrived": True, "code": "0", "at": T},
        "kf_window": kf | {"opened_at": T, "until": T, "allowed": 5},
        "kf_welcome": kf | {"code": "c", "at": T, "expires_at": T},
        "kf_out": {"touch_id": touch, "open_kfid": "kf1", "person_id": person, "external_userid": external, "way": "window", "state": "sent",
                   "msgid": "k", "messages": 1, "at": T},
        "sandbox_answer": {"touch_id": touch, "seq": 9, "person_id": person, "type": "x", "at": T, "props": Jsonb({"text": external})},
        "channel_news": {"channel": "wecom:main", "key": f"k{touch}", "type": "x", "at": T, "handles": Jsonb({"external_userid@s": external}), "props": Jsonb({})},
        "staff_task": {"touch_id": touch, "bucket": bucket_of(person), "person_id": person, "journey": "j", "message": "m", "title": external,
                       "words": external, "staff": "zhang", "state": "open", "made_at": T, "due_at": T, "late_at": T, "look_at": T},
        "call": {"bucket": bucket_of(person), "person_id": person, "journey_id": 1, "cause": "c", "line": "l", "version": 1, "step": 0,
                 "state": "waiting", "retry_at": T, "deadline": T, "at": T, "detail": external},
        "tag": {"bucket": bucket_of(person), "person_id": person, "tag": external, "at": T, "event_id": 0},
        "tag_end": {"bucket": bucket_of(person), "person_id": person, "tag": external, "at": T},
        "prediction": {"bucket": bucket_of(person), "person_id": person, "name": "p", "value": 1, "at": T, "model_id": 1},
        "product_prediction": {"bucket": bucket_of(person), "person_id": person, "products": [1]},
        "offer_refusal": {"bucket": bucket_of(person), "person_id": person, "origin_id": person, "definition_id": 1, "key": "k", "reason": "r", "at": T},
        "person_past": {"bucket": bucket_of(person), "person_id": person, "type": "viewed", "day": T, "n": 1, "amount": 0, "first_at": T, "last_at": T},
        "keep_apart": {"person_a": person, "person_b": 10**6 + person, "at": T},
        "tag_change": {"at": T, "by": "x", "act": "tag", "tag": "t", "reason": "安小鱼" if "Ann" in external else "r", "about": "", "persons": [person]},
        "saved_view": {"page": "persons", "title": "t", "query": f"q={external}", "by": "x", "shared": False, "at": T},
        "coupon_mark": {"mark": "05000000-0000-0000-0000-000000000000", "definition_id": 1, "touch_id": touch},
    }  # fmt: skip


def insert(conn: psycopg.Connection, table: str, row: dict[str, Any]) -> None:
    columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
    conn.execute(f"insert into {table} ({columns}) values ({places})", list(row.values()))


@pytest.fixture
def pond(conn: psycopg.Connection) -> Lived:
    """Ann and Bob each have a row in every table."""
    lived = Lived(conn, days=1)
    lived.tell("viewed", {"shop:luckin": "member-ann-001", "external_userid@s": "wmAnnAnn0001"}, "ann-wx")
    lived.tell(
        "viewed",
        {"shop:luckin": "member-bob-002", "external_userid@s": "wmBobBob0002", "openid@wx1": "oBobBob0002"},
        "bob-wx",
    )
    lived.settle()
    for kind, name in ACCOUNTS:
        insert(conn, "channel_account", {"kind": kind, "name": name, "settings": Jsonb({}), "sealed": "", "at": T})
    insert(conn, "kf_account", {"open_kfid": "kf1", "sync_at": T})
    conn.execute(
        f"insert into wecom_task (account, kind, digest, sender, state, touches, created_at, called_at, deadline) values ('wecom:main', 'single', 'd', 'z', 'made', 2, '{T}', '{T}', '{T}')"
    )
    for member, external, openid in (
        ("ann-001", "wmAnnAnn0001", "oAnnAnnAnn0001"),
        ("bob-002", "wmBobBob0002", "oBobBob0002"),
    ):
        person = lived.person(f"member-{member}")
        touch = conn.execute("select touch_id from touch where person_id = %s limit 1", (person,)).fetchone().touch_id
        for table, row in platform_rows(person, touch, external, openid).items():
            insert(conn, table, row)
        key = conn.execute("select key from handle where person_id = %s limit 1", (person,)).fetchone().key
        conn.execute("update coupon_mark set mark = %s where touch_id = %s", (key, touch))
        for tag, value in (("ExternalUserID", external), ("FromUserName", openid)):
            keep_raw(conn, lived.now, "wecom:main", XML.format(tag, value).encode(), lived.now)
        users.note(conn, lived.now, "boss", "tag", f"person/{person}", {"tag": external})
    for phone in ("13912345678", "13711112222"):
        keep_raw(
            conn, lived.now, "sms:main", json.dumps([{"phone_number": phone}]).encode(), lived.now, VAULT.seal_text
        )
        record(
            conn,
            VAULT,
            lived.now,
            [
                {
                    "id": "x",
                    "source": "nobody",
                    "type": "a",
                    "at": "b",
                    "handles": {"phone": f"+86 {phone[:3]}-{phone[3:]}"},
                    "props": {},
                }
            ],
        )
    record(conn, VAULT, lived.now, b'[{"id": "y", "handles": {"shop:luckin": "member-ann-001"}, "broken": 1}]')
    return lived


def counts(conn: psycopg.Connection, member: str, lived: Lived) -> dict[str, int]:
    """The rows of somebody in each table, by the list's own conditions."""
    with conn.transaction(force_rollback=True):
        whom = find(conn, VAULT, lived.now, lived.person(member)).whom.params()
    return {
        t.name: conn.execute(f"select count(*) as n from {t.name} t where {t.found}", whom).fetchone().n  # type: ignore[arg-type]
        for t in ASKED
    }


NOT_THERE = {
    "proposal",
    "event_ahead",
    "identity_case",
    "merge_log",
    "erased_order",
    "redemption",
    "ladder",
    "ladder_aside",
    "segment_due",
    "coupon",
    "attempt",
    "membership",
    "step",
    "trait",
}
"""What this pond has no row of for both; the story in test_erasure has."""


def test_every_table_is_emptied_of_her_and_of_nobody_else(conn: psycopg.Connection, pond: Lived) -> None:
    ann, bob = pond.person(), pond.person("member-bob-002")
    before = counts(conn, "member-bob-002", pond)
    assert {name for name, n in counts(conn, "member-ann-001", pond).items() if not n} <= NOT_THERE, "Ann is everywhere"
    assert {name for name, n in before.items() if not n} <= NOT_THERE
    made = erasure.erase(conn, VAULT, pond.now, ann, "test")
    rows = {row.table: row.rows for row in made.rows}
    assert (rows["reject"], rows["wecom_relation"], rows["saved_view"]) == (2, 1, 1)
    assert holding(conn) == {}
    assert counts(conn, "member-bob-002", pond) == before
    task = conn.execute(
        "select state, reason, words, title, look_at from staff_task where person_id = %s", (ann,)
    ).fetchone()
    assert tuple(task) == ("dropped", "erased", "", "", None)
    assert conn.execute("select words from staff_task where person_id = %s", (bob,)).fetchone().words == "wmBobBob0002"
    left = conn.execute("select count(*) as n from event where type = 'callback'").fetchone().n
    assert left == 3, "Bob's two, and the receipt with Bob's number"
    assert [
        VAULT.unseal(bytes(r.payload)).decode().count("137-11112222")
        for r in conn.execute("select payload from reject")
    ] == [1]


def test_an_export_holds_every_row_and_shows_numbers_only_when_asked(conn: psycopg.Connection, pond: Lived) -> None:
    there = {name: n for name, n in counts(conn, "member-ann-001", pond).items() if n}
    document = json.loads(b"".join(erasure.export(conn, VAULT, pond.now, pond.person()).parts))
    assert {name: len(rows) for name, rows in document["tables"].items()} == there
    assert (document["format"], document["version"], document["person_id"]) == ("yutang person", 1, pond.person())
    masked = json.dumps(document["handles"])
    assert "member-ann-001" in masked
    assert "13912345678" not in masked
    plain = json.loads(b"".join(erasure.export(conn, VAULT, pond.now, pond.person(), plain=True).parts))
    assert {"kind": "phone", "value": "+8613912345678"} in plain["handles"]
    assert {"kind": "email", "value": "ann@pond.example"} in plain["handles"]
    names = {name for rows in document["tables"].values() for row in rows for name in row}
    assert names.isdisjoint(set(HIDDEN) - {"payload"})
    assert "wmBobBob" not in json.dumps(document)
    erasure.erase(conn, VAULT, pond.now, pond.person(), "test")
    gone = json.loads(b"".join(erasure.export(conn, VAULT, pond.now, document["person_id"]).parts))
    assert gone["handles"] == []
    assert not any(word in json.dumps(gone, ensure_ascii=False) for word in SECRETS)
    assert set(gone["tables"]) <= {t.name for t in TABLES if t.fate == "emptied"}


def test_a_kept_search_for_somebody_goes_however_it_was_written(conn: psycopg.Connection) -> None:
    pond = Lived(conn, days=1)
    asked = ("13912345678", "+8613912345678", "ann@pond.example", "安小鱼奶茶", "13711112222")
    for number, words in enumerate(asked):
        kept = {"page": "persons", "title": f"t{number}", "query": urlencode({"q": words}), "by": "x", "shared": False}
        insert(conn, "saved_view", kept | {"at": T})
    erasure.erase(conn, VAULT, pond.now, pond.person(), "test")
    left = [row.query for row in conn.execute("select query from saved_view order by title")]
    assert left == [urlencode({"q": words}) for words in asked[3:]], "what names nobody, and what names another, stays"
