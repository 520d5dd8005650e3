-- name: unstarted
-- Journeys in service that have not begun yet.
select id from unnest(%(journeys)s::int[]) as j (id) where not exists (select from journey_state s where s.journey_id = j.id);

-- name: started
insert into journey_state (journey_id, started_at)
select id, %(now)s::timestamptz from unnest(%(journeys)s::int[]) as j (id) on conflict do nothing;

-- name: members
-- Everybody who is in a segment now: a journey that has just begun takes them in too.
select m.person_id, 'segment:' || to_char(m.since, 'YYYY-MM-DD"T"HH24:MI:SS.US') as cause, '{}'::jsonb as about
from membership m
where m.segment_id = %(segment)s::int and m.until is null and @only(m);

-- name: entered_segment
-- Whoever was in it as somebody who is now part of them has not come in.
select m.person_id, 'segment:' || to_char(m.since, 'YYYY-MM-DD"T"HH24:MI:SS.US') as cause, '{}'::jsonb as about
from membership m
where m.segment_id = %(segment)s::int and m.until is null and @only(m)
  and m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8
  and not exists (
    select from person p join membership o on o.bucket = p.bucket and o.person_id = p.person_id and o.segment_id = m.segment_id
    where p.merged_into = m.person_id and o.since < m.since and coalesce(o.until >= m.since, true));

-- name: left_segment
-- Whoever was merged into another person has left nothing.
select m.person_id, 'left:' || to_char(m.until, 'YYYY-MM-DD"T"HH24:MI:SS.US') as cause, '{}'::jsonb as about
from membership m
where m.segment_id = %(segment)s::int and m.until is not null and @only(m)
  and m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8
  and not exists (select from person q where q.bucket = m.bucket and q.person_id = m.person_id and q.merged_into is not null);

-- name: happened
-- Events of some types, newest ones only: an import of old history must not greet anybody. What was read before, about somebody else, begins
-- nothing once more.
select e.person_id, 'event:' || e.event_id as cause, e.props as about
from person_event e
where e.type = any(%(types)s::text[]) and e.props @> %(where)s::jsonb and e.at >= %(oldest)s::timestamptz and @only(e)
  and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.event_id not in (select a.event_id from event_again a)
order by e.person_id, e.at, e.event_id;

-- name: came_near
-- People who were located within some metres of a store, with the nearest one (its name, and its title for words). A place that is known less exactly than that
-- proves nothing. A degree of latitude is at least 110,500 metres, so most stores need no arithmetic.
select e.person_id, 'event:' || e.event_id as cause,
       e.props || jsonb_build_object('store', s.name, 'title', s.title, 'distance_m', round(s.away)::int) as about
from person_event e
cross join lateral (select (e.props ->> 'lat')::double precision as lat, (e.props ->> 'lon')::double precision as lon) here
cross join lateral (
    select u.name, u.title, metres(here.lat, here.lon, u.lat, u.lon) as away
    from unnest(%(names)s::text[], %(titles)s::text[], %(lats)s::double precision[], %(lons)s::double precision[]) u (name, title, lat, lon)
    where abs(u.lat - here.lat) <= %(within)s::int / 110500.0
    order by away, u.name limit 1) s
where e.type = 'located' and e.at >= %(oldest)s::timestamptz and @only(e)
  and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.event_id not in (select a.event_id from event_again a)
  and s.away <= %(within)s::int and coalesce((e.props ->> 'accuracy_m')::double precision, 0) <= %(within)s::int
order by e.person_id, e.at, e.event_id;

