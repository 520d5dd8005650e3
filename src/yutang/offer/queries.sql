-- name: stock_up
-- Follows the offers in service and locks their rows, in order: on conflict locks even what it leaves as it is.
-- What is already out cannot be called back, so a smaller stock or budget stops at what was used.
insert into stock as s (definition_id, total, budget_fen)
select * from unnest(%(ids)s::int[], %(totals)s::bigint[], %(budgets)s::bigint[]) as d (definition_id, total, budget_fen)
order by d.definition_id
on conflict (definition_id) do update
    set total = case when excluded.total is not null then greatest(excluded.total, s.issued) end,
        budget_fen = case when excluded.budget_fen is not null then greatest(excluded.budget_fen, s.spent_fen) end
    where s.total is distinct from case when excluded.total is not null then greatest(excluded.total, s.issued) end
       or s.budget_fen is distinct from case when excluded.budget_fen is not null then greatest(excluded.budget_fen, s.spent_fen) end;

-- name: scratch_wanted
-- One batch of coupons to give out. n: 1, 2, … is the order in which stock is given; rung 0: a plain coupon.
create temp table if not exists coupon_wanted (n int not null, person_id bigint not null, definition_id int not null,
    rung smallint not null, touch_id bigint not null, round smallint not null default 1) on commit delete rows;

-- name: scratch_said
-- What became of the batch: one row for each touch, with a code or a reason.
create temp table if not exists coupon_said (touch_id bigint not null, code text, reason text) on commit delete rows;

-- name: clear_wanted
-- A transaction may hold several batches.
delete from coupon_wanted;

-- name: clear_said
delete from coupon_said;

-- name: want
insert into coupon_wanted (n, person_id, definition_id, rung, touch_id)
select w.n, w.person_id, w.definition_id, w.rung, w.touch_id
from unnest(%(persons)s::bigint[], %(definitions)s::int[], %(rungs)s::smallint[], %(touches)s::bigint[])
     with ordinality as w (person_id, definition_id, rung, touch_id, n);

-- name: said
select s.touch_id, s.code, s.reason from coupon_said s;

-- name: batch
-- How much is wanted, of which offers, and how often somebody asks for the same one.
select coalesce(sum(a.n), 0)::int as wanted, coalesce(max(a.n), 0)::int as rounds, array_agg(distinct a.definition_id) as offers
from (select w.definition_id, count(*) as n from coupon_wanted w group by w.person_id, w.definition_id) a;

-- name: rounds
-- Whoever asks for an offer twice is served in two rounds, in the order of asking.
update coupon_wanted w set round = r.round
from (select a.touch_id, row_number() over (partition by a.person_id, a.definition_id order by a.n) as round from coupon_wanted a) r
where r.touch_id = w.touch_id and r.round > 1;

