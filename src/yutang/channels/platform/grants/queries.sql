-- name: count_once
-- Which of these callbacks have not been counted yet.
insert into channel_grant_event (account, key, at)
select %(account)s::text, e.key, e.at from unnest(%(keys)s::text[], %(ats)s::timestamptz[]) as e (key, at)
on conflict do nothing
returning key;

-- name: forget_events
delete from channel_grant_event where account = %(account)s::text and at < %(before)s::timestamptz;

-- name: refuse
-- Switched off in the settings, or none left by the platform's count.
update channel_grant g set count = 0
from (select distinct r.openid, r.template from unnest(%(openids)s::text[], %(templates)s::text[]) as r (openid, template)) r
where g.account = %(account)s::text and g.openid = r.openid and g.template = r.template;

-- name: grant_more
insert into channel_grant as g (account, openid, template, count)
select %(account)s::text, a.openid, a.template, count(*)::int
from unnest(%(openids)s::text[], %(templates)s::text[]) as a (openid, template)
group by a.openid, a.template
on conflict (account, openid, template) do update set count = g.count + excluded.count;

-- name: take_grant
update channel_grant set count = count - 1
where account = %(account)s::text and openid = %(openid)s::text and template = %(template)s::text and count > 0
returning count;

-- name: stock
-- All that is left to an account.
select coalesce(sum(count), 0)::bigint as n from channel_grant where account = %(account)s::text;

-- name: kept
select o.state, o.msgid, o.at from channel_notice o where o.touch_id = %(touch)s::bigint;

-- name: begin_call
-- One worker gets the letter: no row comes back when its call has been begun before and is not known to have failed.
insert into channel_notice as o (touch_id, account, person_id, openid, template, state, at)
values (%(touch)s::bigint, %(account)s::text, %(person)s::bigint, %(openid)s::text, %(template)s::text, 'calling', %(now)s::timestamptz)
on conflict (touch_id) do update set state = 'calling', at = excluded.at, openid = excluded.openid, template = excluded.template
where o.state = 'returned'
returning o.touch_id;

-- name: note_sent
-- The receipt may have been here first.
update channel_notice set state = 'sent', msgid = coalesce(msgid, %(msgid)s::text) where touch_id = %(touch)s::bigint;

-- name: note_returned
update channel_notice set state = 'returned' where touch_id = %(touch)s::bigint and state = 'calling'
returning openid, template;

-- name: keep_receipts
insert into channel_notice_receipt (account, msgid, openid, template, code, at)
select %(account)s::text, r.msgid, r.openid, r.template, r.code, r.at
from unnest(%(msgids)s::text[], %(openids)s::text[], %(templates)s::text[], %(codes)s::text[], %(ats)s::timestamptz[])
     as r (msgid, openid, template, code, at)
on conflict do nothing;

-- name: adopt
-- The answer to a call need not name the message, and may be lost: the next receipt of the same person and template, not from
-- before the call (receipts know whole seconds), is its own. First come, first served; one receipt for one letter.
with free as (
    select r.msgid, r.openid, r.template, r.at, row_number() over (partition by r.openid, r.template order by r.at, r.msgid) as n
    from channel_notice_receipt r
    where r.account = %(account)s::text
      and not exists (select from channel_notice k where k.account = r.account and k.msgid = r.msgid)),
nameless as (
    select o.touch_id, o.openid, o.template, o.at, row_number() over (partition by o.openid, o.template order by o.at, o.touch_id) as n
    from (select distinct f.openid, f.template from free f) f
    join channel_notice o on o.account = %(account)s::text and o.openid = f.openid and o.template = f.template
    where o.msgid is null and o.state <> 'returned')
update channel_notice o set state = 'sent', msgid = f.msgid
from nameless l join free f on f.openid = l.openid and f.template = l.template and f.n = l.n
where o.touch_id = l.touch_id and o.msgid is null and f.at >= date_trunc('second', l.at);

-- name: meet
-- Receipts whose letter is known by now leave with it.
delete from channel_notice_receipt r using channel_notice o
where r.account = %(account)s::text and o.account = r.account and o.msgid = r.msgid
returning o.touch_id, o.person_id, r.msgid, r.code, r.at;

-- name: drop_foreign
-- No letter of ours: another system has used up the grant.
with gone as (
    delete from channel_notice_receipt r where r.account = %(account)s::text and r.at < %(before)s::timestamptz
    returning r.openid, r.template, r.code),
used as (select g.openid, g.template, count(*)::int as n from gone g where g.code = '0' group by g.openid, g.template)
update channel_grant m set count = greatest(0, m.count - u.n)
from used u where m.account = %(account)s::text and m.openid = u.openid and m.template = u.template;

-- name: erase_channel_grant
delete from channel_grant t where t.account = any(%(accounts)s::text[]) and t.openid = any(%(names)s::text[]);

-- name: erase_channel_notice_receipt
delete from channel_notice_receipt t where t.account = any(%(accounts)s::text[]) and t.openid = any(%(names)s::text[]);

-- name: erase_channel_grant_event
delete from channel_grant_event t where t.account = any(%(accounts)s::text[]) and exists (select from unnest(%(names)s::text[]) as n (name) where position(n.name in t.key) > 0);

-- name: erase_channel_notice
delete from channel_notice t where t.touch_id = any(%(touches)s::bigint[]);
