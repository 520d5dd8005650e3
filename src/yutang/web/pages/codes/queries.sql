-- name: latest
-- When somebody last came by each of these codes; see `came` for who counts.
select c.name, e.at
from unnest(%(names)s::text[]) as c (name)
cross join lateral (
    select e.at from person_event e
    where e.props ? 'code' and e.props ->> 'code' = c.name and e.type in ('contact_added', 'followed', 'group_joined', 'scanned')
    order by e.at desc limit 1) e;

-- name: came
-- What came of the codes since then: how often each was used, by how many persons, and how many of them have ordered after they
-- came. A code's name is one of its own platform, so each type of event is of a kind of account (types, kinds); a scan is of any,
-- kind ''.
with came as (
    select n.name as code, k.kind, e.bucket, e.person_id, count(*) as times, min(e.at) as first_at
    from unnest(%(names)s::text[]) as n (name)
    cross join lateral (
        select e.type, e.bucket, e.person_id, e.at from person_event e
        where e.props ? 'code' and e.type in ('contact_added', 'followed', 'group_joined', 'scanned')
          and e.props ->> 'code' = n.name and e.at >= %(since)s::timestamptz offset 0) e
    join unnest(%(types)s::text[], %(kinds)s::text[]) as k (type, kind) on k.type = e.type
    group by 1, 2, e.bucket, e.person_id)
select c.code, c.kind, sum(c.times)::bigint as times, count(*) as persons, count(*) filter (where o.last_at >= c.first_at) as ordered
from came c
left join tally o on o.bucket = c.bucket and o.person_id = c.person_id and o.type = 'ordered'
group by c.code, c.kind;

-- name: by_day
select e.day, count(*) filter (where e.type = 'scanned') as scanned, count(*) filter (where e.type <> 'scanned') as came
from person_event e
where e.props ? 'code' and e.type in ('contact_added', 'followed', 'group_joined', 'scanned') and e.props ->> 'code' = %(name)s::text
  and e.at >= %(since)s::timestamptz and e.type = any(%(types)s::text[])
group by e.day;

-- name: arrivals
-- The newest who came by a code.
select e.person_id, e.type, e.at, e.props ->> 'staff' as staff
from person_event e
where e.props ? 'code' and e.type in ('contact_added', 'followed', 'group_joined', 'scanned') and e.props ->> 'code' = %(name)s::text
  and e.type = any(%(types)s::text[])
order by e.at desc limit %(limit)s::int;