-- name: issue
-- One pass: what a touch already has stays its own; gates that cost nothing first, then the person's own limits, then
-- stock and budget by rank. The rows of stock are locked before, so the counts are those of now.
-- A round names a person and an offer once, so the person's count of coupons is exact.
with want as (
    select w.n, w.person_id, (w.person_id & 1023)::smallint as bucket, w.definition_id, w.rung, w.touch_id, mine.code as old_code,
           t.value_fen, t.pay_percent, t.off_fen, t.minimum_fen, t.expires_at,
           case when mine.code is not null then 'have'
                when t.definition_id is null then 'retired'
                when t.reason is not null then t.reason
                when mine.held >= t.per_person then 'has_enough'
                when mine.last_at > t.cool_since then 'cool_down' end as said
    from coupon_wanted w
    left join unnest(%(t_definitions)s::int[], %(t_rungs)s::smallint[], %(t_values)s::bigint[], %(t_pay)s::smallint[],
                     %(t_off)s::bigint[], %(t_minimum)s::bigint[], %(t_expires)s::timestamptz[], %(t_per_person)s::int[],
                     %(t_cool)s::timestamptz[], %(t_reasons)s::text[])
         as t (definition_id, rung, value_fen, pay_percent, off_fen, minimum_fen, expires_at, per_person, cool_since, reason)
      on t.definition_id = w.definition_id and t.rung = w.rung
    left join lateral (
        select min(c.code) filter (where c.touch_id = w.touch_id) as code,
               count(*) filter (where c.definition_id = w.definition_id) as held,
               max(c.issued_at) filter (where c.definition_id = w.definition_id) as last_at
        from coupon c
        where c.bucket = (w.person_id & 1023)::smallint and c.person_id = w.person_id and c.touch_id is not null
    ) mine on true
    where w.round = %(round)s::int
), ranked as (
    select w.*, row_number() over of_offer as rank, sum(w.value_fen) over (of_offer rows unbounded preceding) as sum_fen
    from want w
    window of_offer as (partition by w.definition_id, w.said is null order by w.n)
), judged as materialized (
    select r.n, r.person_id, r.bucket, r.definition_id, r.rung, r.touch_id, r.old_code, r.value_fen, r.pay_percent, r.off_fen,
           r.minimum_fen, r.expires_at,
           coalesce(r.said, case when s.issued + r.rank > s.total then 'sold_out'
                                 when s.reserved_fen + s.spent_fen + r.sum_fen > s.budget_fen then 'over_budget' end) as said,
           -- 13 digits of the caller's dice: thrown at once for the whole batch, as one at a time costs more than the rest.
           lpad(to_hex(r.bucket::int), 3, '0') || left(encode(substring(%(dice)s::bytea from 7 * r.n - 6 for 7), 'hex'), 13) as code
    from ranked r
    left join stock s on s.definition_id = r.definition_id
), refused as (
    insert into offer_refusal (bucket, person_id, origin_id, definition_id, key, reason, at)
    select j.bucket, j.person_id, j.person_id, j.definition_id, 'touch:' || j.touch_id, j.said, %(now)s::timestamptz
    from judged j where j.said <> 'have'
    on conflict do nothing
), granted as (
    insert into coupon (code, bucket, person_id, origin_id, definition_id, rung, touch_id, state, uses, value_fen, pay_percent,
                        off_fen, minimum_fen, issued_at, valid_from, expires_at)
    select j.code, j.bucket, j.person_id, j.person_id, j.definition_id, nullif(j.rung, 0), j.touch_id, 'issued', 1, j.value_fen,
           j.pay_percent, j.off_fen, j.minimum_fen, %(now)s::timestamptz, %(now)s::timestamptz, j.expires_at
    -- In the order of both unique indexes, so that each page is visited once.
    from judged j where j.said is null order by j.bucket, j.person_id
), counted as (
    update stock s set issued = s.issued + g.n, reserved_fen = s.reserved_fen + g.fen
    from (select j.definition_id, count(*) as n, sum(j.value_fen) as fen from judged j where j.said is null group by 1) g
    where s.definition_id = g.definition_id
)
insert into coupon_said (touch_id, code, reason)
select j.touch_id, coalesce(j.old_code, case when j.said is null then j.code end) as code, nullif(j.said, 'have') as reason
from judged j;

-- name: hold_coupons
-- Always in the order of codes, so that two writers never wait for each other in a ring.
select c.code, c.bucket, c.person_id, c.origin_id, c.definition_id, c.touch_id, c.state, c.uses, c.value_fen, c.pay_percent,
       c.off_fen, c.minimum_fen, c.valid_from, c.expires_at
from coupon c where c.code = any(%(codes)s::text[]) order by c.code, c.bucket for update;

-- name: hold_stock
-- After the coupons: the hot rows are held shortest.
select s.definition_id, s.budget_fen, s.spent_fen from stock s
where s.definition_id = any(%(ids)s::int[]) order by s.definition_id for update;

-- name: handled
-- Read after the coupons are locked: whoever asked before for the same request has committed.
select r.request_id, r.state, r.reason, r.discount_fen from redemption r where r.request_id = any(%(requests)s::text[]);

