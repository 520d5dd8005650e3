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

-- name: rehearsal
select r.rehearsal_id, r.kind, r.by, r.at, r.state, r.share, r.report, r.error from rehearsal r
where r.rehearsal_id = %(rehearsal)s::bigint;

-- name: page
select r.page from rehearsal r where r.rehearsal_id = %(rehearsal)s::bigint;
