-- name: hold
-- Those that are there, in one order for everybody, so that two writers wait for each other and not in a ring.
select p.product from product p where p.product = any(%(products)s::text[]) order by p.product for update;

-- name: add
insert into product (product, title, price_fen, stock, on_sale, category, picture, url, at)
select g.row ->> 'id', g.row ->> 'title', (g.row ->> 'price_fen')::bigint, (g.row ->> 'stock')::bigint,
       coalesce((g.row ->> 'on_sale')::boolean, true), g.row ->> 'category', g.row ->> 'picture', g.row ->> 'url', %(now)s::timestamptz
from jsonb_array_elements(%(rows)s::jsonb) g (row)
order by 1
on conflict (product) do nothing
returning product;

-- name: change
-- A row changes what it names; the rest stays. What is the same already is not written.
update product p
set title = n.title, price_fen = n.price_fen, stock = n.stock, on_sale = n.on_sale, category = n.category, picture = n.picture,
    url = n.url, at = %(now)s::timestamptz
from (select o.product,
             case when g.row ? 'title' then g.row ->> 'title' else o.title end as title,
             case when g.row ? 'price_fen' then (g.row ->> 'price_fen')::bigint else o.price_fen end as price_fen,
             case when g.row ? 'stock' then (g.row ->> 'stock')::bigint else o.stock end as stock,
             case when g.row ? 'on_sale' then (g.row ->> 'on_sale')::boolean else o.on_sale end as on_sale,
             case when g.row ? 'category' then g.row ->> 'category' else o.category end as category,
             case when g.row ? 'picture' then g.row ->> 'picture' else o.picture end as picture,
             case when g.row ? 'url' then g.row ->> 'url' else o.url end as url
      from jsonb_array_elements(%(rows)s::jsonb) g (row) join product o on o.product = g.row ->> 'id') n
where p.product = n.product
  and (p.title, p.price_fen, p.stock, p.on_sale, p.category, p.picture, p.url)
      is distinct from (n.title, n.price_fen, n.stock, n.on_sale, n.category, n.picture, n.url)
returning p.product;

-- name: find
select p.product as id, p.title, p.price_fen, p.stock, p.on_sale, p.category, p.picture, p.url, p.at
from product p where p.product = %(product)s::text;
