-- name: people
select count(*) as n from person where merged_into is null;

-- name: merged
-- Who has become somebody else: what still stands under their number is of no one.
select array_send(array_agg(p.person_id)) from (select * from person p where p.merged_into is not null and @only(p)) p
group by p.bucket / 16;

-- name: cells
-- The daily roll-up, each type by its place among those that mean something; 0: a type that means nothing to a score. It is kept when old
-- events go to the lake. Without any join, so that parallel workers gather the arrays: a quarter of the time.
select array_send(array_agg(a.person_id)), array_send(array_agg(coalesce(array_position(%(known)s::text[], a.type), 0))),
       array_send(array_agg(a.day)), array_send(array_agg(a.n)), array_send(array_agg(a.amount))
from (select * from activity a where a.day < %(until)s::date and @only(a)) a
group by a.bucket / 16;

-- name: coupons
-- Every coupon with its holder, its offer (0: of another system), the days of its issue and of its end, and the day of its first use.
-- 0: no end is known; never used. A use that a refund has restored was a use.
select array_send(array_agg(c.person_id)), array_send(array_agg(c.definition_id)),
       array_send(array_agg((c.issued_at at time zone %(zone)s::text)::date)),
       array_send(array_agg(coalesce((c.expires_at at time zone %(zone)s::text)::date, date '2000-01-01'))),
       array_send(array_agg(coalesce((u.at at time zone %(zone)s::text)::date, date '2000-01-01')))
from (select * from coupon c where @only(c)) c
left join (select r.bucket, r.person_id, r.code, min(r.at) as at
           from (select * from redemption r where r.state in ('done', 'restored') and @only(r)) r
           group by r.bucket, r.person_id, r.code) u
       on u.bucket = c.bucket and u.person_id = c.person_id and u.code = c.code
where c.issued_at < %(until)s::date::timestamp at time zone %(zone)s::text
group by c.bucket / 16;

-- name: learned
-- What speaks now, under the name of its prediction.
select name, version, until, parameters, metrics from model where name = any(%(names)s::text[]) and state = 'serving';
