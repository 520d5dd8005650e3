-- name: waiting
-- Is any held touch due? Asked without a lock, so an idle loop writes nothing.
select exists (select from touch t where t.verdict = 'hold' and t.retry_at <= %(now)s::timestamptz and @only(t)) as found;

-- name: scratch
-- The verdicts of one run stay in the database: stock has its word on them there, and they are written down from there.
create temp table if not exists judged (bucket smallint not null, person_id bigint not null, journey_id int not null, cause text not null,
    step smallint not null, move int not null, touch_id bigint not null, version int not null, arm text not null, channel text not null,
    message_id int not null, message_version int not null, offer_id int, rung smallint, service boolean not null, value_fen bigint not null,
    at timestamptz not null, deadline timestamptz not null, again boolean not null, verdict text not null, reason text,
    retry_at timestamptz, lost_to bigint, sent int not null) on commit delete rows;

-- name: clear
-- A transaction may hold several runs.
delete from judged;

-- name: judge
-- Every proposal that is new and every touch that is due again, with its verdict. The gates stand in order: eligibility, consent,
-- quiet hours, budget, holdout; the first that says no is the reason. A service passes by the last three. Stock comes last of all,
-- in `offer.issue_batch`. One look at the person's touches tells whether a proposal was judged before and how many were sent.
-- A run was not over, and a person not merged away, when the proposal was made: both are looked up only for those to whom it has
-- happened since.
with asked as materialized (
    (select distinct on (p.bucket, p.person_id, p.journey_id, p.cause, p.step, p.move)
            p.bucket, p.person_id, p.journey_id, p.cause, p.step, p.move, p.touch_id, p.version, p.arm, p.channel, p.message_id,
            p.message_version, p.offer_id, p.rung, p.service, p.value_fen, p.at, p.deadline, false as again
     from proposed p
     where p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8 and @only(p)
     order by p.bucket, p.person_id, p.journey_id, p.cause, p.step, p.move, p.touch_id)
    union all
    (select t.bucket, t.person_id, t.journey_id, t.cause, t.step, t.move, t.touch_id, t.version, t.arm, t.channel, t.message_id,
            t.message_version, t.offer_id, t.rung, t.service, t.value_fen, t.at, t.deadline, true
     from touch t
     where t.verdict = 'hold' and t.retry_at <= %(now)s::timestamptz and @only(t)
     order by t.retry_at limit %(limit)s::int)),
