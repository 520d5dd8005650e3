-- name: known
-- Every journey that ever was in service: its newest version, and since when it has been there.
select distinct on (d.definition_id) d.definition_id, d.name, d.version, d.body, d.retired_at, d.at,
       (select min(f.at) from definition f where f.definition_id = d.definition_id) as since
from definition d where d.kind = 'journey' order by d.definition_id, d.version desc;

-- name: runs
-- How people fared in every journey: a look at the whole table. A run that has gone on as another's counts there.
select e.journey_id, e.arm, e.state, e.reason, count(*)::int as n from enrolment e where e.gone_to is null group by e.journey_id, e.arm, e.state, e.reason;

-- name: sent
-- Touches that went out, by journey: a look at the whole table.
select t.journey_id, count(*)::int as n
from attempt a join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
where a.state = 'sent' group by t.journey_id;

-- name: versions
select d.version, d.at, d.body from definition d where d.definition_id = %(journey)s::int order by d.version;

-- name: fared
-- How people fared in one journey.
select e.arm, e.state, e.reason, count(*)::int as n from enrolment e
where e.journey_id = %(journey)s::int and e.gone_to is null group by e.arm, e.state, e.reason;

-- name: passed
-- How often each line of each version was passed, with what outcome; goal: by those of the treated who reached it afterwards.
select coalesce(s.version, e.version) as version, s.step, s.outcome, count(*)::int as n,
       (count(*) filter (where e.arm = 'treated'))::int as treated,
       (count(*) filter (where e.arm = 'treated' and e.reason = 'goal_met'))::int as goal
from enrolment e
join step s on s.bucket = e.bucket and s.person_id = e.person_id and s.journey_id = e.journey_id and s.cause = e.cause
where e.journey_id = %(journey)s::int
group by 1, 2, 3;

-- name: standing
-- Who is where now, by arm.
select e.version, e.step, count(*)::int as n from enrolment e
where e.journey_id = %(journey)s::int and e.state = 'active' group by e.version, e.step;

-- name: left
-- Where runs ended before the last line, and why.
select e.version, e.step, e.reason, count(*)::int as n from enrolment e
where e.journey_id = %(journey)s::int and e.state <> 'active' and e.reason is not null and e.gone_to is null
group by e.version, e.step, e.reason;

-- name: said
-- What became of the touches of each line (its number over all versions).
select t.step as number, t.verdict, case when t.verdict = 'send' then coalesce(a.reason, '') else t.reason end as reason, a.state,
       count(*)::int as n
from touch t
left join attempt a on a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
where t.journey_id = %(journey)s::int
group by 1, 2, 3, 4;

-- name: collisions
-- Why touches had to wait or were lost, to which other journey, and what became of them in the end. A touch that was held several
-- times for the same reason counts once.
select v.reason, w.journey_id as other, (count(*) filter (where v.verdict = 'send'))::int as sent,
       (count(*) filter (where v.verdict = 'hold'))::int as waiting, (count(*) filter (where v.verdict = 'no'))::int as lost
from (select distinct t.bucket, t.person_id, t.touch_id, t.verdict, h.reason, h.lost_to
      from touch t
      cross join lateral (
          select t.reason, t.lost_to where t.verdict <> 'send'
          union all
          select x ->> 'reason', (x ->> 'lost_to')::bigint from jsonb_array_elements(t.trail) x) h
      where t.journey_id = %(journey)s::int and t.arm = 'treated' and h.reason is not null) v
left join touch w on w.bucket = v.bucket and w.person_id = v.person_id and w.touch_id = v.lost_to
group by v.reason, w.journey_id
order by count(*) desc, v.reason, w.journey_id;

-- name: people
-- A page of the runs of a journey, the newest first, in the order of the index. Of what is rare only so many runs are looked at in one
-- go: `looked` says where it stopped then, and the next page begins there.
with seen as materialized (
    select e.bucket, e.person_id, e.cause, e.version, e.arm, e.state, e.step, e.entered_at, e.due_at, e.ended_at, e.reason
    from enrolment e
    where e.journey_id = %(journey)s::int
      and (%(at)s::timestamptz is null
           or (e.entered_at, e.bucket, e.person_id, e.cause) < (%(at)s::timestamptz, %(bucket)s::smallint, %(person)s::bigint, %(cause)s::text))
    order by e.entered_at desc, e.bucket desc, e.person_id desc, e.cause desc limit %(window)s::int),
found as (
    select s.* from seen s
    where (%(state)s::text is null or s.state = %(state)s::text) and (%(arm)s::text is null or s.arm = %(arm)s::text)
      and (%(version)s::int is null or s.version = %(version)s::int and s.step = %(step)s::int)
    order by s.entered_at desc, s.bucket desc, s.person_id desc, s.cause desc limit %(limit)s::int)
select f.*, false as looked from found f
union all
(select s.*, true from seen s
 where (select count(*) from seen) = %(window)s::int and (select count(*) from found) < %(limit)s::int
 order by s.entered_at, s.bucket, s.person_id, s.cause limit 1)
order by looked, entered_at desc, bucket desc, person_id desc, cause desc;

-- name: people_under_way
-- The same of runs under way, by their own index; `version` and `step`: on one line.
with live as materialized (
    select e.bucket, e.person_id, e.cause, e.version, e.arm, e.state, e.step, e.entered_at, e.due_at, e.ended_at, e.reason
    from enrolment e
    where e.journey_id = %(journey)s::int and e.state = 'active' and (%(arm)s::text is null or e.arm = %(arm)s::text)
      and (%(version)s::int is null or e.version = %(version)s::int and e.step = %(step)s::int)
      and (%(at)s::timestamptz is null
           or (e.entered_at, e.bucket, e.person_id, e.cause) < (%(at)s::timestamptz, %(bucket)s::smallint, %(person)s::bigint, %(cause)s::text)))
select l.*, false as looked from live l
order by l.entered_at desc, l.bucket desc, l.person_id desc, l.cause desc limit %(limit)s::int;
