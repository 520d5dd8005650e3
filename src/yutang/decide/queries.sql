-- name: waiting
-- Is any held touch due? Asked without a lock, so an idle loop writes nothing.
select exists (select from decision d where d.verdict = 'hold' and d.retry_at <= %(now)s::timestamptz and @only(d)) as found;

-- name: scratch
-- The verdicts of one run stay in the database: stock has its word on them there, and they are written down from there.
create temp table if not exists judged (person_id bigint not null, touch_id bigint not null, offer_id int, rung smallint not null,
    verdict text not null, reason text, retry_at timestamptz, lost_to bigint, sent int not null, service boolean not null) on commit delete rows;

-- name: clear
-- A transaction may hold several runs.
delete from judged;

-- name: judge
-- Every touch that is new or due again, with its verdict. The gates stand in order: eligibility, consent, quiet hours,
-- budget, holdout; the first that says no is the reason. A service passes by the last three. Stock comes last of all, in `offer.issue_batch`.
with asked as materialized (
    select t.* from touch t
    where t.xid >= %(low)s::xid8 and t.xid < %(high)s::xid8 and @only(t)
      and not exists (select from decision d where d.bucket = t.bucket and d.person_id = t.person_id and d.touch_id = t.touch_id)
    union all
    select t.* from (
        select d.bucket, d.person_id, d.touch_id from decision d
        where d.verdict = 'hold' and d.retry_at <= %(now)s::timestamptz and @only(d)
        order by d.retry_at limit %(limit)s::int) due
    join touch t on t.bucket = due.bucket and t.person_id = due.person_id and t.touch_id = due.touch_id),
