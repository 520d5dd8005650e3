-- name: ends
select min(e.event_id) as first, max(e.event_id) as last from event e;

-- name: received_from
select e.received_at from event e where e.event_id >= %(event)s::bigint order by e.event_id limit 1;

-- name: recent
-- What came in, by source and day, from this event on.
select e.source, (e.received_at at time zone %(zone)s::text)::date as day, count(*) as n, max(e.received_at) as latest
from event e where e.event_id >= %(event)s::bigint group by 1, 2;

-- name: newest_of
-- The newest event of a source that has been silent: all of its events are looked at.
select max(e.received_at) as latest from event e where e.source = %(source)s::text;

-- name: refused_since
select coalesce(r.source, '') as source, count(*) as n from reject r
where r.at >= %(since)s::timestamptz and r.replayed_at is null group by 1;

-- name: refused_by_reason
-- Each reason: how many (up to a bound), and the newest.
select w.reason, n.n, last.reject_id, last.at, last.source, last.detail, last.payload
from unnest(%(reasons)s::text[]) as w (reason)
cross join lateral (
    select count(*) as n from (
        select from reject r where r.reason = w.reason and r.replayed_at is null limit %(most)s::int) x) n
cross join lateral (
    select r.reject_id, r.at, r.source, r.detail, r.payload from reject r
    where r.reason = w.reason and r.replayed_at is null order by r.reject_id desc limit 1) last
order by n.n desc, w.reason;

-- name: refusals
-- The newest of a reason, beyond the place where the page before ended.
select r.reject_id, r.at, r.source, r.source_id, r.reason, r.detail, r.payload, r.import_id from reject r
where r.replayed_at is null and r.reason = %(reason)s::text and r.reject_id < %(before)s::bigint
order by r.reject_id desc limit %(limit)s::int;

-- name: refused_of
-- What was refused of an import and has not entered since; the first of them.
select r.reject_id, r.reason, r.detail from reject r
where r.import_id = %(import_id)s::bigint and r.replayed_at is null and r.at >= %(since)s::timestamptz order by r.reject_id limit 50;
