-- name: go_home
-- A run under way belongs to whoever holds the facts of the person who began it; where people were parted, to whoever holds the event that began
-- it, as that may have come while they were one. The same rule serves a join, a chain of joins, and a split. It goes on there from where it stands,
-- but not beside another one, nor where the re-entry rule would have kept it out had they been one from the start. The row that it leaves
-- behind keeps its steps and touches.
with news as materialized (
    select u.person_id, bool_or(m.undone_at is not null) as parted
    from merge_log m cross join lateral unnest(array[m.winner_id, m.loser_id]) as u (person_id)
    where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8 group by u.person_id),
facts as materialized (
    select p.event_id, p.person_id
    from news n join person_event p on p.bucket = (n.person_id & 1023)::smallint and p.person_id = n.person_id
    where n.parted),
astray as materialized (
    select e.*, home.person_id as home, case when home.person_id = o.home then o.person_id else home.person_id end as origin, here.merged_into is not null as merged
    from news n
    join enrolment e on e.bucket = (n.person_id & 1023)::smallint and e.person_id = n.person_id and e.state = 'active'
    join person here on here.bucket = e.bucket and here.person_id = e.person_id
    cross join lateral (
        select p.person_id, coalesce(p.merged_into, p.person_id) as home from (select coalesce(e.origin_id, e.person_id) as id) first
        join person p on p.bucket = (first.id & 1023)::smallint and p.person_id = first.id) o
    left join facts f on n.parted and f.event_id = substring(e.cause from '(?:^|:)event:([0-9]+)$')::bigint
    cross join lateral (select coalesce(f.person_id, o.home) as person_id) home
    where home.person_id <> e.person_id
    for update of e),
onward as (
    select distinct on (a.home, a.journey_id, case when not a.alone then a.cause end) a.*
    from astray a
    join unnest(%(journeys)s::int[], %(versions)s::int[], %(onces)s::bool[], %(days)s::int[]) as r (journey_id, version, once, days)
      on r.journey_id = a.journey_id and r.version = a.version
    where not exists (
        select from run_had o
        where o.bucket = (a.home & 1023)::smallint and o.person_id = a.home and o.journey_id = a.journey_id
          and (o.cause = a.cause or (a.alone and o.alone and o.state = 'active')))
      and not exists (
        select from (select a.home union all select p.person_id from person p where p.merged_into = a.home) who (person_id)
        join run_had o on o.bucket = (who.person_id & 1023)::smallint and o.person_id = who.person_id and o.journey_id = a.journey_id
        where coalesce(o.origin_id, o.person_id) <> a.origin
          and (r.once or (o.entered_at > a.entered_at - r.days * interval '1 day' and o.entered_at < a.entered_at + r.days * interval '1 day'))
          and not exists (select from astray x where x.person_id = o.person_id and x.journey_id = o.journey_id and x.cause = o.cause))
    order by a.home, a.journey_id, case when not a.alone then a.cause end, a.entered_at, a.origin, a.cause),
left_behind as (
    update enrolment e set state = 'exited', reason = case when a.merged then 'merged' else 'parted' end, ended_at = %(now)s::timestamptz,
        gone_to = (select g.home from onward g where g.person_id = a.person_id and g.journey_id = a.journey_id and g.cause = a.cause),
        xid = pg_current_xact_id()
    from astray a where e.bucket = a.bucket and e.person_id = a.person_id and e.journey_id = a.journey_id and e.cause = a.cause),
gone as (
    insert into enrolment as e (bucket, person_id, journey_id, cause, version, about, arm, alone, state, step, steps, entered_at, stepped_at, due_at,
                                answer_id, origin_id)
    select (g.home & 1023)::smallint, g.home, g.journey_id, g.cause, g.version, g.about, g.arm, g.alone, 'active', g.step, g.steps, g.entered_at,
           g.stepped_at, g.due_at, g.answer_id, nullif(g.origin, g.home)
    from onward g
    on conflict (bucket, person_id, journey_id, cause) do update set
        version = excluded.version, about = excluded.about, arm = excluded.arm, alone = excluded.alone, state = excluded.state,
        step = excluded.step, steps = excluded.steps, entered_at = excluded.entered_at, stepped_at = excluded.stepped_at,
        due_at = excluded.due_at, answer_id = excluded.answer_id, origin_id = excluded.origin_id,
        reason = null, ended_at = null, gone_to = null, xid = pg_current_xact_id())
select count(*)::int as n from astray;

-- name: go_on
-- Whoever was parted again goes on with the run that a join had ended, because the other had one, unless another one is open now: then it
-- is over.
with ended as materialized (
    select distinct e.bucket, e.person_id, e.journey_id, e.cause, e.alone, e.ended_at
    from merge_log m
    join person p on p.bucket = (m.loser_id & 1023)::smallint and p.person_id = m.loser_id and p.merged_into is null
    join enrolment e on e.bucket = p.bucket and e.person_id = p.person_id and e.state = 'exited' and e.reason = 'merged' and e.gone_to is null
    where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8 and m.undone_at is not null),
onward as (
    select distinct on (d.person_id, d.journey_id, case when not d.alone then d.cause end) d.*
    from ended d
    where not (d.alone and exists (
        select from enrolment o
        where o.bucket = d.bucket and o.person_id = d.person_id and o.journey_id = d.journey_id and o.state = 'active' and o.alone))
    order by d.person_id, d.journey_id, case when not d.alone then d.cause end, d.ended_at desc, d.cause),
told as (
    update enrolment e set state = case when g.cause is null then 'exited' else 'active' end,
        reason = case when g.cause is null then 'reentry' end, ended_at = case when g.cause is null then e.ended_at end, xid = pg_current_xact_id()
    from ended d left join onward g using (bucket, person_id, journey_id, cause)
    where e.bucket = d.bucket and e.person_id = d.person_id and e.journey_id = d.journey_id and e.cause = d.cause)
select count(*)::int as n from ended;

-- name: taken_back
-- Runs that an event began which was taken back, or a step of such a run: those under way, those that a join had ended, and those that have come
-- to their end, as a letter of theirs may still wait. Looked for among all runs, as an import is seldom undone.
update enrolment e set state = 'exited', reason = 'undone', ended_at = coalesce(e.ended_at, %(now)s::timestamptz), due_at = null,
    xid = pg_current_xact_id()
from event_undone u
where u.xid >= %(low)s::xid8 and u.xid < %(high)s::xid8 and @only(e)
  and (e.state = 'active' or (e.state = 'done' and e.reason is distinct from 'goal_met') or (e.reason = 'merged' and e.gone_to is null))
  and 'event:' || u.event_id = case when e.cause like 'journey:%%' then substring(e.cause from 'event:[0-9]+$') else e.cause end;
