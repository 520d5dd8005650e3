"""A person is erased everywhere, in one transaction; nothing brings the old data back, and the sums stay true."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from erasures import DAY, SECRETS, VAULT, Lived, dump, holding
from ponds import NOON
from shops import Shop
from walks import HOUR
from yutang import erasure, identity, lake
from yutang.erasure.tables import TABLES
from yutang.ingest import follow_up
from yutang.ingest.undo import undo
from yutang.insight import experiment
from yutang.lake.place import Folder
from yutang.model import YutangError


def others(conn: psycopg.Connection, persons: list[int]) -> dict[str, Counter[str]]:
    """The rows of every table that do not speak of these numbers; but for those that count or list."""
    apart = {"stock", "stage_cursor", "erasure", "lake_erased", "audit", "erased_order"}
    mine = {str(person) for person in persons}

    def is_theirs(row: dict) -> bool:
        return str(row.get("person_id")) not in mine and str(row.get("origin_id")) not in mine

    return {
        name: Counter(row for row in rows if is_theirs(json.loads(row)))
        for name, rows in dump(conn).items()
        if name not in apart and name not in ("event", "merge_log", "coupon_news", "ladder_news")
    }


def money(conn: psycopg.Connection) -> dict[str, object]:
    """What was redeemed, spent and reserved, and what an experiment says."""
    stock = conn.execute(
        "select definition_id, issued, redeemed, spent_fen, reserved_fen from stock order by 1"
    ).fetchall()
    open_fen = conn.execute(
        "select definition_id, sum(value_fen) from coupon where state = 'issued' and touch_id is not null group by 1 order by 1"
    ).fetchall()
    return {"stock": [tuple(row) for row in stock], "open": [tuple(row) for row in open_fen]}


def test_nothing_of_an_erased_person_is_left_and_everybody_else_is_untouched(conn: psycopg.Connection) -> None:
    pond = Lived(conn)
    ann = pond.person()
    numbers = [ann, *(r.person_id for r in conn.execute("select person_id from person where merged_into = %s", (ann,)))]
    assert len(numbers) == 2
    known, beside, before = holding(conn), others(conn, numbers), money(conn)
    assert {"event", "person_event", "trait", "sandbox_message"} <= set(known), "the pond knew Ann"
    effects = [experiment.effect(conn, pond.now, name, days=7) for name in journeys(conn)]
    open_of_ann = (
        conn.execute(
            "select coalesce(sum(value_fen), 0) as fen from coupon where person_id = any(%s) and state = 'issued' and touch_id is not null",
            (numbers,),
        )
        .fetchone()
        .fen
    )

    made = erasure.erase(conn, VAULT, pond.now, numbers[1], "somebody", "asked by letter")

    assert holding(conn) == {}
    assert others(conn, numbers) == beside
    after = money(conn)
    assert [row[:4] for row in after["stock"]] == [row[:4] for row in before["stock"]], (
        "issued, redeemed and spent stay"
    )
    assert sum(row[4] for row in before["stock"]) - sum(row[4] for row in after["stock"]) == open_of_ann
    assert [(d, fen) for d, _, _, _, fen in after["stock"] if fen] == [(d, fen) for d, fen in after["open"] if fen]
    assert [experiment.effect(conn, pond.now, name, days=7) for name in journeys(conn)] == effects
    assert (made.person_id, made.numbers, made.by, made.reason, made.lake) == (
        ann,
        2,
        "somebody",
        "asked by letter",
        "none",
    )
    rows = {row.table: row.rows for row in made.rows}
    assert rows["handle"] == 4
    assert rows["erased_order"] == 2
    assert erasure.erase(conn, VAULT, pond.now + DAY, ann, "again") == made, "asking again changes nothing"
    assert not any(word in json.dumps([row.table for row in made.rows]) for word in SECRETS)

    pond.now += DAY
    quiet = dump(conn)
    pond.settle()
    assert holding(conn) == {}
    assert conn.execute("select count(*) as n from profile where person_id = any(%s)", (numbers,)).fetchone().n == 0
    assert len(dump(conn)["person"]) == len(quiet["person"])


def journeys(conn: psycopg.Connection) -> list[str]:
    return [
        row.name for row in conn.execute("select distinct name from definition where kind = 'journey' order by name")
    ]


def test_every_table_is_in_the_list(conn: psycopg.Connection) -> None:
    names = [
        row[0]
        for row in conn.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
    ]
    listed = [table.name for table in TABLES]
    assert sorted(names) == sorted(listed), "say in erasure/tables.py what becomes of a person's rows in it"
    assert all(table.found for table in TABLES if table.fate != "nothing")
    assert all(table.zh and table.en for table in TABLES if table.fate == "emptied"), "what stays is said, and why"
    silent = [table.name for table in TABLES if table.fate == "nothing" and not table.zh]
    columns = conn.execute(
        """select table_name, column_name from information_schema.columns where table_schema = 'public' and table_name = any(%s)
           and column_name in ('person_id', 'persons', 'origin_id', 'openid', 'external_userid', 'handles', 'touch_id', 'event_id')""",
        (silent,),
    ).fetchall()
    assert columns == [], "a table that names persons has a fate, or says why it needs none"


def test_experiments_say_the_same_to_the_last_digit(conn: psycopg.Connection) -> None:
    """With orders before and after, refunds, coupons and letters in both arms; of a journey and of the whole pond."""
    shop = Shop(conn)
    conn.execute("update definition set body = body || '{\"holdout_percent\": 50}' where kind = 'pond'")
    people = [int(p) for p in shop.people(300)]
    wake = shop.journey(50)
    shop.enter(wake, people, ["treated" if p % 2 else "holdout" for p in people])
    conn.execute("insert into journey_state (journey_id, started_at) values (%s, %s)", (wake.definition_id, NOON))
    shop.buys(people, [100 * (p % 7) for p in people], NOON - 20 * DAY)
    shop.buys(people, [300 * (p % 5) for p in people], NOON + HOUR)
    shop.buys(people[:9], [100] * 9, NOON + 4 * DAY, type="refunded", margin=None)
    for p in people[:20]:
        touch = shop.reached(wake, p, at=NOON + DAY)
        shop.redeemed(p, touch, 50, NOON + HOUR, f"{p}-{NOON.date()}")
    now = NOON + 40 * DAY
    said = [experiment.effect(conn, now, "wake"), experiment.pond_effect(conn, now)]
    assert said[0].readings
    assert said[1].readings
    for person in people[3:8]:
        erasure.erase(conn, VAULT, now, person, "test")
    assert [experiment.effect(conn, now, "wake"), experiment.pond_effect(conn, now)] == said


def test_what_comes_late_brings_nothing_back_and_who_comes_again_is_new(conn: psycopg.Connection) -> None:
    pond = Lived(conn, days=1)
    ann = pond.person()
    waiting = {"shop:luckin": "member-ann-001", "phone": "13912345678"}
    pond.tell("viewed", waiting, "not-read-yet", page="蓝莓拿铁")
    follow_up(conn, pond.now, [("said:1", "message_opened", ann, pond.now, {"touch_id": 1, "channel": "sandbox"})])
    erasure.erase(conn, VAULT, pond.now, ann, "test")
    assert holding(conn) == {}, "nor in what had come but was read by nobody yet"

    again = pond.tell("registered", {"shop:luckin": "member-ann-001"}, "reg-001", name="安小鱼")
    other = pond.tell("viewed", {"shop:luckin": "member-ann-001"}, "joined", page="another")
    assert (again.accepted, again.duplicate, other.duplicate) == (0, 1, 1), "known by their ids, whatever they say"
    follow_up(
        conn,
        pond.now,
        [("said:2", "message_opened", ann, pond.now, {"touch_id": 1, "channel": "sandbox", "text": "蓝莓拿铁"})],
    )
    pond.settle()
    assert holding(conn) == {}
    assert conn.execute("select count(*) as n from person_event where person_id = %s", (ann,)).fetchone().n == 0
    assert conn.execute("select count(*) as n from identity_case").fetchone().n == 0

    pond.tell("viewed", waiting, "new", page="home")
    pond.settle()
    new = pond.person()
    assert new != ann
    facts = conn.execute("select type from person_event where person_id = %s and type = 'viewed'", (new,)).fetchall()
    assert [row.type for row in facts] == ["viewed"]
    with pytest.raises(YutangError, match="nothing to split"):
        identity.split(conn, pond.now, ann)


def test_an_undone_import_and_a_case_with_somebody_else(conn: psycopg.Connection) -> None:
    """Events that are facts about nobody hold handles too; and an event of Bob's may name Ann's phone."""
    pond = Lived(conn, days=1)
    conn.execute("update event set import_id = 7 where source_id = 'crm-1'")
    conn.execute(
        "insert into import (kind, path, digest, mapping, state, started_at) values ('events', 'a', 'b', '{}', 'done', now())"
    )
    conn.execute("update event set import_id = 1 where source_id = 'crm-1'")
    undo(conn, pond.now, 1)
    pond.settle()
    pond.tell("viewed", {"openid@wx1": "oBobBobBob0001", "shop:luckin": "member-bob-002"}, "bob-wx")
    pond.settle()
    pond.tell("viewed", {"openid@wx1": "oBobBobBob0001", "phone": "13912345678"}, "whose")
    pond.settle()
    bob, ann = pond.person("member-bob-002"), pond.person()
    assert conn.execute("select persons from identity_case").fetchone().persons == sorted([ann, bob])
    erasure.erase(conn, VAULT, pond.now, ann, "test")
    assert holding(conn) == {}
    row = conn.execute("select handles, keys, sealed from event where source_id = 'whose'").fetchone()
    assert (list(row.handles), len(row.keys), row.sealed) == (["openid@wx1"], 1, None), "Bob's own handle stays"
    assert (
        conn.execute(
            "select count(*) as n from person_event e join event v using (event_id) where v.source_id = 'whose'"
        )
        .fetchone()
        .n
        == 1
    )


@pytest.mark.parametrize("case_of_before", [False, True])
def test_who_was_split_off_is_erased_from_events_of_others_too(conn: psycopg.Connection, case_of_before: bool) -> None:
    """Also where the case still names whom the handle belonged to before the split."""
    pond = Lived(conn, days=1)
    pond.tell("viewed", {"openid@wx1": "oBobBobBob0001", "shop:luckin": "member-bob-002"}, "bob-wx")
    pond.settle()
    pond.tell("viewed", {"openid@wx1": "oBobBobBob0001", "phone": "13912345678"}, "whose")
    pond.settle()
    bob, ann = pond.person("member-bob-002"), pond.person()
    winner, phone = identity.split(conn, pond.now, ann)
    pond.settle()
    assert [case.persons for case in identity.cases(conn)] == [[bob, phone]]
    if case_of_before:
        conn.execute("update identity_case set persons = %s where %s = any(persons) and %s = any(persons)", ([winner, bob], bob, phone))  # fmt: skip
    erasure.erase(conn, VAULT, pond.now, phone, "test")
    row = conn.execute("select handles, keys, sealed from event where source_id = 'whose'").fetchone()
    assert (list(row.handles), len(row.keys), row.sealed) == (["openid@wx1"], 1, None)
    assert conn.execute("select source_id from event where handles ->> 'phone' = '139****5678'").fetchall() == []


def test_the_lake_forgets_at_its_next_run(conn: psycopg.Connection, tmp_path: Path) -> None:
    pond, place = Lived(conn, days=1), Folder(tmp_path / "lake")
    ann = pond.person()
    both = (
        ann,
        *(row.person_id for row in conn.execute("select person_id from person where merged_into = %s", (ann,))),
    )
    assert len(both) == 2
    lake.archive(conn, pond.now, place)
    assert erasure.erase(conn, VAULT, pond.now, ann, "test").lake == "waiting"
    assert lake.archive(conn, pond.now + DAY, place)["erased"] == 2
    made = erasure.receipt(conn, ann)
    assert (made.lake, made.lake_at) == ("done", pond.now + DAY)
    with lake.opened(place.root) as opened:
        for table in ("events", "orders", "touches", "memberships", "persons"):
            assert not opened.rows(f"select 1 from {table} where person_id in {both}")
