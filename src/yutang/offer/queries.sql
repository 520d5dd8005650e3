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
-- One batch of coupons to give out. n: 1, 2, … is the order in which stock is given; rung 0: no ladder's.
-- said: a reason found before.
create temp table if not exists coupon_wanted (n int not null, person_id bigint not null, definition_id int not null,
    rung smallint not null, touch_id bigint not null, round smallint not null default 1, said text) on commit delete rows;

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

-- name: stock_left
-- What red packets may still share: held by `stock_up` before.
select s.definition_id, s.budget_fen - s.reserved_fen - s.spent_fen as left_fen, s.total - s.issued as packets from stock s
where s.definition_id = any(%(ids)s::int[]);

-- name: scratch_marks
-- The phones and devices behind a batch, where an offer limits what one of them may have.
create temp table if not exists coupon_marks (touch_id bigint not null, definition_id int not null, mark uuid not null,
    n int not null, most int not null) on commit delete rows;

-- name: clear_marks
delete from coupon_marks;

-- name: find_marks
insert into coupon_marks (touch_id, definition_id, mark, n, most)
select w.touch_id, w.definition_id, m.mark, w.n, case get_byte(uuid_send(m.mark), 0) when %(phone_kind)s::int then t.phone else t.device end
from coupon_wanted w
join unnest(%(ids)s::int[], %(phones)s::int[], %(devices)s::int[]) as t (definition_id, phone, device) on t.definition_id = w.definition_id
cross join lateral marks_of(w.person_id) m (mark)
where get_byte(uuid_send(m.mark), 0) = %(phone_kind)s::int and t.phone is not null
   or get_byte(uuid_send(m.mark), 0) = %(device_kind)s::int and t.device is not null;

-- name: refuse_shared
-- Counted together with what the mark has had before; the offer's stock is locked, so nobody else counts at the same time.
update coupon_wanted w set said = 'shared'
from (
    select m.touch_id, m.most, row_number() over (partition by m.definition_id, m.mark order by m.n)
           + (select count(*) from coupon_mark k where k.mark = m.mark and k.definition_id = m.definition_id and k.touch_id <> m.touch_id) as nth
    from coupon_marks m) c
where c.touch_id = w.touch_id and c.nth > c.most;

-- name: keep_marks
insert into coupon_mark (mark, definition_id, touch_id)
select m.mark, m.definition_id, m.touch_id from coupon_marks m join coupon_said s on s.touch_id = m.touch_id where s.code is not null
on conflict do nothing;