-- name: anniversary_of_trait
-- `days`: the month and day that are kept, as MM-DD; `year`: of that day.
select t.person_id, jsonb_build_object('date', t.value, 'years', %(year)s::int - substring(t.value #>> '{}' from '^[0-9]{4}')::int) as about
from trait t
where t.name = %(of)s::text and @only(t) and jsonb_typeof(t.value) = 'string'
  and (t.value #>> '{}') ~ '^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$' and right(t.value #>> '{}', 5) = any(%(days)s::text[])
  and coalesce(substring(t.value #>> '{}' from '^[0-9]{4}')::int, 0) < %(year)s::int
  and not exists (select from person q where q.bucket = t.bucket and q.person_id = t.person_id and q.merged_into is not null);

-- name: anniversary_of_event
-- Of the first event of a type, from the year after it.
select y.person_id, jsonb_build_object('date', d.day, 'years', %(year)s::int - extract(year from d.day)::int) as about
from tally y cross join lateral (select (y.first_at at time zone %(zone)s::text)::date as day) d
where y.type = %(of)s::text and @only(y) and to_char(d.day, 'MM-DD') = any(%(days)s::text[]) and extract(year from d.day) < %(year)s::int
  and not exists (select from person q where q.bucket = y.bucket and q.person_id = y.person_id and q.merged_into is not null);

-- name: schedules
select journey_id, version, due_at, bucket from journey_schedule;

-- name: schedule
-- The first firing of a journey that the clock begins.
insert into journey_schedule (journey_id, version, due_at)
values (%(journey)s::int, %(version)s::int, %(due)s::timestamptz) on conflict do nothing;

-- name: lock_schedule
-- One worker at a time works a firing off; the others find other work.
select journey_id, version, due_at, bucket from journey_schedule where journey_id = %(journey)s::int for update skip locked;

-- name: reschedule
update journey_schedule set version = %(version)s::int, due_at = %(due)s::timestamptz, bucket = %(bucket)s::smallint
where journey_id = %(journey)s::int;

-- name: unschedule
-- What the clock does not begin any more.
delete from journey_schedule where journey_id <> all(%(journeys)s::int[]);

-- name: fire
-- Once per firing time; one that was passed over under a clock that ran ahead still fires when its time really comes.
insert into journey_firing (journey_id, fires_at, version, state, at)
values (%(journey)s::int, %(fires_at)s::timestamptz, %(version)s::int, 'fired', %(now)s::timestamptz)
on conflict (journey_id, fires_at) do update set state = 'fired', version = excluded.version, at = excluded.at
where journey_firing.state = 'passed_over'
returning journey_id;

-- name: pass_over
insert into journey_firing (journey_id, fires_at, version, state, at)
select %(journey)s::int, u.fires_at, %(version)s::int, 'passed_over', %(now)s::timestamptz
from unnest(%(firings)s::timestamptz[]) u (fires_at) on conflict do nothing;

-- name: fired
update journey_firing set entered = entered + %(entered)s::int
where journey_id = %(journey)s::int and fires_at = %(fires_at)s::timestamptz;

-- name: enrol
-- A person who may not enter (again) yet stays out: `once` ever, not `since` some time, not beside another run (`alone`); the runs of
-- everybody who was joined count. The holdouts are hashes, so they are the same whenever they are asked; the global one lies under every journey's own.
-- Offset 0 keeps it a probe for each person, and + 0, here and below, keeps that from reading all runs of a journey that was new when the planner looked last.
insert into enrolment (bucket, person_id, journey_id, cause, version, about, arm, alone, state, step, entered_at, stepped_at, due_at)
select (c.person_id & 1023)::smallint, c.person_id, %(journey)s::int, c.cause, %(version)s::int, c.about,
       case when dice('global:' || c.person_id) < %(global_share)s::int then 'global'
            when dice(%(journey)s::int || ':' || c.person_id) < %(share)s::int then 'holdout'
            else 'treated' end,
       %(alone)s::bool, 'active', 0, %(now)s::timestamptz, %(now)s::timestamptz, %(due)s::timestamptz
from unnest(%(persons)s::bigint[], %(causes)s::text[], %(abouts)s::jsonb[]) as c (person_id, cause, about)
cross join lateral (
    select bool_or(o.state = 'active') as under_way, max(o.entered_at) as last
    from (select c.person_id union all select p.person_id from person p where p.merged_into = c.person_id) who (person_id)
    cross join lateral (select o.state, o.entered_at from run_had o where o.bucket = (who.person_id & 1023)::smallint
                        and o.person_id = who.person_id and o.journey_id + 0 = %(journey)s::int offset 0) o
    where %(alone)s::bool) had
where had.last is null
   or not (had.under_way or %(once)s::bool or coalesce(had.last > %(since)s::timestamptz, false))
on conflict do nothing;

-- name: retire
-- Looked for by journey, as nearly always none is out of service.
update enrolment e set state = 'exited', reason = 'retired', ended_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
from (select distinct definition_id from definition
      where kind = 'journey' and definition_id <> all(%(journeys)s::int[])) gone
where e.state = 'active' and e.journey_id = gone.definition_id and @only(e);

-- name: live
-- Versions that somebody is on. Offset 0 keeps it a probe for each version: as a join it would read everybody who is on a journey.
select d.definition_id as journey_id, d.version from definition d
where d.kind = 'journey'
  and exists (select from enrolment e where e.journey_id = d.definition_id and e.version = d.version and e.state = 'active' offset 0);

-- name: ended_by_event
-- What ends a run happened after the person entered: the goal is reached, or an exit rule says so. What began a run never ends it.
update enrolment e set state = %(state)s::text, reason = %(reason)s::text, ended_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
from person_event p
where p.type = %(type)s::text and p.props @> %(where)s::jsonb and @only(p)
  and p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8
  and e.bucket = p.bucket and e.person_id = p.person_id and e.journey_id + 0 = %(journey)s::int and e.version = %(version)s::int
  and e.state = 'active' and p.at >= e.entered_at and e.cause <> 'event:' || p.event_id;

-- name: runs_with_news
-- The runs of people of whom an event or a segment tells something new.
select e.person_id, e.cause
from (select p.bucket, p.person_id from person_event p
      where %(table)s::text = 'person_event' and p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8 and @only(p)
      union
      select m.bucket, m.person_id from membership m
      where %(table)s::text = 'membership' and m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8 and @only(m)) n
join enrolment e on e.bucket = n.bucket and e.person_id = n.person_id
where e.journey_id = %(journey)s::int and e.version = %(version)s::int and e.state = 'active';

-- name: runs_due
-- The runs of one version whose time has come.
select e.person_id, e.cause from enrolment e
where e.state = 'active' and e.due_at <= %(now)s::timestamptz and e.journey_id = %(journey)s::int and e.version = %(version)s::int and @only(e);

-- name: leave
update enrolment e set state = 'exited', reason = %(reason)s::text, ended_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
from unnest(%(persons)s::bigint[], %(causes)s::text[]) as c (person_id, cause)
where e.bucket = (c.person_id & 1023)::smallint and e.person_id = c.person_id and e.journey_id + 0 = %(journey)s::int
  and e.cause = c.cause and e.state = 'active';

-- name: standing
-- How many people stand on each line of each version.
select e.version, e.step, count(*)::int as people from enrolment e
where e.journey_id = %(journey)s::int and e.state = 'active'
group by e.version, e.step order by e.version, e.step;

-- name: hold_still
-- Nobody walks on while the runs are moved. In the order of the key, so that two edits do not wait for each other.
select count(*) from (
    select from enrolment e
    where e.journey_id = %(journey)s::int and e.state = 'active' and e.version = any(%(versions)s::int[])
    order by e.bucket, e.person_id, e.cause for update) held;

-- name: keep_versions
-- The lines that were passed before a move are lines of the version before.
update step s set version = e.version
from enrolment e
join unnest(%(versions)s::int[], %(steps)s::smallint[]) as g (version, step) on g.version = e.version and g.step = e.step
where e.journey_id = %(journey)s::int and e.state = 'active'
  and s.bucket = e.bucket and s.person_id = e.person_id and s.journey_id = e.journey_id and s.cause = e.cause and s.version is null;

-- name: move
-- Everybody at once, from (version, step) to a line of the new version (`to_step`; -1: out). `same`: nothing there has changed.
-- `waits`: seconds, counted from when they came to the step. Otherwise they come to it now, and leave it when it is `due`.
with moved as (
    update enrolment e set
        version = case when g.to_step < 0 then e.version else %(new_version)s::int end,
        step = case when g.to_step < 0 then e.step else g.to_step end,
        state = case when g.to_step < 0 then 'exited' else 'active' end,
        reason = case when g.to_step < 0 then 'edited' end,
        ended_at = case when g.to_step < 0 then %(now)s::timestamptz end,
        due_at = case when g.to_step < 0 then null when g.same then e.due_at
            when g.waits is not null then e.stepped_at + g.waits * interval '1 second' else g.due end,
        stepped_at = case when g.same or g.waits is not null then e.stepped_at else %(now)s::timestamptz end,
        steps = e.steps + 1, xid = pg_current_xact_id()
    from enrolment b
    join unnest(%(versions)s::int[], %(steps)s::smallint[], %(tos)s::smallint[], %(same)s::bool[],
                %(waits)s::int[], %(dues)s::timestamptz[]) as g (version, step, to_step, same, waits, due)
      on g.version = b.version and g.step = b.step
    where b.journey_id = %(journey)s::int and b.state = 'active'
      and e.bucket = b.bucket and e.person_id = b.person_id and e.journey_id = b.journey_id and e.cause = b.cause
    returning e.bucket, e.person_id, e.cause, e.steps, b.version as from_version, b.step as from_step, g.to_step),
written as (
    insert into step (bucket, person_id, journey_id, cause, seq, step, version, outcome, at)
    select bucket, person_id, %(journey)s::int, cause, steps, from_step, from_version, 'moved', %(now)s::timestamptz from moved)
select count(*) filter (where to_step >= 0)::int as moved, count(*) filter (where to_step < 0)::int as exited from moved;

-- name: left
update enrolment e set state = 'exited', reason = 'left_segment', ended_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
from membership m
where m.segment_id = %(segment)s::int and m.until is not null and @only(m)
  and m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8
  and e.bucket = m.bucket and e.person_id = m.person_id and e.journey_id + 0 = %(journey)s::int and e.version = %(version)s::int
  and e.state = 'active' and e.cause = 'segment:' || to_char(m.since, 'YYYY-MM-DD"T"HH24:MI:SS.US');

-- name: answered
-- One of the events that were waited for has come; each run takes the first of them. own: the event is the end of what the run has asked for,
-- names the run, and what it says of a reason is written down.
with came as materialized (
    select distinct on (e.person_id, e.cause) e.bucket, e.person_id, e.cause, p.event_id, s.next, s.due,
           s.outcome || case when %(own)s::bool then coalesce(':' || (p.props ->> 'reason'), '') else '' end as outcome
    from unnest(%(types)s::text[], %(wheres)s::jsonb[], %(outcomes)s::text[], %(nexts)s::smallint[], %(dues)s::timestamptz[])
         as s (type, needed, outcome, next, due)
    join person_event p on p.type = s.type and p.props @> s.needed
    cross join lateral (select e.* from enrolment e where e.bucket = p.bucket and e.person_id = p.person_id and e.journey_id + 0 = %(journey)s::int
                        and e.version = %(version)s::int and e.step = %(step)s::smallint and e.state = 'active' and p.at >= e.stepped_at offset 0) e
    where @only(p) and p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8
      and (not %(own)s::bool or coalesce(p.props ->> 'cause', e.cause) = e.cause)
    order by e.person_id, e.cause, p.at, p.event_id),
moved as (
    update enrolment e set step = came.next, due_at = came.due, stepped_at = %(now)s::timestamptz, answer_id = came.event_id,
        steps = e.steps + 1, xid = pg_current_xact_id()
    from came where e.bucket = came.bucket and e.person_id = came.person_id and e.journey_id + 0 = %(journey)s::int and e.cause = came.cause
        and e.version = %(version)s::int and e.step = %(step)s::smallint and e.state = 'active'
    returning e.bucket, e.person_id, e.cause, e.steps, came.outcome)
insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
select bucket, person_id, %(journey)s::int, cause, steps, %(step)s::smallint, outcome, %(now)s::timestamptz from moved
on conflict do nothing;

-- name: ended
-- The run below has ended, however it ended: the one that waited for it goes on. Where that one has gone on as another's, and this one not, it
-- goes on there.
with below as materialized (
    select c.person_id, q.gone_to, c.gone_to as lives_on, w.cause from ended_below c
    cross join lateral (select 'journey:' || %(journey)s::int || ':' || %(line)s::text || ':' as head) b
    cross join lateral (select substr(c.cause, length(b.head) + 1) as cause) w
    left join enrolment q on q.bucket = c.bucket and q.person_id = c.person_id and q.journey_id = %(journey)s::int and q.cause = w.cause
    where c.xid >= %(low)s::xid8 and c.xid < %(high)s::xid8 and @only(c) and starts_with(c.cause, b.head)),
moved as (
    update enrolment e set step = %(next)s::smallint, due_at = %(due)s::timestamptz, stepped_at = %(now)s::timestamptz,
        steps = e.steps + 1, xid = pg_current_xact_id()
    from below cross join lateral (select coalesce(below.gone_to, below.person_id) as person_id) home
    where below.lives_on is null and e.bucket = (home.person_id & 1023)::smallint and e.person_id = home.person_id
        and e.journey_id + 0 = %(journey)s::int and e.cause = below.cause
        and e.version = %(version)s::int and e.step = %(step)s::smallint and e.state = 'active'
    returning e.bucket, e.person_id, e.cause, e.steps)
insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
select bucket, person_id, %(journey)s::int, cause, steps, %(step)s::smallint, 'ended', %(now)s::timestamptz from moved
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
    insert into proposal (bucket, journey_id, version, step, arm, channels, message_id, message_version, offer_id, class, value_fen,
                          value_trait, expected, at, deadline, persons, causes, moves, touch_ids)
    select d.bucket, %(journey)s::int, %(version)s::int, %(number)s::int, d.arm, %(channels)s::text[], %(message)s::int,
           %(message_version)s::int, %(offer)s::int, %(class)s::text, %(value_fen)s::bigint, %(value_trait)s::text, %(expected)s::bool,
           %(now)s::timestamptz, %(deadline)s::timestamptz, array_agg(d.person_id), array_agg(d.cause), array_agg(0), array_agg(nextval('touch_id'))
    from due d group by d.bucket, d.arm)
select count(*)::int as n from due;

-- name: ladder_moved
-- Every move of the ladder is said once to whoever stands on it; what is not sent before the next rung is out of date.
with moved as (
    select e.bucket, e.person_id, e.cause, e.arm, l.rung, l.move,
           least(%(deadline)s::timestamptz, coalesce(l.due_at, %(deadline)s::timestamptz)) as deadline
    from ladder_moved m
    join ladder l on l.bucket = m.bucket and l.person_id = m.person_id and l.definition_id = m.definition_id
    cross join lateral (select e.* from enrolment e where e.bucket = l.bucket and e.person_id = l.person_id and e.journey_id + 0 = %(journey)s::int
                        and e.version = %(version)s::int and e.step = %(step)s::smallint and e.state = 'active' offset 0) e
    where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8 and m.definition_id = %(offer)s::int and l.rung > 0 and l.move > 0
      and @only(m) and l.moved_at > %(oldest)s::timestamptz),
proposed as (
    insert into proposal (bucket, journey_id, version, step, arm, channels, message_id, message_version, offer_id, rung, class,
                          value_fen, value_trait, expected, at, deadline, persons, causes, moves, touch_ids)
    select m.bucket, %(journey)s::int, %(version)s::int, %(number)s::int, m.arm, %(channels)s::text[], %(message)s::int,
           %(message_version)s::int, %(offer)s::int, m.rung, %(class)s::text, %(value_fen)s::bigint, %(value_trait)s::text, %(expected)s::bool,
           %(now)s::timestamptz, m.deadline,
           array_agg(m.person_id), array_agg(m.cause), array_agg(m.move), array_agg(nextval('touch_id'))
    from moved m group by m.bucket, m.arm, m.rung, m.deadline)
select count(*)::int as n from moved;

-- name: judged
-- What was judged leaves; the touch has it all.
delete from proposal p
where p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8 and p.bucket between %(first)s::smallint and %(last)s::smallint;

-- name: finish
update enrolment e set state = 'done', reason = %(reason)s::text, ended_at = %(now)s::timestamptz, due_at = null, stepped_at = %(now)s::timestamptz, xid = pg_current_xact_id()
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
-- Send each of these people to a line.
with moved as (
    update enrolment e set step = c.next, due_at = c.due, stepped_at = %(now)s::timestamptz, steps = e.steps + 1,
        xid = pg_current_xact_id()
    from unnest(%(persons)s::bigint[], %(causes)s::text[], %(outcomes)s::text[], %(nexts)s::smallint[], %(dues)s::timestamptz[])
         as c (person_id, cause, outcome, next, due)
    where e.bucket = (c.person_id & 1023)::smallint and e.person_id = c.person_id and e.journey_id + 0 = %(journey)s::int and e.cause = c.cause
    returning e.bucket, e.person_id, e.cause, e.steps, c.outcome)
insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
select bucket, person_id, %(journey)s::int, cause, steps, %(step)s::smallint, outcome, %(now)s::timestamptz from moved
on conflict do nothing;

-- name: until_where_they_live
-- Whoever has just come to the line is given their own hour: the first after they came (on a date: that one). Whose hour it is
-- by now goes on. Counted from when they came, so that it is the same however often it is asked.
-- best: the hour that is foretold of the person (of that day of the week, else of all days) takes the place of `time`, where they live;
-- it lasts `hours`, and whoever comes within it goes on at once. here: the brand's clock, for those who have no hour of their own.
with due as materialized (
    select e.bucket, e.person_id, e.journey_id, e.cause, e.stepped_at from enrolment e
    where e.state = 'active' and e.due_at <= %(now)s::timestamptz and e.journey_id = %(journey)s::int and e.version = %(version)s::int
      and e.step = %(step)s::smallint and @only(e)
    order by e.due_at limit %(limit)s::int for update skip locked),
hour as (
    select d.*, h.at from due d
    left join trait tz on tz.bucket = d.bucket and tz.person_id = d.person_id and tz.name = 'time_zone'
    left join lateral (
        select jsonb_object_agg(p.name, p.value) as by_day from prediction p
        where %(best)s::bool and p.bucket = d.bucket and p.person_id = d.person_id and (p.name = 'best_hour' or p.name like 'best\_hour:_')) foretold on true
    cross join lateral (
        select case when %(here)s::bool and foretold.by_day is null then %(zone)s::text else coalesce(tz.value #>> '{}', %(zone)s::text) end as zone,
               case when foretold.by_day is null then interval '0' else make_interval(hours => %(hours)s::int) end as lasts) lives
    cross join lateral (
        select greatest(begins.at, case when foretold.by_day is not null then least(d.stepped_at, begins.at + lives.lasts) end) as at
        from (select coalesce(%(date)s::date, (d.stepped_at at time zone lives.zone)::date) + n as day
              from generate_series(case when %(date)s::date is null and foretold.by_day is not null then -1 else 0 end,
                                   case when %(date)s::date is null then 8 else 0 end) as n) day
        cross join lateral (select (day.day + coalesce(make_time(coalesce(
            foretold.by_day ->> ('best_hour:' || extract(isodow from day.day)), foretold.by_day ->> 'best_hour')::int, 0, 0), %(time)s::time))
            at time zone lives.zone as at) begins
        where %(date)s::date is not null
           or (begins.at + lives.lasts > d.stepped_at
               and (cardinality(%(weekdays)s::int[]) = 0 or extract(isodow from day.day)::int = any(%(weekdays)s::int[])))
        order by day.day limit 1) h),
moved as (
    update enrolment e set
        step = case when h.at <= %(now)s::timestamptz then %(next)s::smallint else e.step end,
        due_at = case when h.at <= %(now)s::timestamptz then %(due)s::timestamptz else h.at end,
        stepped_at = case when h.at <= %(now)s::timestamptz then %(now)s::timestamptz else e.stepped_at end,
        steps = e.steps + (h.at <= %(now)s::timestamptz)::int, xid = pg_current_xact_id()
    from hour h where e.bucket = h.bucket and e.person_id = h.person_id and e.journey_id = h.journey_id and e.cause = h.cause
    returning e.bucket, e.person_id, e.cause, e.steps, h.at),
written as (
    insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
    select bucket, person_id, %(journey)s::int, cause, steps, %(step)s::smallint, 'waited', %(now)s::timestamptz from moved
    where at <= %(now)s::timestamptz
    on conflict do nothing)
select person_id from moved;

-- name: split
-- The share of a person is a hash, so it is the same whenever it is asked.
with due as materialized (
    select e.bucket, e.person_id, e.journey_id, e.cause from enrolment e
    where e.state = 'active' and e.due_at <= %(now)s::timestamptz and e.journey_id = %(journey)s::int and e.version = %(version)s::int
      and e.step = %(step)s::smallint and @only(e)
    order by e.due_at limit %(limit)s::int for update skip locked),
parted as (
    select d.*, w.arm, w.next, w.due
    from (select due.*, dice(%(journey)s::int || ':' || %(salt)s::text || ':' || due.person_id) as share
          from due) d
    cross join lateral (
        select u.arm, u.next, u.due
        from unnest(%(arms)s::text[], %(ends)s::int[], %(nexts)s::smallint[], %(dues)s::timestamptz[]) with ordinality
             as u (arm, upper_end, next, due, n)
        where d.share < u.upper_end order by u.n limit 1) w),
moved as (
    update enrolment e set step = d.next, due_at = d.due, stepped_at = %(now)s::timestamptz, steps = e.steps + 1, xid = pg_current_xact_id()
    from parted d where e.bucket = d.bucket and e.person_id = d.person_id and e.journey_id = d.journey_id and e.cause = d.cause
    returning e.bucket, e.person_id, e.cause, e.steps, d.arm)
insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
select bucket, person_id, %(journey)s::int, cause, steps, %(step)s::smallint, arm, %(now)s::timestamptz from moved
on conflict do nothing;

-- name: runs_begun
-- Runs that an event with these properties began.
select e.person_id, e.cause from unnest(%(persons)s::bigint[], %(causes)s::text[]) as c (person_id, cause)
join enrolment e on e.bucket = (c.person_id & 1023)::smallint and e.person_id = c.person_id and e.journey_id = %(journey)s::int
  and e.cause = c.cause
where e.about @> %(where)s::jsonb;

-- name: runs_answer
-- Runs whose last wait was ended by an event with these properties; of a call, by an answer with them.
select e.person_id, e.cause from unnest(%(persons)s::bigint[], %(causes)s::text[]) as c (person_id, cause)
join enrolment e on e.bucket = (c.person_id & 1023)::smallint and e.person_id = c.person_id and e.journey_id = %(journey)s::int
  and e.cause = c.cause
join person_event p on p.bucket = e.bucket and p.person_id = e.person_id and p.event_id = e.answer_id
where p.props @> %(where)s::jsonb or p.props -> 'answer' @> %(where)s::jsonb;

-- name: below
-- A run below another is held out where that one is, and knows the same beginning. Which of them there are.
update enrolment c set about = p.about, arm = case when p.arm = 'treated' then c.arm else p.arm end, xid = pg_current_xact_id()
from unnest(%(persons)s::bigint[], %(causes)s::text[], %(below)s::text[]) as u (person_id, cause, below)
join enrolment p on p.bucket = (u.person_id & 1023)::smallint and p.person_id = u.person_id and p.journey_id = %(journey)s::int
  and p.cause = u.cause
where c.bucket = p.bucket and c.person_id = p.person_id and c.journey_id = %(other)s::int and c.cause = u.below and c.state = 'active'
returning c.person_id, c.cause;

-- name: erase_enrolment
-- Who entered when and in which arm stays for the sums; a run under way ends.
update enrolment t
set about = '{}', answer_id = null, due_at = null, state = case t.state when 'active' then 'exited' else t.state end,
    reason = case t.state when 'active' then 'erased' else t.reason end,
    ended_at = case t.state when 'active' then %(at)s::timestamptz else t.ended_at end
where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and (t.state = 'active' or t.about <> '{}' or t.answer_id is not null);

-- name: erase_proposal
-- Everybody of a bucket stands in one row: the others stay in it, in their places.
update proposal t
set persons = left_.persons, causes = left_.causes, moves = left_.moves, touch_ids = left_.touch_ids
from (select p.ctid as place, coalesce(array_agg(u.person order by u.n) filter (where o.stays), '{}') as persons,
             coalesce(array_agg(u.cause order by u.n) filter (where o.stays), '{}') as causes,
             coalesce(array_agg(u.move order by u.n) filter (where o.stays), '{}') as moves,
             coalesce(array_agg(u.touch order by u.n) filter (where o.stays), '{}') as touch_ids
      from proposal p
      cross join lateral unnest(p.persons, p.causes, p.moves, p.touch_ids) with ordinality as u (person, cause, move, touch, n)
      cross join lateral (select not u.person = any(%(persons)s::bigint[]) as stays) o
      where p.bucket = any(%(buckets)s::smallint[]) and p.persons && %(persons)s::bigint[]
      group by p.ctid) left_
where t.ctid = left_.place;
