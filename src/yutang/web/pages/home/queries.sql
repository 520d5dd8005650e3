-- name: days
-- What happened on each of these days; from the roll-up by person and day, so it grows with people, not with events.
select a.type, a.day, sum(a.n)::bigint as n, sum(a.amount)::bigint as amount
from activity a
where a.type = any(%(types)s::text[]) and a.day > %(after)s::date and a.day <= %(today)s::date
group by a.type, a.day;

-- name: newcomers
-- By the day on which we first heard of them: how many came, and how far they have come since.
select (p.first_at at time zone %(zone)s::text)::date as day, count(*) as entered,
       count(*) filter (where p.acted) as acted, count(*) filter (where p.orders > 0) as bought,
       count(*) filter (where p.orders > 1) as again, coalesce(sum(p.spent), 0)::bigint as spent
from (
    select t.bucket, t.person_id, min(t.first_at) as first_at,
           bool_or(t.type in ('ordered', 'message_replied', 'message_clicked')) as acted,
           coalesce(sum(t.n) filter (where t.type = 'ordered'), 0) as orders,
           sum(t.amount) filter (where t.type = 'ordered') as spent
    from tally t where t.n > 0 group by t.bucket, t.person_id) p
where p.first_at >= (%(after)s::date + 1)::timestamp at time zone %(zone)s::text
group by 1;

-- name: buyers
-- Who ordered since, in this span (`now`) or in the one before, and who of them had ordered on an earlier day.
select w.now, count(*) as n, count(*) filter (where w.days > 1 or w.first_day < w.day) as again
from (
    select a.day > %(middle)s::date as now, count(*) as days, min(a.day) as day,
           (min(t.first_at) at time zone %(zone)s::text)::date as first_day
    from activity a
    join tally t on t.bucket = a.bucket and t.person_id = a.person_id and t.type = a.type
    where a.type = 'ordered' and a.n > 0 and a.day > %(after)s::date and a.day <= %(today)s::date
    group by a.bucket, a.person_id, a.day > %(middle)s::date) w
group by w.now;

-- name: cohorts
-- Of those whose first order was in a month, how many ordered in each month since.
select x.cohort, x.month, count(*) as n
from (
    select distinct a.bucket, a.person_id, date_trunc('month', a.day)::date as month,
           date_trunc('month', t.first_at at time zone %(zone)s::text)::date as cohort
    from activity a
    join tally t on t.bucket = a.bucket and t.person_id = a.person_id and t.type = a.type
    where a.type = 'ordered' and a.n > 0 and a.day >= %(since)s::date and a.day <= %(today)s::date
      and t.first_at >= %(since)s::date::timestamp at time zone %(zone)s::text) x
group by x.cohort, x.month order by x.cohort, x.month;

-- name: persons
-- Of whom something is known.
select count(*) as n from profile;

-- name: held
-- Touches that wait now, by the reason; only what waits is read.
select d.reason, count(*) as n from (
    select t.reason from touch t where t.verdict = 'hold' limit 100000) d
group by d.reason order by n desc, d.reason;

-- name: failed
-- Letters that failed since then; of the failures alone.
select count(*) as n from attempt a where a.state = 'failed' and a.at >= %(since)s::timestamptz and a.reason = any(%(reasons)s::text[]);

-- name: came_by_code
-- Live codes by which somebody came since then; contacts alone have an index.
select distinct e.props ->> 'code' as code from person_event e
where e.type = 'contact_added' and e.at >= %(since)s::timestamptz and e.props ->> 'code' is not null;

-- name: begun
-- Is anything here at all? One look at each.
select exists (select from person) as persons, exists (select from event) as events,
       exists (select from source s where s.name not in ('yutang', 'import')) as sources,
       exists (select from channel_account) as channels,
       exists (select from definition d where d.kind in ('segment', 'journey')) as brand,
       exists (select from console_user) as users;
