-- name: totals
-- What was promised and may still be asked for.
select (select count(*) from coupon) as issued,
       (select count(*) from redemption where state = 'done') as redeemed,
       count(*) as outstanding, coalesce(sum(value_fen), 0)::bigint as liability_fen
from coupon where state = 'issued';

-- name: cohorts
-- How the coupons whose time is over were redeemed, by offer, rung and week of issue.
select c.definition_id, coalesce(c.rung, 0) as rung, (extract(epoch from c.issued_at) / 604800)::int as week, count(*)::int as issued,
       (count(*) filter (where c.state = 'redeemed'))::int as redeemed
from coupon c where c.uses is not null and c.expires_at <= %(now)s::timestamptz
group by 1, 2, 3 order by 1, 2, 3;

-- name: running
-- The coupons whose time is not over, by the tenth of it that is gone; one without an end is always at its beginning.
select c.definition_id, coalesce(c.rung, 0) as rung,
       coalesce(least(9, floor(10 * extract(epoch from %(now)s::timestamptz - c.issued_at)
                               / nullif(extract(epoch from c.expires_at - c.issued_at), 0))), 0)::int as age,
       (count(*) filter (where c.state = 'issued'))::int as open, (count(*) filter (where c.state = 'redeemed'))::int as used,
       coalesce(sum(c.value_fen) filter (where c.state = 'issued'), 0)::bigint as face_fen,
       percentile_disc(array[0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]) within group (order by c.value_fen) as values
from coupon c
where c.uses is not null and c.state <> 'expired' and (c.expires_at is null or c.expires_at > %(now)s::timestamptz)
group by 1, 2, 3 order by 1, 2, 3;

-- name: apart
-- What is counted apart: coupons that may be used any number of times, and what is held for orders now.
select (select count(*) from coupon where uses is null and state = 'issued')::int as unlimited,
       (select coalesce(sum(discount_fen), 0) from redemption where state = 'held')::bigint as held_fen;

-- name: delays
-- In which tenth of its life a coupon was used.
select greatest(0, least(9, floor(10 * extract(epoch from r.at - c.issued_at) / nullif(extract(epoch from c.expires_at - c.issued_at), 0))))::int
           as age, count(*)::int as n
from redemption r join coupon c on c.code = r.code and c.bucket = r.bucket
where r.state = 'done' and c.uses is not null and c.expires_at <= %(now)s::timestamptz and c.expires_at > c.issued_at
group by 1;

-- name: worths
-- What uses really cost, as ten equally likely amounts.
select c.definition_id, coalesce(c.rung, 0) as rung, count(*)::int as n,
       percentile_disc(array[0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]) within group (order by r.discount_fen) as fen
from redemption r join coupon c on c.code = r.code and c.bucket = r.bucket
where r.state = 'done' and c.uses is not null
group by 1, 2;

-- name: baskets
-- What people pay for an order, as ten equally likely amounts, from as many orders as come first.
select percentile_disc(array[0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]) within group (order by o.amount) as fen
from (select e.amount from person_event e where e.type = 'ordered' and e.amount > 0 limit 20000) o;

-- name: by_rung
-- The lives of an offer's coupons.
select coalesce(c.rung, 0) as rung, count(*)::int as issued, (count(*) filter (where c.state = 'issued'))::int as open,
       (count(*) filter (where c.state = 'reserved'))::int as held, (count(*) filter (where c.state = 'redeemed'))::int as redeemed,
       (count(*) filter (where c.state = 'expired'))::int as expired
from coupon c where c.definition_id = %(definition_id)s::int group by 1 order by 1;

-- name: spent_by_rung
select coalesce(c.rung, 0) as rung, sum(r.discount_fen)::bigint as spent_fen
from coupon c join redemption r on r.bucket = c.bucket and r.person_id = c.person_id and r.code = c.code
where c.definition_id = %(definition_id)s::int and r.state = 'done' group by 1;

-- name: stock
select s.total, s.issued, s.redeemed, s.budget_fen, s.reserved_fen, s.spent_fen from stock s where s.definition_id = %(definition_id)s::int;

-- name: refused
-- What was refused of an offer, at the issue and at tills.
select 'issue' as at, f.reason, count(*)::int as n from offer_refusal f where f.definition_id = %(definition_id)s::int group by 2
union all
select 'till', r.reason, count(*)::int from redemption r join coupon c on c.code = r.code and c.bucket = r.bucket
where c.definition_id = %(definition_id)s::int and r.state in ('refused', 'conflict') group by 2
order by 1, 2;

-- name: places
-- Where people stand on a ladder.
select l.side, l.rung, count(*)::int as people from ladder l where l.definition_id = %(definition_id)s::int group by 1, 2 order by 1, 2;

-- name: waited
-- How many orders in a row came only after a rung down.
select l.waited, count(*)::int as people from ladder l
where l.definition_id = %(definition_id)s::int and l.waited > 0 group by 1 order by 1;

-- name: conflicts
-- What tills that were offline gave away although it was not to be had, newest first.
select r.request_id, r.code, r.person_id, r.order_id, r.discount_fen, r.reason, r.against, r.at from redemption r
where r.state = 'conflict' order by r.at desc, r.request_id limit %(limit)s::int;
