-- name: figures
-- Every segment in one reading: how many are in it, and who came and left since then.
select m.segment_id, count(*) filter (where m.until is null) as size,
       count(*) filter (where m.since > %(since)s::timestamptz) as came,
       count(*) filter (where m.until > %(since)s::timestamptz) as gone
from membership m group by m.segment_id;

-- name: moves
-- Who came and who left, by business day.
select x.day, sum(x.came)::bigint as came, sum(x.gone)::bigint as gone from (
    select (m.since at time zone %(zone)s::text)::date as day, 1 as came, 0 as gone
    from membership m where m.segment_id = %(segment)s::int
    union all
    select (m.until at time zone %(zone)s::text)::date, 0, 1
    from membership m where m.segment_id = %(segment)s::int and m.until is not null) x
group by x.day order by x.day;

-- name: portrait
-- One reading of the people of some buckets: for each value of each side how many of all have it, and how many of the segment.
select case when grouping(x.stage) = 0 then 'stage' when grouping(x.recency) = 0 then 'recency'
            when grouping(x.frequency) = 0 then 'frequency' when grouping(x.monetary) = 0 then 'monetary'
            when grouping(x.orders) = 0 then 'orders' when grouping(x.spent) = 0 then 'spent' else 'people' end as side,
       coalesce(x.stage, x.recency::text, x.frequency::text, x.monetary::text, x.orders::text, x.spent::text) as value,
       count(*) as n, count(*) filter (where x.inside) as inside
from (
    select p.life_stage as stage, p.recency, p.frequency, p.monetary, m.person_id is not null as inside,
           width_bucket(coalesce(t.n, 0)::bigint, %(orders)s::bigint[]) as orders,
           width_bucket(coalesce(t.amount, 0)::bigint, %(spent)s::bigint[]) as spent
    from profile p
    left join membership m on m.segment_id = %(segment)s::int and m.until is null and m.bucket = p.bucket and m.person_id = p.person_id
    left join tally t on t.bucket = p.bucket and t.person_id = p.person_id and t.type = 'ordered'
    where p.bucket < %(buckets)s::int
      and not exists (select from person q where q.bucket = p.bucket and q.person_id = p.person_id and q.merged_into is not null)) x
group by grouping sets ((x.stage), (x.recency), (x.frequency), (x.monetary), (x.orders), (x.spent), ());

-- name: tags
-- The tags that most of the segment carry, and how many of all do.
select t.tag, count(*) as n, count(m.person_id) as inside
from tag t
left join membership m on m.segment_id = %(segment)s::int and m.until is null and m.bucket = t.bucket and m.person_id = t.person_id
where t.bucket < %(buckets)s::int
group by t.tag having count(m.person_id) > 0 order by inside desc, t.tag limit 12;

-- name: overlap
-- For each segment: its people in these buckets, and how many of them are in this one as well.
select o.segment_id, count(*) as n, count(m.person_id) as common
from membership o
left join membership m on m.segment_id = %(segment)s::int and m.until is null and m.bucket = o.bucket and m.person_id = o.person_id
where o.until is null and o.bucket < %(buckets)s::int
group by o.segment_id;

-- name: versions
select d.version, d.body, d.source, d.at, d.retired_at from definition d
where d.kind = 'segment' and d.name = %(name)s::text order by d.version desc limit 50;

-- name: some_members
select m.person_id from membership m where m.segment_id = %(segment)s::int and m.until is null order by m.bucket, m.person_id limit %(limit)s::int;

-- name: people
select greatest(reltuples, 0)::bigint as n from pg_class where oid = 'profile'::regclass;