-- name: count_stock
-- The one place that changes what redemptions, refunds and time do to stock; its rows are held before.
update stock s set redeemed = s.redeemed + d.n, spent_fen = s.spent_fen + d.spent, reserved_fen = s.reserved_fen + d.reserved
from unnest(%(ids)s::int[], %(counts)s::bigint[], %(spent)s::bigint[], %(reserved)s::bigint[]) as d (definition_id, n, spent, reserved)
where s.definition_id = d.definition_id;

-- name: redeem
-- Writes down a judged batch: every request, and what is left of each coupon. As JSON: arrays of text cost the driver most.
with used as (
    update coupon c set uses = u.uses, state = u.state, xid = pg_current_xact_id()
    from jsonb_to_recordset(%(used)s::jsonb) as u (code text, bucket smallint, uses int, state text)
    where c.code = u.code and c.bucket = u.bucket
)
insert into redemption (bucket, person_id, origin_id, request_id, code, order_id, amount_fen, discount_fen, state, reason, at)
select (q.person_id & 1023)::smallint, q.person_id, q.origin_id, q.request_id, q.code, q.order_id, q.amount_fen, q.discount_fen,
       case when q.reason is null then 'done' else 'refused' end, q.reason, q.at
from jsonb_to_recordset(%(asked)s::jsonb)
     as q (request_id text, person_id bigint, origin_id bigint, code text, order_id text, amount_fen bigint, discount_fen bigint,
           reason text, at timestamptz)
on conflict do nothing;

-- name: restorable
-- Redemptions whose order was given back after them, of everybody who used a coupon or was refunded just now.
-- Both are looked at, so it does not matter which of the two events arrives first.
with touched as materialized (
    select distinct e.bucket, e.person_id from person_event e
    where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type in ('refunded', 'coupon_redeemed')
)
select r.request_id, r.code from touched t
join redemption r on r.bucket = t.bucket and r.person_id = t.person_id
where r.state = 'done' and r.order_id is not null and exists (
    select from person_event e
    where e.bucket = r.bucket and e.person_id = r.person_id and e.type = 'refunded' and e.at >= r.at
      and e.props ->> 'order_id' = r.order_id);

-- name: restore
-- Gives the uses back. A coupon that ran out meanwhile stays expired; its money returns to the budget all the same.
with back as materialized (
    update redemption r set state = 'restored', restored_at = %(now)s::timestamptz, xid = pg_current_xact_id()
    where r.request_id = any(%(requests)s::text[]) and r.state = 'done'
    returning r.code, r.discount_fen
), coupons as materialized (
    select b.code, count(*)::int as n, sum(b.discount_fen) as fen from back b group by b.code
), given as (
    update coupon c
    set uses = c.uses + b.n, xid = pg_current_xact_id(),
        state = case when c.expires_at <= %(now)s::timestamptz then 'expired' else 'issued' end
    from coupons b where c.code = b.code
    returning c.definition_id, c.touch_id, c.state, c.value_fen, b.n, b.fen
)
select g.definition_id, sum(g.n)::bigint as n, sum(g.fen)::bigint as fen,
       sum(case when g.state = 'issued' then g.value_fen else 0 end)::bigint as open_fen
from given g where g.touch_id is not null group by g.definition_id;

-- name: take_in
-- Coupons that another system issued. The first word on a code counts; a repeat and our own record of an issue change nothing.
insert into coupon (code, bucket, person_id, origin_id, definition_id, state, uses, value_fen, pay_percent, off_fen, minimum_fen,
                    issued_at, valid_from, expires_at)
select distinct on (e.code) e.code, e.bucket, e.person_id, e.person_id, coalesce(t.definition_id, 0), 'issued', e.uses,
       coalesce(e.value_fen, t.value_fen, 0), t.pay_percent, t.off_fen, coalesce(t.minimum_fen, 0), e.at, coalesce(e.valid_from, e.at),
       coalesce(e.expires_at, e.at + t.valid)
