-- name: nested_loops
-- A batch names those it is about: left alone, the planner would scan whole tables for it, or keep from a small pond the plan of holding
-- each row against the whole array.
select set_config('enable_hashjoin', 'off', true) as hash, set_config('enable_mergejoin', 'off', true) as merge,
       set_config('enable_seqscan', 'off', true) as scan;

-- name: hash_joins
-- For a window against its batch: both are read once, whatever the planner believes about transactions it has not counted yet.
select set_config('enable_nestloop', 'off', true) as nested, set_config('enable_hashjoin', 'on', true) as hash;

-- name: days_of_pond
-- An instant is of one day or the other by the pond's clock. Said once for all facts: `at time zone` looks the zone up for each.
select set_config('TimeZone', %(zone)s::text, true) as zone;

-- name: follow_zone
-- The zone of the pond's days; a pond that has none yet begins with what it has.
insert into identity_state as s (zone, next_bucket) values (%(zone)s::text, 1024)
on conflict (one) do update set zone = excluded.zone, next_bucket = 0 where s.zone <> excluded.zone;

-- name: days_to_tell
-- Skip locked: another worker is at it.
select s.next_bucket from identity_state s where s.next_bucket < 1024 and s.zone = %(zone)s::text for update skip locked;

-- name: tell_days
-- Whose days have changed is made again by those who follow.
with moved as (
    update person_event e set day = (e.at at time zone %(zone)s::text)::date
    where e.bucket >= %(low)s::smallint and e.bucket < %(high)s::smallint and e.day <> (e.at at time zone %(zone)s::text)::date
    returning e.bucket, e.person_id
)
update person p set changed = pg_current_xact_id()
from (select distinct m.bucket, m.person_id from moved m) m where p.bucket = m.bucket and p.person_id = m.person_id;

-- name: days_told
update identity_state set next_bucket = %(high)s::smallint;

-- name: zone_of_days
select from identity_state s where s.zone = %(zone)s::text and s.next_bucket = 1024;

-- name: as_usual
select set_config('enable_nestloop', 'on', true) as nested, set_config('enable_hashjoin', 'on', true) as hash,
       set_config('enable_mergejoin', 'on', true) as merge, set_config('enable_seqscan', 'on', true) as scan,
       set_config('TimeZone', 'UTC', true) as zone;

-- name: pairs_in_window
-- Events with their handle keys, of events that the fast path has not resolved already.
select e.event_id, e.keys
from event e
where e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.keys <> '{}'
  and not exists (select from event_undone u where u.event_id = e.event_id)
  and e.event_id not in (select a.event_id from event_ahead a);

-- name: pairs_ahead
-- Of those that neither a window nor the fast path has resolved.
select e.event_id, e.keys
from event e
where e.event_id = any(%(events)s::bigint[]) and e.xid >= %(low)s::xid8 and e.keys <> '{}'
  and not exists (select from event_undone u where u.event_id = e.event_id)
  and e.event_id not in (select a.event_id from event_ahead a);

-- name: pairs_of_events
select e.event_id, e.keys
from event e
where e.event_id = any(%(events)s::bigint[]) and e.keys <> '{}'
  and not exists (select from event_undone u where u.event_id = e.event_id);

-- name: remember_ahead
insert into event_ahead (event_id, xid)
select e.event_id, e.xid from event e
where e.event_id = any(%(events)s::bigint[]) and e.xid >= %(low)s::xid8
on conflict do nothing;

-- name: forget_ahead
-- The window has passed them.
delete from event_ahead where xid < %(high)s::xid8;

-- name: owners
-- Who owns the keys of the batch. An array that the planner cannot look into: the index is walked along it once, leaf by leaf.
select h.key, h.person_id from handle h where h.key = any((select %(keys)s::uuid[])::uuid[]);

-- name: living
-- Whom a person is part of now; n is the person's place in the question.
select b.n, coalesce(p.merged_into, p.person_id)
from unnest(%(persons)s::bigint[]) with ordinality as b (person_id, n)
join person p on p.bucket = (b.person_id & 1023)::smallint and p.person_id = b.person_id
where p.erased_at is null;

-- name: handles_of
select h.key, h.person_id from handle h where h.person_id = any((select %(persons)s::bigint[])::bigint[]);

-- name: kept_apart
-- Pairs of persons as they are today.
select coalesce(a.merged_into, a.person_id) as a, coalesce(b.merged_into, b.person_id) as b
from keep_apart k
join person a on a.bucket = (k.person_a & 1023)::smallint and a.person_id = k.person_a
join person b on b.bucket = (k.person_b & 1023)::smallint and b.person_id = k.person_b;

-- name: new_ids
select nextval('person_id') from generate_series(1, %(count)s::int);

