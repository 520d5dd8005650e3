-- writer: product. The goods a brand tells of, by the id that its order lines use. stock: null where nobody counts it; what is at 0, or
-- not on sale, is never told. at: when the row last changed.
create table product (
    product text primary key,
    title text not null,
    price_fen bigint check (price_fen >= 0),
    stock bigint check (stock >= 0),
    on_sale boolean not null default true,
    category text,
    picture text,
    url text,
    at timestamptz not null
);

-- writer: predict. A number for every product that was ever foretold, so that a person's list is an array of numbers. name: as order lines
-- call it, for what is not in the catalogue.
create table product_number (
    number int generated always as identity primary key,
    product text not null unique,
    name text
);

-- writer: predict. Products that a person is likely to buy next, the likeliest first; more than are told, as some will be sold out when
-- the list is read. Replaced as a set by each training; the model `products` says when and how.
create table product_prediction (
    bucket smallint not null,
    person_id bigint not null,
    products int[] not null,
    primary key (bucket, person_id)
);

-- What can be told of a person's list now, in its order: on sale, in stock, not excluded by the pond, not bought on or after `since`
-- (null: things may be bought again), and with a title: that of the catalogue, else the name in order lines.
create function products_told(
    of_bucket smallint, of_person bigint, never text[], never_categories text[], since date, most int)
returns table (place bigint, id text, title text, price_fen bigint, url text, picture text, category text, stock bigint)
language sql stable as $$
    select u.place, n.product, coalesce(p.title, n.name), p.price_fen, p.url, p.picture, p.category, p.stock
    from product_prediction f
    cross join lateral unnest(f.products) with ordinality u (number, place)
    join product_number n on n.number = u.number
    left join product p on p.product = n.product
    where f.bucket = of_bucket and f.person_id = of_person
      and coalesce(p.title, n.name) is not null
      and coalesce(p.on_sale, true) and coalesce(p.stock, 1) > 0
      and not (n.product = any(never)) and coalesce(not (p.category = any(never_categories)), true)
      and (since is null or not exists (
          select from person_event e
          where e.bucket = of_bucket and e.person_id = of_person and e.type = 'ordered' and e.day >= since
            and e.props @> jsonb_build_object('items', jsonb_build_array(jsonb_build_object('product', n.product)))))
    order by u.place limit most
$$;
