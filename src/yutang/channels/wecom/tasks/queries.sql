-- name: reserve
-- The row of the day is locked by the conflict, so two workers cannot take the last place; ordered, so that they cannot
-- lock each other out.
insert into wecom_quota_use as u (account, receiver, day, n)
select %(account)s::text, r.receiver, %(day)s::date, 1
from unnest(%(receivers)s::text[]) with ordinality as r (receiver, place)
where coalesce((select sum(o.n) from wecom_quota_use o
                where o.account = %(account)s::text and o.receiver = r.receiver
                  and o.day between %(first)s::date and %(last)s::date), 0) < %(most)s::int
order by r.place
on conflict (account, receiver, day) do update set n = u.n + 1
where u.n + coalesce((select sum(o.n) from wecom_quota_use o
                      where o.account = u.account and o.receiver = u.receiver and o.day <> u.day
                        and o.day between %(first)s::date and %(last)s::date), 0) < %(most)s::int
returning u.receiver;

-- name: room
-- The same question without taking anything.
select r.receiver from unnest(%(receivers)s::text[]) as r (receiver)
where coalesce((select sum(o.n) from wecom_quota_use o
                where o.account = %(account)s::text and o.receiver = r.receiver
                  and o.day between %(first)s::date and %(last)s::date), 0) < %(most)s::int;

-- name: give_back
-- Never below nothing: a row may have been trimmed or filled meanwhile.
update wecom_quota_use u set n = greatest(0, u.n - g.n)
from unnest(%(receivers)s::text[], %(days)s::date[], %(counts)s::int[]) as g (receiver, day, n)
where u.account = %(account)s::text and u.receiver = g.receiver and u.day = g.day;

-- name: fill
-- The platform counts more than we do.
insert into wecom_quota_use as u (account, receiver, day, n)
select %(account)s::text, r.receiver, %(day)s::date, %(most)s::int from unnest(%(receivers)s::text[]) as r (receiver)
on conflict (account, receiver, day) do update set n = greatest(u.n, excluded.n);

-- name: trim_quota
-- A bounded share per call.
delete from wecom_quota_use u
using (select account, receiver, day from wecom_quota_use
       where account = %(account)s::text and day < %(before)s::date limit 5000) old
where u.account = old.account and u.receiver = old.receiver and u.day = old.day;

-- name: media
-- What WeCom still holds.
select m.digest, m.media_id from wecom_media m
where m.account = %(account)s::text and m.place = %(place)s::text and m.digest = any(%(digests)s::text[])
  and m.at > %(after)s::timestamptz;

-- name: keep_media
-- Two workers may upload the same picture; either id is good.
insert into wecom_media (account, digest, place, media_id, at)
values (%(account)s::text, %(digest)s::text, %(place)s::text, %(media_id)s::text, %(now)s::timestamptz)
on conflict (account, digest, place) do update set media_id = excluded.media_id, at = excluded.at;

-- name: forget_media
-- WeCom said that it does not know one of them.
delete from wecom_media where account = %(account)s::text and digest = any(%(digests)s::text[]);

-- name: trim_media
-- Long past use.
delete from wecom_media where account = %(account)s::text and at < %(before)s::timestamptz;

-- name: recorded
-- Letters that came before: what is known of them.
select r.touch_id, r.state, r.reason, t.msgid
from wecom_task_receiver r join wecom_task t on t.task_id = r.task_id
where r.touch_id = any(%(touches)s::bigint[]);

-- name: greeted
-- The same for those that were tried as a welcome.
select g.touch_id, g.state, g.code, g.at from wecom_greeting g where g.touch_id = any(%(touches)s::bigint[]);

-- name: open_welcomes
-- The newest open welcome of each customer.
select distinct on (w.external_userid) w.external_userid, w.staff, w.code, w.at, w.expires_at
from wecom_welcome w
where w.account = %(account)s::text and w.external_userid = any(%(customers)s::text[])
  and w.used_at is null and w.expires_at > %(now)s::timestamptz
