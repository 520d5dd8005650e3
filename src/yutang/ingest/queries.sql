-- name: sources
select name, title, at, closed_at from source order by name;

-- name: add_source
-- The same name again changes its title, and opens what was closed.
insert into source (name, title, at) values (%(name)s::text, %(title)s::text, %(now)s::timestamptz)
on conflict (name) do update set title = excluded.title, closed_at = null;

-- name: close_sources
update source set closed_at = %(now)s::timestamptz where name = any(%(names)s::text[]) and closed_at is null returning name;

-- name: insert
-- What came before stays; the stage table is read as it was copied, so the first of two wins. `first` tells this call's rows from earlier ones of the same transaction.
with fresh as (
    insert into event (source, source_id, type, at, received_at, handles, keys, sealed, props, import_id)
    select source, source_id, type, at, %(now)s::timestamptz, handles, keys, sealed, props, %(import_id)s::bigint
    from pg_temp.event_stage
    on conflict (source, source_id) do nothing
    returning event_id)
select coalesce(min(event_id), 9223372036854775807) as first from fresh;

-- name: repeats
-- The stage rows that were not inserted, and whether the stored event says the same, or is one that was erased.
select s.n, (e.type, e.at, e.handles, e.keys, e.props) is not distinct from (s.type, s.at, s.handles, s.keys, s.props)
       or e.type = '~erased' as same
from (select *, row_number() over (partition by source, source_id order by n) as nth from pg_temp.event_stage) s
join event e on e.source = s.source and e.source_id = s.source_id
where s.nth > 1 or e.event_id < %(first)s::bigint or e.xid <> pg_current_xact_id();

-- name: reject
insert into reject (at, source, source_id, reason, detail, payload, import_id)
select %(now)s::timestamptz, source, source_id, reason, detail, payload, %(import_id)s::bigint
from unnest(%(sources)s::text[], %(source_ids)s::text[], %(reasons)s::text[], %(details)s::text[], %(payloads)s::bytea[])
     as r (source, source_id, reason, detail, payload);

-- name: find_import
-- The same file, kind and mapping: to be continued, or done already.
select import_id, state, rows_done, accepted, duplicate, rejected, started_at from import
where digest = %(digest)s::text and kind = %(kind)s::text and mapping = %(mapping)s::jsonb and state <> 'undone';

-- name: begin_import
insert into import (kind, path, digest, mapping, state, started_at)
values (%(kind)s::text, %(path)s::text, %(digest)s::text, %(mapping)s::jsonb, 'running', %(now)s::timestamptz)
on conflict do nothing;

-- name: advance_import
-- Compare and set: a second process on the same import, or an undo of it, changes nothing here.
update import set rows_done = %(done)s::bigint, accepted = accepted + %(accepted)s::bigint,
       duplicate = duplicate + %(duplicate)s::bigint, rejected = rejected + %(rejected)s::bigint
where import_id = %(import_id)s::bigint and rows_done = %(before)s::bigint and state = 'running';

-- name: end_import
update import set state = 'done', ended_at = %(now)s::timestamptz
where import_id = %(import_id)s::bigint and state = 'running';

-- name: imports
-- Newest first.
select import_id, kind, path, state, rows_done, accepted, duplicate, rejected, started_at, ended_at from import
order by import_id desc limit %(limit)s::int;

-- name: end_undo
-- Compare and set: an import is undone once.
update import set state = 'undone', ended_at = %(now)s::timestamptz
where import_id = %(import_id)s::bigint and state <> 'undone'
returning import_id;

-- name: undo
-- Identity reads this log and takes the events back from their persons.
insert into event_undone (event_id, at)
select event_id, %(now)s::timestamptz from event where import_id = %(import_id)s::bigint;

-- name: free_ids
-- The same events may come again, through any door, corrected or not.
update event set source_id = source_id || '~undone:' || %(import_id)s::text
where import_id = %(import_id)s::bigint;

-- name: keep_raw
-- It says nothing about whom it is for: no handles, no keys.
insert into event (source, source_id, type, at, received_at, handles, keys, props)
values (%(source)s::text, %(source_id)s::text, %(type)s::text, %(at)s::timestamptz, %(now)s::timestamptz, '{}', '{}', %(props)s::jsonb)
on conflict (source, source_id) do nothing;

-- name: hint
-- A listener hears of it at commit; who does not listen finds it all the same.
select pg_notify(%(channel)s::text, '');

