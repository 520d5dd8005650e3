-- name: concerned
-- Whose events identity gave to somebody else or took away, and with whom they were ever joined: rows may have to move either way.
with moved as (
    select p.person_id from person p where p.changed >= %(low)s::xid8 and p.changed < %(high)s::xid8 and @only(p)
)
select m.person_id from moved m
union select l.loser_id from moved m join merge_log l on l.winner_id = m.person_id
union select l.winner_id from moved m join merge_log l on l.loser_id = m.person_id;

-- name: own_coupons
-- A coupon of another system is theirs of whom its issue is told; of several the first word counts, as when it was taken in.
with told as (
    select distinct on (e.props ->> 'code') e.props ->> 'code' as code, e.person_id
    from unnest(%(persons)s::bigint[]) as a (person_id)
    join person_event e on e.bucket = (a.person_id & 1023)::smallint and e.person_id = a.person_id and e.type = 'coupon_issued'
    order by e.props ->> 'code', e.at, e.event_id
), held as materialized (
    select c.code, c.bucket, t.person_id from told t
    join coupon c on c.code = t.code and c.touch_id is null and c.person_id = any(%(persons)s::bigint[])
    join person p on p.bucket = (c.origin_id & 1023)::smallint and p.person_id = c.origin_id
    where coalesce(p.merged_into, p.person_id) <> t.person_id
    order by c.code for update of c
), used as (
    update redemption r set origin_id = h.person_id from held h
    where r.code = h.code and r.bucket = h.bucket
)
update coupon c set origin_id = h.person_id from held h where c.code = h.code and c.bucket = h.bucket;

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

-- name: free_marks
-- What one phone or device has had is had by whoever it belongs to: a coupon that was given while two were one, and is the other's now, was not.
with known as materialized (
    select a.person_id, k.mark from unnest(%(persons)s::bigint[]) as a (person_id) cross join lateral marks_of(a.person_id) k (mark)
), held as materialized (
    select c.person_id, c.touch_id, c.definition_id from unnest(%(persons)s::bigint[]) as a (person_id)
    join coupon c on c.bucket = (a.person_id & 1023)::smallint and c.person_id = a.person_id and c.touch_id is not null
)
delete from coupon_mark m using known k, held h
where m.mark = k.mark and m.touch_id = h.touch_id and m.definition_id = h.definition_id
  and not exists (select from known own where own.person_id = h.person_id and own.mark = m.mark);

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

-- name: set_aside
-- Of two who become one, where each stood is kept: they may be parted again.
with joined as (
    select l.person_id, l.definition_id, p.merged_into as home
    from unnest(%(persons)s::bigint[]) as a (person_id)
    join ladder l on l.bucket = (a.person_id & 1023)::smallint and l.person_id = a.person_id
    join person p on p.bucket = (l.origin_id & 1023)::smallint and p.person_id = l.origin_id
    where p.merged_into <> l.person_id
), both_of_them as (
    select j.person_id, j.definition_id, j.home from joined j union select j.home, j.definition_id, j.home from joined j
)
insert into ladder_aside (bucket, person_id, definition_id, version, side, rung, move, top, anchor_at, moved_at, due_at, waited)
select l.bucket, l.person_id, l.definition_id, l.version, l.side, l.rung, l.move,
       max(l.move) over (partition by b.home, b.definition_id), l.anchor_at, l.moved_at, l.due_at, l.waited
from both_of_them b
join ladder l on l.bucket = (b.person_id & 1023)::smallint and l.person_id = b.person_id and l.definition_id = b.definition_id;

