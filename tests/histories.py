"""A town whose people order, meet, are joined and taken apart: what the lake must follow."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from databases import held_up
from ponds import NOON, Pond
from yutang import identity, lake, profile
from yutang.handles import handle_key, kind_of
from yutang.lake.place import Folder

DAY = timedelta(days=1)
SECRET = b"0123456789abcdef"


class Town:
    """Events of people with one or two handles of a few, so that people meet and are joined all the time."""

    def __init__(self, conn: psycopg.Connection, seed: int) -> None:
        self.conn, self.dice, self.now = conn, random.Random(seed), NOON
        self.pond = Pond(conn)

    def events(self, n: int) -> None:
        for _ in range(n):
            handles = {"phone": f"+861380000{self.dice.randrange(30):04}"}
            if self.dice.random() < 0.2:
                handles["shop:tmall"] = f"m{self.dice.randrange(30)}"
            if self.dice.random() < 0.3:
                handles.pop("phone") if "shop:tmall" in handles else None
            self.said(handles)

    def said(self, handles: dict[str, str]) -> None:
        kind = self.dice.choices(["ordered", "refunded", "viewed", "profile_updated"], [5, 2, 4, 1])[0]
        props: dict[str, Any] = {"order_id": f"o{self.dice.randrange(40)}", "amount_fen": self.dice.randrange(9999)}
        if kind == "ordered":
            props |= {
                "store": "人民路",
                "items": [{"product": "latte", "quantity": 2, "amount_fen": 5}],
                "coupon_codes": ["a", "b"],
            }
        if kind == "profile_updated":
            props = {"traits": {"city": self.dice.choice(["上海", "杭州"])}}
        at = self.now - self.dice.randrange(120) * DAY
        ordered = sorted(handles.items(), key=lambda item: (len(item[0].encode()), item[0].encode()))
        self.conn.execute(
            """insert into event (source, source_id, type, at, received_at, handles, keys, props)
               values ('pos', gen_random_uuid()::text, %s, %s, %s, %s, %s, %s)""",
            (
                kind,
                at,
                self.now,
                Jsonb(dict(ordered)),
                [handle_key(SECRET, k, kind_of(k), v) for k, v in ordered],
                Jsonb(props),
            ),
        )

    def undo(self) -> None:
        (event,) = self.conn.execute(
            "select event_id from event where event_id not in (select event_id from event_undone) order by random() limit 1"
        ).fetchone()
        self.conn.execute("insert into event_undone (event_id, at) values (%s, %s)", (event, self.now))

    def split(self) -> None:
        people = [r.winner_id for r in self.conn.execute("select winner_id from merge_log where undone_at is null")]
        if people:
            identity.split(self.conn, self.now, self.dice.choice(people))

    def settle(self) -> None:
        stages = (identity.resolve, profile.refresh)
        while any([held_up(self.conn), *(stage(self.conn, self.now).busy() for stage in stages)]):
            pass

    def check(self, place: Folder) -> None:
        with lake.opened(place.root) as opened:
            self.check_events(opened)
            self.check_orders(opened)
            self.check_persons(opened)

    def check_events(self, opened: lake.Lake) -> None:
        there = Counter((r.bucket, r.person_id, r.event_id, r.type, r.at, r.day, json.dumps(r.props, sort_keys=True))
                        for r in self.conn.execute("select * from person_event"))  # fmt: skip
        found = Counter((r.bucket, r.person_id, r.event_id, r.type, r.at, r.day, json.dumps(json.loads(r.props), sort_keys=True))
                        for r in opened.rows("select * from events"))  # fmt: skip
        assert found == there

    def check_orders(self, opened: lake.Lake) -> None:
        refunds: Counter[tuple[int, str]] = Counter()
        orders = {}
        for r in self.conn.execute("select * from person_event"):
            if r.type == "refunded":
                refunds[r.person_id, r.props["order_id"]] += r.amount
            elif r.type == "ordered":
                orders[r.event_id] = (r.person_id, r.props["order_id"], r.amount, r.at)
        expected = {e: (p, o, fen, refunds[p, o], at) for e, (p, o, fen, at) in orders.items()}
        found = opened.rows("select * from orders")
        assert {r.event_id: (r.person_id, r.order_id, r.amount, r.refunded, r.at) for r in found} == expected
        assert len(found) == len(expected)
        assert {(r.store, r.channel, r.coupon) for r in found} <= {("人民路", None, "a,b")}
        assert all(json.loads(r.items) == [{"sku": "latte", "qty": 2, "amount": 5, "category": None}] for r in found)

    def check_persons(self, opened: lake.Lake) -> None:
        asked = """select p.person_id, (select jsonb_object_agg(name, value) from trait t where t.person_id = p.person_id) as traits, r.life_stage
                   from person p join profile r using (person_id) where merged_into is null"""
        there = {r.person_id: (r.traits, r.life_stage) for r in self.conn.execute(asked)}
        versions = opened.rows("select * from persons order by person_id, valid_from")
        now = [r for r in versions if r.valid_to is None]
        assert {r.person_id: (json.loads(r.traits) if r.traits else None, r.life_stage) for r in now} == there
        known = {r.person_id for r in self.conn.execute("select person_id from person_event")}
        merged = {r.person_id for r in self.conn.execute("select person_id from person where merged_into is not null")}
        assert {r.person_id for r in versions} <= known | merged, "of whom nothing is left was never there"
        assert len({r.person_id for r in now}) == len(now)
        for a, b in itertools.pairwise(versions):
            if a.person_id == b.person_id:
                assert a.valid_to is not None
                assert a.valid_from < a.valid_to <= b.valid_from