order by w.external_userid, w.expires_at desc;

-- name: use_welcome
-- Compare and set: of two workers one gets it.
update wecom_welcome set used_at = %(now)s::timestamptz
where account = %(account)s::text and external_userid = %(customer)s::text and staff = %(staff)s::text
  and at = %(at)s::timestamptz and used_at is null
returning code;

-- name: begin_greeting
-- Written with the mark on the welcome, before the call.
insert into wecom_greeting (touch_id, account, state, code, at)
values (%(touch_id)s::bigint, %(account)s::text, 'calling', %(code)s::text, %(now)s::timestamptz)
on conflict do nothing;

-- name: end_greeting
-- Its end is known; the code is of no more use.
update wecom_greeting set state = %(state)s::text, code = null, at = %(now)s::timestamptz
where touch_id = %(touch_id)s::bigint;

-- name: trim_greetings
delete from wecom_greeting where account = %(account)s::text and at < %(before)s::timestamptz;

-- name: nicknames
select c.external_userid, c.name from wecom_contact c
where c.account = %(account)s::text and c.external_userid = any(%(customers)s::text[]);

-- name: senders
-- Who may send to each customer: the member of staff who is asked for, else the newest relation. lost: there was one once.
-- A customer of somebody who has left is nobody's until there is an heir.
select distinct on (c.touch_id) c.touch_id, r.userid, r.state, coalesce(s.state = 'left', false) as orphan
from unnest(%(touches)s::bigint[], %(customers)s::text[], %(wishes)s::text[]) as c (touch_id, customer, wish)
join wecom_relation r on r.account = %(account)s::text and r.external_userid = c.customer
left join wecom_staff s on s.account = r.account and s.userid = r.userid
order by c.touch_id, r.state = 'active' desc, coalesce(s.state = 'left', false), r.userid is not distinct from c.wish desc, r.since desc nulls last, r.userid;

-- name: add_tasks
-- Saved before WeCom is asked, so that a crash leaves a trace to follow.
insert into wecom_task (account, kind, key, digest, sender, state, touches, request, created_at, called_at, deadline, due_at)
select %(account)s::text, %(kind)s::text, t.key, t.digest, t.sender, 'making', t.touches, t.request,
       %(now)s::timestamptz, %(now)s::timestamptz, t.deadline, %(due)s::timestamptz
from unnest(%(keys)s::text[], %(digests)s::text[], %(senders)s::text[], %(counts)s::int[], %(requests)s::jsonb[],
            %(deadlines)s::timestamptz[]) as t (key, digest, sender, touches, request, deadline)
on conflict (account, key) do nothing
returning task_id, digest, kind, sender, request, created_at, called_at, deadline;

-- name: add_receivers
-- The touch is unique: a letter that another worker has in hand ends this transaction.
insert into wecom_task_receiver (task_id, receiver, touch_id, person_id, state, day, at)
select r.task_id, r.receiver, r.touch_id, r.person_id, 'asked', %(day)s::date, %(now)s::timestamptz
from unnest(%(tasks)s::bigint[], %(receivers)s::text[], %(touches)s::bigint[], %(persons)s::bigint[])
     as r (task_id, receiver, touch_id, person_id);

-- name: made
-- WeCom has it; what it was asked is not needed any more.
update wecom_task set state = 'made', msgid = %(msgid)s::text, made_at = %(now)s::timestamptz, request = null, tries = 0,
       due_at = %(due)s::timestamptz
where task_id = %(task_id)s::bigint and state in ('making', 'unknown');

-- name: doubt
-- No answer: it may be there or not.
update wecom_task set state = 'unknown', due_at = %(due)s::timestamptz
where task_id = %(task_id)s::bigint and state in ('making', 'unknown');

