-- All tables of this file: writer: offer.

-- What can run out: one row per offer. The lock on this row is the lock on stock and budget.
-- reserved_fen: the worth of what is issued and still open; spent_fen: what redemptions have really cost.
create table stock (
    definition_id int primary key,
    total bigint,
    issued bigint not null default 0,
    redeemed bigint not null default 0,
    budget_fen bigint,
    reserved_fen bigint not null default 0,
    spent_fen bigint not null default 0,
    check (issued >= 0 and (total is null or issued <= total)),
    check (budget_fen is null or spent_fen <= budget_fen)
);

-- `person_id` holds the coupon now, `origin_id` held it when it was issued (a split gives it back).
-- `uses` is how often it may still be redeemed; null is without limit (a booklet from another system).
-- definition_id 0: an offer of another system. touch_id null: issued by another system, so not from our stock.
-- The terms (pay_percent or off_fen, minimum_fen) are those of the day of issue: a later version changes no coupon.
create table coupon (
    code text not null,
    bucket smallint not null,
    person_id bigint not null,
    origin_id bigint not null,
    definition_id int not null,
    rung smallint,
    touch_id bigint,
    state text not null check (state in ('issued', 'redeemed', 'expired')),
    uses int,
    value_fen bigint not null,
    pay_percent smallint,
    off_fen bigint,
    minimum_fen bigint not null default 0,
    issued_at timestamptz not null,
    valid_from timestamptz not null,
    expires_at timestamptz,
    xid xid8 not null default pg_current_xact_id(),
    primary key (code, bucket)
);
create index coupon_person on coupon (bucket, person_id);
create index coupon_expiry on coupon (expires_at) where state = 'issued' and expires_at is not null;
create index coupon_xid on coupon (xid);

-- Every redemption that was asked for, and what became of it: done, restored by a refund, or refused with a reason.
-- amount_fen: the order's amount (0 when it was not told); discount_fen: what the coupon took off.
-- Keyed like coupon: who asks knows the request, not the person. person_id 0: an unknown code shown by nobody known.
create table redemption (
    bucket smallint not null,
    person_id bigint not null,
    origin_id bigint not null,
    request_id text not null,
    code text not null,
    order_id text,
    amount_fen bigint not null,
    discount_fen bigint not null,
    state text not null check (state in ('done', 'restored', 'refused')),
    reason text,
    at timestamptz not null,
    restored_at timestamptz,
    xid xid8 not null default pg_current_xact_id(),
    primary key (request_id, bucket)
);
create index redemption_order on redemption (bucket, person_id, order_id);

-- Where a person stands on a ladder. side 'down': rungs for the silent; side 'up': rungs after an order.
-- Rungs are numbered through, so that a rung alone names its discount: 0 none yet, 1…D down, D+1…D+U up.
-- `move` counts the changes, so that each one can be answered once. anchor_at: the registration, or the newest order.
-- `waited`: how many orders in a row came only after a rung down.
create table ladder (
    bucket smallint not null,
    person_id bigint not null,
    definition_id int not null,
    version int not null,
    origin_id bigint not null,
    side text not null check (side in ('down', 'up')),
    rung smallint not null,
    move int not null,
    anchor_at timestamptz not null,
    moved_at timestamptz not null,
    due_at timestamptz,
    waited smallint not null default 0,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id, definition_id)
);
create index ladder_due on ladder (due_at) where due_at is not null;

-- Who moved on which ladder: what readers of news follow. Everybody of a bucket whom one statement moves stands in one
-- row, as an index on ladder.xid would cost a third of each move. A row that a merge moves home keeps its xid, in the news too.
create table ladder_news (
    bucket smallint not null,
    definition_id int not null,
    persons bigint[] not null,
    xid xid8 not null default pg_current_xact_id()
);
create index ladder_news_xid on ladder_news (xid);

create view ladder_moved as
select n.bucket, u.person_id, n.definition_id, n.xid
from ladder_news n cross join lateral unnest(n.persons) as u (person_id);

-- What an issue was refused (key 'touch:ID'), and coupons of other systems that could not be taken ('event:ID').
create table offer_refusal (
    bucket smallint not null,
    person_id bigint not null,
    origin_id bigint not null,
    definition_id int not null,
    key text not null,
    reason text not null,
    at timestamptz not null,
    primary key (bucket, person_id, definition_id, key)
);
