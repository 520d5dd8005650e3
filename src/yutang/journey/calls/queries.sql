-- name: ask
-- Put a request to another system down, and wait for its answer; of those who are held out nobody is asked.
with due as materialized (
    select e.bucket, e.person_id, e.journey_id, e.cause, e.arm = 'treated' as treated from enrolment e
    where e.state = 'active' and e.due_at <= %(now)s::timestamptz and e.journey_id = %(journey)s::int and e.version = %(version)s::int
      and e.step = %(step)s::smallint and @only(e)
    order by e.due_at limit %(limit)s::int for update skip locked),
asked as (
    insert into call (bucket, person_id, journey_id, cause, line, version, step, state, retry_at, deadline, at)
    select bucket, person_id, journey_id, cause, %(line)s::text, %(version)s::int, %(step)s::smallint, 'waiting', %(now)s::timestamptz,
           %(deadline)s::timestamptz, %(now)s::timestamptz
    from due where treated
    on conflict do nothing),
moved as (
    update enrolment e set step = case when d.treated then %(next)s::smallint else %(no)s::smallint end,
        due_at = case when d.treated then %(due)s::timestamptz else %(no_due)s::timestamptz end,
        stepped_at = %(now)s::timestamptz, steps = e.steps + 1, xid = pg_current_xact_id()
    from due d where e.bucket = d.bucket and e.person_id = d.person_id and e.journey_id = d.journey_id and e.cause = d.cause
    returning e.bucket, e.person_id, e.cause, e.steps, d.treated)
insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
select bucket, person_id, %(journey)s::int, cause, steps, %(step)s::smallint, case when treated then 'called' else 'holdout' end,
       %(now)s::timestamptz from moved
on conflict do nothing;

-- name: claim
-- Calls whose time has come, and those whose worker never came back, with what is known of the run now, and of whoever it is by now.
with due as (
    select c.bucket, c.person_id, c.journey_id, c.cause, c.line from call c
    where c.state in ('waiting', 'claimed') and c.retry_at <= %(now)s::timestamptz and @only(c)
    order by c.retry_at limit %(limit)s::int for update skip locked)
update call c set state = 'claimed', claimed_by = %(token)s::text, retry_at = %(until)s::timestamptz, tries = c.tries + 1,
    at = %(now)s::timestamptz
from due
join enrolment b on b.bucket = due.bucket and b.person_id = due.person_id and b.journey_id = due.journey_id and b.cause = due.cause
cross join lateral (select coalesce(b.gone_to, b.person_id) as person_id) home
join enrolment e on e.bucket = (home.person_id & 1023)::smallint and e.person_id = home.person_id and e.journey_id = b.journey_id and e.cause = b.cause
where c.bucket = due.bucket and c.person_id = due.person_id and c.journey_id = due.journey_id and c.cause = due.cause and c.line = due.line
returning c.bucket, c.person_id, c.journey_id, c.cause, c.line, c.call_id, c.version, c.step, c.tries, c.deadline,
          e.state as run_state, e.reason as run_reason, e.about,
          (select jsonb_object_agg(x.name, x.value) from trait x where x.bucket = e.bucket and x.person_id = e.person_id) as traits;

-- name: record
-- Only the worker that holds the claim may say what came of it.
update call c set state = r.state, retry_at = r.retry_at, at = %(now)s::timestamptz, claimed_by = null, status = r.status,
    reason = r.reason, detail = r.detail
from unnest(%(buckets)s::smallint[], %(persons)s::bigint[], %(journeys)s::int[], %(causes)s::text[], %(lines)s::text[], %(states)s::text[],
            %(retries)s::timestamptz[], %(statuses)s::int[], %(reasons)s::text[], %(details)s::text[])
     as r (bucket, person_id, journey_id, cause, line, state, retry_at, status, reason, detail)
where c.bucket = r.bucket and c.person_id = r.person_id and c.journey_id = r.journey_id and c.cause = r.cause and c.line = r.line
  and c.state = 'claimed' and c.claimed_by = %(token)s::text
returning c.call_id;

-- name: erase_call
delete from call t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);