-- name: undo
-- It was never made, and its letters go back to where they came from.
with gone as (delete from wecom_task where task_id = %(task_id)s::bigint and msgid is null returning task_id)
delete from wecom_task_receiver r using gone where r.task_id = gone.task_id
returning r.receiver, r.day;

-- name: call_again
-- Written before the second call, as before the first.
update wecom_task set called_at = %(now)s::timestamptz, due_at = %(due)s::timestamptz
where task_id = %(task_id)s::bigint and state in ('making', 'unknown')
returning task_id;

-- name: end_task
-- Nothing more is to be learned of it.
update wecom_task set state = %(state)s::text, due_at = null, request = null, detail = %(detail)s::text
where task_id = %(task_id)s::bigint;

-- name: close
-- Only what was open changes, so the same result read twice says nothing new.
update wecom_task_receiver r set state = e.state, reason = e.reason, at = e.at
from unnest(%(receivers)s::text[], %(states)s::text[], %(reasons)s::text[], %(ats)s::timestamptz[])
     as e (receiver, state, reason, at)
where r.task_id = %(task_id)s::bigint and r.receiver = e.receiver and r.state = 'asked'
returning r.receiver, r.touch_id, r.person_id, r.state, r.reason, r.day, r.at;

-- name: asked
-- Those whose end is open.
select r.receiver, r.touch_id, r.person_id from wecom_task_receiver r
where r.task_id = %(task_id)s::bigint and r.state = 'asked';

-- name: known
-- Ids that have an owner already.
select t.msgid from wecom_task t
where t.account = %(account)s::text and t.made_at >= %(since)s::timestamptz and t.msgid is not null;

-- name: fitting
-- Other tasks of which nobody knows whether they were made, and that are for exactly these.
select t.task_id from wecom_task t
where t.account = %(account)s::text and t.sender = %(sender)s::text and t.due_at is not null
  and t.state in ('making', 'unknown') and t.task_id <> %(task_id)s::bigint
  and (select array_agg(r.receiver order by r.receiver collate "C") from wecom_task_receiver r
       where r.task_id = t.task_id) = %(receivers)s::text[];

-- name: mark_called_off
update wecom_task_receiver r set called_off = true from wecom_task t
where r.touch_id = any(%(touches)s::bigint[]) and r.state = 'asked' and t.task_id = r.task_id and t.account = %(account)s::text;

-- name: end_called_off
-- A task is one for all its receivers: it ends now if none of those whose end is open is still to be written to.
update wecom_task t set deadline = %(now)s::timestamptz, due_at = %(now)s::timestamptz, tries = 0
where t.task_id in (select r.task_id from wecom_task_receiver r where r.touch_id = any(%(touches)s::bigint[]) and r.called_off)
  and t.due_at is not null
  and not exists (select from wecom_task_receiver o where o.task_id = t.task_id and o.state = 'asked' and not o.called_off);

-- name: claim_tasks
-- Workers share what is due; a worker that dies gives its tasks back after the lease.
update wecom_task t set due_at = %(lease)s::timestamptz, tries = least(t.tries + 1, 1000)
from (select task_id from wecom_task where account = %(account)s::text and due_at <= %(now)s::timestamptz
      order by due_at limit %(most)s::int for update skip locked) due
where t.task_id = due.task_id
returning t.task_id, t.kind, t.sender, t.msgid, t.state, t.request, t.created_at, t.called_at, t.made_at, t.deadline,
          t.tries, t.reminded;

-- name: look_at
-- When to look at it again.
update wecom_task set due_at = %(due)s::timestamptz, tries = case when %(fresh)s::boolean then 0 else tries end
where task_id = %(task_id)s::bigint and due_at is not null;

-- name: reminding
-- Counted before the call, so that the platform's limit holds even if this worker dies.
update wecom_task set reminded = reminded + 1 where task_id = %(task_id)s::bigint and reminded = %(before)s::int
returning task_id;

