-- name: unstarted
-- Journeys in service that have not begun yet.
select id from unnest(%(journeys)s::int[]) as j (id) where not exists (select from journey_state s where s.journey_id = j.id);

-- name: started
insert into journey_state (journey_id, started_at)
select id, %(now)s::timestamptz from unnest(%(journeys)s::int[]) as j (id) on conflict do nothing;

-- name: members
-- Everybody who is in a segment now: a journey that has just begun takes them in too.
select m.person_id, 'segment:' || to_char(m.since, 'YYYY-MM-DD"T"HH24:MI:SS.US') as cause, m.since as at
from membership m
where m.segment_id = %(segment)s::int and m.until is null and @only(m);

-- name: entered_segment
select m.person_id, 'segment:' || to_char(m.since, 'YYYY-MM-DD"T"HH24:MI:SS.US') as cause, m.since as at
from membership m
where m.segment_id = %(segment)s::int and m.until is null and @only(m)
  and m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8;

-- name: happened
-- Events of one type, newest ones only: an import of old history must not greet anybody.
select distinct on (e.person_id) e.person_id, 'event:' || e.event_id as cause, e.at
from person_event e
where e.type = %(type)s::text and e.props @> %(where)s::jsonb and e.at >= %(oldest)s::timestamptz and @only(e)
  and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8
order by e.person_id, e.at, e.event_id;

-- name: enrol
-- One run at a time; a person who may not enter again yet stays out. The holdout is a hash, so it is the same whenever
-- it is asked; the global holdout lies under every journey's own.
insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at, due_at)
select (c.person_id & 1023)::smallint, c.person_id, %(journey)s::int, c.cause, %(version)s::int,
       case when ('x' || substr(md5('global:' || c.person_id), 1, 7))::bit(28)::int %% 10000 < %(global_share)s::int
              or ('x' || substr(md5(%(journey)s::int || ':' || c.person_id), 1, 7))::bit(28)::int %% 10000 < %(share)s::int
            then 'holdout' else 'treated' end,
       'active', 0, %(now)s::timestamptz, %(now)s::timestamptz, %(due)s::timestamptz
from unnest(%(persons)s::bigint[], %(causes)s::text[]) as c (person_id, cause)
where not exists (
        select from enrolment o
        where o.bucket = (c.person_id & 1023)::smallint and o.person_id = c.person_id and o.journey_id = %(journey)s::int
          and o.state = 'active')
  and not (%(once)s::bool and exists (
        select from enrolment o
        where o.bucket = (c.person_id & 1023)::smallint and o.person_id = c.person_id and o.journey_id = %(journey)s::int))
  and not (%(since)s::timestamptz is not null and exists (
        select from enrolment o
        where o.bucket = (c.person_id & 1023)::smallint and o.person_id = c.person_id and o.journey_id = %(journey)s::int
          and o.entered_at > %(since)s::timestamptz))
on conflict do nothing;

-- name: merged_away
-- Whoever was merged into another person goes on there: one life, one run.
update enrolment e set state = 'exited', reason = 'merged', ended_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
from merge_log m
where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8 and m.undone_at is null
  and e.bucket = (m.loser_id & 1023)::smallint and e.person_id = m.loser_id and e.state = 'active';

-- name: retire
-- Looked for by journey, as nearly always none is out of service.
update enrolment e set state = 'exited', reason = 'retired', ended_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
from (select distinct definition_id from definition
      where kind = 'journey' and definition_id <> all(%(journeys)s::int[])) gone
where e.state = 'active' and e.journey_id = gone.definition_id and @only(e);

-- name: live
-- Versions that somebody is on.
select d.definition_id as journey_id, d.version from definition d
where d.kind = 'journey'
  and exists (select from enrolment e where e.journey_id = d.definition_id and e.version = d.version and e.state = 'active');

-- name: goal
-- The goal was reached after the person entered: the journey has done its work.
update enrolment e set state = 'done', reason = 'goal_met', ended_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
from person_event p
where p.type = %(type)s::text and p.props @> %(where)s::jsonb and @only(p)
  and p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8
  and e.bucket = p.bucket and e.person_id = p.person_id and e.journey_id = %(journey)s::int and e.version = %(version)s::int
  and e.state = 'active' and p.at >= e.entered_at;