from (
    select e.bucket, e.person_id, e.at, e.event_id, e.props ->> 'code' as code, e.props ->> 'offer' as offer,
           (e.props ->> 'uses')::int as uses, (e.props ->> 'value_fen')::bigint as value_fen,
           (e.props ->> 'valid_from')::timestamptz as valid_from, (e.props ->> 'expires_at')::timestamptz as expires_at
    from person_event e
    where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type = 'coupon_issued'
) e
left join unnest(%(t_names)s::text[], %(t_definitions)s::int[], %(t_values)s::bigint[], %(t_pay)s::smallint[], %(t_off)s::bigint[],
                 %(t_minimum)s::bigint[], %(t_valid)s::interval[])
     as t (name, definition_id, value_fen, pay_percent, off_fen, minimum_fen, valid) on t.name = e.offer
-- Offset 0 keeps it a probe for each row: as a join it would read every coupon there is.
where not exists (select from coupon c where c.code = e.code offset 0)
order by e.code, e.at, e.event_id
on conflict do nothing;

-- name: refuse_taken
-- A code that is somebody else's already cannot be given to a second person.
insert into offer_refusal (bucket, person_id, origin_id, definition_id, key, reason, at)
select e.bucket, e.person_id, e.person_id, c.definition_id, 'event:' || e.event_id, 'not_yours', %(now)s::timestamptz
from person_event e
join coupon c on c.code = e.props ->> 'code'
where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type = 'coupon_issued' and c.person_id <> e.person_id
on conflict do nothing;

-- name: redeemed_elsewhere
-- Redemptions told by other systems. Our own record of one carries its request, and is so known.
select e.event_id, e.person_id, e.at, e.props ->> 'code' as code, e.props ->> 'order_id' as order_id,
       (e.props ->> 'amount_fen')::bigint as discount_fen, coalesce(e.props ->> 'request_id', 'event:' || e.event_id) as request_id
from person_event e
where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type = 'coupon_redeemed'
order by e.at, e.event_id;

-- name: ladder_news
-- Whom ladders must look at again, and who of them has registered.
select e.person_id, bool_or(e.type = 'registered') as registered from person_event e
where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type in ('registered', 'ordered')
group by e.person_id;

-- name: start_ladders
-- Whoever registers stands before every ladder in service.
with moved as (
    insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, due_at)
    select (p.person_id & 1023)::smallint, p.person_id, t.definition_id, t.version, p.person_id, 'down', 0, 0, e.at, e.at, e.at + t.silence
    from unnest(%(persons)s::bigint[]) as p (person_id)
    cross join lateral (select min(e.at) as at from person_event e
                        where e.bucket = (p.person_id & 1023)::smallint and e.person_id = p.person_id and e.type = 'registered') e
    cross join unnest(%(l_definitions)s::int[], %(l_versions)s::int[], %(l_silence)s::interval[]) as t (definition_id, version, silence)
    where e.at is not null
    on conflict do nothing
    returning bucket, person_id, definition_id
), told as (
    insert into ladder_news (bucket, definition_id, persons)
    select m.bucket, m.definition_id, array_agg(m.person_id) from moved m group by m.bucket, m.definition_id
)
select count(*)::int as n from moved;

-- name: hold_ladders
-- Before the fold, in a statement of its own: what the fold reads is then what the last writer left, row address included.
select count(*)
from (select (u.person_id & 1023)::smallint as bucket, u.person_id from unnest(%(persons)s::bigint[]) as u (person_id) order by 1, 2) t
cross join lateral (select from ladder l where l.bucket = t.bucket and l.person_id = t.person_id for update) l;

