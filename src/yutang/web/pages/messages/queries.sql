-- name: sent
-- How many letters of each message went out, and how many failed, since then.
select t.message_id, (count(*) filter (where a.state = 'sent'))::int as sent, (count(*) filter (where a.state = 'failed'))::int as failed,
       (count(*) filter (where a.state in ('waiting', 'claimed', 'assigned')))::int as under_way
from attempt a join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
where a.at >= %(since)s::timestamptz
group by t.message_id;

-- name: days
-- The same of one message, for each of the pond's days.
select (a.at at time zone %(zone)s::text)::date as day, (count(*) filter (where a.state = 'sent'))::int as sent,
       (count(*) filter (where a.state = 'failed'))::int as failed
from attempt a join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
where t.message_id = %(message)s::int and a.at >= %(since)s::timestamptz
group by 1 order by 1;

-- name: reasons
-- Why one message did not arrive: refused or held by the gates, or failed on the way.
select 'gate' as at, t.reason, count(*)::int as n from touch t
where t.message_id = %(message)s::int and t.judged_at >= %(since)s::timestamptz and t.verdict <> 'send' and t.reason is not null group by 2
union all
select 'way', a.reason, count(*)::int
from attempt a join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
where t.message_id = %(message)s::int and a.at >= %(since)s::timestamptz and a.state = 'failed' and a.reason is not null group by 2
order by 3 desc, 1, 2;

-- name: traits
-- What people of the pond are known by: the names among the first traits that come.
select distinct t.name from (select r.name from trait r limit 20000) t;
