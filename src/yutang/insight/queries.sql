-- name: history
-- Every version of a definition, when it came into service.
select d.definition_id, d.at, d.body from definition d
where d.kind = %(kind)s::text and d.name = %(name)s::text order by d.version;

-- name: journeys
-- Every journey in service, and every one that somebody entered, with the people of each arm: a look at the whole table, as ended
-- runs stand in no index by journey.
select d.name, d.body, d.retired_at is null as in_service, coalesce(c.treated, 0)::int as treated, coalesce(c.holdout, 0)::int as holdout,
       coalesce(c.global, 0)::int as by_pond, c.since
from (select distinct on (n.definition_id) n.definition_id, n.name, n.body, n.retired_at
      from definition n where n.kind = 'journey' order by n.definition_id, n.version desc) d
left join (select e.journey_id, min(e.entered_at) as since, count(distinct e.person_id) filter (where e.arm = 'treated') as treated,
                  count(distinct e.person_id) filter (where e.arm = 'holdout') as holdout,
                  count(distinct e.person_id) filter (where e.arm = 'global') as global
           from enrolment e where e.gone_to is null group by e.journey_id) c on c.journey_id = d.definition_id
where d.retired_at is null or c.journey_id is not null
order by d.name;

-- name: first_entry
select min(e.entered_at) as at from enrolment e where e.journey_id = %(journey)s::int;

-- name: started
-- When the first journey began.
select min(s.started_at) as at from journey_state s where s.started_at <= %(now)s::timestamptz;

-- name: scratch
-- The people of one experiment: from when until when each is looked at. `mixed`: a later run, or that of somebody who was merged
-- into the person, was in another arm; the first one counts. stratum: drawn with the same odds.
create temp table if not exists subject (person_id bigint primary key, stratum text not null, arm text not null, mixed boolean not null,
    since timestamptz not null, until timestamptz not null) on commit delete rows;

-- name: clear
-- A transaction may look at several experiments.
delete from subject;

-- name: analyze
-- Without it the planner takes a million people for a thousand.
analyze subject;

-- name: entered
-- Everybody who entered the journey, by the person's first run, in the arm that was written down then, whoever's it is by now; but for those whom the pond
-- held out, and those whom another journey sent here that had held them out itself.
insert into subject (person_id, stratum, arm, mixed, since, until)
select f.* from (
select distinct on (r.person_id) r.person_id, r.share::text, r.arm, min(r.arm) over w <> max(r.arm) over w, r.at, r.at + %(span)s::interval
from (select coalesce(p.merged_into, p.person_id) as person_id, e.arm, e.entered_at as at, e.cause, s.share
      from enrolment e
      join person p on p.bucket = e.bucket and p.person_id = e.person_id
      join unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[], %(shares)s::float8[]) as s (begins, ends, share)
        on e.entered_at >= s.begins and e.entered_at < s.ends
      where e.journey_id = %(journey)s::int and e.entered_at < %(now)s::timestamptz and e.gone_to is null
        and not (e.cause like 'journey:%%' and exists (
            select from enrolment q
            where q.bucket = e.bucket and q.person_id = e.person_id and q.journey_id = split_part(e.cause, ':', 2)::int
              and q.arm <> 'treated' and right(e.cause, length(q.cause) + 1) = ':' || q.cause))) r
window w as (partition by r.person_id)
order by r.person_id, r.at, r.arm, r.cause) f
where f.arm <> 'global';

-- name: splits
-- The splits of a journey that somebody has passed, with the weights of each version.
select d.version, l.line ->> 'id' as id, (l.n - 1)::int as step, l.line -> 'ways' as ways
from definition d cross join lateral jsonb_array_elements(d.body -> 'program') with ordinality as l (line, n)
where d.kind = 'journey' and d.definition_id = %(journey)s::int and l.line ->> 'do' = 'split'
order by d.version, l.n;

-- name: split_taken
-- Everybody who was not held out and took one of two ways of a split, from that moment on.
insert into subject (person_id, stratum, arm, mixed, since, until)
select distinct on (r.person_id) r.person_id, r.share::text, r.arm, min(r.arm) over w <> max(r.arm) over w, r.at, r.at + %(span)s::interval
from (select coalesce(p.merged_into, p.person_id) as person_id,
             case when t.outcome = %(first)s::text then 'holdout' else 'treated' end as arm, t.at, t.cause, t.seq, s.share
      from step t
      join enrolment e on e.bucket = t.bucket and e.person_id = t.person_id and e.journey_id = t.journey_id and e.cause = t.cause
      join person p on p.bucket = t.bucket and p.person_id = t.person_id
      join unnest(%(versions)s::int[], %(steps)s::int[], %(shares)s::float8[]) as s (version, step, share)
        on s.version = coalesce(t.version, e.version) and s.step = t.step
      where t.journey_id = %(journey)s::int and t.outcome in (%(first)s::text, %(other)s::text) and e.arm = 'treated'
        and t.at < %(now)s::timestamptz) r
window w as (partition by r.person_id)
order by r.person_id, r.at, r.arm, r.cause, r.seq;

