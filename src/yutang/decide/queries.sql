-- name: waiting
-- Is any held touch due? Asked without a lock, so an idle loop writes nothing.
select exists (select from touch t where t.verdict = 'hold' and t.retry_at <= %(now)s::timestamptz and @only(t)) as found;

-- name: reach
select r.channel, r.head from channel_reach r;

-- name: recall_all
-- What is held is judged by what the pond says now.
update touch set retry_at = %(now)s::timestamptz where verdict = 'hold' and retry_at > %(now)s::timestamptz;

-- name: recall
-- What is held of people who have said not to write, or whose address has gone, is judged now and not when its time comes.
update touch t set retry_at = %(now)s::timestamptz
from (select distinct f.bucket, f.person_id from farewell f where f.xid >= %(low)s::xid8 and f.xid < %(high)s::xid8 and @only(f)) gone
where t.bucket = gone.bucket and t.person_id = gone.person_id and t.verdict = 'hold' and t.retry_at > %(now)s::timestamptz;

-- name: recall_wishes
-- The same for people who have said where they live, when it is quiet for them, or how often they may be written to.
update touch t set retry_at = %(now)s::timestamptz
from (select distinct f.bucket, f.person_id from wish f where f.xid >= %(low)s::xid8 and f.xid < %(high)s::xid8 and @only(f)) said
where t.bucket = said.bucket and t.person_id = said.person_id and t.verdict = 'hold' and t.retry_at > %(now)s::timestamptz;

-- name: follow_runs
-- What is held goes where its run has gone: whoever was joined is still told it, and whoever was parted too. What was on its way once stays.
with gone as (
    delete from touch t using enrolment e
    where (select exists (select from enrolment g where g.gone_to is not null)) and t.verdict = 'hold' and t.retry_at <= %(now)s::timestamptz and @only(t)
      and e.bucket = t.bucket and e.person_id = t.person_id and e.journey_id = t.journey_id and e.cause = t.cause and e.gone_to is not null
      and not exists (select from attempt a where a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id)
    returning t.*, e.gone_to)
insert into touch (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, channels, price, message_id,
                   message_version, offer_id, rung, class, value_fen, value_trait, worth, at, deadline, verdict, reason, judged_at, retry_at,
                   spent, lost_to, trail)
select (g.gone_to & 1023)::smallint, g.gone_to, g.journey_id, g.cause, g.step, g.move, g.touch_id, g.version, g.arm, g.channel, g.channels, g.price,
       g.message_id, g.message_version, g.offer_id, g.rung, g.class, g.value_fen, g.value_trait, g.worth, g.at, g.deadline, g.verdict,
       g.reason, g.judged_at, g.retry_at, g.spent, g.lost_to, g.trail
from gone g
on conflict do nothing;

-- name: scratch
-- The verdicts of one run stay in the database: stock has its word on them there, and they are written down from there.
-- What is asked again and again comes first: a row is read up to the last column that is wanted.
-- room, room_in_all: points left of the class and in all, before this run. retry_at: when points come free, or what is held is asked again.
create temp table if not exists judged (person_id bigint not null, touch_id bigint not null, bucket smallint not null, again boolean not null,
    rung smallint, offer_id int, verdict text not null, class text not null, reason text, journey_id int not null, cause text not null,
    step int not null, move int not null, version int not null, arm text not null, channel text not null, channels text[], price smallint not null,
    message_id int not null, message_version int not null, value_fen bigint not null, value_trait text, worth jsonb, at timestamptz not null,
    deadline timestamptz not null, retry_at timestamptz, lost_to bigint, spent int not null, room int not null, room_in_all int not null) on commit delete rows;

-- name: clear
-- A transaction may hold several runs.
delete from judged;

