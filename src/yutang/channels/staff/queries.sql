-- name: owners
-- Whose customer each person is: the newest relation that platforms have told of and that has not ended; else who the trait names.
select p.person_id, coalesce(known.staff, t.value #>> '{}') as staff
from unnest(%(persons)s::bigint[]) as p (person_id)
left join lateral (
    select last.staff from (
        select distinct on (said.staff) said.staff, said.has, e.at
        from person_event e
        cross join lateral (values (e.props ->> 'staff', e.type <> 'contact_lost'), (e.props ->> 'before', false)) as said (staff, has)
        where e.bucket = (p.person_id & 1023)::smallint and e.person_id = p.person_id
          and e.type in ('contact_added', 'contact_moved', 'contact_lost') and said.staff is not null
        order by said.staff, e.at desc, e.event_id desc) last
    where last.has order by last.at desc, last.staff limit 1) known on true
left join trait t on t.bucket = (p.person_id & 1023)::smallint and t.person_id = p.person_id and t.name = 'owner'
                 and jsonb_typeof(t.value) = 'string' and t.value <> '""';

-- name: journeys
-- By which journey each is asked for, and in which run of it.
select t.touch_id, d.name, t.cause
from unnest(%(touches)s::bigint[], %(persons)s::bigint[]) as n (touch_id, person_id)
join touch t on t.bucket = (n.person_id & 1023)::smallint and t.person_id = n.person_id and t.touch_id = n.touch_id
join definition d on d.definition_id = t.journey_id and d.version = t.version;

-- name: keep
-- A letter that comes again after a crash is a task already; only a new one is told.
insert into staff_task (touch_id, bucket, person_id, journey, message, title, words, staff, escalate_to, state, made_at, due_at,
                        escalate_at, late_at, look_at)
select n.touch_id, (n.person_id & 1023)::smallint, n.person_id, n.journey, n.message, n.title, n.words, n.staff, n.escalate_to, 'open',
       %(now)s::timestamptz, n.due_at, n.escalate_at, n.late_at, least(n.late_at, n.escalate_at, %(look)s::timestamptz)
from unnest(%(touches)s::bigint[], %(persons)s::bigint[], %(journeys)s::text[], %(messages)s::text[], %(titles)s::text[],
            %(words)s::text[], %(staff)s::text[], %(escalate_tos)s::text[], %(dues)s::timestamptz[], %(escalations)s::timestamptz[],
            %(lates)s::timestamptz[])
     as n (touch_id, person_id, journey, message, title, words, staff, escalate_to, due_at, escalate_at, late_at)
on conflict do nothing
returning touch_id, person_id, staff;

-- name: recorded
select t.touch_id, t.state, coalesce(t.reason, case when t.state = 'late' then %(late)s::text end) as reason
from staff_task t where t.touch_id = any(%(touches)s::bigint[]);

-- name: due
-- One cheap look at every turn of the loop.
select exists (select from staff_task t where t.look_at <= %(now)s::timestamptz)
    or exists (select from channel_news n where n.channel = %(channel)s::text) as found;

-- name: look
-- The tasks whose time to be looked at has come. What ended the matter drops a task first: the person was merged away or has ended
-- the contact, the run has ended before its last step, the journey or the message is out of service, the person has said not to be spoken to.
-- Then the terms: too late, or passed on.
-- Skip locked: workers share what is due, and whoever is just being told that it is done is left alone.
with asked as materialized (
    select t.* from staff_task t where t.look_at <= %(now)s::timestamptz
    order by t.look_at limit %(limit)s::int for update skip locked),
seen as (
    select a.touch_id, a.state as before, a.staff as from_staff,
        case when q.merged_into is not null then %(merged)s::text
             when run.reason is not null then run.reason
             when run.gone then %(retired)s::text
             when exists (select from person_event x
                          where x.bucket = a.bucket and x.person_id = a.person_id and x.type = 'contact_lost' and x.at > a.made_at
                            and x.props ->> 'staff' = a.staff and x.props ->> 'by' = 'customer') then %(blocked)s::text
             else word.reason
        end as ended
    from asked a
    left join person q on q.bucket = a.bucket and q.person_id = a.person_id
    left join lateral (
        select t.class, case when e.state = 'exited' or e.reason = 'goal_met' then e.reason end as reason, exists (
            select from unnest(array[t.journey_id, t.message_id]) as said (id)
            cross join lateral (select d.retired_at from definition d where d.definition_id = said.id order by d.version desc limit 1) newest
            where newest.retired_at is not null) as gone
        from touch t
        left join enrolment e on e.bucket = t.bucket and e.person_id = t.person_id and e.journey_id = t.journey_id and e.cause = t.cause
        where t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id) run on true
    cross join lateral closed(a.bucket, a.person_id, %(channel)s::text, coalesce(run.class, ''), false) word),
judged as (
    select s.*, case when s.ended is not null then 'dropped' when a.late_at <= %(now)s::timestamptz then 'late'
                     when a.escalate_at <= %(now)s::timestamptz then 'escalated' else a.state end as now_is,
           a.escalate_at <= %(now)s::timestamptz as passed_on
    from seen s join asked a on a.touch_id = s.touch_id)
update staff_task t set
    state = j.now_is, reason = j.ended,
    staff = case when j.now_is = 'escalated' and j.passed_on then t.escalate_to else t.staff end,
    escalate_at = case when j.passed_on then null else t.escalate_at end,
    due_at = case when j.now_is = 'escalated' and j.passed_on then t.late_at else t.due_at end,
    look_at = case when j.now_is in ('open', 'escalated') then least(
        %(look)s::timestamptz, t.late_at, case when not coalesce(j.passed_on, false) then t.escalate_at end) end,
    ended_at = case when j.now_is in ('late', 'dropped') then %(now)s::timestamptz end
from judged j where t.touch_id = j.touch_id
returning t.touch_id, t.person_id, t.journey, t.message, t.staff, t.state, t.reason, t.state <> j.before as changed, j.from_staff,
          (select x.cause from touch x where x.bucket = t.bucket and x.person_id = t.person_id and x.touch_id = t.touch_id) as cause;

-- name: hasten
-- These are looked at now.
update staff_task t set look_at = %(now)s::timestamptz where t.touch_id = any(%(touches)s::bigint[]) and t.look_at > %(now)s::timestamptz;

-- name: finish
-- Somebody says that it is done, or calls it off.
update staff_task t set state = %(state)s::text, reason = %(reason)s::text, look_at = null, ended_at = %(now)s::timestamptz,
                        done_by = coalesce(%(by)s::text, t.staff)
where t.touch_id = %(task)s::bigint and t.look_at is not null
returning t.touch_id, t.person_id, t.journey, t.message, t.staff, t.state, t.reason, t.done_by,
          (select x.cause from touch x where x.bucket = t.bucket and x.person_id = t.person_id and x.touch_id = t.touch_id) as cause;

-- name: one
select t.touch_id, t.person_id, t.state, t.staff, t.escalate_to from staff_task t where t.touch_id = %(task)s::bigint;

-- name: tasks
-- Open ones first, by when they are due; then what has ended, the newest first.
select t.touch_id as task_id, t.person_id, t.journey, t.message, t.title, t.words, t.staff, t.escalate_to, t.state, t.reason,
       t.made_at, t.due_at, t.escalate_at, t.late_at, t.ended_at, t.done_by, t.look_at is not null and t.due_at <= %(now)s::timestamptz as overdue
from staff_task t
where (%(staff)s::text is null or t.staff = %(staff)s::text)
  and (%(states)s::text[] is null or t.state = any(%(states)s::text[]))
  and (%(persons)s::bigint[] is null or (t.person_id = any(%(persons)s::bigint[])
       and t.bucket = any(select (p & 1023)::smallint from unnest(%(persons)s::bigint[]) p)))
order by (t.look_at is null), case when t.look_at is null then t.ended_at end desc, t.due_at, t.touch_id
limit %(most)s::int;

-- name: open_of_all
-- A page of the open tasks, by when they are due. until: those alone that are due by then.
select t.touch_id as task_id, t.person_id, t.journey, t.title, t.words, t.staff, t.escalate_to, t.state, t.reason, t.made_at, t.due_at,
       t.escalate_at, t.late_at, t.ended_at, t.done_by, t.due_at <= %(now)s::timestamptz as overdue
from staff_task t
where t.look_at is not null and (t.due_at, t.touch_id) > (%(at)s::timestamptz, %(task)s::bigint) and t.due_at <= %(until)s::timestamptz
order by t.due_at, t.touch_id limit %(most)s::int;

-- name: open_of
-- The same of a few members of staff: each gives as many as a page holds, so that none is passed over.
select t.* from unnest(%(staff)s::text[]) as s (staff)
cross join lateral (
    select t.touch_id as task_id, t.person_id, t.journey, t.title, t.words, t.staff, t.escalate_to, t.state, t.reason, t.made_at,
           t.due_at, t.escalate_at, t.late_at, t.ended_at, t.done_by, t.due_at <= %(now)s::timestamptz as overdue
    from staff_task t
    where t.staff = s.staff and t.look_at is not null and (t.due_at, t.touch_id) > (%(at)s::timestamptz, %(task)s::bigint)
      and t.due_at <= %(until)s::timestamptz
    order by t.due_at, t.touch_id limit %(most)s::int) t
order by t.due_at, t.task_id limit %(most)s::int;

-- name: ended_of_all
-- A page of the tasks that have ended, the newest first.
select t.touch_id as task_id, t.person_id, t.journey, t.title, t.words, t.staff, t.escalate_to, t.state, t.reason, t.made_at, t.due_at,
       t.escalate_at, t.late_at, t.ended_at, t.done_by, false as overdue
from staff_task t
where t.look_at is null and (t.ended_at, t.touch_id) < (%(at)s::timestamptz, %(task)s::bigint)
order by t.ended_at desc, t.touch_id desc limit %(most)s::int;

-- name: ended_of
-- The same of a few members of staff.
select t.* from unnest(%(staff)s::text[]) as s (staff)
cross join lateral (
    select t.touch_id as task_id, t.person_id, t.journey, t.title, t.words, t.staff, t.escalate_to, t.state, t.reason, t.made_at,
           t.due_at, t.escalate_at, t.late_at, t.ended_at, t.done_by, false as overdue
    from staff_task t
    where t.staff = s.staff and t.look_at is null and (t.ended_at, t.touch_id) < (%(at)s::timestamptz, %(task)s::bigint)
    order by t.ended_at desc, t.touch_id desc limit %(most)s::int) t
order by t.ended_at desc, t.task_id desc limit %(most)s::int;

-- name: pass_on
-- Somebody passes it on before its time.
update staff_task t set state = 'escalated', staff = t.escalate_to, escalate_at = null, due_at = t.late_at,
                        look_at = least(%(look)s::timestamptz, t.late_at)
from staff_task b
where t.touch_id = %(task)s::bigint and b.touch_id = t.touch_id and t.look_at is not null and t.escalate_at is not null
  and t.escalate_to is not null
returning t.touch_id, t.person_id, t.journey, t.message, t.staff, t.state, t.reason, b.staff as from_staff,
          (select x.cause from touch x where x.bucket = t.bucket and x.person_id = t.person_id and x.touch_id = t.touch_id) as cause;

-- name: staff_known
-- Who has open tasks, to choose from: from name to name along the index, however many tasks there are.
with recursive s as (
    (select t.staff from staff_task t where t.look_at is not null order by t.staff limit 1)
    union all
    select (select t.staff from staff_task t where t.look_at is not null and t.staff > s.staff order by t.staff limit 1)
    from s where s.staff is not null)
select s.staff from s where s.staff is not null limit 500;

-- name: erase_staff_task
-- Who had how many tasks, and how they ended, stays for the sums.
update staff_task t
set title = '', words = '', state = case when t.look_at is not null then 'dropped' else t.state end,
    reason = case when t.look_at is not null then 'erased' else t.reason end,
    ended_at = case when t.look_at is not null then %(at)s::timestamptz else t.ended_at end, look_at = null
where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and (t.words <> '' or t.title <> '' or t.look_at is not null);