-- name: left
update enrolment e set state = 'exited', reason = 'left_segment', ended_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
from membership m
where m.segment_id = %(segment)s::int and m.until is not null and @only(m)
  and m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8
  and e.bucket = m.bucket and e.person_id = m.person_id and e.journey_id = %(journey)s::int and e.version = %(version)s::int
  and e.state = 'active' and e.cause = 'segment:' || to_char(m.since, 'YYYY-MM-DD"T"HH24:MI:SS.US');

-- name: answered
-- The event that was waited for has come.
with came as materialized (
    select distinct p.bucket, p.person_id from person_event p
    join enrolment e on e.bucket = p.bucket and e.person_id = p.person_id and e.journey_id = %(journey)s::int
        and e.version = %(version)s::int and e.step = %(step)s::smallint and e.state = 'active' and p.at >= e.stepped_at
    where p.type = %(type)s::text and p.props @> %(where)s::jsonb and @only(p)
      and p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8),
moved as (
    update enrolment e set step = %(next)s::smallint, due_at = %(due)s::timestamptz, stepped_at = %(now)s::timestamptz,
        steps = e.steps + 1, xid = pg_current_xact_id()
    from came where e.bucket = came.bucket and e.person_id = came.person_id and e.journey_id = %(journey)s::int
        and e.version = %(version)s::int and e.step = %(step)s::smallint and e.state = 'active'
    returning e.bucket, e.person_id, e.cause, e.steps)
insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
select bucket, person_id, %(journey)s::int, cause, steps, %(step)s::smallint, 'came', %(now)s::timestamptz from moved
on conflict do nothing;

-- name: due
-- Where people are waiting whose time has come; looked for among the first so many, so that the look stays cheap.
select journey_id, version, step, count(*) as n
from (select e.journey_id, e.version, e.step from enrolment e
      where e.state = 'active' and e.due_at <= %(now)s::timestamptz and @only(e)
      order by e.due_at limit %(limit)s::int) first
group by journey_id, version, step order by journey_id, version, step;

-- name: pass_on
-- Nothing is said on this line; go to the next.
with due as materialized (
    select e.bucket, e.person_id, e.journey_id, e.cause from enrolment e
    where e.state = 'active' and e.due_at <= %(now)s::timestamptz and e.journey_id = %(journey)s::int and e.version = %(version)s::int
      and e.step = %(step)s::smallint and @only(e)
    order by e.due_at limit %(limit)s::int for update skip locked),
moved as (
    update enrolment e set step = %(next)s::smallint, due_at = %(due)s::timestamptz, stepped_at = %(now)s::timestamptz,
        steps = e.steps + 1, xid = pg_current_xact_id()
    from due d where e.bucket = d.bucket and e.person_id = d.person_id and e.journey_id = d.journey_id and e.cause = d.cause
    returning e.bucket, e.person_id, e.journey_id, e.cause, e.steps)
insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
select bucket, person_id, journey_id, cause, steps, %(step)s::smallint, %(outcome)s::text, %(now)s::timestamptz from moved
on conflict do nothing
returning person_id, cause;

-- name: speak
-- Propose a touch, and go to the next line. Said in one statement, so that a crash leaves both or neither.
with due as materialized (
    select e.bucket, e.person_id, e.journey_id, e.cause, e.arm from enrolment e
    where e.state = 'active' and e.due_at <= %(now)s::timestamptz and e.journey_id = %(journey)s::int and e.version = %(version)s::int
      and e.step = %(step)s::smallint and @only(e)
    order by e.due_at limit %(limit)s::int for update skip locked),
moved as (
    update enrolment e set step = %(next)s::smallint, due_at = %(due)s::timestamptz, stepped_at = %(now)s::timestamptz,
        steps = e.steps + 1, xid = pg_current_xact_id()
    from due d where e.bucket = d.bucket and e.person_id = d.person_id and e.journey_id = d.journey_id and e.cause = d.cause),
proposed as (
    insert into proposal (bucket, journey_id, version, step, arm, channel, message_id, message_version, offer_id, service, value_fen,
                          at, deadline, persons, causes, moves, touch_ids)
    select d.bucket, %(journey)s::int, %(version)s::int, %(step)s::smallint, d.arm, %(channel)s::text, %(message)s::int,
           %(message_version)s::int, %(offer)s::int, %(service)s::bool, %(value_fen)s::bigint, %(now)s::timestamptz,
           %(deadline)s::timestamptz, array_agg(d.person_id), array_agg(d.cause), array_agg(0), array_agg(nextval('touch_id'))
    from due d group by d.bucket, d.arm)