-- name: everybody
-- The whole pond, by the hash of the global holdout (journey.enrol): those who were held out all the time since, against those who
-- never were; whoever was either in turns is left out. Who was erased since still counts, but not whom an import brought that was taken back.
insert into subject (person_id, stratum, arm, mixed, since, until)
select p.person_id, %(share)s::float8::text, case when h.n < %(low)s::int then 'holdout' else 'treated' end, false,
       %(since)s::timestamptz, %(now)s::timestamptz
from person p
cross join lateral (select dice('global:' || p.person_id) as n) h
where (p.merged_into is null or p.merged_into = p.person_id)
  and (p.erased_at is not null or exists (select from profile r where r.bucket = p.bucket and r.person_id = p.person_id)) and p.created_at < %(now)s::timestamptz and (h.n < %(low)s::int or h.n >= %(high)s::int);

-- name: happened_before
-- Whoever did what begins a journey, in the window before the last one: what they did afterwards is known by now.
insert into subject (person_id, stratum, arm, mixed, since, until)
select e.person_id, '', 'holdout', false, min(e.at), min(e.at) + %(span)s::interval
from person_event e
where e.type = any(%(types)s::text[]) and e.props @> %(where)s::jsonb
  and e.at >= %(now)s::timestamptz - 2 * %(span)s::interval and e.at < %(now)s::timestamptz - %(span)s::interval
group by e.person_id;

-- name: stood_before
-- Whoever was in a segment one window ago.
insert into subject (person_id, stratum, arm, mixed, since, until)
select m.person_id, '', 'holdout', false, %(now)s::timestamptz - %(span)s::interval, %(now)s::timestamptz
from membership m
where m.segment_id = (select d.definition_id from definition d where d.kind = 'segment' and d.name = %(segment)s::text limit 1)
  and m.since <= %(now)s::timestamptz - %(span)s::interval and (m.until is null or m.until > %(now)s::timestamptz - %(span)s::interval)
on conflict do nothing;

-- name: lived_before
-- Everybody who was there one window ago.
insert into subject (person_id, stratum, arm, mixed, since, until)
select p.person_id, '', 'holdout', false, %(now)s::timestamptz - %(span)s::interval, %(now)s::timestamptz
from person p
where p.merged_into is null and p.created_at <= %(now)s::timestamptz - %(span)s::interval
  and exists (select from profile r where r.bucket = p.bucket and r.person_id = p.person_id);

-- name: happening
-- Whoever did it in the last window.
select distinct e.person_id from person_event e
where e.type = any(%(types)s::text[]) and e.props @> %(where)s::jsonb
  and e.at >= %(now)s::timestamptz - %(span)s::interval and e.at < %(now)s::timestamptz;

-- name: standing
-- Whoever is in the segment now.
select m.person_id from membership m
where m.segment_id = (select d.definition_id from definition d where d.kind = 'segment' and d.name = %(segment)s::text limit 1)
  and m.until is null;

-- name: living
select p.person_id from profile p;

-- name: counts
-- How many there are, how many of them have been looked at to the end, and how many came early.
select s.stratum, s.arm, count(*)::int as people, (count(*) filter (where s.until <= %(now)s::timestamptz))::int as seen,
       (count(*) filter (where s.mixed))::int as mixed,
       (count(*) filter (where s.since < f.first + %(span)s::interval))::int as early
from subject s cross join (select min(f.since) as first from subject f) f
group by s.stratum, s.arm order by s.stratum, s.arm;

-- name: measure
-- What each person did; then of each group and measure the mean and variance, those of what it is compared with (history, or the
-- denominator), and their covariance: the people stay in the database. Every sum runs over one list of facts, as a join of two lists
-- on two columns is what the planner gets wrong.
-- An order is worth what is left of it after its refunds, whenever they came. What was paid is what was told as paid, so coupons are
-- off it already (a gift or a red packet is not): the margin is shown as if the journey's coupons had not been, the net without
-- them. A conflict was refused, but a till that was offline had given it.
with told as (
    select s.person_id, (e.props ->> 'order_id') collate "C" as order_id,
           case when e.type = 'ordered' then e.at >= s.since end as inside,
           case when e.type = 'ordered' then e.amount else 0 end::float8 as paid,
           case when e.type = 'refunded' then e.amount else 0 end::float8 as back,
           case when e.type = 'ordered' then (e.props ->> 'margin_fen')::float8 end as margin, 0::float8 as coupons,
           0::float8 as off
    from subject s
    join person_event e on e.bucket = (s.person_id & 1023)::smallint and e.person_id = s.person_id
        and e.type in ('ordered', 'refunded') and e.at >= s.since - %(before)s::interval
        and e.at < case when e.type = 'ordered' then s.until else %(now)s::timestamptz end
    where s.until <= %(now)s::timestamptz
    union all
    -- Of those who were erased since, figures are all that is left.
    select s.person_id, x.order_no collate "C", case when x.type = 'ordered' then x.at >= s.since end,
           case when x.type = 'ordered' then x.amount else 0 end, case when x.type = 'refunded' then x.amount else 0 end,
           case when x.type = 'ordered' then x.margin_fen end, 0, 0
    from subject s
    join erased_order x on x.bucket = (s.person_id & 1023)::smallint and x.person_id = s.person_id
        and x.at >= s.since - %(before)s::interval and x.at < case when x.type = 'ordered' then s.until else %(now)s::timestamptz end
    where s.until <= %(now)s::timestamptz
    union all
    select s.person_id, r.order_id collate "C", null, 0, 0, null, r.discount_fen,
           case when c.definition_id in (select d.definition_id from definition d where d.body ->> 'sort' in ('gift', 'red_packet'))
                then 0 else r.discount_fen end
    from subject s
    join redemption r on r.bucket = (s.person_id & 1023)::smallint and r.person_id = s.person_id
    join coupon c on c.bucket = r.bucket and c.code = r.code
    where s.until <= %(now)s::timestamptz and r.state in ('done', 'conflict') and r.at >= s.since and r.at < s.until and c.touch_id is not null
      and (%(journey)s::int is null or exists (
          select from touch t where t.bucket = (c.origin_id & 1023)::smallint and t.person_id = c.origin_id
          and t.journey_id = %(journey)s::int and t.touch_id = c.touch_id))),
