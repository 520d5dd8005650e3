-- name: take
-- New decisions to send become attempts; read twice, they are there already. One that failed and was judged anew begins again.
insert into attempt (bucket, person_id, touch_id, channel, state, retry_at, at)
select t.bucket, t.person_id, t.touch_id, t.channel, 'waiting', %(now)s::timestamptz, %(now)s::timestamptz
from touch_to_send t
where @only(t) and t.xid >= %(low)s::xid8 and t.xid < %(high)s::xid8
on conflict (bucket, person_id, touch_id) do update
    set channel = excluded.channel, state = excluded.state, retry_at = excluded.retry_at, at = excluded.at, reason = null
    where attempt.state = 'failed' and attempt.reason = 'retried';

-- name: due
-- The channels with something to send now. A skip scan: one probe per channel, however much is waiting.
with recursive name as (
    (select a.channel from attempt a where a.state in ('waiting', 'claimed') order by a.channel limit 1)
    union all
    select (select a.channel from attempt a where a.state in ('waiting', 'claimed') and a.channel > name.channel
            order by a.channel limit 1)
    from name where name.channel is not null)
select name.channel from name
where (select a.retry_at from attempt a where a.channel = name.channel and a.state in ('waiting', 'claimed')
       order by a.retry_at limit 1) <= %(now)s::timestamptz;

-- name: claim
-- Waiting letters, and claimed ones whose worker never came back. Skip locked: workers share what is due. late: those alone whose deadline has
-- passed, on a channel that this process has no settings for: another one may have them.
with due as (
    select a.bucket, a.person_id, a.touch_id from attempt a
    where @only(a) and a.channel = %(channel)s::text and a.state in ('waiting', 'claimed') and a.retry_at <= %(now)s::timestamptz
      and (not %(late)s::bool or exists (select from touch t where t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
                                         and t.deadline < %(now)s::timestamptz))
    order by a.retry_at limit %(batch)s::int
    for update skip locked),
claimed as (
    update attempt a
    set state = 'claimed', claimed_by = %(token)s::text, retry_at = %(until)s::timestamptz, tries = a.tries + 1, at = %(now)s::timestamptz,
        reason = null, in_doubt = a.in_doubt or a.state = 'claimed'
    from due where a.bucket = due.bucket and a.person_id = due.person_id and a.touch_id = due.touch_id
    returning a.person_id, a.touch_id, a.tries, a.round)
select array_agg(c.person_id) as persons, array_agg(c.touch_id) as touches, array_agg(c.tries) as tries, array_agg(c.round) as rounds
from claimed c having count(*) > 0;

-- name: facts
-- What all letters need, and `stop`: why the person may no longer be written to, by what is in force now. Where it need not be said that they may,
-- without a word that takes something back, and without a farewell, nothing is closed: only others are asked for their words. Whoever was merged away goes on as another, who has a run of their own. The touch is looked up letter by
-- letter: in a small pond the planner would rather read all of them for each batch.
select c.touch_id, c.person_id, c.tries, t.journey_id, t.version, t.message_id, t.message_version, t.deadline, t.class as kind,
       (select jsonb_object_agg(x.name, x.value) from trait x where x.bucket = c.bucket and x.person_id = c.person_id) as traits,
       k.code, k.definition_id as offer_id, k.version as offer_version, k.pay_percent, k.off_fen, k.minimum_fen, k.value_fen, k.expires_at,
       h.value, h.sealed,
       case when p.erased_at is not null then 'erased' when p.merged_into is not null then 'merged'
            when t.journey_id = any(%(retired)s::int[]) or t.message_id = any(%(retired)s::int[]) then 'retired'
            when (select exists (select from run_undone)) and exists (
                select from run_undone r
                where r.bucket = c.bucket and r.person_id = c.person_id and r.journey_id = t.journey_id and r.cause = t.cause) then 'undone'
            when %(required)s::bool or exists (select from consent w where w.bucket = c.bucket and w.person_id = c.person_id and not w.given)
                 or exists (select from farewell f where f.bucket = c.bucket and f.person_id = c.person_id)
            then (select word.reason from closed(c.bucket, c.person_id, t.channel, t.class, %(required)s::bool) word) end as stop
from (select (n.person_id & 1023)::smallint as bucket, n.*
      from unnest(%(persons)s::bigint[], %(touches)s::bigint[], %(tries)s::smallint[]) as n (person_id, touch_id, tries)) c