-- name: log_merges
insert into merge_log (winner_id, loser_id, event_id, at)
select winner_id, loser_id, event_id, %(now)s::timestamptz
from unnest(%(winners)s::bigint[], %(losers)s::bigint[], %(events)s::bigint[]) as m (winner_id, loser_id, event_id);

-- name: mark_merged
-- Whoever was part of the loser is now part of the winner: the pointer never needs two hops.
with m as materialized (
    select * from unnest(%(losers)s::bigint[], %(winners)s::bigint[]) as m (loser_id, winner_id))
update person p set merged_into = a.winner_id, changed = pg_current_xact_id()
from (select loser_id as person_id, winner_id from m
      union all
      select part.person_id, m.winner_id from m join person part on part.merged_into = m.loser_id) a
where p.bucket = (a.person_id & 1023)::smallint and p.person_id = a.person_id;

-- name: mark_changed
update person p set changed = pg_current_xact_id()
from unnest(%(persons)s::bigint[]) as m (person_id)
where p.bucket = (m.person_id & 1023)::smallint and p.person_id = m.person_id;

-- name: move_handles
update handle h set person_id = m.winner_id
from unnest(%(losers)s::bigint[], %(winners)s::bigint[]) as m (loser_id, winner_id)
where h.person_id = m.loser_id;

-- name: note_again
-- Facts of these persons that journeys have read, or had before they were moved the last time.
insert into event_again (event_id)
select e.event_id from unnest(%(persons)s::bigint[]) as m (person_id)
join person_event e on e.bucket = (m.person_id & 1023)::smallint and e.person_id = m.person_id
where e.xid < (select min(c.xid) from stage_cursor c where c.stage = %(reader)s::text)
   or e.event_id in (select a.event_id from event_again a)
on conflict (event_id) do update set xid = excluded.xid;

-- name: forget_again
-- They have been read where they are now.
delete from event_again a where a.xid < (select min(c.xid) from stage_cursor c where c.stage = %(reader)s::text);

-- name: move_events
-- Deleted and inserted, not updated: the bucket is the distribution key.
with gone as (
    delete from person_event e
    using unnest(%(losers)s::bigint[], %(winners)s::bigint[]) as m (loser_id, winner_id)
    where e.bucket = (m.loser_id & 1023)::smallint and e.person_id = m.loser_id
    returning m.winner_id, e.type, e.at, e.event_id, e.day, e.amount, e.props)
insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
select (winner_id & 1023)::smallint, winner_id, type, at, event_id, day, amount, props from gone
on conflict do nothing;

-- name: move_past
-- What is known of events that only the lake has goes with them.
with gone as (
    delete from person_past o
    using unnest(%(losers)s::bigint[], %(winners)s::bigint[]) as m (loser_id, winner_id)
    where o.bucket = (m.loser_id & 1023)::smallint and o.person_id = m.loser_id
    returning m.winner_id, o.type, o.day, o.n, o.amount, o.first_at, o.last_at)
insert into person_past as o (bucket, person_id, type, day, n, amount, first_at, last_at)
select (winner_id & 1023)::smallint, winner_id, type, day, sum(n), sum(amount), min(first_at), max(last_at) from gone
group by winner_id, type, day
on conflict (bucket, person_id, type, day) do update
    set n = o.n + excluded.n, amount = o.amount + excluded.amount,
        first_at = least(o.first_at, excluded.first_at), last_at = greatest(o.last_at, excluded.last_at);

-- name: read_to
-- Up to which transaction every reader of person events has come.
select min(xid)::text as xid from stage_cursor where source = 'person_event.xid';

-- name: drop_facts
-- Facts that the lake has, of types that are only counted, into their sums; what is evidence for a handle, a case or a merge of whoever is
-- part of the person stays, and what names a store, which says whose the person is.
with gone as (
    delete from person_event e
    where e.bucket between %(lo)s::smallint and %(hi)s::smallint and e.type = any(%(types)s::text[]) and e.at < %(before)s::timestamptz
      and e.xid < %(xid)s::xid8 and not e.props ? 'store'
      and not exists (select from handle h where h.person_id = e.person_id and h.event_id = e.event_id)
      and not exists (select from person part join merge_log m on m.loser_id = part.person_id
                      where part.merged_into = e.person_id and m.event_id = e.event_id and m.undone_at is null)
      and not exists (select from identity_case c where c.event_id = e.event_id)
    returning e.bucket, e.person_id, e.type, e.at, e.event_id, e.day, e.amount
), sums as (
    insert into person_past as o (bucket, person_id, type, day, n, amount, first_at, last_at)
    select bucket, person_id, type, day, count(*), sum(amount), min(at), max(at) from gone group by bucket, person_id, type, day
    on conflict (bucket, person_id, type, day) do update
        set n = o.n + excluded.n, amount = o.amount + excluded.amount,
            first_at = least(o.first_at, excluded.first_at), last_at = greatest(o.last_at, excluded.last_at)
)
select event_id from gone;