-- name: climb
-- Orders newer than the anchor, folded in one pass: an order after a silence begins the up side, the others climb.
-- Only the first order of a fold can be a waiter's; the second still waits out the silence that the first one set.
-- The orders are read from the person's whole history, so the batch in which one arrived does not matter.
with touched as (
    select (u.person_id & 1023)::smallint as bucket, u.person_id from unnest(%(persons)s::bigint[]) as u (person_id)
), held as (
    select l.* from touched t
    cross join lateral (
        select l.ctid as place, l.definition_id, l.side, l.rung, l.anchor_at, l.moved_at, l.due_at, l.waited, l.bucket, l.person_id
        from ladder l where l.bucket = t.bucket and l.person_id = t.person_id offset 0) l
), orders as (
    select h.*, t.version, t.silence, t.down, t.up, t.patience, e.at, first_value(e.at) over w as first_at,
           row_number() over w as n, lag(e.at) over w as before
    from held h
    join unnest(%(l_definitions)s::int[], %(l_versions)s::int[], %(l_silence)s::interval[], %(l_down)s::smallint[], %(l_up)s::smallint[],
                %(l_patience)s::smallint[]) as t (definition_id, version, silence, down, up, patience)
      on t.definition_id = h.definition_id
    cross join lateral (
        select distinct e.at from person_event e
        where e.bucket = h.bucket and e.person_id = h.person_id and e.type = 'ordered' and e.at > h.anchor_at
    ) e
    window w as (partition by h.place order by e.at)
), judged as (
    select o.*, w.waited_now,
           case when o.n = 1 then not (o.side = 'up' and coalesce(o.at < o.due_at, false))
                when o.n = 2 and o.patience > 0 and w.waited_now >= o.patience then o.at >= o.before + 2 * o.silence
                else o.at >= o.before + o.silence end as begins
    from orders o
    cross join lateral (select case when o.side = 'down' and o.rung - (o.moved_at > o.first_at)::int >= 1
                                    then o.waited + 1 else 0 end as waited_now) w
), folded as (
    select j.place, j.version, j.down, j.up, j.rung, j.patience, j.silence,
           count(*)::int as n, max(j.at) as last_at, max(j.n) filter (where j.begins) as begun,
           case when count(*) = 1 then min(j.waited_now) else 0 end as waited
    from judged j
    group by j.place, j.version, j.down, j.up, j.rung, j.patience, j.silence
), fresh as materialized (
    select f.*, least(f.down + f.up, case when f.begun is null then f.rung + f.n else f.down + f.n - f.begun + 1 end) as new_rung,
           f.last_at + case when f.patience > 0 and f.waited >= f.patience then 2 else 1 end * f.silence as new_due
    from folded f
), moved as (
    update ladder l
    set version = f.version, side = 'up', rung = f.new_rung, move = l.move + f.n, anchor_at = f.last_at,
        moved_at = greatest(l.moved_at, f.last_at), due_at = f.new_due, waited = f.waited, xid = pg_current_xact_id()
    from fresh f
    where l.ctid = f.place
    returning l.bucket, l.person_id, l.definition_id
), told as (
    insert into ladder_news (bucket, definition_id, persons)
    select m.bucket, m.definition_id, array_agg(m.person_id) from moved m group by m.bucket, m.definition_id
)
select count(*)::int as n from moved;

-- name: due
-- Is there anything that time alone moves? Asked first, so that an idle loop writes and locks nothing.
select exists (select from ladder l where @only(l) and l.due_at <= %(now)s::timestamptz) as ladders,
       exists (select from coupon c where @only(c) and c.state = 'issued' and c.expires_at <= %(now)s::timestamptz) as coupons;

