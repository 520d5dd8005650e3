-- name: secret_mark
select s.mark from secret_mark s;

-- name: mark_secret
-- Of two processes that start at once the second finds the first one's.
insert into secret_mark (mark) values (%(mark)s) on conflict (one) do nothing;

-- name: sealed
-- Something that was sealed before there was a mark.
select said.value as text from (select e.sealed from event e where e.sealed is not null limit 1) one, jsonb_each_text(one.sealed) said limit 1;
