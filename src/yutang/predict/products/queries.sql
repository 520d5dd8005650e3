-- name: goods
-- What order lines tell of, the most bought first, each by the name that its lines give it. Only events that are still in the pond tell lines.
select t.product, max(t.name) as name, count(*) as lines
from (select e.bucket, e.person_id, e.day, i.item ->> 'product' as product, max(i.item ->> 'name') as name
      from person_event e
      cross join lateral jsonb_path_query(e.props, '$.items[*] ? (exists (@.product))') i (item)
      where e.type = 'ordered' and e.day >= %(since)s::date and e.day < %(until)s::date
      group by 1, 2, 3, 4) t
where t.product <> '' and length(t.product) <= 200
group by t.product order by 3 desc, 1 limit %(most)s::int;

-- name: lines
-- A product that a person bought on a day, once.
select array_send(array_agg(t.person_id)), array_send(array_agg(t.day)), array_send(array_agg(s.i::int))
from (select distinct e.bucket, e.person_id, e.day, i.item ->> 'product' as product
      from (select * from person_event e where e.type = 'ordered' and e.day < %(until)s::date and @only(e)) e
      join person p on p.bucket = e.bucket and p.person_id = e.person_id and p.merged_into is null
      cross join lateral jsonb_path_query(e.props, '$.items[*] ? (exists (@.product))') i (item)) t
join unnest(%(products)s::text[]) with ordinality s (product, i) on s.product = t.product
group by t.bucket / 16;

-- name: categories
select c.product, c.category from product c where c.product = any(%(products)s::text[]) and c.category is not null;

-- name: number
insert into product_number (product, name)
select n.product, n.name from unnest(%(products)s::text[], %(names)s::text[]) as n (product, name)
on conflict (product) do update set name = excluded.name where product_number.name is distinct from excluded.name;

-- name: numbers
select array_send(array_agg(n.number order by s.i))
from unnest(%(products)s::text[]) with ordinality s (product, i) join product_number n on n.product = s.product;

-- name: make_listed
create temporary table listed (person_id bigint not null, products int[] not null) on commit drop;

-- name: index_listed
create unique index on listed (person_id);

-- name: analyze_listed
analyze listed;

-- name: replace
-- All lists of a training at once: what is as it was is not written anew.
with kept as (
    insert into product_prediction (bucket, person_id, products)
    select (l.person_id & 1023)::smallint, l.person_id, l.products from listed l
    join person p on p.bucket = (l.person_id & 1023)::smallint and p.person_id = l.person_id and p.merged_into is null
    on conflict (bucket, person_id) do update set products = excluded.products
    where product_prediction.products is distinct from excluded.products)
delete from product_prediction f where not exists (select from listed l where l.person_id = f.person_id);

-- name: told_before
-- The first ten of each list, as numbers of products.
select array_send(array_agg(f.person_id)), array_send(array_agg(n.number)), array_send(array_agg(s.i::int))
from (select * from product_prediction f where @only(f)) f
cross join lateral unnest(f.products[1:%(most)s::int]) as n (number)
join product_number d on d.number = n.number
join unnest(%(products)s::text[]) with ordinality s (product, i) on s.product = d.product
group by f.bucket / 16;

-- name: of_person
select t.id, t.title, t.price_fen, t.url, t.picture, t.category, t.stock
from products_told((%(person)s::bigint & 1023)::smallint, %(person)s::bigint, %(never)s::text[], %(categories)s::text[],
                   %(since)s::date, %(most)s::int) t
order by t.place;

-- name: model
select version, trained_at, state from model where name = 'products' and state <> 'retired';

-- name: erase_product_prediction
delete from product_prediction t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);
