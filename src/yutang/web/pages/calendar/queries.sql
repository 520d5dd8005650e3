-- name: sent
-- What went out on each day of the pond, by channel.
select (a.at at time zone %(zone)s::text)::date as day, a.channel, count(*) as n
from attempt a
where a.state = 'sent' and a.at >= %(begin)s::timestamptz and a.at < %(end)s::timestamptz
group by 1, 2;

-- name: held
-- What waits for another try, by the day of it; what was due before now is tried now.
select (greatest(t.retry_at, %(now)s::timestamptz) at time zone %(zone)s::text)::date as day, t.channel, count(*) as n
from touch t
where t.verdict = 'hold' and t.retry_at < %(end)s::timestamptz
group by 1, 2;

-- name: fired
-- Which journeys the clock began, or passed over.
select d.name, f.fires_at as at, f.state, f.entered
from journey_firing f
join definition d on d.definition_id = f.journey_id and d.version = f.version
where f.fires_at >= %(begin)s::timestamptz and f.fires_at < %(end)s::timestamptz
order by f.fires_at, d.name;
