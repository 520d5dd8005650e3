-- name: keep
-- A letter that comes again after a crash is already there; only a new one is answered.
insert into sandbox_message (touch_id, bucket, person_id, address, subject, body, at)
select m.touch_id, m.person_id & 1023, m.person_id, m.address, m.subject, m.body, %(now)s::timestamptz
from unnest(%(touches)s::bigint[], %(persons)s::bigint[], %(addresses)s::text[], %(subjects)s::text[], %(bodies)s::text[])
     as m (touch_id, person_id, address, subject, body)
on conflict do nothing
returning touch_id;

-- name: plan_answers
-- What the script will answer waits here until its time.
insert into sandbox_answer (touch_id, seq, person_id, type, at, props)
select a.touch_id, a.seq, a.person_id, a.type, a.at, a.props
from unnest(%(touches)s::bigint[], %(seqs)s::smallint[], %(persons)s::bigint[], %(types)s::text[], %(ats)s::timestamptz[], %(props)s::jsonb[])
     as a (touch_id, seq, person_id, type, at, props)
on conflict do nothing;

-- name: take_answers
-- Skip locked: two workers share what is due.
delete from sandbox_answer a
using (select touch_id, seq from sandbox_answer where at <= %(now)s::timestamptz
       order by at limit %(limit)s::int for update skip locked) due
where a.touch_id = due.touch_id and a.seq = due.seq
returning a.touch_id, a.seq, a.person_id, a.type, a.at, a.props;

-- name: erase_sandbox_message
delete from sandbox_message t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_sandbox_answer
delete from sandbox_answer t where t.person_id = any(%(persons)s::bigint[]);
