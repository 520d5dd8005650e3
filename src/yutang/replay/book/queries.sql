-- name: ask
insert into rehearsal (kind, asked, by, at, state)
values (%(kind)s::text, %(asked)s::jsonb, %(by)s::text, %(now)s::timestamptz, 'waiting') returning rehearsal_id;

-- name: begin
-- The oldest that waits, or whose worker has not been heard of for long. Skip locked: two workers never take the same.
update rehearsal r set state = 'running', beat_at = %(now)s::timestamptz, share = 0
from (select w.rehearsal_id from rehearsal w
      where w.state = 'waiting' or (w.state = 'running' and w.beat_at < %(lost)s::timestamptz)
      order by w.rehearsal_id limit 1 for update skip locked) first
where r.rehearsal_id = first.rehearsal_id
returning r.rehearsal_id, r.kind, r.asked;

-- name: beat
update rehearsal set share = %(share)s::real, beat_at = %(now)s::timestamptz
where rehearsal_id = %(rehearsal)s::bigint and state = 'running';

-- name: finish
update rehearsal set state = 'done', share = 1, report = %(report)s::jsonb, page = %(page)s::text
where rehearsal_id = %(rehearsal)s::bigint and state = 'running';

-- name: fail
update rehearsal set state = 'failed', error = %(error)s::text where rehearsal_id = %(rehearsal)s::bigint and state = 'running';

-- name: stop
update rehearsal set state = 'stopped' where rehearsal_id = %(rehearsal)s::bigint and state in ('waiting', 'running');

-- name: rehearsal
select r.rehearsal_id, r.kind, r.by, r.at, r.state, r.share, r.report, r.error from rehearsal r
where r.rehearsal_id = %(rehearsal)s::bigint;

-- name: page
select r.page from rehearsal r where r.rehearsal_id = %(rehearsal)s::bigint;

-- name: ahead
select count(*)::int as n from rehearsal r
where r.state in ('waiting', 'running') and r.rehearsal_id < %(rehearsal)s::bigint;

-- name: listing
select r.rehearsal_id, r.kind, r.by, r.at, r.state, r.share, r.error, r.asked -> 'journeys' as journeys, r.asked ->> 'since' as since,
       r.asked ->> 'until' as until, (r.asked ->> 'days')::int as days
from rehearsal r
where r.rehearsal_id < coalesce(%(before)s::bigint, 9223372036854775807)
  and (%(numbers)s::bigint[] is null or r.rehearsal_id = any(%(numbers)s::bigint[]))
order by r.rehearsal_id desc limit %(limit)s::int;