cross join lateral (select o.* from touch o where o.bucket = c.bucket and o.person_id = c.person_id and o.touch_id = c.touch_id offset 0) t
left join person p on p.bucket = c.bucket and p.person_id = c.person_id
left join coupon k on k.code = t.coupon and k.bucket = c.bucket
left join lateral (select y.value, y.sealed from handle_shown y
                   where %(handle)s::text is not null and y.person_id = c.person_id and y.kind = %(handle)s::text
                   order by y.at desc, y.key limit 1) h on true
order by c.touch_id;

-- name: reach
-- Only what has changed is written, so nobody waits for it.
insert into channel_reach as r (channel, head)
select c.channel, c.head from unnest(%(channels)s::text[], %(heads)s::bytea[]) as c (channel, head)
where not exists (select from channel_reach k where k.channel = c.channel and k.head = c.head)
on conflict (channel) do update set head = excluded.head;

-- name: runs
-- What the event that began the run said; for letters whose message speaks of it.
select c.touch_id, run.about
from unnest(%(persons)s::bigint[], %(touches)s::bigint[]) as c (person_id, touch_id)
join touch t on t.bucket = (c.person_id & 1023)::smallint and t.person_id = c.person_id and t.touch_id = c.touch_id
join enrolment run on run.bucket = t.bucket and run.person_id = t.person_id and run.journey_id = t.journey_id and run.cause = t.cause
where run.about <> '{}';

-- name: record
-- Only the worker that holds the claim may say what happened, but "sent" is true whoever says it, however late.
-- Letters of a batch end in few ways: each names its own by number, from 1. unused: 1 when the claim ended without a try.
-- off: those that somebody was asked to send although `stopped` or `withdrawn` noted meanwhile that they should not be.
with ended as (
    update attempt a
    set state = e.state, tries = a.tries - e.unused, retry_at = e.retry_at, at = %(now)s::timestamptz, claimed_by = null,
        reason = case e.state when 'assigned' then a.reason else e.reason end, detail = e.detail, provider_id = e.provider_id
    from unnest(%(persons)s::bigint[], %(touches)s::bigint[], %(ends)s::int[]) as r (person_id, touch_id, n)
    join unnest(%(states)s::text[], %(retries)s::timestamptz[], %(reasons)s::text[], %(details)s::text[], %(providers)s::text[],
                %(unused)s::smallint[]) with ordinality as e (state, retry_at, reason, detail, provider_id, unused, n) on e.n = r.n
    where a.bucket = (r.person_id & 1023)::smallint and a.person_id = r.person_id and a.touch_id = r.touch_id
      and a.state <> 'sent' and (a.claimed_by = %(token)s::text or e.state = 'sent')
    returning a.touch_id, a.state, a.reason)
select array_agg(ended.touch_id) as touches,
       array_agg(ended.touch_id) filter (where ended.state = 'assigned' and ended.reason is not null) as off
from ended;

-- name: said
-- Which journey speaks in a touch, and by which message. Their names are not joined: a connection knows them already.
select t.touch_id, t.journey_id, t.version, t.message_id, t.message_version
from unnest(%(persons)s::bigint[], %(touches)s::bigint[]) as n (person_id, touch_id)
join touch t on t.bucket = (n.person_id & 1023)::smallint and t.person_id = n.person_id and t.touch_id = n.touch_id;

-- name: stopped
-- What is on its way to people who have said not to write, or who have gone: what waits ends, and of what somebody was asked to send
-- it is noted why it should not be. So it is of what a worker has in hand: whichever of the two comes second sees what the first has written.
update attempt a
set state = case a.state when 'waiting' then 'failed' else a.state end, reason = s.reason, at = %(now)s::timestamptz,
    retry_at = case when a.state <> 'waiting' then a.retry_at end
from (select o.bucket, o.person_id, o.touch_id, word.reason
      from (select distinct f.bucket, f.person_id from farewell f
            where f.xid >= %(low)s::xid8 and f.xid < %(high)s::xid8 and @only(f)) gone
      join attempt o on o.bucket = gone.bucket and o.person_id = gone.person_id
      join touch t on t.bucket = o.bucket and t.person_id = o.person_id and t.touch_id = o.touch_id
      cross join lateral closed(o.bucket, o.person_id, o.channel, t.class, false) word
      where (o.state = 'waiting' or (o.state in ('claimed', 'assigned') and o.reason is null)) and word.reason is not null) s
