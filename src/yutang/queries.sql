-- name: one_at_a_time
-- Two processes may load the same folder at the same moment.
lock table definition in share row exclusive mode;

-- name: newest
select body, retired_at from definition where kind = %(kind)s and name = %(name)s order by version desc limit 1;

-- name: publish
-- The id belongs to the name: the first version takes the next free one.
insert into definition (definition_id, version, kind, name, body, source, at)
select coalesce(max(definition_id) filter (where kind = %(kind)s and name = %(name)s), coalesce(max(definition_id), 0) + 1),
       coalesce(max(version) filter (where kind = %(kind)s and name = %(name)s), 0) + 1,
       %(kind)s, %(name)s, %(body)s, %(source)s, %(now)s
from definition;

-- name: retire
update definition set retired_at = %(now)s
where kind = %(kind)s and name <> all(%(keep)s) and retired_at is null
returning name;

-- name: current
select definition_id, version from (
    select distinct on (definition_id) definition_id, version, name, retired_at
    from definition where kind = %(kind)s order by definition_id, version desc) newest
where retired_at is null
order by name;

-- name: out_of_service
select definition_id from (
    select distinct on (definition_id) definition_id, retired_at
    from definition where kind = any(%(kinds)s) order by definition_id, version desc) newest
where retired_at is not null;

-- name: followed
select from pond_followed f where f.stage = %(stage)s and f.parts = %(parts)s;

-- name: follow
-- Of two workers that see it at once the second waits here, and finds it done.
insert into pond_followed (stage, parts) values (%(stage)s, %(parts)s)
on conflict (stage) do update set parts = excluded.parts where pond_followed.parts <> excluded.parts;

-- name: version
select definition_id, version, kind, name, body from definition
where definition_id = %(definition_id)s and version = %(version)s;

-- name: stages_due
-- The stages with a row whose time has come: the first entry of each partial index, never a scan of a table. Letters of channels that this
-- process has no settings for wait for another.
select 'profile' as stage where (select min(recompute_at) from profile) <= %(now)s::timestamptz
union all select 'offer' where (select min(due_at) from ladder_due) <= %(now)s::timestamptz
union all select 'offer' where (select min(expires_at) from coupon_news) <= %(now)s::timestamptz
union all select 'offer' where (select min(due_at) from redemption where state = 'held') <= %(now)s::timestamptz
union all select 'offer' where exists (select from ladder_intake where not done)
union all select 'segment' where (select min(recompute_at) from segment_due) <= %(now)s::timestamptz
union all select 'journey' where (select min(due_at) from enrolment where state = 'active') <= %(now)s::timestamptz
union all select 'journey' where (select min(due_at) from journey_schedule) <= %(now)s::timestamptz
union all select 'decide' where (select min(retry_at) from touch where verdict = 'hold') <= %(now)s::timestamptz
union all select 'deliver' where (select min(retry_at) from call where state in ('waiting', 'claimed')) <= %(now)s::timestamptz
union all select 'deliver' where (select min(at) from tag_end) <= %(now)s::timestamptz
union all select 'deliver' where exists (select from attempt where state in ('waiting', 'claimed') and retry_at <= %(now)s::timestamptz
                                       and channel = any(%(channels)s::text[]));
