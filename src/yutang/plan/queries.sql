-- name: add
-- The same key is kept once.
insert into plan (brand, digest, parts, sources, base, moves, files, published, shown, reverts, key, asked, state)
values (%(brand)s::text, %(digest)s::text, %(parts)s::jsonb, %(sources)s::jsonb, %(base)s::jsonb, %(moves)s::jsonb, %(files)s::jsonb,
        %(published)s::bigint, %(shown)s::jsonb, %(reverts)s::bigint, %(key)s::text, %(asked)s::text, 'draft')
on conflict (key) do nothing
returning plan_id;

-- name: by_key
select plan_id, asked from plan where key = %(key)s::text;

-- name: hold
-- Whoever changes a plan's state holds its row.
select plan_id, brand, digest, parts, sources, base, moves, files, published, reverts, state from plan where plan_id = %(plan)s::bigint for update;

-- name: text
select brand, parts, sources, base, moves, files, published from plan where plan_id = %(plan)s::bigint;

-- name: bring
update plan set state = %(state)s::text where plan_id = %(plan)s::bigint;

-- name: mark
insert into plan_log (plan_id, state, by, at, note)
values (%(plan)s::bigint, %(state)s::text, %(by)s::text, %(now)s::timestamptz, %(note)s::text);

-- name: marks
-- In the order of happening.
select plan_id, state, by, at, note from plan_log where plan_id = any(%(plans)s::bigint[])
order by plan_id, at, array_position(array['draft', 'approved', 'applied', 'refused', 'outdated'], state);

-- name: found
select plan_id, brand, digest, state, reverts, shown from plan where plan_id = %(plan)s::bigint;

-- name: newest
-- A page of them, without what they show.
select plan_id, brand, digest, state, reverts, '{}'::jsonb as shown from plan
where plan_id < coalesce(%(before)s::bigint, 9223372036854775807) order by plan_id desc limit %(limit)s::int;

-- name: seen_events
-- The types that the pond has had, as far as that is known without reading everything: what the planner knows, and the first rows.
select distinct x.name from (
    select unnest(s.most_common_vals::text::text[]) as name from pg_stats s
    where s.schemaname = current_schema() and s.tablename = 'tally' and s.attname = 'type'
    union all select t.type from (select type from tally limit 4000) t) x;

-- name: committed
-- What was sent since then, by the day on the channel's calendar, and what is held; a message that failed has used nothing.
select t.channel, t.message_id, t.message_version, (counts.at at time zone c.zone)::date as day, array_agg(t.person_id) as persons
from unnest(%(channels)s::text[], %(zones)s::text[]) as c (channel, zone)
join touch t on t.channel = c.channel
cross join lateral (select case when t.verdict = 'send' then t.judged_at else greatest(t.retry_at, %(now)s::timestamptz) end as at) counts
where (t.verdict = 'send' and t.judged_at >= %(since)s::timestamptz
       and not exists (select from attempt a where a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
                       and a.state = 'failed' and not a.in_doubt))
   or (t.verdict = 'hold' and t.retry_at < %(end)s::timestamptz)
group by t.channel, t.message_id, t.message_version, day;

-- name: under_way
-- Who will go on when, on which line of which version; by the hour, as many a moment would make many small groups.
select e.journey_id, e.version, e.step, greatest(max(e.due_at), %(now)s::timestamptz) as at, array_agg(e.person_id) as persons
from enrolment e
where e.state = 'active' and e.arm = 'treated' and e.due_at < %(end)s::timestamptz
group by e.journey_id, e.version, e.step, date_trunc('hour', e.due_at);

-- name: reached
-- Who of these has an address whose key begins so.
select distinct h.person_id from handle h
where h.person_id = any(%(persons)s::bigint[]) and substring(uuid_send(h.key) for octet_length(%(head)s::bytea)) = %(head)s::bytea
order by h.person_id;

-- name: on_journey
-- How many people a journey has now.
select count(*)::int as n from enrolment e
where e.state = 'active' and e.journey_id in (select d.definition_id from definition d where d.kind = 'journey' and d.name = %(name)s::text);

-- name: anybody
-- Is there a person at all?
select p.person_id from person p limit 1;

-- name: kept_out
-- How many of these people a journey that has been in service before does not let in when it comes back: who is in its segment already,
-- and who may not enter again (`once` ever, not `since` some time).
select count(*)::int as n
from (select distinct d.definition_id as id from definition d
      where d.kind = 'journey' and d.name = %(name)s::text
        and exists (select from journey_state s where s.journey_id = d.definition_id)) j
cross join unnest(%(persons)s::bigint[]) as p (person_id)
where exists (select from membership m
              where m.bucket = (p.person_id & 1023)::smallint and m.person_id = p.person_id and m.until is null
                and m.segment_id in (select d.definition_id from definition d where d.kind = 'segment' and d.name = %(segment)s::text))
   or exists (select from run_had e
              where e.bucket = (p.person_id & 1023)::smallint and e.person_id = p.person_id and e.journey_id = j.id
                and (%(once)s::bool or e.entered_at > %(since)s::timestamptz));