-- name: has_past
select exists (select from person_past o where o.bucket = (%(person)s::bigint & 1023)::smallint and o.person_id = %(person)s::bigint) as yes;

-- name: link_window
-- The events of the batch become facts about their persons, under the pond's clock. None of them is one yet: the cursor is held, and
-- what was resolved ahead of it is not in the batch. In the order of the key, so that each page is visited once; one number is sorted
-- faster than two.
insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
select (b.person_id & 1023)::smallint, b.person_id, e.type, e.at, e.event_id, e.at::date, e.amount, e.props
from unnest(%(linked)s::bigint[], %(persons)s::bigint[]) as b (event_id, person_id)
join event_as_fact e on e.event_id = b.event_id
where e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8
order by ((b.person_id & 1023) << 48) | b.person_id;

-- name: link_events
-- The same for events from anywhere.
insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
select (b.person_id & 1023)::smallint, b.person_id, e.type, e.at, e.event_id, e.at::date, e.amount, e.props
from unnest(%(linked)s::bigint[], %(persons)s::bigint[]) as b (event_id, person_id)
join event_as_fact e on e.event_id = b.event_id;

-- name: open_cases
insert into identity_case (reason, event_id, persons, at)
select %(reason)s::text, event_id, array[a, b], %(now)s::timestamptz
from unnest(%(events)s::bigint[], %(first)s::bigint[], %(second)s::bigint[]) as c (event_id, a, b)
on conflict do nothing;

-- name: canonical
-- The person that holds somebody's facts today; no row when the person was never there.
select coalesce(merged_into, person_id) as person_id from person
where bucket = (%(person)s::bigint & 1023)::smallint and person_id = %(person)s::bigint;

-- name: undone_in_window
-- Persons who own a handle of an event that was taken back, or whom it names by their number.
select distinct w.person_id
from event_undone u
join event e on e.event_id = u.event_id
cross join lateral persons_of(e.keys) as w (person_id)
where u.xid >= %(low)s::xid8 and u.xid < %(high)s::xid8;

-- name: last_merge
select merge_id, winner_id, loser_id from merge_log
where undone_at is null and (winner_id = %(person)s::bigint or loser_id = %(person)s::bigint)
order by merge_id desc limit 1;

-- name: cases
-- Links that were suggested or refused, the newest first, between people who are still two. persons: only theirs, and of whoever is part
-- of them; null: everybody's.
select c.case_id, c.reason, c.event_id, e.type, e.source, c.at, who.persons
from identity_case c
join event e on e.event_id = c.event_id
cross join lateral (
    select array_agg(distinct coalesce(p.merged_into, p.person_id)) as persons
    from unnest(c.persons) as u (person_id) join person p on p.bucket = (u.person_id & 1023)::smallint and p.person_id = u.person_id) who
where c.reason <> 'no_handle' and cardinality(who.persons) > 1 and (%(persons)s::bigint[] is null or c.persons && array(
    select part.person_id from person part where part.merged_into = any(%(persons)s::bigint[]) union select unnest(%(persons)s::bigint[])))
  and not exists (select from keep_apart k where k.person_a = any(c.persons) and k.person_b = any(c.persons))
order by c.case_id desc limit %(limit)s::int;

-- name: keep_apart
insert into keep_apart (person_a, person_b, at)
values (least(%(a)s::bigint, %(b)s::bigint), greatest(%(a)s::bigint, %(b)s::bigint), %(now)s::timestamptz)
on conflict do nothing;

-- name: no_more_apart
-- Between whoever is part of the one and whoever is part of the other.
delete from keep_apart k
using person a, person b
where a.bucket = (k.person_a & 1023)::smallint and a.person_id = k.person_a
  and b.bucket = (k.person_b & 1023)::smallint and b.person_id = k.person_b
  and coalesce(a.merged_into, a.person_id) = any(array[%(one)s::bigint, %(other)s::bigint])
  and coalesce(b.merged_into, b.person_id) = any(array[%(one)s::bigint, %(other)s::bigint]);

-- name: own_event
select e.event_id from event e where e.source = %(source)s::text and e.source_id = %(key)s::text;

-- name: members
-- Everybody who is part of these persons, themselves included.
select person_id from person where merged_into = any(%(persons)s::bigint[])
union select unnest(%(persons)s::bigint[]);

-- name: forget_links
delete from person_event e using unnest(%(persons)s::bigint[]) as m (person_id)
where e.bucket = (m.person_id & 1023)::smallint and e.person_id = m.person_id
returning e.event_id;

