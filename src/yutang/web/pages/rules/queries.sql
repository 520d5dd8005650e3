-- What there is to choose from. Nobody reads everything for that: what the planner knows of a column, and the first rows of a table.

-- name: seen_events
select distinct x.name from (
    select unnest(s.most_common_vals::text::text[]) as name from pg_stats s
    where s.schemaname = current_schema() and s.tablename = 'tally' and s.attname = 'type'
    union all select t.type from (select type from tally limit 4000) t) x
order by x.name;

-- name: seen_traits
select distinct x.name from (
    select unnest(s.most_common_vals::text::text[]) as name from pg_stats s
    where s.schemaname = current_schema() and s.tablename = 'trait' and s.attname = 'name'
    union all select t.name from (select name from trait limit 4000) t) x
order by x.name;

-- name: seen_values
-- What an attribute is among the people who were written first; the most frequent values lead.
select t.value, count(*) as n from (select * from trait limit 20000) t
where t.name = %(name)s::text and jsonb_typeof(t.value) in ('string', 'number', 'boolean')
group by t.value order by n desc, t.value limit 40;

-- name: tags
-- From tag to tag along the index, however many people carry each.
with recursive each as (
    (select t.tag from tag t order by t.tag limit 1)
    union all
    select (select t.tag from tag t where t.tag > e.tag order by t.tag limit 1) from each e where e.tag is not null)
select e.tag as name from each e where e.tag is not null limit 500;
