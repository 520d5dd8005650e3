-- name: state
select lake::text, generation, xid::text, at, feed_at, feed_tries, feed_error from lake_state;

-- name: feeding
-- Noted before it is begun: whoever is killed in the middle leaves it to the next.
update lake_state set feed_at = coalesce(feed_at, %(now)s::timestamptz);

-- name: fed
update lake_state set feed_at = null, feed_tries = 0, feed_error = null;

-- name: feed_failed
-- The rests double up to the longest.
update lake_state set feed_tries = feed_tries + 1, feed_error = %(error)s::text,
    feed_at = %(now)s::timestamptz + least(%(first)s::interval * power(2, least(feed_tries, 20)), %(longest)s::interval);

-- name: edge
-- Below it every transaction has ended, so nothing can appear there any more (db/cursor.py).
select pg_snapshot_xmin(pg_current_snapshot())::text as xid;

-- name: reach
-- The first transaction after so many person events; null when fewer are left.
with last as (
    select e.xid from person_event e where e.xid >= %(low)s::xid8 and e.xid < %(edge)s::xid8 order by e.xid offset %(limit)s::bigint limit 1)
select (select min(e.xid) from person_event e where e.xid > (select xid from last) and e.xid < %(edge)s::xid8)::text as xid;

-- name: waiting
-- Person events that no run has read yet.
select count(*) as n from person_event e where e.xid >= (select s.xid from lake_state s);

-- name: live
select table_name, part, path, version, rows, bytes, newest from lake_file where gone is null order by table_name, part, path;

-- name: known
-- Of these paths, those that some generation names.
select path from lake_file where path = any(%(paths)s::text[]);

-- name: advance
-- Compare and set: a run that has been overtaken commits nothing.
update lake_state set generation = generation + 1, xid = %(xid)s::xid8, at = %(now)s::timestamptz
where generation = %(generation)s::bigint returning generation;

-- name: name_files
insert into lake_file (path, table_name, part, version, rows, bytes, newest, born)
select * from unnest(%(paths)s::text[], %(tables)s::text[], %(parts)s::text[], %(versions)s::smallint[], %(rows)s::bigint[],
                     %(bytes)s::bigint[], %(newest)s::bigint[], %(born)s::bigint[]);

-- name: leave_out
update lake_file set gone = %(generation)s::bigint, gone_at = %(now)s::timestamptz where path = any(%(paths)s::text[]);

-- name: old_files
-- Whoever opened the lake before they were left out may still be reading them.
select path from lake_file where gone_at <= %(before)s::timestamptz;

-- name: forget_files
delete from lake_file where path = any(%(paths)s::text[]);

-- name: erase
-- A person with everybody who is part of him.
with whole as (
    select distinct coalesce(q.merged_into, q.person_id) as person_id from person q
    where q.bucket = any(%(buckets)s::smallint[]) and q.person_id = any(%(persons)s::bigint[]))
insert into lake_erased (person_id, at)
select every.person_id, %(now)s::timestamptz
from (select w.person_id from whole w union select p.person_id from whole w join person p on p.merged_into = w.person_id) every
on conflict do nothing;

-- name: erased
-- Whom the lake may still hold.
select person_id from lake_erased where done_at is null;

-- name: erasure_done
update lake_erased set done_at = %(now)s::timestamptz where done_at is null and person_id = any(%(persons)s::bigint[]);

-- name: changed
-- Whose events were re-pointed since: a merge, a split, an undo. canonical: whom the facts belong to now.
select p.person_id, coalesce(p.merged_into, p.person_id) as canonical from person p
where p.changed >= %(low)s::xid8 and p.changed < %(high)s::xid8;

-- name: nobody
-- Of whom nothing is left: all that told of them was taken back.
select p.person_id from person p
where p.changed >= %(low)s::xid8 and p.changed < %(high)s::xid8 and p.merged_into is null
  and not exists (select from handle h where h.person_id = p.person_id)
  and not exists (select from person_event e where e.bucket = p.bucket and e.person_id = p.person_id)
  and not exists (select from person_past o where o.bucket = p.bucket and o.person_id = p.person_id);

-- name: undone
select u.event_id from event_undone u where u.xid >= %(low)s::xid8 and u.xid < %(high)s::xid8;

-- name: events
select e.bucket, e.person_id, e.event_id, e.type, e.at at time zone 'UTC' as at, e.day,
       case when e.type in ('ordered', 'refunded', 'coupon_redeemed') then e.amount end as amount, e.props::text as props
from person_event e
where e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8
  and not exists (select from event_undone u where u.event_id = e.event_id)
  and not exists (select from lake_erased g where g.person_id = e.person_id);