-- name: forget_suspected
-- Facts of others of which an open case says that they may be about these persons; what they had to begin they have begun.
with gone as (
    delete from person_event f
    using (select distinct e.event_id, e.type, e.at, w.person_id
           from identity_case c join event e on e.event_id = c.event_id cross join lateral persons_of(e.keys) as w (person_id)
           where c.persons && %(persons)s::bigint[]) c
    where f.bucket = (c.person_id & 1023)::smallint and f.person_id = c.person_id and f.type = c.type and f.at = c.at and f.event_id = c.event_id
    returning f.event_id, f.xid
), noted as (
    insert into event_again (event_id)
    select g.event_id from gone g
    where g.xid < (select min(c.xid) from stage_cursor c where c.stage = %(reader)s::text)
       or g.event_id in (select a.event_id from event_again a)
    on conflict (event_id) do update set xid = excluded.xid
)
select g.event_id from gone g;

-- name: forget_cases
-- What these events still suggest, or contradict, is written down again.
delete from identity_case c where c.event_id = any(%(events)s::bigint[]);

-- name: origins
-- Each handle of these persons and whom it first belonged to.
select key, origin_id from handle where person_id = any(%(persons)s::bigint[]);

-- name: forget_handles
delete from handle where person_id = any(%(persons)s::bigint[]);

-- name: restore_persons
update person p set merged_into = null, changed = pg_current_xact_id()
from unnest(%(persons)s::bigint[]) as m (person_id)
where p.bucket = (m.person_id & 1023)::smallint and p.person_id = m.person_id;

-- name: undo_merges
update merge_log set undone_at = %(now)s::timestamptz, xid = pg_current_xact_id()
where undone_at is null and loser_id = any(%(persons)s::bigint[]);

-- name: persons_of
-- Whose these events are (they were resolved before).
select distinct w.person_id
from event e cross join lateral persons_of(e.keys) as w (person_id)
where e.event_id = any(%(events)s::bigint[]);

-- name: person_handles
-- With what the event says that brought each: kind, value, and the sealed text of personal ones.
select h.key, h.kind, h.value, h.sealed from handle_shown h where h.person_id = any(%(persons)s::bigint[]);

-- name: events_of
-- Every event that is a fact about persons, or was evidence of who they are.
select e.event_id from person_event e where e.bucket = any(%(buckets)s::smallint[]) and e.person_id = any(%(persons)s::bigint[])
union select h.event_id from handle h where h.person_id = any(%(persons)s::bigint[])
union select m.event_id from merge_log m where m.winner_id = any(%(persons)s::bigint[]) or m.loser_id = any(%(persons)s::bigint[]);

-- name: cases_of
-- Events of open cases, which may be facts about somebody else. A case names people as they were at its event: of whoever was joined with
-- these at any time, it may mean these.
with recursive met as (
    select unnest(%(persons)s::bigint[]) as person_id
    union
    select case when m.winner_id = k.person_id then m.loser_id else m.winner_id end
    from met k join merge_log m on m.winner_id = k.person_id or m.loser_id = k.person_id
)
select c.event_id from identity_case c where c.persons && array(select k.person_id from met k);

-- name: erased_among
select p.person_id from person p
where p.bucket = any(%(buckets)s::smallint[]) and p.person_id = any(%(persons)s::bigint[]) and p.erased_at is not null;

-- name: erase_erased_order
-- Before the facts go: what experiments need of them.
insert into erased_order (bucket, person_id, type, at, order_no, amount, margin_fen)
select (%(holder)s::bigint & 1023)::smallint, %(holder)s::bigint, t.type, t.at,
       'erased:' || md5(%(salt)s::text || (t.props ->> 'order_id')), t.amount, (t.props ->> 'margin_fen')::float8
from person_event t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and t.type in ('ordered', 'refunded');

-- name: erase_event_ahead
delete from event_ahead t where t.event_id = any(%(events)s::bigint[]);

-- name: erase_person_event
delete from person_event t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_person_past
delete from person_past t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_handle
delete from handle t where t.person_id = any(%(persons)s::bigint[]);

-- name: erase_merge_log
delete from merge_log t where t.winner_id = any(%(persons)s::bigint[]) or t.loser_id = any(%(persons)s::bigint[]);

-- name: erase_keep_apart
delete from keep_apart t where t.person_a = any(%(persons)s::bigint[]) or t.person_b = any(%(persons)s::bigint[]);

-- name: erase_identity_case
delete from identity_case t where t.persons && %(persons)s::bigint[];

-- name: erase_person
-- It is its own end: see the schema.
update person t set merged_into = %(holder)s::bigint, erased_at = coalesce(t.erased_at, %(at)s::timestamptz), changed = null
where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and (t.erased_at is null or t.merged_into is distinct from %(holder)s::bigint or t.changed is not null);
