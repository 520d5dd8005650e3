-- name: go_home
-- A run under way belongs to whoever holds the facts of the person who began it; where people were parted, to whoever holds the event that began
-- it, as that may have come while they were one. The same rule serves a join, a chain of joins, and a split. It goes on there from where it stands,
-- but not beside another one, nor where the re-entry rule would have kept it out had they been one from the start. The row that it leaves
-- behind keeps its steps and touches. Offset 0 keeps each look a probe for one person or one event, however many were joined at once.
with news as materialized (
    select u.person_id, bool_or(m.undone_at is not null) as parted
    from merge_log m cross join lateral unnest(array[m.winner_id, m.loser_id]) as u (person_id)
    where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8 group by u.person_id),
astray as materialized (
    select e.*, home.person_id as home, case when home.person_id = o.home then o.person_id else home.person_id end as origin, here.merged_into is not null as merged
    from news n
    cross join lateral (
        select e.* from enrolment e
        where e.bucket = (n.person_id & 1023)::smallint and e.person_id = n.person_id and e.state = 'active' offset 0 for update) e
    join person here on here.bucket = e.bucket and here.person_id = e.person_id
    cross join lateral (
        select p.person_id, coalesce(p.merged_into, p.person_id) as home from (select coalesce(e.origin_id, e.person_id) as id) first
        join person p on p.bucket = (first.id & 1023)::smallint and p.person_id = first.id) o
    left join lateral (
        select f.person_id from event v
        cross join lateral (
            select e.person_id union all select m.loser_id from merge_log m where m.winner_id = e.person_id
            union all select m.winner_id from merge_log m where m.loser_id = e.person_id) met
        join person_event f on f.bucket = (met.person_id & 1023)::smallint and f.person_id = met.person_id and f.type = v.type
                           and f.at = v.at and f.event_id = v.event_id
        where n.parted and v.event_id = substring(e.cause from '(?:^|:)event:([0-9]+)$')::bigint limit 1) f on true
    cross join lateral (select coalesce(f.person_id, o.home) as person_id) home
    where home.person_id <> e.person_id),
judged as materialized (
    select a.*, r.journey_id is null or exists (
        select from (select a.home union all select p.person_id from person p where p.merged_into = a.home) who (person_id)
        cross join lateral (
            select o.* from run_had o
            where o.bucket = (who.person_id & 1023)::smallint and o.person_id = who.person_id and o.journey_id + 0 = a.journey_id offset 0) o
        where (o.person_id = a.home and (o.cause = a.cause or (a.alone and o.alone and o.state = 'active')))
           or (coalesce(o.origin_id, o.person_id) <> a.origin
               and (r.once or (o.entered_at > a.entered_at - r.days * interval '1 day' and o.entered_at < a.entered_at + r.days * interval '1 day'))
               and (o.person_id, o.journey_id, o.cause) not in (select x.person_id, x.journey_id, x.cause from astray x))) as kept_out
    from astray a
    left join unnest(%(journeys)s::int[], %(versions)s::int[], %(onces)s::bool[], %(days)s::int[]) as r (journey_id, version, once, days)
      on r.journey_id = a.journey_id and r.version = a.version),
told as materialized (
    select j.*, not j.kept_out and 1 = row_number() over (
        partition by j.kept_out, j.home, j.journey_id, case when not j.alone then j.cause end order by j.entered_at, j.origin, j.cause) as onward
    from judged j),
left_behind as (
    update enrolment e set state = 'exited', reason = case when t.merged then 'merged' else 'parted' end, ended_at = %(now)s::timestamptz,
        gone_to = case when t.onward then t.home end, xid = pg_current_xact_id()
    from told t where e.bucket = t.bucket and e.person_id = t.person_id and e.journey_id = t.journey_id and e.cause = t.cause),
gone as (
    insert into enrolment as e (bucket, person_id, journey_id, cause, version, about, arm, alone, state, step, steps, entered_at, stepped_at, due_at,
                                answer_id, origin_id)
    select (t.home & 1023)::smallint, t.home, t.journey_id, t.cause, t.version, t.about, t.arm, t.alone, 'active', t.step, t.steps, t.entered_at,
           t.stepped_at, t.due_at, t.answer_id, nullif(t.origin, t.home)
    from told t where t.onward
    on conflict (bucket, person_id, journey_id, cause) do update set
        version = excluded.version, about = excluded.about, arm = excluded.arm, alone = excluded.alone, state = excluded.state,
        step = excluded.step, steps = excluded.steps, entered_at = excluded.entered_at, stepped_at = excluded.stepped_at,
        due_at = excluded.due_at, answer_id = excluded.answer_id, origin_id = excluded.origin_id,
        reason = null, ended_at = null, gone_to = null, xid = pg_current_xact_id())
select count(*)::int as n from told;

-- name: go_on
-- Whoever was parted again goes on with the run that a join had ended, because the other had one, unless another one is open now: then it
-- is over.
with parted as materialized (
    select distinct p.bucket, p.person_id
    from merge_log m join person p on p.bucket = (m.loser_id & 1023)::smallint and p.person_id = m.loser_id and p.merged_into is null
    where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8 and m.undone_at is not null),
ended as materialized (
    select e.*, e.alone and exists (
        select from enrolment o
        where o.bucket = e.bucket and o.person_id = e.person_id and o.journey_id + 0 = e.journey_id and o.state = 'active' and o.alone) as kept_out
    from parted p
    cross join lateral (
        select e.bucket, e.person_id, e.journey_id, e.cause, e.alone, e.ended_at from enrolment e
        where e.bucket = p.bucket and e.person_id = p.person_id and e.state = 'exited' and e.reason = 'merged' and e.gone_to is null offset 0) e),
judged as (
    select e.*, not e.kept_out and 1 = row_number() over (
        partition by e.kept_out, e.person_id, e.journey_id, case when not e.alone then e.cause end order by e.ended_at desc, e.cause) as onward
    from ended e),
told as (
    update enrolment e set state = case when j.onward then 'active' else 'exited' end, reason = case when not j.onward then 'reentry' end,
        ended_at = case when not j.onward then e.ended_at end, xid = pg_current_xact_id()
    from judged j
    where e.bucket = j.bucket and e.person_id = j.person_id and e.journey_id = j.journey_id and e.cause = j.cause)
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