-- name: judge
-- Every proposal that is new and every touch that is due again, with its verdict as if it were alone. The gates stand in order:
-- eligibility, address and consent, quiet hours, budget, holdout; the first that says no is the reason. A service passes by quiet
-- hours and holdout. Who competes for the last points is settled in `outbid`, and stock comes last of all, in `offer.issue_batch`.
-- Of several channels the first is taken that reaches the person and that they consent to; where none does, the first says why.
-- A person's own word (traits `quiet_hours`, `contact_cap`) takes the place of the brand's quiet hours, and lowers its points in all.
-- One look at the person's touches tells whether a proposal was judged before and what was spent; what was spent on somebody who
-- was merged into the person counts too, and what failed does not, unless it may have arrived: offset 0 keeps that one probe for each touch of the window. A run was not over, and a person not merged away, when the proposal was made: both are
-- looked up only for those to whom it has happened since.
-- `worth`: what a touch whose journey asks for it is expected to bring of this person on this channel; it only ranks touches in `outbid`.
with asked as materialized (
    (select distinct on (p.bucket, p.person_id, p.journey_id, p.cause, p.step, p.move)
            p.bucket, p.person_id, p.journey_id, p.cause, p.step, p.move, p.touch_id, p.version, p.arm, p.channels, p.message_id,
            p.message_version, p.offer_id, p.rung, p.class, p.value_fen, p.value_trait, p.expected, p.at, p.deadline, false as again
     from proposed p
     where p.xid >= %(low)s::xid8 and p.xid < %(high)s::xid8 and @only(p)
     order by p.bucket, p.person_id, p.journey_id, p.cause, p.step, p.move, p.touch_id)
    union all
    (select t.bucket, t.person_id, t.journey_id, t.cause, t.step, t.move, t.touch_id, t.version, t.arm,
            coalesce(t.channels, array[t.channel]), t.message_id,
            t.message_version, t.offer_id, t.rung, t.class, coalesce((t.worth ->> 'declared')::bigint, t.value_fen), t.value_trait,
            t.worth is not null, t.at, t.deadline, true
     from touch t
     where t.verdict = 'hold' and t.retry_at <= %(now)s::timestamptz and @only(t)
     order by t.retry_at limit %(limit)s::int)),
chosen as materialized (
    select a.touch_id, open.channel
    from asked a
    cross join lateral (
        select c.channel
        from unnest(a.channels) with ordinality as c (channel, choice)
        cross join lateral (select array_position(%(channels)s::text[], c.channel) as n) of
        cross join lateral closed(a.bucket, a.person_id, c.channel, a.class, coalesce((%(required)s::bool[])[of.n], true)) said
        where said.reason is null and ((%(heads)s::bytea[])[of.n] is null or exists (
            select from handle h where h.person_id = a.person_id and substring(uuid_send(h.key) for octet_length((%(heads)s::bytea[])[of.n])) = (%(heads)s::bytea[])[of.n]))
        order by c.choice limit 1) open
    where cardinality(a.channels) > 1),
by_channel as (
    select a.*, coalesce(c.channel, a.channels[1]) as channel from asked a left join chosen c on c.touch_id = a.touch_id),
here as materialized (
    select quiet_until(%(now)s::timestamptz, %(zone)s::text, %(quiet_from)s::time, %(quiet_to)s::time, %(holidays)s::date[]) as ends),
-- What was spent on the person without a touch of their own: on whoever was merged into them, and by staff. Offset 0 keeps each a probe of its own:
-- joined in another order, every touch that was ever sent would be held against everybody here.
spent_otherwise as materialized (
    select a.touch_id, t.class, case when recent.yes then t.price end as points, case when recent.yes then t.judged_at end as at,
           t.journey_id = a.journey_id and t.cause = a.cause and t.step = a.step and t.move = a.move and exists (
               select from attempt o where o.bucket = t.bucket and o.person_id = t.person_id and o.touch_id = t.touch_id
               and o.state in ('claimed', 'assigned', 'sent')) as said_before, a.class as own_class
    from asked a
    cross join lateral (select m.bucket, m.person_id from person m where m.merged_into = a.person_id offset 0) m
    cross join lateral (
        select * from touch t where t.bucket = m.bucket and t.person_id = m.person_id and t.verdict = 'send' offset 0) t
    cross join lateral (
        select t.judged_at > %(now)s::timestamptz - %(window)s::interval and not exists (
            select from attempt f where f.bucket = t.bucket and f.person_id = t.person_id and f.touch_id = t.touch_id
            and f.state = 'failed' and not f.in_doubt offset 0) as yes offset 0) recent
    where exists (select from person p where p.merged_into is not null)
    union all
    select a.touch_id, 'companion', coalesce((%(prices)s::int[])[array_position(%(channels)s::text[], s.channel)], 1), s.at, false, a.class
    from asked a
    cross join lateral (
        select s.channel, s.at from staff_message s
        where s.bucket = a.bucket and s.person_id = a.person_id and s.at > %(now)s::timestamptz - %(window)s::interval offset 0) s
    where exists (select from staff_message)),
