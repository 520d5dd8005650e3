-- name: stocks
-- What is left of every offer in service: a row each, whatever the size of the pond.
select s.definition_id, s.total, s.issued, s.redeemed, s.budget_fen, s.reserved_fen, s.spent_fen from stock s;

-- name: days
-- What became of an offer's coupons on each of the pond's days since then.
select d.day, sum(d.issued)::int as issued, sum(d.redeemed)::int as redeemed, sum(d.expired)::int as expired
from (
    select (c.issued_at at time zone %(zone)s::text)::date as day, 1 as issued, 0 as redeemed, 0 as expired
    from coupon c where c.definition_id = %(offer)s::int and c.issued_at >= %(since)s::timestamptz
    union all
    select (c.expires_at at time zone %(zone)s::text)::date, 0, 0, 1
    from coupon c where c.definition_id = %(offer)s::int and c.state = 'expired' and c.expires_at >= %(since)s::timestamptz
    union all
    select (r.at at time zone %(zone)s::text)::date, 0, 1, 0
    from redemption r join coupon c on c.code = r.code and c.bucket = r.bucket
    where c.definition_id = %(offer)s::int and r.state = 'done' and r.at >= %(since)s::timestamptz
) d
group by d.day order by d.day;

-- name: latest
-- The newest uses of an offer.
select r.person_id, r.order_id, r.amount_fen, r.discount_fen, r.state, r.at, c.rung
from redemption r join coupon c on c.code = r.code and c.bucket = r.bucket
where c.definition_id = %(offer)s::int and r.state in ('done', 'held', 'restored')
order by r.at desc, r.request_id limit %(limit)s::int;

-- name: conflicts
-- What tills that were offline gave of this offer in vain, newest first; few rows, from their own index.
select r.request_id, r.person_id, r.order_id, r.discount_fen, r.reason, r.at
from redemption r join coupon c on c.code = r.code and c.bucket = r.bucket
where r.state = 'conflict' and c.definition_id = %(offer)s::int
order by r.at desc, r.request_id limit %(limit)s::int;

-- name: flow
-- From which rung of a ladder to which people went: each coupon of a person and the one after it, since then.
select w.rung, w.following, count(*)::int as n
from (select c.rung, lead(c.rung) over (partition by c.bucket, c.person_id order by c.issued_at, c.rung) as following
      from coupon c where c.definition_id = %(offer)s::int and c.rung is not null and c.issued_at >= %(since)s::timestamptz) w
where w.following is not null and w.following <> w.rung
group by 1, 2 order by 1, 2;

-- name: coupon
-- One code: whose, of what, and until when.
select c.code, c.person_id, c.definition_id, c.version, c.rung, c.state, c.uses, c.value_fen, c.pay_percent, c.off_fen, c.minimum_fen,
       c.issued_at, c.expires_at
from coupon c where c.code = %(code)s::text limit 1;
