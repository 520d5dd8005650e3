-- name: order_days
-- From the daily roll-up, which is kept when old events go to the lake. Refunds are taken off the order day before them.
select array_send(array_agg(a.person_id)), array_send(array_agg(a.day)), array_send(array_agg(a.amount))
from (select * from activity a where a.type = %(type)s::text and a.day < %(until)s::date and @only(a)) a
join person p on p.bucket = a.bucket and p.person_id = a.person_id and p.merged_into is null
group by a.bucket / 16;

-- name: categories
-- The categories that most orders tell of, where items tell their category at all.
select t.category, count(*) as days
from (select distinct e.bucket, e.person_id, e.day, i.item ->> 'category' as category
      from person_event e
      cross join lateral jsonb_path_query(e.props, '$.items[*] ? (exists (@.category))') i (item)
      where e.type = 'ordered' and e.day < %(until)s::date) t
where t.category <> '' and length(t.category) <= 100
group by t.category order by 2 desc, 1 limit %(most)s::int;

-- name: category_days
-- A day on which a person bought of a category, once.
select array_send(array_agg(t.person_id)), array_send(array_agg(s.i::int)), array_send(array_agg(t.day))
from (select distinct e.bucket, e.person_id, e.day, i.item ->> 'category' as category
      from (select * from person_event e where e.type = 'ordered' and e.day < %(until)s::date and @only(e)) e
      cross join lateral jsonb_path_query(e.props, '$.items[*] ? (exists (@.category))') i (item)) t
join unnest(%(names)s::text[]) with ordinality s (category, i) on s.category = t.category
group by t.bucket / 16;

-- name: serving
-- Trees are long texts that nobody reads: whoever needs them asks for them.
select model_id, name, version, trained_at, since, until, state, metrics, parameters #- '{learned,booster}' as parameters from model
where state <> 'retired' order by name;

-- name: trained_at
select max(trained_at) as at from model;

-- name: one_at_a_time
-- Two trainings at once would number their versions alike.
lock table model in exclusive mode;

-- name: retire
update model set state = 'retired', parameters = parameters #- '{learned,booster}' where name = %(name)s::text and state <> 'retired';

-- name: keep_model
insert into model (name, version, trained_at, since, until, state, metrics, parameters)
select %(name)s::text, coalesce(max(version), 0) + 1, %(now)s::timestamptz, %(since)s::date, %(until)s::date, %(state)s::text,
       %(metrics)s::jsonb, %(parameters)s::jsonb
from model where name = %(name)s::text
returning model_id, version;

-- name: said
-- Whole numbers travel as columns: a prediction has six digits after the point.
select array_send(array_agg(p.person_id)), array_send(array_agg((p.value * 1000000)::bigint))
from (select * from prediction p where p.name = %(name)s::text and @only(p)) p
group by p.bucket / 16;

-- name: make_predicted
create temporary table predicted (person_id bigint not null, which smallint not null, micro bigint not null) on commit drop;

-- name: index_predicted
create unique index on predicted (person_id, which);

-- name: analyze_predicted
analyze predicted;

-- name: replace
-- All predictions of a training at once: what is new or other, what stays as it was under the new model, and what is gone.
with named as (
    select n.name, n.which::smallint as which, n.model_id
    from unnest(%(names)s::text[], %(models)s::bigint[]) with ordinality n (name, model_id, which)),
new as (
    select (q.person_id & 1023)::smallint as bucket, q.person_id, n.name, q.micro / 1000000.0::float8 as value, n.model_id
    from predicted q join named n using (which)),
kept as (
    insert into prediction (bucket, person_id, name, value, at, model_id)
    select bucket, person_id, name, value, %(now)s::timestamptz, model_id from new
    on conflict (bucket, person_id, name) do update
    set value = excluded.value, at = excluded.at, model_id = excluded.model_id),
gone as (
    delete from prediction p
    where split_part(p.name, ':', 1) = any(%(all)s::text[])
      and not exists (select from new where new.bucket = p.bucket and new.person_id = p.person_id and new.name = p.name)
    returning p.bucket, p.person_id),
changed as (
    select new.bucket, new.person_id from new
    left join prediction p on p.bucket = new.bucket and p.person_id = new.person_id and p.name = new.name
    where p.value is distinct from new.value
    union
    select bucket, person_id from gone)
insert into prediction_news (bucket, persons)
select bucket, array_agg(person_id) from changed group by bucket;

-- name: keep_drift
insert into model_drift (model_id, at, since, until, metrics)
values (%(model)s::bigint, %(now)s::timestamptz, %(since)s::date, %(until)s::date, %(metrics)s::jsonb)
on conflict (model_id, at) do update set metrics = excluded.metrics;

-- name: drifts
select m.name, m.version, d.at, d.since, d.until, d.metrics
from model_drift d join model m using (model_id)
order by m.name, d.at desc limit %(limit)s::int;

-- name: of_person
select p.name, p.value, p.at, m.name as model, m.version, m.metrics, m.state, m.until
from prediction p join model m using (model_id)
where p.bucket = (%(person)s::bigint & 1023)::smallint and p.person_id = %(person)s::bigint
order by p.name;

-- name: erase_prediction
delete from prediction t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);