others as (
    select o.touch_id, sum(o.points) filter (where o.class = o.own_class) as points, sum(o.points) as all_points,
           min(o.at) filter (where o.class = o.own_class) as first_at, min(o.at) as first_at_in_all, bool_or(o.said_before) as said_before
    from spent_otherwise o group by o.touch_id),
known as (
    select a.*, (coalesce(w.points, 0) + coalesce(x.points, 0))::int as spent, (coalesce(w.all_points, 0) + coalesce(x.all_points, 0))::int as spent_in_all,
           least(w.first_at, x.first_at) as first_at, least(w.first_at_in_all, x.first_at_in_all) as first_at_in_all, x.said_before,
           case a.class when 'marketing' then %(marketing)s::int when 'companion' then %(companion)s::int else %(service)s::int end as allowed,
           case when wish.zone is null and wish.quiet is null then here.ends
                else quiet_until(%(now)s::timestamptz, coalesce(wish.zone, %(zone)s::text),
                                 coalesce(split_part(wish.quiet, '-', 1)::time, %(quiet_from)s::time),
                                 coalesce(split_part(wish.quiet, '-', 2)::time, %(quiet_to)s::time), %(holidays)s::date[]) end as quiet_ends,
           least(%(total)s::numeric, wish.cap)::int as total,
           coalesce((%(prices)s::int[])[of.n], 1) as price,
           case when a.value_trait is not null then (
               select greatest(least((v.value #>> '{}')::numeric, 1e15), -1e15)::bigint from trait v
               where v.bucket = a.bucket and v.person_id = a.person_id and v.name = a.value_trait and jsonb_typeof(v.value) = 'number') end as expected_fen,
           case when a.expected then (
               select jsonb_build_object('value', expected_touch(e.reach, e.fen, e.times), 'reach', e.reach, 'own', own.value is not null,
                                         'fen', e.fen, 'measured', w.fen is not null, 'times', e.times, 'declared', a.value_fen)
               from (values (1)) one
               left join journey_worth w on w.journey_id = a.journey_id
               left join reach_rate c on c.channel = a.channel and c.class = '*'
               left join reach_rate r on r.channel = a.channel and r.class = a.class
               left join reach_rate every on every.channel = '*' and every.class = '*'
               left join prediction own on own.bucket = a.bucket and own.person_id = a.person_id and own.name = 'reach:' || a.channel
               left join prediction margin on margin.bucket = a.bucket and margin.person_id = a.person_id and margin.name = 'margin_90d'
               left join prediction sales on sales.bucket = a.bucket and sales.person_id = a.person_id and sales.name = 'value_90d'
               cross join lateral (
                   select least(coalesce(own.value * coalesce(r.rate / c.rate, 1), r.rate, c.rate, every.rate, 1), 1) as reach,
                          coalesce(w.fen, a.value_fen) as fen,
                          beside_mean(coalesce(margin.value, sales.value), w.mean_fen) as times) e) end as worth,
           a.journey_id = any(%(journeys)s::int[]) as in_service,
           case when a.again or a.person_id in (
                    select p.person_id from person p where p.changed >= %(low)s::xid8 and p.merged_into is not null)
                then (select p.merged_into from person p where p.bucket = a.bucket and p.person_id = a.person_id) end as merged_into,
           case when a.again or a.person_id in (
                    select e.person_id from enrolment e where e.xid >= %(low)s::xid8 and e.reason is not null)
                then (select case when e.state = 'exited' or e.reason = 'goal_met' then e.reason end from enrolment e
                      where e.bucket = a.bucket and e.person_id = a.person_id and e.journey_id = a.journey_id and e.cause = a.cause) end as ended,
           case when (%(heads)s::bytea[])[of.n] is not null and not exists (
                    select from handle h where h.person_id = a.person_id and substring(uuid_send(h.key) for octet_length((%(heads)s::bytea[])[of.n])) = (%(heads)s::bytea[])[of.n]) then 'no_address'
                else said.reason end as closed
    from by_channel a
    cross join here
    cross join lateral (select array_position(%(channels)s::text[], a.channel) as n) of
    cross join lateral (
        select max(t.value #>> '{}') filter (where t.name = 'time_zone') as zone,
               max(t.value #>> '{}') filter (where t.name = 'quiet_hours' and t.value #>> '{}' ~ '^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$') as quiet,
               max(greatest((t.value #>> '{}')::numeric, 0)) filter (where t.name = 'contact_cap' and jsonb_typeof(t.value) = 'number') as cap
        from trait t where t.bucket = a.bucket and t.person_id = a.person_id and t.name in ('time_zone', 'quiet_hours', 'contact_cap')) wish
    cross join lateral closed(a.bucket, a.person_id, a.channel, a.class, coalesce((%(required)s::bool[])[of.n], true)) said
    cross join lateral (
        select sum(t.price) filter (where counts.yes and t.class = a.class) as points, sum(t.price) filter (where counts.yes) as all_points,
               min(t.judged_at) filter (where counts.yes and t.class = a.class) as first_at, min(t.judged_at) filter (where counts.yes) as first_at_in_all,
               bool_or(t.journey_id = a.journey_id and t.cause = a.cause and t.step = a.step and t.move = a.move) as judged
        from touch t cross join lateral (
            select t.verdict = 'send' and t.judged_at > %(now)s::timestamptz - %(window)s::interval and not exists (
                select from attempt f where f.bucket = t.bucket and f.person_id = t.person_id and f.touch_id = t.touch_id
                and f.state = 'failed' and not f.in_doubt offset 0) as yes offset 0) counts
        where t.bucket = a.bucket and t.person_id = a.person_id) w
    left join others x on x.touch_id = a.touch_id
    where a.again or w.judged is not true
    offset 0),  -- each of these is reckoned once, however often a gate asks for it
gated as (
    select k.*,
        case
            when k.merged_into is not null then 'merged'
            when not k.in_service then 'retired'
            when %(now)s::timestamptz >= k.deadline then 'too_late'
            when k.ended is not null then k.ended
            when k.said_before then 'said_before'
            when k.closed is not null then k.closed
            when k.class <> 'service' and k.quiet_ends is not null then 'quiet_hours'
            when k.price > 0 and k.spent + k.price > k.allowed then 'capped'
            when k.price > 0 and k.class <> 'service' and k.spent_in_all + k.price > k.total then 'capped'
            when k.class <> 'service' and k.arm <> 'treated' then 'holdout'
        end as no,
        case when k.spent + k.price > k.allowed then k.first_at else k.first_at_in_all end + %(window)s::interval as frees_at
    from known k)
insert into judged (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, channels, price, message_id,
                    message_version, offer_id, rung, class, value_fen, value_trait, worth, at, deadline, again, verdict, reason, retry_at,
                    spent, room, room_in_all)
select g.bucket, g.person_id, g.journey_id, g.cause, g.step, g.move, g.touch_id, g.version, g.arm, g.channel,
    case when cardinality(g.channels) > 1 then g.channels end, g.price, g.message_id, g.message_version, g.offer_id, g.rung, g.class,
    coalesce((g.worth ->> 'value')::bigint, g.expected_fen, g.value_fen), g.value_trait, g.worth, g.at, g.deadline, g.again,
    case when g.no in ('quiet_hours', 'capped') then 'hold' when g.no is null then 'send' else 'no' end, g.no,
    least(g.deadline, case when g.no = 'quiet_hours' then g.quiet_ends else coalesce(g.frees_at, %(now)s::timestamptz + %(window)s::interval) end),
    g.spent, g.allowed - g.spent, g.total - g.spent_in_all
from gated g;

-- name: outbid
-- Where several touches of one person may be sent, those of the highest value come first, and each takes its points if they are
-- left: one that finds too few waits, and does not keep back a cheaper one that finds enough. A tie goes to the older touch.
update judged j set verdict = 'hold', reason = 'outbid', lost_to = r.state[10]
from (select c.touch_id, admitted(c.class, c.price, c.room, c.room_in_all, c.touch_id) over (
          partition by c.person_id order by c.class = 'service' desc, c.value_fen desc, c.touch_id) as state
      from judged c
      where c.verdict = 'send'
        and c.person_id in (select m.person_id from judged m where m.verdict = 'send' group by m.person_id having count(*) > 1)) r
where r.touch_id = j.touch_id and r.state[9] = 0;

-- name: want
-- The coupons of what is to be sent, for `offer.issue_batch`; where stock is short, a service comes first.
insert into coupon_wanted (n, person_id, definition_id, rung, touch_id)
select row_number() over (order by j.class = 'service' desc), j.person_id, j.offer_id, coalesce(j.rung, 0), j.touch_id
from judged j where j.verdict = 'send' and j.offer_id is not null;

-- name: refuse
-- Stock has the last word.
update judged j set verdict = 'no', reason = s.reason
from coupon_said s where s.touch_id = j.touch_id and s.reason is not null;

-- name: give_back
-- What a refused touch would have taken is free again, for those that it outbid: they are asked once more, now.
update judged j set retry_at = %(now)s::timestamptz
from coupon_said s join judged r on r.touch_id = s.touch_id
where s.reason is not null and j.person_id = r.person_id and j.reason = 'outbid';

-- name: record
-- What was judged for the first time. The lock makes sure that nobody else has judged it meanwhile.
insert into touch (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, channels, price, message_id,
                   message_version, offer_id, rung, class, value_fen, value_trait, worth, at, deadline, verdict, reason, judged_at, retry_at,
                   coupon, spent, lost_to)
select j.bucket, j.person_id, j.journey_id, j.cause, j.step, j.move, j.touch_id, j.version, j.arm, j.channel, j.channels, j.price,
       j.message_id, j.message_version, j.offer_id, j.rung, j.class, j.value_fen, j.value_trait, j.worth, j.at, j.deadline, j.verdict, j.reason,
       %(now)s::timestamptz, case when j.verdict = 'hold' then j.retry_at end, s.code, j.spent, j.lost_to
from judged j left join coupon_said s on s.touch_id = j.touch_id
where not j.again;

-- name: record_again
-- What was held: the old verdict joins the trail, if the new one is another, so that `why` can tell what held a touch before it
-- went out. One that is said again stays as it was said first, but for the time of the next look; who lost to another touch than
-- before has lost again.
update touch t set
    verdict = j.verdict, reason = j.reason, retry_at = case when j.verdict = 'hold' then j.retry_at end, coupon = s.code,
    channel = j.channel, price = j.price, value_fen = j.value_fen, worth = j.worth,
    judged_at = case when same.yes then t.judged_at else %(now)s::timestamptz end,
    spent = case when same.yes then t.spent else j.spent end,
    lost_to = j.lost_to,
    trail = case when same.yes then t.trail else d.trail end, xid = pg_current_xact_id()
from judged j
join decision d on d.bucket = j.bucket and d.person_id = j.person_id and d.touch_id = j.touch_id
cross join lateral (select d.verdict = j.verdict and d.reason is not distinct from j.reason
                           and (d.trail -> -1 ->> 'lost_to')::bigint is not distinct from j.lost_to as yes) same
left join coupon_said s on s.touch_id = j.touch_id
where j.again and t.bucket = j.bucket and t.person_id = j.person_id and t.touch_id = j.touch_id and t.verdict = 'hold';

-- name: counts
select coalesce(j.reason, j.verdict) as word, count(*)::int as n from judged j group by word;

-- name: freed
update touch t set retry_at = %(now)s::timestamptz
from (select distinct (n.person_id & 1023)::smallint as bucket, n.person_id from unnest(%(persons)s::bigint[]) as n (person_id)) p
where t.bucket = p.bucket and t.person_id = p.person_id and t.verdict = 'hold' and t.reason in ('capped', 'outbid')
  and t.retry_at > %(now)s::timestamptz;

-- name: reopen
-- The verdict joins the trail, and the touch is due. Its coupon is looked for anew: it may have been taken back.
update touch t set verdict = 'hold', reason = 'retried', judged_at = %(now)s::timestamptz, retry_at = %(now)s::timestamptz, trail = d.trail,
    xid = pg_current_xact_id()
from unnest(%(persons)s::bigint[], %(touches)s::bigint[]) as n (person_id, touch_id)
join decision d on d.bucket = (n.person_id & 1023)::smallint and d.person_id = n.person_id and d.touch_id = n.touch_id
where t.bucket = d.bucket and t.person_id = n.person_id and t.touch_id = n.touch_id and t.verdict = 'send';

-- name: erase_touch
-- What was held, and what was decided but is not on its way yet, comes to nothing. The rest stays for the sums.
update touch t
set verdict = case when said.over then 'no' else t.verdict end, reason = case when said.over then 'erased' else t.reason end,
    retry_at = null, coupon = null, trail = null, worth = null
from (select o.bucket, o.person_id, o.touch_id, o.verdict = 'hold' or o.verdict = 'send' and a.touch_id is null as over
      from touch o
      left join attempt a on a.bucket = o.bucket and a.person_id = o.person_id and a.touch_id = o.touch_id
      where o.bucket = any(%(buckets)s::smallint[]) and o.person_id = any(%(persons)s::bigint[])) said
where t.bucket = said.bucket and t.person_id = said.person_id and t.touch_id = said.touch_id
  and (said.over or t.coupon is not null or t.trail is not null or t.worth is not null);