-- name: move_ladders
-- Two people became one: of their places on a ladder the one with the newest anchor stays. `move` goes to the highest, so
-- that no later move bears a number that was answered; xid stays, so that whoever has read of the move reads of it no more.
with due as materialized (
    select l.bucket, l.person_id, l.definition_id, coalesce(p.merged_into, p.person_id) as home, p.merged_into is null as parted
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
), heard as (
    -- Who stood there for both was told of the moves of then, and is given neither a number that was answered nor a rung too soon.
    update ladder_aside s
    set move = greatest(s.move, g.move), due_at = case when s.due_at is not null then greatest(s.due_at, g.due_at) end
    from gone g join due d using (bucket, person_id, definition_id)
    where d.parted and g.move > s.top and s.bucket = g.bucket and s.person_id = g.person_id and s.definition_id = g.definition_id
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

-- name: stand_again
-- Who stands on a ladder by an order or a registration that is theirs no more, because a join or an import was taken back, stands where
-- they did before they were joined; who never was, at the beginning (`start_ladders` says where that is). A rung down stays where it is.
with astray as materialized (
    select l.ctid as place, l.bucket, l.person_id, l.definition_id, l.side = 'down' and l.rung > 0 as sank
    from unnest(%(persons)s::bigint[]) as a (person_id)
    join person p on p.bucket = (a.person_id & 1023)::smallint and p.person_id = a.person_id and p.merged_into is null
    join ladder l on l.bucket = p.bucket and l.person_id = p.person_id
    where not stands_on(l.bucket, l.person_id, l.anchor_at)
    order by l.bucket, l.person_id, l.definition_id for update of l
), known as (
    select a.*, r.at as registered_at, o.at as ordered_at, s.aside_id, s.side, s.rung, s.move, s.anchor_at, s.moved_at, s.due_at, s.waited
    from astray a
    left join lateral (select s.* from ladder_aside s
                       where s.bucket = a.bucket and s.person_id = a.person_id and s.definition_id = a.definition_id
                         and stands_on(s.bucket, s.person_id, s.anchor_at)
                       order by s.aside_id desc limit 1) s on true
    left join unnest(%(l_definitions)s::int[], %(l_since)s::timestamptz[]) as t (definition_id, since) on t.definition_id = a.definition_id
    cross join lateral (select min(e.at) as at from person_event e
                        where e.bucket = a.bucket and e.person_id = a.person_id and e.type = 'registered') r
    cross join lateral (select max(e.at) as at from person_event e
                        where e.bucket = a.bucket and e.person_id = a.person_id and e.type = 'ordered' and (a.sank or e.at < t.since)) o
), gone as (
    delete from ladder l using known k where l.ctid = k.place and k.aside_id is null and k.registered_at is null
), back as (
    update ladder l
    set side = coalesce(k.side, 'down'), rung = coalesce(k.rung, case when k.sank then l.rung else 0 end), move = greatest(k.move, l.move),
        anchor_at = coalesce(k.anchor_at, greatest(k.registered_at, k.ordered_at)), moved_at = coalesce(k.moved_at, l.moved_at),
        due_at = case when k.aside_id is null or k.due_at is not null then greatest(k.due_at, l.due_at) end,
        waited = coalesce(k.waited, 0), origin_id = l.person_id
    from known k where l.ctid = k.place and (k.aside_id is not null or k.registered_at is not null)
    returning l.bucket, l.person_id, l.due_at
), noted as (
    insert into ladder_due (bucket, persons, due_at)
    select b.bucket, array_agg(b.person_id), min(b.due_at) from back b where b.due_at is not null group by b.bucket, hour_of(b.due_at)
)
select b.person_id from back b;

-- name: stand_apart
-- Who was parted from whoever stood there for both stands where they did before.
with back as (
    insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, due_at, waited)
    select distinct on (s.bucket, s.person_id, s.definition_id) s.bucket, s.person_id, s.definition_id, s.version, s.person_id, s.side, s.rung,
           s.move, s.anchor_at, s.moved_at, s.due_at, s.waited
    from unnest(%(persons)s::bigint[]) as a (person_id)
    join person p on p.bucket = (a.person_id & 1023)::smallint and p.person_id = a.person_id and p.merged_into is null and p.erased_at is null
    join ladder_aside s on s.bucket = p.bucket and s.person_id = p.person_id
    where stands_on(s.bucket, s.person_id, s.anchor_at)
    order by s.bucket, s.person_id, s.definition_id, s.aside_id desc
    on conflict do nothing
    returning bucket, person_id, due_at
), noted as (
    insert into ladder_due (bucket, persons, due_at)
    select b.bucket, array_agg(b.person_id), min(b.due_at) from back b where b.due_at is not null group by b.bucket, hour_of(b.due_at)
)
select b.person_id from back b;

-- name: undone_uses
-- Uses of which events told that were taken back.
select r.request_id, r.code
from event_undone u
join event e on e.event_id = u.event_id and e.type in ('coupon_redeemed', 'ordered')
cross join lateral (
    select 'event:' || e.event_id as request_id where e.type = 'coupon_redeemed'
    union all
    select 'event:' || e.event_id || ':' || c.code from jsonb_array_elements_text(
        case when jsonb_typeof(e.props -> 'coupon_codes') = 'array' then e.props -> 'coupon_codes' else '[]' end) as c (code)) told
join redemption r on r.request_id = told.request_id and r.state = 'done'
where u.xid >= %(low)s::xid8 and u.xid < %(high)s::xid8;

-- name: undone_coupons
-- Coupons of other systems whose issue was taken back, and that nobody has used. Told of twice, one stays for the other word.
with due as materialized (
    select c.code, c.bucket
    from event_undone u
    join event e on e.event_id = u.event_id and e.type = 'coupon_issued'
    join coupon c on c.code = e.props ->> 'code' and c.touch_id is null
    where u.xid >= %(low)s::xid8 and u.xid < %(high)s::xid8
      and not exists (select from redemption r
                      where r.bucket = c.bucket and r.person_id = c.person_id and r.code = c.code and r.state in ('done', 'held', 'conflict'))
      and not exists (select from person_event o
                      where o.bucket = c.bucket and o.person_id = c.person_id and o.type = 'coupon_issued' and o.props ->> 'code' = c.code)
    order by c.code for update of c
), gone as (
    delete from coupon c using due d where c.code = d.code and c.bucket = d.bucket returning c.bucket, c.person_id
), told as (
    insert into coupon_news (bucket, persons) select g.bucket, array_agg(distinct g.person_id) from gone g group by g.bucket
)
select count(*)::int as n from gone;