known as materialized (
    select a.*, z.zone, local.at as local, w.sent, w.frees_at, consent.given,
           a.journey_id = any(%(journeys)s::int[]) as in_service,
           case when a.again or a.person_id in (
                    select p.person_id from person p where p.changed >= %(low)s::xid8 and p.merged_into is not null)
                then (select p.merged_into from person p where p.bucket = a.bucket and p.person_id = a.person_id) end as merged_into,
           case when a.again or a.person_id in (
                    select e.person_id from enrolment e where e.xid >= %(low)s::xid8 and e.reason is not null)
                then (select e.reason from enrolment e
                      where e.bucket = a.bucket and e.person_id = a.person_id and e.journey_id = a.journey_id and e.cause = a.cause) end as ended,
           reach.code is null or exists (
               select from handle h where h.person_id = a.person_id and get_byte(uuid_send(h.key), 0) = reach.code) as reachable,
           reach.required
    from asked a
    left join trait tz on tz.bucket = a.bucket and tz.person_id = a.person_id and tz.name = 'time_zone'
    cross join lateral (select coalesce(tz.value #>> '{}', %(zone)s::text) as zone) z
    cross join lateral (select %(now)s::timestamptz at time zone z.zone as at) local
    cross join lateral (select array_position(%(channels)s::text[], a.channel) as n) channel
    cross join lateral (select (%(codes)s::int[])[channel.n] as code, (%(required)s::bool[])[channel.n] as required) reach
    left join consent own on own.bucket = a.bucket and own.person_id = a.person_id and own.channel = a.channel
    left join consent every on every.bucket = a.bucket and every.person_id = a.person_id and every.channel = '*'
    cross join lateral (select case when own.at > every.at then own.given when own.at < every.at then every.given
        else coalesce(own.given and every.given, own.given, every.given) end as given) consent
    cross join lateral (
        select count(*) filter (where counted.yes) as sent, min(t.judged_at) filter (where counted.yes) + %(window)s::interval as frees_at,
               bool_or(t.journey_id = a.journey_id and t.cause = a.cause and t.step = a.step and t.move = a.move) as judged
        from touch t cross join lateral (
            select t.verdict = 'send' and not t.service and t.judged_at > %(now)s::timestamptz - %(window)s::interval as yes) counted
        where t.bucket = a.bucket and t.person_id = a.person_id) w
    where a.again or w.judged is not true),
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
        end as no,
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
    window slot as (partition by g.bucket, g.person_id, g.service, g.no is null order by g.value_fen desc, g.touch_id))
insert into judged (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, message_id, message_version, offer_id,
                    rung, service, value_fen, at, deadline, again, verdict, reason, retry_at, lost_to, sent)
select r.bucket, r.person_id, r.journey_id, r.cause, r.step, r.move, r.touch_id, r.version, r.arm, r.channel, r.message_id, r.message_version,
    r.offer_id, r.rung, r.service, r.value_fen, r.at, r.deadline, r.again,
    case when r.no in ('quiet_hours', 'capped') or outbid.yes then 'hold' when r.no is null then 'send' else 'no' end as verdict,
    case when outbid.yes then 'outbid' else r.no end as reason,
    least(r.deadline, case when r.no = 'quiet_hours' then r.quiet_ends when r.no = 'capped' then r.frees_at
        when outbid.yes then coalesce(r.frees_at, %(now)s::timestamptz + %(window)s::interval) end) as retry_at,
    case when outbid.yes then r.best end as lost_to, r.sent
from ranked r cross join lateral (select r.no is null and not r.service and r.place > %(touches)s::int - r.sent as yes) outbid;

-- name: want
-- The coupons of what is to be sent, for `offer.issue_batch`; where stock is short, a service comes first.
insert into coupon_wanted (n, person_id, definition_id, rung, touch_id)
select row_number() over (order by j.service desc), j.person_id, j.offer_id, coalesce(j.rung, 0), j.touch_id
from judged j where j.verdict = 'send' and j.offer_id is not null;

-- name: refuse
-- Stock has the last word.
update judged j set verdict = 'no', reason = s.reason
from coupon_said s where s.touch_id = j.touch_id and s.reason is not null;

-- name: record
-- What was judged for the first time. The lock makes sure that nobody else has judged it meanwhile.
insert into touch (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, message_id, message_version, offer_id,
                   rung, service, value_fen, at, deadline, verdict, reason, judged_at, retry_at, coupon, sent_before, lost_to)
select j.bucket, j.person_id, j.journey_id, j.cause, j.step, j.move, j.touch_id, j.version, j.arm, j.channel, j.message_id, j.message_version,
       j.offer_id, j.rung, j.service, j.value_fen, j.at, j.deadline, j.verdict, j.reason, %(now)s::timestamptz,
       case when j.verdict = 'hold' then j.retry_at end, s.code, j.sent, j.lost_to
from judged j left join coupon_said s on s.touch_id = j.touch_id
where not j.again order by j.bucket, j.person_id;

-- name: record_again
-- What was held: the old verdict joins the trail, if the new one is another, so that `why` can tell what held a touch before it
-- went out. One that is said again stays as it was said first, but for the time of the next look.
update touch t set
    verdict = j.verdict, reason = j.reason, retry_at = case when j.verdict = 'hold' then j.retry_at end, coupon = s.code,
    judged_at = case when same.yes then t.judged_at else %(now)s::timestamptz end,
    sent_before = case when same.yes then t.sent_before else j.sent end,
    lost_to = case when same.yes then t.lost_to else j.lost_to end,
    trail = case when same.yes then t.trail else d.trail end, xid = pg_current_xact_id()
from judged j
join decision d on d.bucket = j.bucket and d.person_id = j.person_id and d.touch_id = j.touch_id
cross join lateral (select d.verdict = j.verdict and d.reason is not distinct from j.reason as yes) same
left join coupon_said s on s.touch_id = j.touch_id
where j.again and t.bucket = j.bucket and t.person_id = j.person_id and t.touch_id = j.touch_id and t.verdict = 'hold';

-- name: counts
select coalesce(j.reason, j.verdict) as word, count(*)::int as n from judged j group by word;
