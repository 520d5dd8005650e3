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

-- name: version
select definition_id, version, kind, name, body from definition
where definition_id = %(definition_id)s and version = %(version)s;

-- name: stages_due
-- The stages with a row whose time has come. One probe per waiting place, each behind its partial index.
select 'profile' as stage where exists (select from profile where recompute_at <= %(now)s::timestamptz)
union all select 'offer' where exists (select from ladder where due_at <= %(now)s::timestamptz)
union all select 'offer' where exists (select from coupon where state = 'issued' and expires_at <= %(now)s::timestamptz)
union all select 'segment' where exists (select from segment_due where recompute_at <= %(now)s::timestamptz)
union all select 'journey' where exists (select from enrolment where state = 'active' and due_at <= %(now)s::timestamptz)
union all select 'decide' where exists (select from decision where verdict = 'hold' and retry_at <= %(now)s::timestamptz)
union all select 'deliver' where exists (select from attempt where state in ('waiting', 'claimed') and retry_at <= %(now)s::timestamptz);
