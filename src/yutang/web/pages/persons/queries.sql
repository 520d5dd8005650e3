-- name: newest
-- The persons behind this one, the newest first, as many numbers as the span has; numbers count up, so that they need no index of their
-- own. The highest number that is there is sought in every bucket: where nobody has a number, nobody is looked for. Of whom nothing
-- is known, because an import was taken back, is not living.
select p.person_id, p.merged_into is null and exists (select from profile r where r.bucket = p.bucket and r.person_id = p.person_id) as living
from (select max(e.person_id) as top
      from generate_series(0, 1023) as b (bucket)
      cross join lateral (select a.person_id from person a where a.bucket = b.bucket::smallint and a.person_id < %(person)s::bigint
                          order by a.person_id desc limit 1) e) edge
cross join lateral generate_series(edge.top, edge.top - %(span)s::bigint + 1, -1) as n (person_id)
join person p on p.bucket = (n.person_id & 1023)::smallint and p.person_id = n.person_id
order by p.person_id desc;

-- name: oldest
select p.person_id, p.merged_into is null and exists (select from profile r where r.bucket = p.bucket and r.person_id = p.person_id) as living
from (select min(e.person_id) as top
      from generate_series(0, 1023) as b (bucket)
      cross join lateral (select a.person_id from person a where a.bucket = b.bucket::smallint and a.person_id > %(person)s::bigint
                          order by a.person_id limit 1) e) edge
cross join lateral generate_series(edge.top, edge.top + %(span)s::bigint - 1) as n (person_id)
join person p on p.bucket = (n.person_id & 1023)::smallint and p.person_id = n.person_id
order by p.person_id;

-- name: members
-- The people of one segment, in the order of the key.
select m.person_id from membership m
where m.segment_id = %(segment)s::int and m.until is null and (m.bucket, m.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
order by m.bucket, m.person_id limit %(limit)s::int;

-- name: tagged
-- Whoever has a tag.
select t.person_id from tag t
where t.tag = %(tag)s::text and (t.bucket, t.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
order by t.bucket, t.person_id limit %(limit)s::int;

-- name: in_order
-- A set of persons that is small enough to be put in any order.
select p.person_id
from unnest(%(persons)s::bigint[]) as i (person_id)
join person p on p.bucket = (i.person_id & 1023)::smallint and p.person_id = i.person_id
left join tally o on o.bucket = p.bucket and o.person_id = p.person_id and o.type = 'ordered' and %(sort)s::text not in ('newest', 'oldest')
order by case %(sort)s::text when 'recent' then extract(epoch from o.last_at) when 'spent' then o.amount when 'orders' then o.n
                             when 'oldest' then -extract(epoch from p.created_at) end desc nulls last,
         p.created_at desc, p.person_id desc;

-- name: about_everybody
-- An estimate; -1 where nobody has counted yet.
select reltuples::bigint as people from pg_class where oid = 'profile'::regclass;

-- name: count_some
-- So many at the most.
select count(*) as n from (select from profile limit %(limit)s::int) p;

-- name: members_of_some
-- How many members a few buckets hold.
select count(*) as n from membership m
where m.segment_id = %(segment)s::int and m.until is null and m.bucket < %(buckets)s::int;

-- name: rows
-- What the list shows of these persons.
select i.person_id, r.life_stage, o.n as orders, o.amount as spent_fen, o.last_at, t.value #>> '{}' as name, g.tags
from unnest(%(persons)s::bigint[]) with ordinality as i (person_id, place)
left join profile r on r.bucket = (i.person_id & 1023)::smallint and r.person_id = i.person_id
left join tally o on o.bucket = (i.person_id & 1023)::smallint and o.person_id = i.person_id and o.type = 'ordered'
left join trait t on t.bucket = (i.person_id & 1023)::smallint and t.person_id = i.person_id and t.name = 'name'
left join lateral (select array_agg(g.tag order by g.at desc) as tags from tag g
                   where g.bucket = (i.person_id & 1023)::smallint and g.person_id = i.person_id
                     and coalesce(g.expires_at, 'infinity') > %(now)s::timestamptz) g on true
order by i.place;

-- name: tags
-- The tags that anybody has, found by leaps through the index.
with recursive known as (
    (select t.tag from tag t order by t.tag limit 1)
    union all
    select (select t.tag from tag t where t.tag > known.tag order by t.tag limit 1) from known where known.tag is not null)
select k.tag from known k where k.tag is not null limit 200;

-- name: trait_names
-- What is known of somebody in a few buckets, so of most.
select distinct t.name from trait t where t.bucket < 8 order by t.name limit 100;

-- name: exported
-- What a file tells of these persons: nothing but numbers, tags and the traits that were asked for.
select i.person_id, r.life_stage, r.recency, r.frequency, r.monetary, coalesce(o.n, 0) as orders, coalesce(o.amount, 0) as spent_fen,
       o.last_at, g.tags, t.traits, h.handles
from unnest(%(persons)s::bigint[]) with ordinality as i (person_id, place)
left join profile r on r.bucket = (i.person_id & 1023)::smallint and r.person_id = i.person_id
left join tally o on o.bucket = (i.person_id & 1023)::smallint and o.person_id = i.person_id and o.type = 'ordered'
left join lateral (select array_agg(g.tag order by g.tag) as tags from tag g
                   where g.bucket = (i.person_id & 1023)::smallint and g.person_id = i.person_id
                     and coalesce(g.expires_at, 'infinity') > %(now)s::timestamptz) g on true
left join lateral (select jsonb_object_agg(t.name, t.value) as traits from trait t
                   where t.bucket = (i.person_id & 1023)::smallint and t.person_id = i.person_id
                     and t.name = any(%(traits)s::text[])) t on true
left join lateral (select string_agg(h.value, ' ' order by h.value) as handles from handle_shown h
                   where %(phones)s::boolean and h.person_id = i.person_id and h.kind = 'phone') h on true
order by i.place;