where a.bucket = s.bucket and a.person_id = s.person_id and a.touch_id = s.touch_id and a.state in ('waiting', 'claimed', 'assigned')
returning a.person_id, a.touch_id, a.channel, a.state, a.reason, a.tries, a.round;

-- name: begun_in_vain
-- The same for what was decided for runs whose event was taken back since.
update attempt a
set state = case a.state when 'waiting' then 'failed' else a.state end, reason = 'undone', at = %(now)s::timestamptz,
    retry_at = case when a.state <> 'waiting' then a.retry_at end
from run_undone r
join touch t on t.bucket = r.bucket and t.person_id = r.person_id and t.journey_id = r.journey_id and t.cause = r.cause and t.verdict = 'send'
where r.xid >= %(low)s::xid8 and r.xid < %(high)s::xid8 and @only(r)
  and a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
  and (a.state = 'waiting' or (a.state in ('claimed', 'assigned') and a.reason is null))
returning a.person_id, a.touch_id, a.channel, a.state, a.reason, a.tries, a.round;

-- name: withdrawn
-- What somebody was asked to send for a journey or a message that is out of service, and what a worker has in hand: as in `stopped`.
-- Each of the two states has an index of its own.
update attempt a set reason = 'retired', at = %(now)s::timestamptz
from (select o.bucket, o.person_id, o.touch_id from attempt o where o.state = 'assigned' and o.reason is null
      union all
      select o.bucket, o.person_id, o.touch_id from attempt o where o.state = 'claimed' and o.reason is null) o
join touch t on t.bucket = o.bucket and t.person_id = o.person_id and t.touch_id = o.touch_id
where a.bucket = o.bucket and a.person_id = o.person_id and a.touch_id = o.touch_id and a.state in ('claimed', 'assigned')
  and (t.journey_id = any(%(retired)s::int[]) or t.message_id = any(%(retired)s::int[]))
returning a.person_id, a.touch_id, a.channel, a.state;

-- name: callbacks
-- What platforms sent, as it came; in the order in which it came, source by source.
select c.event_id, c.source, c.at, c.received_at, c.props ->> 'text' as text, c.props ->> 'sealed' as sealed from callback c
where c.xid >= %(low)s::xid8 and c.xid < %(high)s::xid8
order by c.source, c.event_id;

-- name: tagged
-- Each address and tag of the people of whom there is news, or whose tag runs out: whether they carry it by now. All words on
-- tags are weighed again: events come in any order, and with a new contact every tag is news. Sealed addresses are none
-- that a platform has given out. tags: only these, or all.
with ended as (
    delete from tag_end where at <= %(now)s::timestamptz and %(tags)s::text[] is null returning bucket, person_id),
heard as materialized (
    select t.bucket, t.person_id from tagging t where t.xid >= %(low)s::xid8 and t.xid < %(high)s::xid8
    union
    select n.bucket, n.person_id from ended n)
select h.bucket, h.person_id, y.kind, y.value as address, w.tag, w.ends_at,
       w.type = 'tagged' and (w.ends_at is null or w.ends_at > %(now)s::timestamptz) as wanted
from heard h
cross join lateral (
    select distinct on (e.props ->> 'tag') e.props ->> 'tag' as tag, e.type, (e.props ->> 'expires_at')::timestamptz as ends_at
    from person_event e
    where e.bucket = h.bucket and e.person_id = h.person_id and e.type in ('tagged', 'untagged')
      and (%(tags)s::text[] is null or e.props ->> 'tag' = any(%(tags)s::text[]))
    order by e.props ->> 'tag', e.at desc, e.event_id desc) w
cross join lateral (
    select distinct s.kind, s.value from handle_shown s
    where s.person_id = h.person_id and s.kind = any(%(kinds)s::text[]) and s.sealed is null) y
where w.tag is not null;

-- name: keep_ends
insert into tag_end (bucket, person_id, tag, at)
select n.* from unnest(%(buckets)s::smallint[], %(persons)s::bigint[], %(tags)s::text[], %(ats)s::timestamptz[])
     as n (bucket, person_id, tag, at)
