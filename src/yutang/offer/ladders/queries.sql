-- name: due
-- Is there anything that time alone moves? Asked first, so that an idle loop writes and locks nothing.
select exists (select from ladder_due d where d.bucket between %(lo)s::int and %(hi)s::int and d.due_at <= %(now)s::timestamptz limit %(limit)s::int)
    or exists (select from unnest(%(persons)s::bigint[]) as u (person_id)
               join ladder l on l.bucket = (u.person_id & 1023)::smallint and l.person_id = u.person_id
               where l.due_at <= %(now)s::timestamptz) as ladders;

-- name: ladder_news
-- Whom ladders must look at again, and who of them has registered.
select e.person_id, bool_or(e.type = 'registered') as registered from person_event e
where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type in ('registered', 'ordered')
group by e.person_id;

-- name: published
-- Since when each ladder is in service: the day of its first version, or of the first one after it was out.
select d.definition_id, min(d.at) as since from definition d
where d.definition_id = any(%(ids)s::int[]) and d.retired_at is null group by d.definition_id;

-- name: start_ladders
-- Whoever registers stands before every ladder in service. Who had registered before a ladder was published stands before it
-- as if registered with the newest order of that time, and what came before it is never answered: with `existing` recent,
-- those who are not silent yet; with all, everybody, the long silent spread over one silence; with none, nobody.
with known as (
    select (p.person_id & 1023)::smallint as bucket, p.person_id, t.*, e.at >= t.since as is_new,
           case when e.at >= t.since then e.at else greatest(e.at, o.at) end as at
    from unnest(%(persons)s::bigint[]) as p (person_id)
    cross join lateral (select min(e.at) as at from person_event e
                        where e.bucket = (p.person_id & 1023)::smallint and e.person_id = p.person_id and e.type = 'registered') e
    cross join unnest(%(l_definitions)s::int[], %(l_versions)s::int[], %(l_silence)s::interval[], %(l_since)s::timestamptz[],
                      %(l_existing)s::text[]) as t (definition_id, version, silence, since, existing)
    cross join lateral (select max(o.at) as at from person_event o
                        where e.at < t.since and t.existing <> 'none' and o.bucket = (p.person_id & 1023)::smallint
                          and o.person_id = p.person_id and o.type = 'ordered' and o.at < t.since) o
    where e.at is not null
), moved as (
    insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, due_at)
    select k.bucket, k.person_id, k.definition_id, k.version, k.person_id, 'down', 0, 0, k.at, k.at,
           case when k.is_new or k.at + k.silence > k.since then k.at + k.silence
                else k.since + k.silence * ((k.person_id %% 1000 + 1) / 1000.0) end
    from known k
    where k.is_new or k.existing = 'all' or (k.existing = 'recent' and k.at + k.silence > k.since)
    on conflict do nothing
    returning bucket, person_id, definition_id, due_at
), told as (
    insert into ladder_news (bucket, definition_id, persons)
    select m.bucket, m.definition_id, array_agg(m.person_id) from moved m group by m.bucket, m.definition_id
), noted as (
    insert into ladder_due (bucket, persons, due_at)
    select m.bucket, array_agg(m.person_id), min(m.due_at) from moved m where m.due_at is not null group by m.bucket, hour_of(m.due_at)
)
select count(*)::int as n from moved;

-- name: intake
-- A ladder whose people of before are still to be looked at: one at a time, by one worker.
select i.definition_id, i.after_bucket, i.after_person from ladder_intake i
where i.slice = %(slice)s::text and not i.done order by i.definition_id limit 1 for update skip locked;

-- name: begin_intake
-- A ladder that came back looks at everybody again.
insert into ladder_intake as i (definition_id, slice, since)
select u.definition_id, %(slice)s::text, u.since from unnest(%(l_definitions)s::int[], %(l_since)s::timestamptz[]) as u (definition_id, since)
on conflict (definition_id, slice) do update set since = excluded.since, after_bucket = -1, after_person = 0, done = false
where i.since < excluded.since;

-- name: registered_before
-- The next people in the order of the key.
select p.bucket, p.person_id from person p
where @only(p) and (p.bucket, p.person_id) > (%(bucket)s::smallint, %(person)s::bigint) and p.merged_into is null
order by p.bucket, p.person_id limit %(limit)s::int;

