-- name: merged
-- Whose facts were joined or parted; both sides, because rows may have to move either way.
select distinct u.person_id from (
    select (m.winner_id & 1023)::smallint as bucket, m.winner_id as person_id, m.loser_id as other_id from merge_log m
    where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8
    union all
    select (m.loser_id & 1023)::smallint, m.loser_id, m.winner_id from merge_log m
    where m.xid >= %(low)s::xid8 and m.xid < %(high)s::xid8
) a cross join lateral unnest(array[a.person_id, a.other_id]) as u (person_id)
where @only(a);

-- name: move_coupons
-- A row belongs to whoever holds its origin's facts now: the same rule serves a merge, a chain of merges, and a split.
-- Deleted and inserted, not updated: on a cluster the bucket says on which machine a row lives.
with due as materialized (
    select c.code, c.bucket, coalesce(p.merged_into, p.person_id) as home
    from unnest(%(persons)s::bigint[]) as a (person_id)
    join coupon c on c.bucket = (a.person_id & 1023)::smallint and c.person_id = a.person_id
    join person p on p.bucket = (c.origin_id & 1023)::smallint and p.person_id = c.origin_id
    where coalesce(p.merged_into, p.person_id) <> c.person_id
    order by c.code for update of c
), gone as (
    delete from coupon c using due d where c.code = d.code and c.bucket = d.bucket returning c.*, d.home
), told as (
    insert into coupon_news (bucket, persons, expires_at)
    select (g.home & 1023)::smallint, array_agg(g.home), g.expires_at from gone g group by 1, 3
)
insert into coupon (code, bucket, person_id, origin_id, definition_id, version, rung, touch_id, state, uses, value_fen, pay_percent, off_fen,
                    minimum_fen, issued_at, valid_from, expires_at)
select g.code, (g.home & 1023)::smallint, g.home, g.origin_id, g.definition_id, g.version, g.rung, g.touch_id, g.state, g.uses, g.value_fen,
       g.pay_percent, g.off_fen, g.minimum_fen, g.issued_at, g.valid_from, g.expires_at
from gone g;

-- name: move_redemptions
with gone as (
    delete from redemption r using unnest(%(persons)s::bigint[]) as a (person_id), person p
    where r.bucket = (a.person_id & 1023)::smallint and r.person_id = a.person_id
      and p.bucket = (r.origin_id & 1023)::smallint and p.person_id = r.origin_id and coalesce(p.merged_into, p.person_id) <> r.person_id
    returning r.*, coalesce(p.merged_into, p.person_id) as home
)
insert into redemption (bucket, person_id, origin_id, request_id, code, order_id, amount_fen, discount_fen, state, reason, against, at,
                        due_at, restored_at)
select (g.home & 1023)::smallint, g.home, g.origin_id, g.request_id, g.code, g.order_id, g.amount_fen, g.discount_fen, g.state, g.reason,
       g.against, g.at, g.due_at, g.restored_at
from gone g;

-- name: move_refusals
with gone as (
    delete from offer_refusal r using unnest(%(persons)s::bigint[]) as a (person_id), person p
    where r.bucket = (a.person_id & 1023)::smallint and r.person_id = a.person_id
      and p.bucket = (r.origin_id & 1023)::smallint and p.person_id = r.origin_id and coalesce(p.merged_into, p.person_id) <> r.person_id
    returning r.*, coalesce(p.merged_into, p.person_id) as home
)
insert into offer_refusal (bucket, person_id, origin_id, definition_id, key, reason, at)
select (g.home & 1023)::smallint, g.home, g.origin_id, g.definition_id, g.key, g.reason, g.at from gone g
on conflict do nothing;

-- name: move_ladders
-- Two people became one: of their places on a ladder the one with the newest anchor stays. `move` goes to the highest, so
-- that no later move bears a number that was answered; xid stays, so that whoever has read of the move reads of it no more.
with due as materialized (
    select l.bucket, l.person_id, l.definition_id, coalesce(p.merged_into, p.person_id) as home
    from unnest(%(persons)s::bigint[]) as a (person_id)
    join ladder l on l.bucket = (a.person_id & 1023)::smallint and l.person_id = a.person_id
    join person p on p.bucket = (l.origin_id & 1023)::smallint and p.person_id = l.origin_id
    where coalesce(p.merged_into, p.person_id) <> l.person_id
    order by l.bucket, l.person_id, l.definition_id for update of l
), rivals as (
    select d.bucket, d.person_id, d.definition_id, d.home from due d
    union
    select l.bucket, l.person_id, l.definition_id, d.home
    from due d join ladder l on l.bucket = (d.home & 1023)::smallint and l.person_id = d.home and l.definition_id = d.definition_id
), gone as (
    delete from ladder l using rivals r
    where l.bucket = r.bucket and l.person_id = r.person_id and l.definition_id = r.definition_id
    returning l.*, r.home
), best as (
    select distinct on (g.home, g.definition_id) g.*, max(g.move) over (partition by g.home, g.definition_id) as top
    from gone g order by g.home, g.definition_id, g.anchor_at desc, g.person_id
), told as (
    insert into ladder_news (bucket, definition_id, persons, xid)
    select (b.home & 1023)::smallint, b.definition_id, array_agg(b.home), b.xid from best b group by b.home & 1023, b.definition_id, b.xid
), noted as (
    insert into ladder_due (bucket, persons, due_at)
    select (b.home & 1023)::smallint, array_agg(b.home), min(b.due_at) from best b where b.due_at is not null
    group by b.home & 1023, hour_of(b.due_at)
)
insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, due_at, waited, xid)
select (b.home & 1023)::smallint, b.home, b.definition_id, b.version, b.origin_id, b.side, b.rung, b.top, b.anchor_at, b.moved_at,
       b.due_at, b.waited, b.xid
from best b;