orders as (
    select t.person_id, bool_and(t.inside) as inside, sum(t.paid) as paid, sum(t.paid) - sum(t.back) as kept,
           sum(t.margin) as margin, sum(t.coupons) as coupons, sum(t.off) as off
    from told t group by t.person_id, t.order_id),
facts as (
    select o.person_id, null as stratum, null as arm,
           case when o.inside and (o.kept > 0 or o.paid = 0) then 1 else 0 end as orders,
           case when o.inside then o.kept else 0 end as sales,
           case when o.inside then coalesce(o.margin * case when o.paid > 0 then o.kept / o.paid else 1 end,
                                            o.kept * %(margin)s::float8, 0) else 0 end
               + o.off * case when o.margin is null then coalesce(%(margin)s::float8, 1) else 1 end as margin,
           o.coupons, 0::float8 as touches, 0 as sent,
           case when o.inside and o.margin is null and %(margin)s::float8 is null then 1 else 0 end as untold,
           case when o.inside is false then 1 else 0 end as orders_before,
           case when o.inside is false then o.paid else 0 end as sales_before
    from orders o
    union all
    select s.person_id, null, null, 0, 0, 0, 0,
           coalesce((%(costs)s::float8[])[array_position(%(channels)s::text[], a.channel)], 0), 1, 0, 0, 0
    from touch t
    join person p on p.bucket = t.bucket and p.person_id = t.person_id
    join subject s on s.person_id = coalesce(p.merged_into, p.person_id)
    join attempt a on a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
    where t.verdict = 'send' and (%(journey)s::int is null or t.journey_id = %(journey)s::int) and a.state = 'sent'
      and a.at >= s.since and a.at < s.until and s.until <= %(now)s::timestamptz
    union all
    -- So that those who did nothing count, too; and a group by the person alone is a join that cannot go wrong.
    select s.person_id, s.stratum, s.arm, 0, 0, 0, 0, 0, 0, 0, 0, 0 from subject s where s.until <= %(now)s::timestamptz),
one as (
    select max(f.stratum) as stratum, max(f.arm) as arm, sum(f.sent) > 0 as sent, sum(f.orders)::float8 as orders,
           sum(f.sales) as sales, sum(f.margin) as margin, sum(f.coupons) as coupons, sum(f.touches) as touches,
           sum(f.untold)::float8 as untold, sum(f.orders_before)::float8 as orders_before, sum(f.sales_before) as sales_before
    from facts f group by f.person_id)
select o.stratum, o.arm, o.sent, count(*)::int as n,
       array[avg(o.orders), var_samp(o.orders), avg(o.orders_before), var_samp(o.orders_before), covar_samp(o.orders, o.orders_before)] as orders,
       array[avg(o.sales), var_samp(o.sales), avg(o.orders), var_samp(o.orders), covar_samp(o.sales, o.orders)] as basket,
       array[avg(o.sales), var_samp(o.sales), avg(o.sales_before), var_samp(o.sales_before), covar_samp(o.sales, o.sales_before)] as sales,
       array[avg(b.now), var_samp(b.now), avg(b.before), var_samp(b.before), covar_samp(b.now, b.before)] as buyers,
       array[avg(o.margin), var_samp(o.margin), avg(o.sales_before), var_samp(o.sales_before), covar_samp(o.margin, o.sales_before)] as margin,
       array[avg(b.net), var_samp(b.net), avg(o.sales_before), var_samp(o.sales_before), covar_samp(b.net, o.sales_before)] as net,
       array[avg(o.coupons), var_samp(o.coupons)] as coupons, array[avg(o.touches), var_samp(o.touches)] as touches,
       array[avg(o.untold), var_samp(o.untold)] as untold
from one o
cross join lateral (select (o.orders > 0)::int::float8 as now, (o.orders_before > 0)::int::float8 as before,
                           o.margin - o.coupons - o.touches as net) b
group by o.stratum, o.arm, o.sent;
