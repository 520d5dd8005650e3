-- Whose keys these are today: by the directory, or, of a key that is a person's own number, whom that number is part of now.
create function persons_of(keys uuid[]) returns setof bigint language sql stable as $$
    select h.person_id from handle h where h.key = any(keys)
    union
    select coalesce(p.merged_into, p.person_id)
    from unnest(keys) as k (key)
    cross join lateral (select ('x' || right(replace(k.key::text, '-', ''), 16))::bit(64)::bigint as person_id) n
    join person p on p.bucket = (n.person_id & 1023)::smallint and p.person_id = n.person_id
    where k.key < '01000000-0000-0000-0000-000000000000' and p.erased_at is null
$$;