order by n.bucket, n.person_id, n.tag
on conflict (bucket, person_id, tag) do update set at = excluded.at;

-- name: entered
select e.event_id from event e where e.source = %(source)s::text and e.source_id = any(%(keys)s::text[]);

-- name: settle
-- What somebody was asked to send has been sent, or will not be; why it was called off says more than that it was not sent.
update attempt a set state = r.state, reason = case r.state when 'failed' then coalesce(a.reason, r.reason) end, at = %(now)s::timestamptz
from unnest(%(persons)s::bigint[], %(touches)s::bigint[], %(states)s::text[], %(reasons)s::text[]) as r (person_id, touch_id, state, reason)
where a.bucket = (r.person_id & 1023)::smallint and a.person_id = r.person_id and a.touch_id = r.touch_id and a.state = 'assigned';

-- name: again
-- Failed ones wait once more, with all their tries, as long as what they say is not too late and the person is there. Those that take points
-- or carry a coupon stay failed until they are judged anew.
with back as (
    select a.bucket, a.person_id, a.touch_id, t.price > 0 or t.coupon is not null as anew from attempt a
    join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
    join person p on p.bucket = a.bucket and p.person_id = a.person_id
    where a.state = 'failed' and a.reason = any(%(reasons)s::text[]) and t.verdict = 'send' and t.deadline > %(now)s::timestamptz and p.merged_into is null
      and (%(channel)s::text is null or a.channel = %(channel)s::text)
      and (%(since)s::timestamptz is null or a.at >= %(since)s::timestamptz)
      and (%(person)s::bigint is null or (a.bucket = (%(person)s::bigint & 1023)::smallint and a.person_id = %(person)s::bigint
                                          and a.touch_id = %(touch)s::bigint))
    order by a.touch_id limit %(limit)s::int
    for update of a skip locked)
update attempt a
set state = case when back.anew then 'failed' else 'waiting' end, reason = case when back.anew then 'retried' end,
    retry_at = case when not back.anew then %(now)s::timestamptz end, tries = 0, round = a.round + 1, at = %(now)s::timestamptz,
    detail = null, provider_id = null, claimed_by = null
from back where a.bucket = back.bucket and a.person_id = back.person_id and a.touch_id = back.touch_id
returning a.person_id, a.touch_id, back.anew;

-- name: untold
-- Open coupons of letters that have failed. heard: the messages, with their versions, that reached the person since then.
select t.coupon as code, (
    select jsonb_agg(distinct jsonb_build_array(w.message_id, w.message_version)) from touch w
    join attempt s on s.bucket = w.bucket and s.person_id = w.person_id and s.touch_id = w.touch_id
    where w.bucket = t.bucket and w.person_id = t.person_id and s.state = 'sent' and s.at > %(since)s::timestamptz) as heard
from unnest(%(persons)s::bigint[], %(touches)s::bigint[]) as n (person_id, touch_id)
join attempt a on a.bucket = (n.person_id & 1023)::smallint and a.person_id = n.person_id and a.touch_id = n.touch_id and a.state = 'failed'
join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
where t.coupon is not null;

-- name: erase_attempt
-- What was on its way ends; that something was sent, by which channel and when, stays for the sums.
update attempt t
set state = case when t.state in ('sent', 'failed') then t.state else 'failed' end,
    reason = case when t.state in ('sent', 'failed') then t.reason else 'erased' end,
    claimed_by = null, retry_at = null, detail = null, provider_id = null
where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and (t.state not in ('sent', 'failed') or t.detail is not null or t.provider_id is not null or t.claimed_by is not null);

-- name: erase_tag_end
delete from tag_end t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: products
-- What some people are likely to buy next, of what can be had now; for messages that speak of it.
select c.person_id, p.id, p.title, p.price_fen, p.url, p.picture, p.category
from unnest(%(buckets)s::smallint[], %(persons)s::bigint[]) as c (bucket, person_id)
cross join lateral products_told(c.bucket, c.person_id, %(never)s::text[], %(categories)s::text[], %(since)s::date, %(most)s::int) p
order by c.person_id, p.place;

-- name: predictions
select c.person_id, p.name, p.value
from unnest(%(buckets)s::smallint[], %(persons)s::bigint[]) as c (bucket, person_id)
join prediction p on p.bucket = c.bucket and p.person_id = c.person_id and p.name = any(%(names)s::text[]);
