-- name: totals
-- Of each prediction: how many it is told of, the sum, and how many lie below or above a chance; of days how many lie in the coming week.
select p.name, count(*) as people, sum(p.value) as total, count(*) filter (where p.value <= %(low)s::float8) as low,
       count(*) filter (where p.value >= %(likely)s::float8) as likely, count(*) filter (where p.value >= %(high)s::float8) as high,
       count(*) filter (where p.value >= %(today)s::int and p.value < %(today)s::int + 7) as soon
from prediction p group by p.name;
