"""What one table of the lake takes from another, or from its own past: moved events, orders, memberships of one life, versions of persons."""

from __future__ import annotations

from datetime import datetime

from yutang.lake.merge import Shelf
from yutang.lake.tables import EVENTS, MEMBERSHIPS, PERSONS

_LINES = '[{"product": "VARCHAR", "quantity": "DOUBLE", "amount_fen": "BIGINT", "category": "VARCHAR"}]'


def moved_events(shelf: Shelf) -> None:
    """Events that only the lake has follow their person into a merge; those that PostgreSQL has come anew by themselves."""
    shelf.duck.execute(f"""
        insert into new_events by name
        select (c.canonical & 1023)::smallint as bucket, c.canonical as person_id, e.* exclude (bucket, person_id, path)
        from ({shelf.source(EVENTS)}) e join changed c on c.person_id = e.person_id
        where c.person_id <> c.canonical
          and e.event_id not in (select event_id from new_events) and e.event_id not in (select event_id from gone_events)""")


def orders(shelf: Shelf) -> None:
    """``new_orders`` and ``gone_orders`` of the events that come and go. A refund calls for all orders of its person again."""
    duck = shelf.duck
    duck.execute("""
        create or replace temp table refunding as
        select person_id from new_events where type = 'refunded' union select person_id from old_events where type = 'refunded'""")
    duck.execute("create or replace temp table bought as select * from new_events where type = 'ordered'")
    if duck.execute("select 1 from refunding limit 1").fetchall():
        duck.execute(
            f"insert into bought select * from ({_now(shelf, 'ordered', 'refunding')}) where event_id not in (select event_id from bought)"
        )
    duck.execute(f"""
        create or replace temp table refund as
        select person_id, props ->> 'order_id' as order_id, sum(amount)::bigint as amount
        from ({_now(shelf, "refunded", "bought")}) group by all""")
    duck.execute("insert into gone_orders select event_id from old_events where type = 'ordered'")
    duck.execute(f"""
        insert into new_orders by name
        select b.bucket, b.person_id, b.event_id, b.props ->> 'order_id' as order_id, b.at, b.day, b.amount,
               coalesce(r.amount, 0) as refunded, b.props ->> 'store' as store, b.props ->> 'channel' as channel,
               nullif(array_to_string(from_json(b.props -> 'coupon_codes', '["VARCHAR"]'), ','), '') as coupon,
               to_json([{{'sku': i.product, 'qty': i.quantity, 'amount': i.amount_fen, 'category': i.category}}
                        for i in from_json(b.props -> 'items', '{_LINES}')])::varchar as items
        from bought b left join refund r on r.person_id = b.person_id and r.order_id = b.props ->> 'order_id'""")


def _now(shelf: Shelf, type: str, persons: str) -> str:
    """Events of one type as the lake will have them, of those who stand in the table `persons`."""
    kept = f"({shelf.source(EVENTS)}) e anti join old_events using (event_id) semi join {persons} using (person_id)"
    return (
        f"select e.* exclude (path) from {kept} where e.type = '{type}' union all "
        f"select e.* from new_events e semi join {persons} using (person_id) where e.type = '{type}'"
    )


def memberships(shelf: Shelf) -> None:
    """One row where two who became one entered a segment at the same instant; and all rows of whoever was re-pointed are looked at."""
    duck = shelf.duck
    duck.execute("""
        create or replace temp table twice as
        select * from new_memberships
        qualify row_number() over (partition by person_id, segment, entered_at order by coalesce(left_at, 'infinity') desc) = 1""")
    duck.execute("delete from new_memberships")
    duck.execute("insert into new_memberships select * from twice")
    duck.execute(f"""
        insert into gone_memberships by name
        select person_id, segment, entered_at from ({shelf.source(MEMBERSHIPS)})
        where person_id in (select person_id from changed union select canonical from changed)""")


def persons(shelf: Shelf, now: datetime) -> None:
    """A person who is not as the lake has him gets a new row, and the one before ends where it begins; whoever was merged away ends now.
    Of whom nothing is left was never there."""
    duck, facts = shelf.duck, "created_at, first_source, first_code, store, owner, traits, life_stage"
    duck.execute(f"""
        insert into gone_persons by name
        select person_id, valid_from from ({shelf.source(PERSONS)}) semi join nobody using (person_id)""")
    duck.execute(f"""
        create or replace temp table had as
        select * from ({shelf.source(PERSONS)}) p semi join
            (select person_id from seen_persons union select person_id from changed) using (person_id)""")
    duck.execute(f"""
        create or replace temp table differs as
        select s.*, h.valid_from as had_from,
               coalesce(h.valid_from, ended.at) is null as first, greatest(s.seen_at, h.valid_from, ended.at) as begins
        from seen_persons s
        left join (select * from had where valid_to is null) h using (person_id)
        left join (select person_id, max(valid_to) as at from had group by person_id) ended using (person_id)
        where h.person_id is null or ({", ".join(f"s.{f.strip()}" for f in facts.split(","))})
              is distinct from ({", ".join(f"h.{f.strip()}" for f in facts.split(","))})""")
    duck.execute(f"""
        insert into new_persons by name
        select bucket, person_id, {facts}, case when first then least(created_at, seen_at) else begins end as valid_from,
               null::timestamptz as valid_to from differs""")
    duck.execute(
        f"""
        insert into new_persons by name
        select h.bucket, h.person_id, {", ".join(f"h.{f.strip()}" for f in facts.split(","))}, h.valid_from,
               coalesce(d.begins, greatest($now, h.valid_from)) as valid_to
        from had h left join differs d on d.person_id = h.person_id
        left join changed c on c.person_id = h.person_id and c.canonical <> c.person_id
        where h.valid_to is null and (d.begins > h.valid_from or d.person_id is null and c.person_id is not null)""",
        {"now": now},
    )