select count(*)::int as n from due;

-- name: ladder_moved
-- Every move of the ladder is said once to whoever stands on it; what is not sent before the next rung is out of date.
with moved as (
    select e.bucket, e.person_id, e.cause, e.arm, l.rung, l.move,
           least(%(deadline)s::timestamptz, coalesce(l.due_at, %(deadline)s::timestamptz)) as deadline
    from ladder_moved m
    join ladder l on l.bucket = m.bucket and l.person_id = m.person_id and l.definition_id = m.definition_id
    join enrolment e on e.bucket = l.bucket and e.person_id = l.person_id
    where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8 and m.definition_id = %(offer)s::int and l.rung > 0 and l.move > 0
      and @only(m) and l.moved_at > %(oldest)s::timestamptz
      and e.journey_id = %(journey)s::int and e.version = %(version)s::int and e.step = %(step)s::smallint and e.state = 'active'),
proposed as (
    insert into proposal (bucket, journey_id, version, step, arm, channel, message_id, message_version, offer_id, rung, service,
                          value_fen, at, deadline, persons, causes, moves, touch_ids)
    select m.bucket, %(journey)s::int, %(version)s::int, %(step)s::smallint, m.arm, %(channel)s::text, %(message)s::int,
           %(message_version)s::int, %(offer)s::int, m.rung, %(service)s::bool, %(value_fen)s::bigint, %(now)s::timestamptz, m.deadline,
           array_agg(m.person_id), array_agg(m.cause), array_agg(m.move), array_agg(nextval('touch_id'))
    from moved m group by m.bucket, m.arm, m.rung, m.deadline)
select count(*)::int as n from moved;

-- name: judged
-- What was judged leaves; the touch has it all.
delete from proposal p
where p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8 and p.bucket between %(first)s::smallint and %(last)s::smallint;

-- name: finish
update enrolment e set state = 'done', ended_at = %(now)s::timestamptz, due_at = null, stepped_at = %(now)s::timestamptz, xid = pg_current_xact_id()
from (select d.bucket, d.person_id, d.journey_id, d.cause from enrolment d
      where d.state = 'active' and d.due_at <= %(now)s::timestamptz and d.journey_id = %(journey)s::int
        and d.version = %(version)s::int and d.step = %(step)s::smallint and @only(d)
      order by d.due_at limit %(limit)s::int for update skip locked) due
where e.bucket = due.bucket and e.person_id = due.person_id and e.journey_id = due.journey_id and e.cause = due.cause;

-- name: claim
-- The people on a line that asks a question; locked until the answer is written.
select e.person_id, e.cause from enrolment e
where e.state = 'active' and e.due_at <= %(now)s::timestamptz and e.journey_id = %(journey)s::int and e.version = %(version)s::int
  and e.step = %(step)s::smallint and @only(e)
order by e.due_at limit %(limit)s::int for update skip locked;

-- name: in_hours
-- For whom it is now between two times of day, where they live; from a later to an earlier one runs over midnight.
select c.person_id
from unnest(%(persons)s::bigint[]) as c (person_id)
left join trait tz on tz.bucket = (c.person_id & 1023)::smallint and tz.person_id = c.person_id and tz.name = 'time_zone'
cross join lateral (select (%(now)s::timestamptz at time zone coalesce(tz.value #>> '{}', %(zone)s::text))::time as hour) local
where case when %(begin)s::time <= %(end)s::time then local.hour >= %(begin)s::time and local.hour < %(end)s::time
           else local.hour >= %(begin)s::time or local.hour < %(end)s::time end;

-- name: go
-- Send these people to a line.
with moved as (
    update enrolment e set step = %(next)s::smallint, due_at = %(due)s::timestamptz, stepped_at = %(now)s::timestamptz,
        steps = e.steps + 1, xid = pg_current_xact_id()
    from unnest(%(persons)s::bigint[], %(causes)s::text[]) as c (person_id, cause)
    where e.bucket = (c.person_id & 1023)::smallint and e.person_id = c.person_id and e.journey_id = %(journey)s::int and e.cause = c.cause
    returning e.bucket, e.person_id, e.cause, e.steps)
insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
select bucket, person_id, %(journey)s::int, cause, steps, %(step)s::smallint, %(outcome)s::text, %(now)s::timestamptz from moved
on conflict do nothing;