-- name: touches
-- What was judged since, what became of it since (an attempt has no transaction of its own: a day more is read, and what is
-- the same is dropped), and everything of those whose events were re-pointed.
select (who.id & 1023)::smallint as bucket, who.id as person_id, t.touch_id, j.name as journey,
       coalesce(j.body #>> array['program', t.step::text, 'id'], t.step::text) as step, m.name as message, o.name as offer, t.channel,
       t.judged_at at time zone 'UTC' as decided_at, t.verdict, t.reason, a.state,
       case when a.state = 'sent' then a.at at time zone 'UTC' end as sent_at,
       (t.judged_at at time zone %(zone)s::text)::date as day, t.arm
from touch t
join person p on p.bucket = t.bucket and p.person_id = t.person_id
cross join lateral (select coalesce(p.merged_into, p.person_id) as id) who
left join attempt a on a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
left join definition j on j.definition_id = t.journey_id and j.version = t.version
left join definition m on m.definition_id = t.message_id and m.version = t.message_version
left join lateral (select d.name from definition d where d.definition_id = t.offer_id order by d.version desc limit 1) o on true
where (t.xid < %(high)s::xid8 and (t.xid >= %(low)s::xid8 or a.at >= %(since)s::timestamptz)
       or p.person_id = any(%(winners)s::bigint[]) or p.merged_into = any(%(winners)s::bigint[]))
  and not exists (select from lake_erased g where g.person_id = who.id);

-- name: memberships
select (who.id & 1023)::smallint as bucket, who.id as person_id, d.name as segment, m.since at time zone 'UTC' as entered_at,
       m.until at time zone 'UTC' as left_at
from membership m
join person p on p.bucket = m.bucket and p.person_id = m.person_id
cross join lateral (select coalesce(p.merged_into, p.person_id) as id) who
cross join lateral (select s.name from definition s where s.definition_id = m.segment_id order by s.version desc limit 1) d
where (m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8
       or p.person_id = any(%(winners)s::bigint[]) or p.merged_into = any(%(winners)s::bigint[]))
  and not exists (select from lake_erased g where g.person_id = who.id);

-- name: persons
-- Whoever was refreshed since, as he is, unless nothing is left of him. first_source: of the event that brought the first of his handles.
select p.bucket, p.person_id, p.created_at at time zone 'UTC' as created_at, f.source as first_source, c.code as first_code,
       coalesce(t.traits ->> 'store', s.store) as store, coalesce(t.traits ->> 'owner', w.staff) as owner, t.traits::text as traits,
       r.life_stage, coalesce(r.refreshed_at, p.created_at) at time zone 'UTC' as seen_at
from person p
left join profile r on r.bucket = p.bucket and r.person_id = p.person_id
left join lateral (select jsonb_object_agg(t.name, t.value) as traits from trait t where t.bucket = p.bucket and t.person_id = p.person_id) t on true
left join lateral (select e.source from handle h join event e on e.event_id = h.event_id where h.person_id = p.person_id
                   order by e.at, e.event_id limit 1) f on true
left join lateral (select e.props ->> 'code' as code from person_event e
                   where e.bucket = p.bucket and e.person_id = p.person_id and e.type in ('contact_added', 'group_joined', 'followed', 'scanned')
                     and e.props ? 'code' order by e.at, e.event_id limit 1) c on true
left join lateral (select e.props ->> 'store' as store from person_event e
                   where e.bucket = p.bucket and e.person_id = p.person_id and e.type in ('registered', 'contact_added', 'followed')
                     and e.props ? 'store' order by e.at, e.event_id limit 1) s on true
left join lateral (select e.props ->> 'staff' as staff from person_event e
                   where e.bucket = p.bucket and e.person_id = p.person_id and e.type in ('contact_added', 'contact_moved')
                   order by e.at desc, e.event_id desc limit 1) w on true
where p.merged_into is null
  and (r.xid >= %(low)s::xid8 and r.xid < %(high)s::xid8 or p.changed >= %(low)s::xid8 and p.changed < %(high)s::xid8
       or r.xid is null and %(low)s::text = '0')
  and (f.source is not null or exists (select from person_event e where e.bucket = p.bucket and e.person_id = p.person_id)
       or exists (select from person_past o where o.bucket = p.bucket and o.person_id = p.person_id))
  and not exists (select from lake_erased g where g.person_id = p.person_id);

-- name: in_service
-- Also what was retired and may be brought back, in its latest version.
select distinct on (d.definition_id) d.body from definition d order by d.definition_id, d.version desc;

-- name: old_types
select distinct t.type from tally t where t.first_at < %(before)s::timestamptz order by t.type;