-- name: move_intake
update ladder_intake set after_bucket = %(bucket)s::smallint, after_person = %(person)s::bigint, done = %(done)s::boolean
where definition_id = %(definition_id)s::int and slice = %(slice)s::text;

-- name: hold_ladders
-- Before the fold, in a statement of its own: what the fold reads is then what the last writer left, row address included.
select count(*)
from (select (u.person_id & 1023)::smallint as bucket, u.person_id from unnest(%(persons)s::bigint[]) as u (person_id) order by 1, 2) t
cross join lateral (select from ladder l where l.bucket = t.bucket and l.person_id = t.person_id for update) l;

-- name: climb
-- Orders newer than the anchor, folded in one pass: an order after a silence begins the up side, the others climb.
-- Only the first order of a fold can be a waiter's; the second still waits out the silence that the first one set.
-- The orders are read from the person's whole history, so the batch in which one arrived does not matter. What is not `told` is no news.
with touched as (
    select (u.person_id & 1023)::smallint as bucket, u.person_id from unnest(%(persons)s::bigint[]) as u (person_id)
), held as (
    select l.* from touched t
    cross join lateral (
        select l.ctid as place, l.definition_id, l.side, l.rung, l.anchor_at, l.moved_at, l.due_at, l.waited, l.bucket, l.person_id
        from ladder l where l.bucket = t.bucket and l.person_id = t.person_id offset 0) l
), orders as (
    select h.*, t.version, t.silence, t.down, t.up, t.patience, e.at, first_value(e.at) over w as first_at,
           row_number() over w as n, lag(e.at) over w as before
    from held h
    join unnest(%(l_definitions)s::int[], %(l_versions)s::int[], %(l_silence)s::interval[], %(l_down)s::smallint[], %(l_up)s::smallint[],
                %(l_patience)s::smallint[]) as t (definition_id, version, silence, down, up, patience)
      on t.definition_id = h.definition_id
    cross join lateral (
        select distinct e.at from person_event e
        where e.bucket = h.bucket and e.person_id = h.person_id and e.type = 'ordered' and e.at > h.anchor_at
    ) e
    window w as (partition by h.place order by e.at)
), judged as (
    select o.*, w.waited_now,
           case when o.n = 1 then not (o.side = 'up' and coalesce(o.at < o.due_at, false))
                when o.n = 2 and o.patience > 0 and w.waited_now >= o.patience then o.at >= o.before + 2 * o.silence
                else o.at >= o.before + o.silence end as begins
    from orders o
    cross join lateral (select case when o.side = 'down' and o.rung - (o.moved_at > o.first_at)::int >= 1
                                    then o.waited + 1 else 0 end as waited_now) w
), folded as (
    select j.place, j.version, j.down, j.up, j.rung, j.patience, j.silence,
           count(*)::int as n, max(j.at) as last_at, max(j.n) filter (where j.begins) as begun,
           case when count(*) = 1 then min(j.waited_now) else 0 end as waited
    from judged j
    group by j.place, j.version, j.down, j.up, j.rung, j.patience, j.silence
), fresh as materialized (
    select f.*, least(f.down + f.up, case when f.begun is null then f.rung + f.n else f.down + f.n - f.begun + 1 end) as new_rung,
           f.last_at + case when f.patience > 0 and f.waited >= f.patience then 2 else 1 end * f.silence as new_due
    from folded f
), moved as (
    update ladder l
    set version = f.version, side = 'up', rung = f.new_rung, move = l.move + f.n, anchor_at = f.last_at,
        moved_at = greatest(l.moved_at, f.last_at), due_at = f.new_due, waited = f.waited, xid = pg_current_xact_id()
    from fresh f
    where l.ctid = f.place
    returning l.bucket, l.person_id, l.definition_id, l.due_at
), told as (
    insert into ladder_news (bucket, definition_id, persons)
    select m.bucket, m.definition_id, array_agg(m.person_id) from moved m where %(told)s::bool group by m.bucket, m.definition_id
), noted as (
    insert into ladder_due (bucket, persons, due_at)
    select m.bucket, array_agg(m.person_id), min(m.due_at) from moved m where m.due_at is not null group by m.bucket, hour_of(m.due_at)
)
select count(*)::int as n from moved;