-- name: cancelled
-- WeCom will send no more of it; one last look follows, for what was on its way.
update wecom_task set state = 'cancelled', due_at = %(due)s::timestamptz, tries = 0
where task_id = %(task_id)s::bigint and state = 'made';

-- name: by_msgid
select t.task_id, t.msgid, t.state from wecom_task t where t.account = %(account)s::text and t.msgid = %(msgid)s::text;

-- name: by_key
-- A post to groups by its maker's own name.
select t.task_id, t.msgid, t.state, t.detail, count(r.*) filter (where r.state = 'asked') as asked,
       count(r.*) filter (where r.state = 'sent') as sent
from wecom_task t left join wecom_task_receiver r on r.task_id = t.task_id
where t.account = %(account)s::text and t.key = %(key)s::text
group by t.task_id;

-- name: tasks
-- For operators: the newest first.
select t.task_id, t.kind, t.msgid, t.sender, t.state, t.created_at, t.deadline, t.reminded, t.detail,
       count(r.*) as total,
       count(r.*) filter (where r.state = 'asked') as asked,
       count(r.*) filter (where r.state = 'sent') as sent,
       count(r.*) filter (where r.reason = 'not_sent') as not_sent,
       count(r.*) filter (where r.reason = 'blocked') as blocked,
       count(r.*) filter (where r.reason = 'quota') as quota
from (select * from wecom_task where account = %(account)s::text order by task_id desc limit %(most)s::int) t
left join wecom_task_receiver r on r.task_id = t.task_id
group by t.task_id, t.kind, t.msgid, t.sender, t.state, t.created_at, t.deadline, t.reminded, t.detail
order by t.task_id desc;

-- name: owned
-- The groups that a member of staff owns and may write to.
select g.chat_id from wecom_group g
where g.account = %(account)s::text and g.owner = %(owner)s::text and g.state in ('normal', 'inherited');

-- name: audience
-- Whom a post would reach, and how many posts were made since.
select coalesce(array_agg(distinct r.userid), '{}') as staff, count(distinct r.external_userid) as customers,
       (select count(*) from wecom_moment m where m.account = %(account)s::text and m.state <> 'failed'
          and m.created_at >= %(since)s::timestamptz) as posts
from wecom_relation r
where r.account = %(account)s::text and r.state = 'active'
  and (cardinality(%(staff)s::text[]) = 0 or r.userid = any(%(staff)s::text[]))
  and (cardinality(%(tags)s::text[]) = 0 or r.tags && %(tags)s::text[]);

-- name: moments_made
-- The posts to Moments that were made in a while.
select count(*)::int as n from wecom_moment
where account = %(account)s::text and state <> 'failed' and created_at >= %(begin)s::timestamptz and created_at < %(end)s::timestamptz;

-- name: add_moment
-- Saved before WeCom is asked; a key that is there already brings no row.
insert into wecom_moment (account, key, request, state, created_at, called_at, due_at)
values (%(account)s::text, %(key)s::text, %(request)s::jsonb, 'making', %(now)s::timestamptz, %(now)s::timestamptz,
        %(due)s::timestamptz)
on conflict (account, key) do nothing
returning post_id, request;

-- name: moment
select m.post_id, m.moment_id, m.state, m.detail, count(s.*) as asked, count(s.published_at) as published
from wecom_moment m left join wecom_moment_staff s on s.post_id = m.post_id
where m.account = %(account)s::text and m.key = %(key)s::text
group by m.post_id, m.moment_id, m.state, m.detail;

-- name: undo_moment
-- It was never made.
delete from wecom_moment where post_id = %(post_id)s::bigint and state = 'making';

-- name: moment_doubt
-- No answer: it may be there or not.
update wecom_moment set state = 'unknown', due_at = %(due)s::timestamptz where post_id = %(post_id)s::bigint;

-- name: moment_job
update wecom_moment set state = 'job', jobid = %(jobid)s::text, tries = 0, due_at = %(due)s::timestamptz
where post_id = %(post_id)s::bigint and state in ('making', 'unknown');