-- name: refused
-- What was refused and has not entered since, the oldest first. Skip locked: two who ask at once share it.
select r.reject_id, r.reason, r.detail, r.payload, r.import_id from reject r
where r.replayed_at is null and r.reject_id > %(after)s::bigint and (%(reason)s::text is null or r.reason = %(reason)s::text)
  and (%(one)s::bigint is null or r.reject_id = %(one)s::bigint)
  and not exists (select from import i where i.import_id = r.import_id and i.state = 'undone')
order by r.reject_id limit %(limit)s::int for update of r skip locked;

-- name: entered_again
update reject set replayed_at = %(now)s::timestamptz where reject_id = any(%(rejects)s::bigint[]);

-- name: refused_again
-- What is wrong with it now may be something else than it was.
update reject r set reason = w.reason, detail = w.detail
from unnest(%(rejects)s::bigint[], %(reasons)s::text[], %(details)s::text[]) as w (reject_id, reason, detail)
where r.reject_id = w.reject_id and (r.reason, r.detail) is distinct from (w.reason, w.detail);

-- name: mapping_of
select kind, path, digest, mapping, started_at from import where import_id = %(import_id)s::bigint;

-- name: by_path
-- An import by the file that it read.
select import_id from import where path = %(path)s::text order by import_id desc limit 1;

-- name: one_import
select import_id, kind, path, state, rows_done, accepted, duplicate, rejected, started_at, ended_at, mapping from import
where import_id = %(import_id)s::bigint;

-- name: edge
select before from history_edge;

-- name: move_edge
-- It never goes back.
insert into history_edge (before) values (%(before)s::timestamptz)
on conflict (one) do update set before = greatest(history_edge.before, excluded.before);

-- name: drop_events
-- Events whose facts have left; what a handle, a merge or a case points at stays as its evidence.
delete from event e where e.event_id = any(%(events)s::bigint[]);

-- name: past_of_import
-- Has anything of this import, or of the persons it speaks of, gone to the lake alone?
select (select count(*) from event e where e.import_id = i.import_id) < i.accepted or exists (
    select from event e cross join lateral persons_of(e.keys) as w (person_id)
    join person_past o on o.bucket = (w.person_id & 1023)::smallint and o.person_id = w.person_id
    where e.import_id = i.import_id) as gone
from import i where i.import_id = %(import_id)s::bigint and exists (select from history_edge);

-- name: waiting_of
-- Events that have not become facts yet (from `low` on none has been read), and would become theirs: by a strong handle, or because
-- there is no other.
select e.event_id from event e
where e.xid >= %(low)s::xid8 and (e.keys && %(strong)s::uuid[] or e.keys <@ %(keys)s::uuid[] and e.keys <> '{}');

-- name: undone_of
-- Of imports that were undone.
select e.event_id from event e where e.source_id like '%%~undone:%%' and e.keys && %(strong)s::uuid[];

-- name: callbacks_of
-- What platforms called back about these ids of theirs.
select e.event_id from event e where e.type = 'callback' and e.props ? 'text' and callback_names(e.props ->> 'text') && %(names)s::text[];

-- name: sealed_callbacks
-- Those that may hold phone numbers.
select e.event_id, e.props ->> 'sealed' as sealed from event e where e.type = 'callback' and e.props ? 'sealed' order by e.event_id;

-- name: rejected_payloads
select r.reject_id, r.payload from reject r order by r.reject_id;

-- name: erase_event
-- Its id stays, so that the same event coming again is known and brings nothing back.
update event t set type = '~erased', handles = '{}', keys = '{}', sealed = null, props = '{}'
where t.event_id = any(%(events)s::bigint[]) and t.type <> '~erased';

-- name: erase_event__of_others
-- A case may stand on an event of somebody else, which names this person too: that handle leaves it. Keys stand in the order of handles.
update event t
set handles = left_.handles, keys = left_.keys, sealed = left_.sealed
from (select e.event_id, coalesce(jsonb_object_agg(h.kind, h.value) filter (where o.stays), '{}') as handles,
             coalesce(array_agg(k.key order by h.n) filter (where o.stays), '{}') as keys,
             jsonb_object_agg(h.kind, e.sealed -> h.kind) filter (where o.stays and e.sealed ? h.kind) as sealed
      from event e
      cross join lateral jsonb_each(e.handles) with ordinality as h (kind, value, n)
      join lateral unnest(e.keys) with ordinality as k (key, n) on k.n = h.n
      cross join lateral (select not k.key = any(%(keys)s::uuid[]) as stays) o
      where e.event_id = any(%(cases)s::bigint[]) and e.keys && %(keys)s::uuid[]
      group by e.event_id) left_
where t.event_id = left_.event_id;

-- name: erase_reject
delete from reject t where t.reject_id = any(%(rejects)s::bigint[]);
