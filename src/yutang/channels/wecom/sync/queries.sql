-- name: begin_sync
insert into wecom_sync (account, kind, phase, started_at)
values (%(account)s::text, %(kind)s::text, %(phase)s::text, %(now)s::timestamptz)
on conflict (account) where ended_at is null do nothing;

-- name: last_sync
select * from wecom_sync where account = %(account)s::text order by run_id desc limit 1;

-- name: claim_sync
-- One step at a time, whoever takes it; a killed one's step is free when its lease has run out.
update wecom_sync set lease_until = %(until)s::timestamptz
where account = %(account)s::text and ended_at is null
  and (lease_until is null or lease_until <= %(now)s::timestamptz) and (retry_at is null or retry_at <= %(now)s::timestamptz)
returning run_id, kind, phase, cursor, started_at;

-- name: rest_sync
update wecom_sync set lease_until = null, retry_at = %(until)s::timestamptz, error = %(error)s::text, cursor = %(cursor)s::jsonb
where run_id = %(run)s::bigint and lease_until = %(lease)s::timestamptz;

-- name: go_on
-- Whoever was so slow that another has taken the step moves nothing.
update wecom_sync set lease_until = null, retry_at = null, error = null, phase = %(phase)s::text, cursor = %(cursor)s::jsonb,
    done = done + %(done)s::bigint, total = total + %(total)s::bigint, ended_at = %(ended)s::timestamptz
where run_id = %(run)s::bigint and lease_until = %(lease)s::timestamptz;

-- name: in_range
-- Exactly these may have customers, as far as the app may see.
with gone as (
    update wecom_staff set in_range = false
    where account = %(account)s::text and in_range and userid <> all(%(users)s::text[]))
insert into wecom_staff (account, userid, in_range, seen_at)
select %(account)s::text, n.userid, true, %(now)s::timestamptz from unnest(%(users)s::text[]) as n (userid)
order by n.userid
on conflict (account, userid) do update set in_range = true, seen_at = excluded.seen_at;

-- name: next_staff
-- known: how many contacts we know each to have.
select s.userid, s.in_range, (select count(*) from wecom_relation r
                  where r.account = s.account and r.userid = s.userid and r.state = 'active') as known
from wecom_staff s
where s.account = %(account)s::text and s.userid > %(after)s::text and s.state <> 'left'
order by s.userid limit %(limit)s::int;

-- name: next_in_range
select userid from wecom_staff
where account = %(account)s::text and in_range and state <> 'left' and userid > %(after)s::text
order by userid limit %(limit)s::int;

-- name: unseen_contacts
-- Contacts with a relation that this walk should have shown.
select distinct r.external_userid from wecom_relation r
left join wecom_staff s on s.account = r.account and s.userid = r.userid
where r.account = %(account)s::text and r.state in ('active', 'pending') and r.seen_run is distinct from %(run)s::bigint
  and r.since < %(before)s::timestamptz and r.external_userid > %(after)s::text and s.state is distinct from 'left'
order by r.external_userid limit %(limit)s::int;

-- name: list_groups
insert into wecom_group as g (account, chat_id, state, seen_run)
select %(account)s::text, n.chat_id, n.state, %(run)s::bigint
from unnest(%(chats)s::text[], %(states)s::text[]) as n (chat_id, state) order by n.chat_id
on conflict (account, chat_id) do update set state = excluded.state, seen_run = excluded.seen_run;

-- name: next_groups
select chat_id from wecom_group
where account = %(account)s::text and state <> 'dismissed' and chat_id > %(after)s::text
order by chat_id limit %(limit)s::int;