-- name: move_due
-- One rung down for everybody whose time has come; who stands on a ladder out of service is left alone for good.
-- Rows are found again by address: by key, a chunk would read the whole table. One that changed meanwhile waits for the next look.
with terms as materialized (
    select o.definition_id, t.version, t.down, %(now)s::timestamptz + t.wait as wait_until, %(now)s::timestamptz + t.again as again_at
    from (select distinct d.definition_id from definition d where d.kind = 'offer' and d.body ->> 'sort' = 'ladder') o
    left join unnest(%(l_definitions)s::int[], %(l_versions)s::int[], %(l_down)s::smallint[], %(l_wait)s::interval[], %(l_again)s::interval[])
         as t (definition_id, version, down, wait, again) on t.definition_id = o.definition_id
), moved as (
    update ladder l
    set version = coalesce(t.version, l.version), side = case when t.version is null then l.side else 'down' end,
        rung = case when t.version is null then l.rung when l.side = 'down' and l.rung < t.down then l.rung + 1 else 1 end,
        move = l.move + (t.version is not null)::int,
        moved_at = case when t.version is null then l.moved_at else %(now)s::timestamptz end,
        due_at = case when case when l.side = 'down' and l.rung < t.down then l.rung + 1 else 1 end < t.down then t.wait_until else t.again_at end,
        xid = case when t.version is null then l.xid else pg_current_xact_id() end
    from terms t
    where t.definition_id = l.definition_id and l.ctid = any(array(
        select l.ctid from ladder l where @only(l) and l.due_at <= %(now)s::timestamptz
        order by l.due_at limit %(limit)s::int
        for update skip locked))
    returning l.bucket, l.person_id, l.definition_id
), told as (
    insert into ladder_news (bucket, definition_id, persons)
    select m.bucket, m.definition_id, array_agg(m.person_id) from moved m group by m.bucket, m.definition_id
)
select count(*)::int as n from moved;

-- name: expire
-- Coupons past their time. Rows that somebody is redeeming are skipped: they are judged by their time anyway.
with due as materialized (
    select c.ctid as place from coupon c
    where @only(c) and c.state = 'issued' and c.expires_at <= %(now)s::timestamptz
    order by c.expires_at limit %(limit)s::int
    for update skip locked
), gone as (
    update coupon c set state = 'expired', xid = pg_current_xact_id()
    from due d where c.ctid = d.place
    returning c.definition_id, c.touch_id, c.value_fen
)
select g.definition_id, count(*) as n, coalesce(sum(g.value_fen) filter (where g.touch_id is not null), 0)::bigint as fen
from gone g group by g.definition_id;

-- name: liability
-- What was promised and may still be asked for.
select (select count(*) from coupon) as issued,
       (select count(*) from redemption where state = 'done') as redeemed,
       count(*) as outstanding, coalesce(sum(value_fen), 0)::bigint as liability_fen
from coupon where state = 'issued';

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
)
insert into coupon (code, bucket, person_id, origin_id, definition_id, rung, touch_id, state, uses, value_fen, pay_percent, off_fen,
                    minimum_fen, issued_at, valid_from, expires_at)
select g.code, (g.home & 1023)::smallint, g.home, g.origin_id, g.definition_id, g.rung, g.touch_id, g.state, g.uses, g.value_fen,
       g.pay_percent, g.off_fen, g.minimum_fen, g.issued_at, g.valid_from, g.expires_at
from gone g;

-- name: move_redemptions
with gone as (
    delete from redemption r using unnest(%(persons)s::bigint[]) as a (person_id), person p
    where r.bucket = (a.person_id & 1023)::smallint and r.person_id = a.person_id
      and p.bucket = (r.origin_id & 1023)::smallint and p.person_id = r.origin_id and coalesce(p.merged_into, p.person_id) <> r.person_id
    returning r.*, coalesce(p.merged_into, p.person_id) as home
)
insert into redemption (bucket, person_id, origin_id, request_id, code, order_id, amount_fen, discount_fen, state, reason, at, restored_at)
select (g.home & 1023)::smallint, g.home, g.origin_id, g.request_id, g.code, g.order_id, g.amount_fen, g.discount_fen, g.state, g.reason,
       g.at, g.restored_at
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
)
insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, due_at, waited, xid)
select (b.home & 1023)::smallint, b.home, b.definition_id, b.version, b.origin_id, b.side, b.rung, b.top, b.anchor_at, b.moved_at,
       b.due_at, b.waited, b.xid
from best b;