-- name: issue
-- One pass: what a touch already has stays its own; gates that cost nothing first, then the person's own limits, then
-- stock and budget by rank. The rows of stock are locked before, so the counts are those of now.
-- A round names a person and an offer once, so the person's count of coupons is exact.
-- Red packets: the amounts are drawn before, one for each rank, and never add up to more than the budget; those of an offer stand
-- in `drawn` after the first `packets`.
with want as (
    select w.n, w.person_id, (w.person_id & 1023)::smallint as bucket, w.definition_id, w.rung, w.touch_id, mine.code as old_code,
           t.version, t.value_fen, t.pay_percent, t.off_fen, t.minimum_fen, t.expires_at, t.packets, t.amounts,
           case when mine.code is not null then 'have'
                when w.said is not null then w.said
                when t.definition_id is null then 'retired'
                when t.reason is not null then t.reason
                when mine.held >= t.per_person then 'has_enough'
                when mine.today >= t.per_day then 'daily_limit'
                when mine.last_at > t.cool_since then 'cool_down' end as said
    from coupon_wanted w
    left join unnest(%(t_definitions)s::int[], %(t_versions)s::smallint[], %(t_rungs)s::smallint[], %(t_values)s::bigint[],
                     %(t_pay)s::smallint[], %(t_off)s::bigint[], %(t_minimum)s::bigint[], %(t_expires)s::timestamptz[],
                     %(t_per_person)s::int[], %(t_per_day)s::int[], %(t_cool)s::timestamptz[], %(t_reasons)s::text[],
                     %(t_packets)s::int[], %(t_amounts)s::int[])
         as t (definition_id, version, rung, value_fen, pay_percent, off_fen, minimum_fen, expires_at, per_person, per_day, cool_since,
               reason, packets, amounts)
      on t.definition_id = w.definition_id and t.rung = w.rung
    left join lateral (
        select min(c.code) filter (where c.touch_id = w.touch_id) as code,
               count(*) filter (where c.definition_id = w.definition_id) as held,
               count(*) filter (where c.definition_id = w.definition_id and c.issued_at >= %(day)s::timestamptz) as today,
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
    select r.n, r.person_id, r.bucket, r.definition_id, r.version, r.rung, r.touch_id, r.old_code,
           case when r.packets is null then r.value_fen else (%(drawn)s::bigint[])[r.packets + r.rank::int] end as value_fen,
           r.pay_percent, r.off_fen, r.minimum_fen, r.expires_at,
           coalesce(r.said, case when s.issued + r.rank > s.total then 'sold_out'
                                 when s.reserved_fen + s.spent_fen + r.sum_fen > s.budget_fen or r.rank > r.amounts
                                 then 'over_budget' end) as said,
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
    insert into coupon (code, bucket, person_id, origin_id, definition_id, version, rung, touch_id, state, uses, value_fen, pay_percent,
                        off_fen, minimum_fen, issued_at, valid_from, expires_at)
    select j.code, j.bucket, j.person_id, j.person_id, j.definition_id, j.version, nullif(j.rung, 0), j.touch_id, 'issued', 1, j.value_fen,
           j.pay_percent, j.off_fen, j.minimum_fen, %(now)s::timestamptz, %(now)s::timestamptz, j.expires_at
    from judged j where j.said is null
), told as (
    insert into coupon_news (bucket, persons, expires_at)
    select j.bucket, array_agg(j.person_id), j.expires_at from judged j where j.said is null group by j.bucket, j.expires_at
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
select c.code, c.bucket, c.person_id, c.origin_id, c.definition_id, c.version, c.touch_id, c.state, c.uses, c.value_fen, c.pay_percent,
       c.off_fen, c.minimum_fen, c.valid_from, c.expires_at
from coupon c where c.code = any(%(codes)s::text[]) order by c.code, c.bucket for update;

-- name: hold_stock
-- After the coupons: the hot rows are held shortest.
select s.definition_id, s.budget_fen, s.spent_fen from stock s
where s.definition_id = any(%(ids)s::int[]) order by s.definition_id for update;

-- name: handled
-- Read after the coupons are locked: whoever asked before for the same request has committed. `asked`: the request itself;
-- the others are uses on the same order, and of the coupons that have none left or of which something is told late. An order is
-- the same if its name is, and its amount or the person: each store may count its orders from 1. Offset 0 keeps each a probe.
select r.request_id, r.person_id, r.code, r.order_id, r.amount_fen, r.discount_fen, r.state, r.reason, r.against, r.at, r.asked,
       c.definition_id, c.version
from (
    select r.*, true as asked from redemption r where r.request_id = any(%(requests)s::text[])
    union all
    select r.*, false from unnest(%(orders)s::text[], %(persons)s::bigint[], %(amounts)s::bigint[]) as q (order_id, person_id, amount_fen)
    cross join lateral (
        select * from redemption r
        where r.order_id = q.order_id and r.state in ('done', 'held') and (r.person_id = q.person_id or r.amount_fen = q.amount_fen) offset 0) r
    union all
    select r.*, false from unnest(%(used_codes)s::text[], %(holders)s::bigint[]) as q (code, person_id)
    cross join lateral (
        select * from redemption r
        where r.bucket = (q.person_id & 1023)::smallint and r.person_id = q.person_id and r.code = q.code
          and (r.state in ('done', 'held', 'restored') or (r.state = 'refused' and r.request_id like 'event:%%')) offset 0) r
) r
left join coupon c on c.code = r.code and c.bucket = r.bucket;

-- name: recent
-- How often the holders used these offers lately.
select c.person_id, c.definition_id, r.at
from (select distinct q.person_id from unnest(%(persons)s::bigint[]) as q (person_id)) q
join redemption r on r.bucket = (q.person_id & 1023)::smallint and r.person_id = q.person_id
join coupon c on c.code = r.code and c.bucket = r.bucket
where r.state in ('done', 'held') and r.at >= %(since)s::timestamptz and c.definition_id = any(%(ids)s::int[]);

-- name: count_stock
-- The one place that changes what redemptions, refunds and time do to stock; its rows are held before.
update stock s set redeemed = s.redeemed + d.n, spent_fen = s.spent_fen + d.spent, reserved_fen = s.reserved_fen + d.reserved
from unnest(%(ids)s::int[], %(counts)s::bigint[], %(spent)s::bigint[], %(reserved)s::bigint[]) as d (definition_id, n, spent, reserved)
where s.definition_id = d.definition_id;

-- name: redeem
-- Writes down a judged batch: every request, and what is left of each coupon. As JSON: arrays of text cost the driver most.
with used as (
    update coupon c set uses = u.uses, state = u.state
    from jsonb_to_recordset(%(used)s::jsonb) as u (code text, bucket smallint, uses int, state text)
    where c.code = u.code and c.bucket = u.bucket
    returning c.bucket, c.person_id
), told as (
    insert into coupon_news (bucket, persons) select u.bucket, array_agg(u.person_id) from used u group by u.bucket
)
insert into redemption (bucket, person_id, origin_id, request_id, code, order_id, amount_fen, discount_fen, state, reason, against, at, due_at)
select (q.person_id & 1023)::smallint, q.person_id, q.origin_id, q.request_id, q.code, q.order_id, q.amount_fen, q.discount_fen,
       coalesce(q.state, 'done'), q.reason, q.against, q.at, q.due_at
from jsonb_to_recordset(%(asked)s::jsonb)
     as q (request_id text, person_id bigint, origin_id bigint, code text, order_id text, amount_fen bigint, discount_fen bigint,
           state text, reason text, against text, at timestamptz, due_at timestamptz)
on conflict do nothing;

-- name: held
-- What requests hold, to be locked by their codes first.
select r.request_id, r.code from redemption r where r.request_id = any(%(requests)s::text[]) and r.state = 'held';

-- name: confirm
-- What was held is redeemed; the money was booked when it was held. An order that came (`late`) ends even a hold whose time is over.
with done as (
    update redemption r set state = 'done', due_at = null, xid = pg_current_xact_id()
    where r.request_id = any(%(requests)s::text[]) and r.state = 'held' and (%(late)s::boolean or r.due_at > %(now)s::timestamptz)
    returning r.request_id, r.bucket, r.person_id, r.code, r.order_id, r.discount_fen
), used as (
    update coupon c set state = 'redeemed' from done d where c.code = d.code and c.bucket = d.bucket and c.state = 'reserved'
    returning c.bucket, c.person_id
), told as (
    insert into coupon_news (bucket, persons) select u.bucket, array_agg(u.person_id) from used u group by u.bucket
)
select d.request_id, d.person_id, d.code, d.order_id, d.discount_fen from done d;

-- name: asked
-- What became of requests.
select r.request_id, r.state, r.reason, r.against, r.discount_fen, c.definition_id, c.version
from redemption r left join coupon c on c.code = r.code and c.bucket = r.bucket where r.request_id = any(%(requests)s::text[]);

-- name: lapsed
-- Holds whose time is over.
select r.request_id, r.code from redemption r
where r.bucket between %(lo)s::int and %(hi)s::int and r.state = 'held' and r.due_at <= %(now)s::timestamptz
order by r.due_at limit %(limit)s::int;

-- name: restorable
-- Redemptions whose order was given back after them as a whole, of everybody of whom something was told just now.
-- All these events are looked at, so it does not matter which arrives first. The whole is what was paid: as the order says,
-- else the amount shown at the till less what came off; where neither is known, any refund is one of the whole.
with touched as materialized (
    select distinct e.bucket, e.person_id from person_event e
    where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8
      and (e.type in ('refunded', 'coupon_redeemed') or e.type = 'ordered' and e.props ? 'coupon_codes')
)
select r.request_id, r.code from touched t
join redemption r on r.bucket = t.bucket and r.person_id = t.person_id
cross join lateral (
    select sum(e.amount) as fen from person_event e
    where e.bucket = r.bucket and e.person_id = r.person_id and e.type = 'refunded' and e.at >= r.at
      and e.props ->> 'order_id' = r.order_id) back
cross join lateral (
    select max(e.amount) as fen from person_event e
    where back.fen is not null and e.bucket = r.bucket and e.person_id = r.person_id and e.type = 'ordered'
      and e.props ->> 'order_id' = r.order_id) told
cross join lateral (
    select max(o.amount_fen) - coalesce(sum(o.discount_fen) filter (where c.pay_percent is not null or c.off_fen is not null), 0) as fen
    from redemption o left join coupon c on c.code = o.code and c.bucket = o.bucket
    where back.fen is not null and told.fen is null and r.amount_fen > 0 and o.bucket = r.bucket and o.person_id = r.person_id
      and o.order_id = r.order_id and o.state in ('done', 'held')) shown
where r.state = 'done' and r.order_id is not null and back.fen >= coalesce(told.fen, shown.fen, 0);

-- name: restore
-- Gives the uses back: `was` done, a refund; `was` held, the hold is over. A coupon that ran out meanwhile stays expired; its
-- money returns to the budget all the same.
with back as materialized (
    update redemption r set state = %(becomes)s::text, restored_at = %(now)s::timestamptz, due_at = null, xid = pg_current_xact_id()
    where r.request_id = any(%(requests)s::text[]) and r.state = %(was)s::text
    returning r.code, r.discount_fen
), coupons as materialized (
    select b.code, count(*)::int as n, sum(b.discount_fen) as fen from back b group by b.code
), given as (
    update coupon c
    set uses = c.uses + b.n, state = case when c.expires_at <= %(now)s::timestamptz then 'expired' else 'issued' end
    from coupons b where c.code = b.code
    returning c.bucket, c.person_id, c.definition_id, c.touch_id, c.state, c.value_fen, b.n, b.fen
), told as (
    insert into coupon_news (bucket, persons) select g.bucket, array_agg(g.person_id) from given g group by g.bucket
)
select case when g.touch_id is not null then g.definition_id end as definition_id, sum(g.n)::bigint as n, sum(g.fen)::bigint as fen,
       sum(case when g.state = 'issued' then g.value_fen else 0 end)::bigint as open_fen
from given g group by 1;

-- name: take_in
-- Coupons that another system issued. The first word on a code counts; a repeat and our own record of an issue change nothing.
with taken as (
    insert into coupon (code, bucket, person_id, origin_id, definition_id, version, state, uses, value_fen, pay_percent, off_fen, minimum_fen,
                        issued_at, valid_from, expires_at)
    select distinct on (e.code) e.code, e.bucket, e.person_id, e.person_id, coalesce(t.definition_id, 0), coalesce(t.version, 0), 'issued',
           e.uses, coalesce(e.value_fen, t.value_fen, 0), t.pay_percent, t.off_fen, coalesce(t.minimum_fen, 0), e.at,
           coalesce(e.valid_from, e.at), coalesce(e.expires_at, e.at + t.valid)
    from (
        select e.bucket, e.person_id, e.at, e.event_id, e.props ->> 'code' as code, e.props ->> 'offer' as offer,
               (e.props ->> 'uses')::int as uses, (e.props ->> 'value_fen')::bigint as value_fen,
               (e.props ->> 'valid_from')::timestamptz as valid_from, (e.props ->> 'expires_at')::timestamptz as expires_at
        from person_event e
        where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type = 'coupon_issued'
    ) e
    left join unnest(%(t_names)s::text[], %(t_definitions)s::int[], %(t_versions)s::smallint[], %(t_values)s::bigint[], %(t_pay)s::smallint[],
                     %(t_off)s::bigint[], %(t_minimum)s::bigint[], %(t_valid)s::interval[])
         as t (name, definition_id, version, value_fen, pay_percent, off_fen, minimum_fen, valid) on t.name = e.offer
    -- Offset 0 keeps it a probe for each row: as a join it would read every coupon there is.
    where not exists (select from coupon c where c.code = e.code offset 0)
    order by e.code, e.at, e.event_id
    on conflict do nothing
    returning bucket, person_id, expires_at
), told as (
    insert into coupon_news (bucket, persons, expires_at)
    select t.bucket, array_agg(t.person_id), t.expires_at from taken t group by t.bucket, t.expires_at
)
select count(*)::int as n from taken;

-- name: refuse_taken
-- A code that is somebody else's already cannot be given to a second person.
insert into offer_refusal (bucket, person_id, origin_id, definition_id, key, reason, at)
select e.bucket, e.person_id, e.person_id, c.definition_id, 'event:' || e.event_id, 'not_yours', %(now)s::timestamptz
from person_event e
join coupon c on c.code = e.props ->> 'code'
where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type = 'coupon_issued' and c.person_id <> e.person_id
on conflict do nothing;

-- name: types
-- Of what sorts the news are.
select distinct e.type from person_event e where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8;

-- name: told
-- Redemptions told by other systems, and orders that name their coupons. Our own record of a redemption carries its request,
-- and is so known.
select e.event_id, e.person_id, e.at, 'told' as how, e.props ->> 'code' as code, e.props ->> 'order_id' as order_id, null::bigint as paid_fen,
       (e.props ->> 'amount_fen')::bigint as discount_fen, null::bigint as margin_fen,
       coalesce(e.props ->> 'request_id', 'event:' || e.event_id) as request_id
from person_event e
where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type = 'coupon_redeemed'
union all
select e.event_id, e.person_id, e.at, 'order', n.code, e.props ->> 'order_id', e.amount, (e.props ->> 'discount_fen')::bigint,
       (e.props ->> 'margin_fen')::bigint, 'event:' || e.event_id || ':' || n.code
from person_event e
cross join lateral (select distinct u.code from jsonb_array_elements_text(e.props -> 'coupon_codes') as u (code)) n
where @only(e) and e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and e.type = 'ordered'
  and jsonb_typeof(e.props -> 'coupon_codes') = 'array'
order by at, event_id, code;

-- name: due_ends
-- The same for what ends, and for ladders whose people of before nobody has looked at.
select exists (select from coupon_news n where n.bucket between %(lo)s::int and %(hi)s::int and n.expires_at <= %(now)s::timestamptz) as coupons,
       exists (select from redemption r where r.bucket between %(lo)s::int and %(hi)s::int and r.state = 'held'
               and r.due_at <= %(now)s::timestamptz) as holds,
       exists (select from definition d where d.kind = 'offer' and d.retired_at is null and d.body ->> 'sort' = 'ladder' and not exists (
           select from ladder_intake i join definition first using (definition_id)
           where i.definition_id = d.definition_id and i.slice = %(slice)s::text and i.done
             and first.retired_at is null and first.at = i.since)) as ladders;

-- name: expire
-- Coupons past their time, found by the news of their issue. Whoever is redeeming one is waited for: its news is read once.
with due as materialized (
    select n.ctid as place, n.bucket, n.persons from coupon_news n
    where n.bucket between %(lo)s::int and %(hi)s::int and n.expires_at <= %(now)s::timestamptz
    order by n.expires_at limit %(limit)s::int
    for update skip locked
), ended as materialized (
    select c.code, c.bucket
    from due d cross join lateral unnest(d.persons) as u (person_id)
    join coupon c on c.bucket = d.bucket and c.person_id = u.person_id
    where c.state = 'issued' and c.expires_at <= %(now)s::timestamptz
    order by c.code for update of c
), gone as (
    update coupon c set state = 'expired' from (select distinct e.code, e.bucket from ended e) e
    where c.code = e.code and c.bucket = e.bucket
    returning c.bucket, c.person_id, c.definition_id, c.touch_id, c.value_fen
), closed as (
    update coupon_news n set expires_at = null from due d where n.ctid = d.place
), told as (
    insert into coupon_news (bucket, persons) select g.bucket, array_agg(distinct g.person_id) from gone g group by g.bucket
)
select g.definition_id, count(*) as n, coalesce(sum(g.value_fen) filter (where g.touch_id is not null), 0)::bigint as fen,
       (select count(*) from due) as looked
from gone g group by g.definition_id
union all
select null, 0, 0, count(*) from due where not exists (select from gone);

-- name: take_back
-- Whoever is redeeming one is waited for, and keeps it.
with known as materialized (
    select c.code, c.bucket from coupon c
    where c.code = any(%(codes)s::text[]) and c.state = 'issued' and c.touch_id is not null
      and not exists (select from redemption r where r.bucket = c.bucket and r.person_id = c.person_id and r.code = c.code)
    order by c.code, c.bucket for update of c
), gone as (
    delete from coupon c using known k where c.code = k.code and c.bucket = k.bucket
    returning c.bucket, c.person_id, c.origin_id, c.definition_id, c.touch_id, c.value_fen
), unmarked as (
    delete from coupon_mark m using gone g cross join lateral marks_of(g.person_id) k (mark)
    where m.mark = k.mark and m.definition_id = g.definition_id and m.touch_id = g.touch_id
), noted as (
    insert into offer_refusal (bucket, person_id, origin_id, definition_id, key, reason, at)
    select g.bucket, g.person_id, g.origin_id, g.definition_id, 'back:' || g.touch_id, 'taken_back', %(now)s::timestamptz from gone g
    on conflict (bucket, person_id, definition_id, key) do update set at = excluded.at
), told as (
    insert into coupon_news (bucket, persons) select g.bucket, array_agg(distinct g.person_id) from gone g group by g.bucket
)
select g.definition_id, count(*) as n, sum(g.value_fen)::bigint as fen from gone g group by g.definition_id order by g.definition_id;

-- name: restock
update stock s set issued = s.issued - d.n, reserved_fen = s.reserved_fen - d.fen
from unnest(%(ids)s::int[], %(counts)s::bigint[], %(fens)s::bigint[]) as d (definition_id, n, fen)
where s.definition_id = d.definition_id;

-- name: held_by
-- What persons hold for orders.
select t.request_id, t.code from redemption t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and t.state = 'held' order by t.code;

-- name: codes_of
select t.code from coupon t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) order by t.code;

-- name: end_coupons
-- Coupons that nobody can use any more.
with ended as (
    update coupon t set state = 'expired' where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and t.state in ('issued', 'reserved')
    returning t.definition_id, t.touch_id, t.value_fen)
select e.definition_id, coalesce(sum(e.value_fen) filter (where e.touch_id is not null), 0)::bigint as fen from ended e
group by e.definition_id order by e.definition_id;

-- name: erase_coupon_mark
delete from coupon_mark t where t.mark = any(%(keys)s::uuid[]) and t.touch_id = any(%(touches)s::bigint[]);

-- name: erase_redemption
-- What it cost stays with the coupon; which code, order and request it was, nobody can tell any more.
update redemption t
set request_id = 'erased:' || md5(%(salt)s::text || t.request_id), code = 'erased:' || md5(%(salt)s::text || t.code),
    order_id = 'erased:' || md5(%(salt)s::text || t.order_id), against = null
where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and t.request_id not like 'erased:%%';

-- name: erase_coupon
update coupon t set code = 'erased:' || md5(%(salt)s::text || t.code) where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]) and t.code not like 'erased:%%';

-- name: erase_ladder
delete from ladder t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_offer_refusal
delete from offer_refusal t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_ladder_aside
delete from ladder_aside t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);
