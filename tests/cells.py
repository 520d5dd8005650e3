"""Cells of the daily roll-up, for tests that begin behind the stage that makes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import psycopg

Cell = tuple[int, str, date, int, int]
"""Person, type, day, how many, how much in fen."""


def add(conn: psycopg.Connection, cells: Iterable[Cell]) -> None:
    """As profile rolls them up: several of one day are one cell, and a person's cells of a type are one row."""
    conn.execute(
        """with told as (
               select * from unnest(%s::bigint[], %s::text[], %s::date[], %s::int[], %s::bigint[]) u (person_id, type, day, n, amount)),
           cell as (
               select c.person_id, c.type, c.day, sum(c.n)::int as n, sum(c.amount)::bigint as amount
               from (select * from told
                     union all
                     select a.person_id, a.type, a.day, a.n, a.amount from activity a
                     where (a.person_id, a.type) in (select t.person_id, t.type from told t)) c
               group by c.person_id, c.type, c.day)
           insert into tally as t (bucket, person_id, type, n, amount, first_at, last_at, days, day_n, day_amount)
           select (person_id & 1023)::smallint, person_id, type, sum(n), sum(amount), min(day), max(day), array_agg(day order by day),
                  array_agg(n order by day), case when bool_or(amount <> 0) then array_agg(amount order by day) else '{}' end
           from cell group by person_id, type
           on conflict (bucket, person_id, type) do update
               set n = excluded.n, amount = excluded.amount, first_at = least(t.first_at, excluded.first_at),
                   last_at = greatest(t.last_at, excluded.last_at), days = excluded.days, day_n = excluded.day_n, day_amount = excluded.day_amount""",
        [list(column) for column in zip(*cells, strict=True)],
    )


def keep(conn: psycopg.Connection, before: date) -> None:
    """Only what was before a day."""
    kept = list(conn.execute("select person_id, type, day, n, amount from activity where day < %s", (before,)))
    conn.execute("delete from tally")
    add(conn, kept)