known as materialized (
    select a.bucket, a.person_id, a.touch_id, a.journey_id, a.channel, a.offer_id, coalesce(a.rung, 0) as rung, a.value_fen, a.service,
           a.arm, a.deadline, p.merged_into, e.reason as ended, z.zone, local.at as local, w.sent, w.frees_at, c.given,
           a.journey_id = any(%(journeys)s::int[]) as in_service,
           reach.code is null or exists (
               select from handle h where h.person_id = a.person_id and get_byte(uuid_send(h.key), 0) = reach.code) as reachable,
           reach.required
    from asked a
    join person p on p.bucket = a.bucket and p.person_id = a.person_id
    left join enrolment e on e.bucket = a.bucket and e.person_id = a.person_id and e.journey_id = a.journey_id and e.cause = a.cause
    left join trait tz on tz.bucket = a.bucket and tz.person_id = a.person_id and tz.name = 'time_zone'
    cross join lateral (select coalesce(tz.value #>> '{}', %(zone)s::text) as zone) z
    cross join lateral (select %(now)s::timestamptz at time zone z.zone as at) local
    left join unnest(%(channels)s::text[], %(codes)s::int[], %(required)s::bool[]) as reach (channel, code, required)
        on reach.channel = a.channel
    left join lateral (
        select s.given from consent s
        where s.bucket = a.bucket and s.person_id = a.person_id and s.channel in (a.channel, '*')
        order by s.at desc, s.given limit 1) c on true
    cross join lateral (
        select count(*) as sent, min(recent.at) + %(window)s::interval as frees_at
        from (select d.at from decision d
              where d.bucket = a.bucket and d.person_id = a.person_id and d.verdict = 'send' and not d.service
                and d.at > %(now)s::timestamptz - %(window)s::interval
              order by d.at desc limit %(touches)s::int) recent) w),
gated as (
    select k.*,
        case
            when k.merged_into is not null then 'merged'
            when not k.in_service then 'retired'
            when %(now)s::timestamptz >= k.deadline then 'too_late'
            when k.ended is not null then k.ended
            when not k.reachable then 'no_address'
            when not coalesce(k.given, not coalesce(k.required, true)) then 'no_consent'
            when k.service then null
            when k.arm = 'holdout' and k.sent < %(touches)s::int and not q.quiet then 'holdout'
            when q.quiet then 'quiet_hours'
            when k.sent >= %(touches)s::int then 'capped'
        end as reason,
        case when q.quiet then
            (k.local::date + %(quiet_to)s::time + case when k.local::time >= %(quiet_to)s::time then interval '1 day' else interval '0' end)
                at time zone k.zone end as quiet_ends
    from known k
    cross join lateral (select case when %(quiet_from)s::time <= %(quiet_to)s::time
        then k.local::time >= %(quiet_from)s::time and k.local::time < %(quiet_to)s::time
        else k.local::time >= %(quiet_from)s::time or k.local::time < %(quiet_to)s::time end as quiet) q),
ranked as (
    select g.*, row_number() over slot as place, first_value(g.touch_id) over slot as best
    from gated g
    window slot as (partition by g.person_id, g.service, g.reason is null order by g.value_fen desc, g.touch_id))
insert into judged (person_id, touch_id, offer_id, rung, verdict, reason, retry_at, lost_to, sent, service)
select person_id, touch_id, offer_id, rung,
    case when r.reason in ('quiet_hours', 'capped') or outbid.yes then 'hold' when r.reason is null then 'send' else 'no' end as verdict,
    case when outbid.yes then 'outbid' else r.reason end as reason,
    least(r.deadline, case when r.reason = 'quiet_hours' then r.quiet_ends when r.reason = 'capped' then r.frees_at
        when outbid.yes then coalesce(r.frees_at, %(now)s::timestamptz + %(window)s::interval) end) as retry_at,
    case when outbid.yes then r.best end as lost_to, sent, service
from ranked r cross join lateral (select r.reason is null and not r.service and r.place > %(touches)s::int - r.sent as yes) outbid;

-- name: want
-- The coupons of what is to be sent, for `offer.issue_batch`; where stock is short, a service comes first.
insert into coupon_wanted (n, person_id, definition_id, rung, touch_id)
select row_number() over (order by j.service desc), j.person_id, j.offer_id, j.rung, j.touch_id
from judged j where j.verdict = 'send' and j.offer_id is not null;

-- name: record
-- One row per touch, after stock has spoken; a repeat adds to the trail, so that `why` can tell what held a touch before it went out.
with spoken as (
    select j.person_id, j.touch_id, case when s.reason is null then j.verdict else 'no' end as verdict,
           coalesce(s.reason, j.reason) as reason, j.retry_at, s.code as coupon, j.sent, j.lost_to, j.service
    from judged j left join coupon_said s on s.touch_id = j.touch_id
), written as (
    insert into decision as d (bucket, person_id, touch_id, verdict, reason, at, retry_at, coupon, service, trail)
    select (v.person_id & 1023)::smallint, v.person_id, v.touch_id, v.verdict, v.reason, %(now)s::timestamptz,
           case when v.verdict = 'hold' then v.retry_at end, v.coupon, v.service,
           jsonb_build_array(case
               -- Most go out with a coupon, and have nothing to strip: half the time.
               when v.coupon is not null then
                   jsonb_build_object('at', %(now)s::timestamptz, 'verdict', v.verdict, 'sent_before', v.sent, 'coupon', v.coupon)
               else jsonb_strip_nulls(jsonb_build_object('at', %(now)s::timestamptz, 'verdict', v.verdict, 'reason', v.reason,
                   'sent_before', v.sent, 'lost_to', v.lost_to)) end)
    from spoken v
    on conflict (bucket, person_id, touch_id) do update set
        verdict = excluded.verdict, reason = excluded.reason, at = excluded.at, retry_at = excluded.retry_at, coupon = excluded.coupon,
        trail = case when d.trail -> -1 ->> 'reason' is not distinct from excluded.reason and d.verdict = excluded.verdict
                     then d.trail else d.trail || excluded.trail end,
        xid = pg_current_xact_id()
    where d.verdict = 'hold'
    returning coalesce(d.reason, d.verdict) as word
)
select w.word, count(*)::int as n from written w group by w.word;