-- name: move_due
-- One rung down for everybody whose time has come; who stands on a ladder out of service is left alone for good.
-- Who has learned to wait (`patience`) gets the first rung and no deeper one, which is told as a refusal. `persons`: whom the fast path
-- looks at, in place of the calendar. Rows are locked in the order of `hold_ladders` and found again by address: by key, a chunk would
-- read the whole table. Whatever changed meanwhile has been given a row of its own in the calendar.
with called as materialized (
    select d.ctid as place, d.bucket, d.persons, d.due_at from ladder_due d
    where d.bucket between %(lo)s::int and %(hi)s::int and d.due_at <= %(now)s::timestamptz
    order by d.due_at limit %(limit)s::int for update skip locked
), heard as (
    delete from ladder_due d where d.ctid = any(array(select c.place from called c))
), looked_at as materialized (
    select l.*, a.hour
    from (select c.bucket, unnest(c.persons) as person_id, hour_of(c.due_at) as hour from called c
          union all
          select (u.person_id & 1023)::smallint, u.person_id, null from unnest(%(persons)s::bigint[]) as u (person_id)
          order by 1, 2) a
    cross join lateral (select l.ctid as place, l.bucket, l.person_id, l.due_at from ladder l
                        where l.bucket = a.bucket and l.person_id = a.person_id and l.due_at is not null
                        order by l.definition_id for update) l
), early as (
    insert into ladder_due (bucket, persons, due_at)
    select a.bucket, array_agg(a.person_id), a.due_at from looked_at a
    where a.due_at > %(now)s::timestamptz and hour_of(a.due_at) = a.hour group by a.bucket, a.due_at
), terms as materialized (
    select o.definition_id, t.version, t.down, case when t.patience > 0 then t.patience else 32767 end as patience,
           %(now)s::timestamptz + t.wait as wait_until, %(now)s::timestamptz + t.again as again_at
    from (select distinct d.definition_id from definition d where d.kind = 'offer' and d.body ->> 'sort' = 'ladder') o
    left join unnest(%(l_definitions)s::int[], %(l_versions)s::int[], %(l_down)s::smallint[], %(l_wait)s::interval[], %(l_again)s::interval[],
                     %(l_patience)s::smallint[])
         as t (definition_id, version, down, wait, again, patience) on t.definition_id = o.definition_id
), moved as (
    update ladder l
    set version = coalesce(t.version, l.version), side = case when t.version is null then l.side else 'down' end,
        rung = case when t.version is null then l.rung
                    when l.side = 'down' and l.rung < t.down and (l.rung = 0 or l.waited < t.patience) then l.rung + 1 else 1 end,
        move = l.move + (t.version is not null)::int,
        moved_at = case when t.version is null then l.moved_at else %(now)s::timestamptz end,
        due_at = case when l.waited < t.patience and case when l.side = 'down' and l.rung < t.down then l.rung + 1 else 1 end < t.down
                      then t.wait_until else t.again_at end,
        xid = case when t.version is null then l.xid else pg_current_xact_id() end
    from terms t
    where t.definition_id = l.definition_id and l.ctid = any(array(select a.place from looked_at a where a.due_at <= %(now)s::timestamptz))
    returning l.bucket, l.person_id, l.definition_id, l.origin_id, l.move, l.due_at,
              t.version is not null and t.down > 1 and l.waited >= t.patience as stopped
), told as (
    insert into ladder_news (bucket, definition_id, persons)
    select m.bucket, m.definition_id, array_agg(m.person_id) from moved m group by m.bucket, m.definition_id
), noted as (
    insert into ladder_due (bucket, persons, due_at)
    select m.bucket, array_agg(m.person_id), min(m.due_at) from moved m where m.due_at is not null group by m.bucket, hour_of(m.due_at)
), refused as (
    insert into offer_refusal (bucket, person_id, origin_id, definition_id, key, reason, at)
    select m.bucket, m.person_id, m.origin_id, m.definition_id, 'move:' || m.move, 'waiter', %(now)s::timestamptz
    from moved m where m.stopped
    on conflict do nothing
)
select count(*)::int as n from moved;
