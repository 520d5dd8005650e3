-- writer: profile. The cells of the daily roll-up stand in the row of `tally` that is their sum: `days` ascending, beside each how many
-- there were and how much that was; `day_amount` is empty where no day has any. A row for each cell had a look-up, a version and an entry
-- of its own in an index whose pages are all over the place.
alter table tally
    add column days date[] not null default '{}',
    add column day_n int[] not null default '{}',
    add column day_amount bigint[] not null default '{}';
update tally t set days = c.days, day_n = c.day_n, day_amount = c.day_amount
from (select a.bucket, a.person_id, a.type, array_agg(a.day order by a.day) as days, array_agg(a.n order by a.day) as day_n,
             case when bool_or(a.amount <> 0) then array_agg(a.amount order by a.day) else '{}' end as day_amount
      from activity a group by a.bucket, a.person_id, a.type) c
where t.bucket = c.bucket and t.person_id = c.person_id and t.type = c.type;
drop table activity;

-- The same, a row for each cell.
create view activity as
select t.bucket, t.person_id, t.type, c.day, c.n, coalesce(c.amount, 0) as amount
from tally t cross join lateral unnest(t.days, t.day_n, t.day_amount) as c (day, n, amount);
