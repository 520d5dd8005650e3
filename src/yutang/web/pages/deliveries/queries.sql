-- name: walk
-- What was decided to be sent, the newest first, as far as one look may go; the index holds it in the order of transactions.
-- The last row tells where the look ended: `shown` is false of what a filter leaves out.
with walked as (
    select t.bucket, t.person_id, t.touch_id, t.xid, t.journey_id, t.version, t.message_id, t.message_version, t.judged_at
    from touch t
    where t.verdict = 'send' and t.xid <= %(xid)s::text::xid8
      and (t.xid, t.touch_id) < (%(xid)s::text::xid8, %(touch)s::bigint)
    order by t.xid desc, t.touch_id desc limit %(walk)s::int),
seen as (
    select w.*, a.channel, a.state, a.reason, a.tries, a.at, a.retry_at,
           (%(channel)s::text is null or a.channel = %(channel)s::text) and (%(state)s::text is null or a.state = %(state)s::text)
           and (%(reason)s::text is null or a.reason = %(reason)s::text)
           and (%(journeys)s::int[] is null or w.journey_id = any(%(journeys)s::int[]))
           and (%(since)s::timestamptz is null or w.judged_at >= %(since)s::timestamptz) as shown
    from walked w
    join attempt a on a.bucket = w.bucket and a.person_id = w.person_id and a.touch_id = w.touch_id)
(select s.person_id, s.touch_id, s.xid::text as xid, s.journey_id, s.version, s.message_id, s.message_version, s.channel, s.state,
        s.reason, s.tries, s.at, s.retry_at, s.judged_at, true as shown
 from seen s where s.shown order by s.xid desc, s.touch_id desc limit %(limit)s::int)
union all
(select w.person_id, w.touch_id, w.xid::text, 0, 0, 0, 0, '', '', null, 0, w.judged_at, null, w.judged_at, false
 from walked w order by w.xid, w.touch_id limit 1);

-- name: failed
-- Failed ones, the newest touch first, from their own small index; the last row tells where the look ended, as above.
with walked as materialized (
    select a.* from attempt a
    where a.state = 'failed' and a.touch_id < %(touch)s::bigint
      and (%(channel)s::text is null or a.channel = %(channel)s::text) and (%(reason)s::text is null or a.reason = %(reason)s::text)
    order by a.touch_id desc limit %(walk)s::int)
(select w.person_id, w.touch_id, '0' as xid, t.journey_id, t.version, t.message_id, t.message_version, w.channel, w.state, w.reason,
        w.tries, w.at, w.retry_at, t.judged_at, true as shown
 from walked w
 cross join lateral (select t.* from touch t where t.bucket = w.bucket and t.person_id = w.person_id and t.touch_id = w.touch_id
                     offset 0) t
 where (%(journeys)s::int[] is null or t.journey_id = any(%(journeys)s::int[]))
   and (%(since)s::timestamptz is null or t.judged_at >= %(since)s::timestamptz)
   and (%(until)s::timestamptz is null or t.judged_at < %(until)s::timestamptz)
 order by w.touch_id desc limit %(limit)s::int)
union all
(select w.person_id, w.touch_id, '0', 0, 0, 0, 0, '', '', null, 0, w.at, null, w.at, false
 from walked w order by w.touch_id limit 1);

-- name: ends
-- The first and the last transaction that decided to send something.
select (select t.xid::text from touch t where t.verdict = 'send' order by t.xid limit 1) as first,
       (select t.xid::text from touch t where t.verdict = 'send' order by t.xid desc limit 1) as last;

-- name: judged_from
-- When the first of those from this transaction on was decided.
select t.judged_at from touch t where t.verdict = 'send' and t.xid >= %(xid)s::text::xid8 order by t.xid limit 1;

-- name: reasons
-- Failures since then, by channel and reason.
select a.channel, a.reason, count(*) as n, max(a.at) as latest
from attempt a where a.state = 'failed' and a.at >= %(since)s::timestamptz
group by a.channel, a.reason order by n desc, a.channel, a.reason;

-- name: held
-- What waits now before it may be sent, by the reason.
select d.reason, count(*) as n, min(d.retry_at) as next from (
    select t.reason, t.retry_at from touch t where t.verdict = 'hold' limit 100000) d
group by d.reason order by n desc, d.reason;

-- name: one
select a.person_id, a.touch_id, a.channel, a.state, a.reason, a.detail, a.provider_id, a.tries, a.at, a.retry_at, t.journey_id,
       t.version, t.message_id, t.message_version, t.class as kind, t.price, t.value_fen, t.judged_at, t.at as proposed_at, t.deadline,
       t.coupon, not exists (select from coupon k where k.code = t.coupon) as taken_back, d.trail
from attempt a
join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
join decision d on d.bucket = a.bucket and d.person_id = a.person_id and d.touch_id = a.touch_id
where a.bucket = (%(person)s::bigint & 1023)::smallint and a.person_id = %(person)s::bigint and a.touch_id = %(touch)s::bigint;

-- name: answers
-- What was heard of it, in order.
select e.event_id, e.type, e.at, e.props from person_event e
where e.bucket = (%(person)s::bigint & 1023)::smallint and e.person_id = %(person)s::bigint and e.type like 'message\_%%'
  and e.props ->> 'touch_id' = %(touch)s::bigint::text
order by e.at, e.event_id limit 50;
