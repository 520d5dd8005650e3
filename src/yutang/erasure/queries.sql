-- name: touches_of
-- Everything that was proposed to persons.
select t.touch_id from touch t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[])
union select u.touch_id from proposal p cross join lateral unnest(p.persons, p.touch_ids) as u (person_id, touch_id)
      where p.bucket = any(%(buckets)s::smallint[]) and p.persons && %(persons)s::bigint[] and u.person_id = any(%(persons)s::bigint[]);

-- name: accounts
-- As platforms' tables write them: by name, and by source.
select a.name as account from channel_account a union select a.kind || ':' || a.name from channel_account a;

-- name: note
insert into erasure (person_id, numbers, at, by, reason, counts)
values (%(person)s::bigint, %(numbers)s::int, %(now)s::timestamptz, %(by)s::text, %(reason)s::text, %(counts)s::jsonb);

-- name: open
-- Work that was under way then may still have written since. Skip locked: one program settles each.
select e.erasure_id, e.person_id, e.at, e.xid::text as xid from erasure e where e.settled_at is null
order by e.erasure_id limit %(limit)s::int for update skip locked;

-- name: under_way
-- Is a statement still running that saw the database as it was before this transaction ended?
select exists (
    select from pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid()
      and (age(a.backend_xmin) >= age(%(xid)s::xid8::xid) or age(a.backend_xid) >= age(%(xid)s::xid8::xid))) as yes;

-- name: swept
update erasure set again = again + %(rows)s::int, settled_at = case when %(settled)s::boolean then %(now)s::timestamptz end
where erasure_id = %(erasure)s::bigint;

-- name: reopen
-- Asked once more for somebody who was erased before: whatever may have come since is looked for again.
update erasure set settled_at = null where person_id = %(person)s::bigint;

-- name: receipts
-- The newest first, with when the lake was without them. done: null while files with them wait to be rewritten.
select e.erasure_id, e.person_id, e.numbers, e.at, e.by, e.reason, e.counts, e.again, e.settled_at,
       l.done_at as lake_at, p.at as known_at
from erasure e
left join lake_erased l on l.person_id = e.person_id
cross join (select s.at from lake_state s) p
where %(person)s::bigint is null or e.person_id = %(person)s::bigint
order by e.erasure_id desc limit %(limit)s::int;

-- name: numbers
select p.person_id from person p where p.merged_into = %(person)s::bigint order by p.person_id;

-- name: erased
select p.erased_at is not null as yes from person p where p.bucket = (%(person)s::bigint & 1023)::smallint and p.person_id = %(person)s::bigint;
