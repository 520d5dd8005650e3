-- name: visits
-- Hours on the clock of where the person lives, since 2000. What people do by themselves: an answer to a message tells when it was
-- sent, and what other systems do to a person tells nothing of them.
select array_send(array_agg(v.person_id)), array_send(array_agg(v.hour))
from (select e.bucket, e.person_id,
             floor(extract(epoch from (e.at at time zone coalesce(tz.value #>> '{}', %(zone)s::text)) - timestamp '2000-01-01') / 3600)::int as hour
      from (select * from person_event e where e.type = any(%(events)s::text[]) and e.at >= %(since)s::timestamptz and e.at < %(until)s::timestamptz
            and @only(e)) e
      left join trait tz on tz.bucket = e.bucket and tz.person_id = e.person_id and tz.name = 'time_zone') v
group by v.bucket / 16;

-- name: channels
-- On which channels anything was sent lately.
select distinct a.channel from attempt a where a.state = 'sent' and a.at >= %(since)s::timestamptz order by a.channel;

-- name: touches
-- What was sent long enough ago, and whether it was answered in time. Whoever was merged speaks as the one they are now. Answers name the
-- touch; a coupon that came with one and was used tells of it too.
with answers as materialized (
    select (e.props ->> 'touch_id')::bigint as touch_id, min(e.at) as at
    from person_event e
    where e.type = any(%(events)s::text[]) and e.at >= %(since)s::timestamptz and e.props ->> 'touch_id' ~ '^[0-9]{1,18}$'
    group by 1),
used as materialized (
    select c.touch_id, min(r.at) as at
    from redemption r join coupon c on c.bucket = r.bucket and c.code = r.code
    where r.state in ('done', 'restored') and r.at >= %(since)s::timestamptz and c.touch_id is not null
    group by c.touch_id)
select array_send(array_agg(s.person_id)), array_send(array_agg(s.at)), array_send(array_agg(s.touch_id)), array_send(array_agg(s.channel)),
       array_send(array_agg(s.class)), array_send(array_agg(s.answered))
from (
    select t.bucket, coalesce(p.merged_into, t.person_id) as person_id, a.at, t.touch_id,
           array_position(%(channels)s::text[], a.channel) - 1 as channel, array_position(%(classes)s::text[], t.class) - 1 as class,
           coalesce(least(n.at, u.at) <= a.at + %(span)s::interval, false)::int as answered
    from (select * from attempt a where a.state = 'sent' and a.at >= %(since)s::timestamptz and a.at <= %(now)s::timestamptz - %(span)s::interval
          and @only(a)) a
    join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
    join person p on p.bucket = t.bucket and p.person_id = t.person_id
    left join answers n on n.touch_id = t.touch_id
    left join used u on u.touch_id = t.touch_id) s
group by s.bucket / 16;

-- name: replace_rates
with kept as (
    insert into reach_rate (channel, class, rate, touches, at)
    select u.channel, u.class, u.rate, u.touches, %(now)s::timestamptz
    from unnest(%(channels)s::text[], %(classes)s::text[], %(rates)s::float8[], %(touches)s::bigint[]) u (channel, class, rate, touches)
    on conflict (channel, class) do update set rate = excluded.rate, touches = excluded.touches, at = excluded.at)
delete from reach_rate r
where not exists (select from unnest(%(channels)s::text[], %(classes)s::text[]) u (channel, class)
                  where u.channel = r.channel and u.class = r.class);

-- name: reaches
-- Answers that a treated person of a journey may expect: what it has sent, each at the rate of its channel and class.
select coalesce(sum(s.n * coalesce(r.rate, c.rate, every.rate)) / nullif((
           select count(distinct e.person_id) from enrolment e where e.journey_id = %(journey)s::int and e.arm = 'treated'), 0), 0) as reaches
from (select a.channel, t.class, count(*) as n
      from touch t join attempt a on a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
      where t.journey_id = %(journey)s::int and a.state = 'sent' group by a.channel, t.class) s
left join reach_rate r on r.channel = s.channel and r.class = s.class
left join reach_rate c on c.channel = s.channel and c.class = '*'
left join reach_rate every on every.channel = '*' and every.class = '*';

-- name: mean_value
-- What a person of whom it is foretold brings: in margin where that is known, as `decide` looks it up.
select coalesce(avg(p.value) filter (where p.name = 'margin_90d'), avg(p.value)) as fen
from prediction p where p.name in ('margin_90d', 'value_90d');

-- name: replace_worths
with told as (
    select * from unnest(%(journeys)s::int[], %(fens)s::float8[], %(differences)s::float8[], %(lows)s::float8[], %(highs)s::float8[],
                         %(people)s::int[], %(reaches)s::float8[])
        u (journey_id, fen, difference, low, high, people, reaches)),
kept as (
    insert into journey_worth (journey_id, fen, difference, low, high, people, reaches, mean_fen, at)
    select u.journey_id, u.fen, u.difference, u.low, u.high, u.people, u.reaches, %(mean)s::float8, %(now)s::timestamptz from told u
    on conflict (journey_id) do update set fen = excluded.fen, difference = excluded.difference, low = excluded.low, high = excluded.high,
        people = excluded.people, reaches = excluded.reaches, mean_fen = excluded.mean_fen, at = excluded.at)
delete from journey_worth w where w.journey_id <> all(%(journeys)s::int[]);

-- name: worths
select w.journey_id, d.name, d.body -> 'title' as title, d.body ->> 'value_fen' as declared, w.fen, w.difference, w.low, w.high, w.people, w.reaches,
       w.mean_fen, w.at
from journey_worth w
join lateral (select d.name, d.body from definition d where d.definition_id = w.journey_id order by d.version desc limit 1) d on true
order by d.name;

-- name: rates
select r.channel, r.class as kind, r.rate, r.touches from reach_rate r order by r.channel, r.class;