-- name: moment_made
update wecom_moment set state = 'made', moment_id = %(moment_id)s::text, tries = 0, due_at = %(due)s::timestamptz
where post_id = %(post_id)s::bigint and state in ('making', 'unknown', 'job');

-- name: moment_again
-- Written before the second call, as before the first.
update wecom_moment set called_at = %(now)s::timestamptz, due_at = %(due)s::timestamptz
where post_id = %(post_id)s::bigint and state in ('making', 'unknown')
returning post_id;

-- name: moment_look
-- When to look at it again.
update wecom_moment set due_at = %(due)s::timestamptz, tries = case when %(fresh)s::boolean then 0 else tries end
where post_id = %(post_id)s::bigint and due_at is not null;

-- name: end_moment
update wecom_moment set state = %(state)s::text, due_at = null, detail = %(detail)s::text
where post_id = %(post_id)s::bigint;

-- name: known_moments
-- Ids that have an owner already.
select m.moment_id from wecom_moment m where m.account = %(account)s::text and m.moment_id is not null;

-- name: claim_moments
-- As with tasks.
update wecom_moment m set due_at = %(lease)s::timestamptz, tries = least(m.tries + 1, 1000)
from (select post_id from wecom_moment where account = %(account)s::text and due_at <= %(now)s::timestamptz
      order by due_at limit %(most)s::int for update skip locked) due
where m.post_id = due.post_id
returning m.post_id, m.state, m.request, m.jobid, m.moment_id, m.created_at, m.called_at, m.tries;

-- name: keep_moment_staff
-- The first time that it was seen published stays.
insert into wecom_moment_staff as s (post_id, staff, published_at)
select %(post_id)s::bigint, r.staff, case when r.published then %(now)s::timestamptz end
from unnest(%(staff)s::text[], %(published)s::boolean[]) as r (staff, published)
on conflict (post_id, staff) do update set published_at = coalesce(s.published_at, excluded.published_at);

-- name: moment_staff
select s.staff, s.published_at from wecom_moment_staff s where s.post_id = %(post_id)s::bigint;

-- name: begin_notice
insert into wecom_notice (account, key, state, at)
values (%(account)s::text, %(key)s::text, 'calling', %(now)s::timestamptz) on conflict do nothing;

-- name: notice
select n.state, n.msgid from wecom_notice n where n.account = %(account)s::text and n.key = %(key)s::text;

-- name: end_notice
update wecom_notice set state = 'sent', msgid = %(msgid)s::text, at = %(now)s::timestamptz
where account = %(account)s::text and key = %(key)s::text;

-- name: trim_notices
delete from wecom_notice where account = %(account)s::text and at < %(before)s::timestamptz;

-- name: due
-- Is there anything to tend or to tell? Each is one step into a small index.
select exists (select from wecom_task where account = %(account)s::text and due_at <= %(now)s::timestamptz)
    or exists (select from wecom_moment where account = %(account)s::text and due_at <= %(now)s::timestamptz)
    or exists (select from wecom_errand where account = %(account)s::text and state in ('waiting', 'claimed')
               and due_at <= %(now)s::timestamptz)
    or exists (select from wecom_sync where account = %(account)s::text and ended_at is null
               and coalesce(lease_until, '-infinity') <= %(now)s::timestamptz
               and coalesce(retry_at, '-infinity') <= %(now)s::timestamptz)
    or exists (select from channel_news where channel = %(channel)s::text) as due;

-- name: erase_wecom_task_receiver
delete from wecom_task_receiver t where t.touch_id = any(%(touches)s::bigint[]);

-- name: erase_wecom_greeting
delete from wecom_greeting t where t.touch_id = any(%(touches)s::bigint[]);

-- name: erase_wecom_quota_use
delete from wecom_quota_use t where t.account = any(%(accounts)s::text[]) and t.receiver = any(%(names)s::text[]);
