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
-- The terms (pay_percent or off_fen, minimum_fen; what else the `version` of the offer says) are those of the day of issue:
-- a later version changes no coupon. A red packet is worth value_fen, a gift costs value_fen.
-- reserved: the last use is held for an order.
create table coupon (
    code text not null,
    bucket smallint not null,
    person_id bigint not null,
    origin_id bigint not null,
    definition_id int not null,
    version smallint not null default 0,
    rung smallint,
    touch_id bigint,
    state text not null check (state in ('issued', 'reserved', 'redeemed', 'expired')),
    uses int,
    value_fen bigint not null,
    pay_percent smallint,
    off_fen bigint,
    minimum_fen bigint not null default 0,
    issued_at timestamptz not null,
    valid_from timestamptz not null,
    expires_at timestamptz,
    primary key (code, bucket)
) with (fillfactor = 90);
create index coupon_person on coupon (bucket, person_id);

-- Whose coupons changed, and when those that were given end: everybody of a bucket whom one statement touches stands in one
-- row, as an index on the transaction and one on the end would be two thirds of what a coupon costs. expires_at is taken
-- away when the end was seen to.
create table coupon_news (
    bucket smallint not null,
    persons bigint[] not null,
    expires_at timestamptz,
    xid xid8 not null default pg_current_xact_id()
);
create index coupon_news_xid on coupon_news (xid);
create index coupon_news_end on coupon_news (expires_at) where expires_at is not null;

create view coupon_changed as
select n.bucket, u.person_id, n.xid from coupon_news n cross join lateral unnest(n.persons) as u (person_id);

-- What a phone or a device has had of an offer that limits it. `mark` is the handle's key, so nothing can be read back from it.
create table coupon_mark (
    mark uuid not null,
    definition_id int not null,
    touch_id bigint not null,
    primary key (mark, definition_id, touch_id)
);

-- Every redemption that was asked for, and what became of it: done, held for an order until due_at (then released by the till
-- or lapsed), restored by a refund, or refused with a reason; conflict: refused, but a till that was offline had given it.
-- amount_fen: the order's amount before any coupon (0 when it was not told); discount_fen: what it cost: what came off, what a
-- gift or a red packet is worth, of a conflict what the till had given.
-- against: the coupon that it does not go with, or the request that has the coupon.
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
    state text not null check (state in ('held', 'done', 'restored', 'released', 'lapsed', 'refused', 'conflict')),
    reason text,
    against text,
    at timestamptz not null,
    due_at timestamptz,
    restored_at timestamptz,
    xid xid8 not null default pg_current_xact_id(),
    primary key (request_id, bucket)
);
create index redemption_order on redemption (bucket, person_id, order_id);
create index redemption_shared on redemption (order_id) where state in ('done', 'held');
create index redemption_due on redemption (due_at) where state = 'held';
create index redemption_conflict on redemption (at) where state = 'conflict';

-- Where a person stands on a ladder. side 'down': rungs for the silent; side 'up': rungs after an order.
-- Rungs are numbered through, so that a rung alone names its discount: 0 none yet, 1…D down, D+1…D+U up.
-- `move` counts the changes, so that each one can be answered once. anchor_at: the registration, or the newest order.
-- `waited`: how many orders in a row came only after a rung down; from the offer's patience on, the person is a waiter.
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

-- How far each slice of the people has been looked at for a ladder that was published after they registered.
create table ladder_intake (
    definition_id int not null,
    slice text not null,
    after_bucket smallint not null default -1,
    after_person bigint not null default 0,
    done boolean not null default false,
    primary key (definition_id, slice)
);

-- What an issue was refused (key 'touch:ID'), coupons of other systems that could not be taken ('event:ID'), and rungs that
-- somebody who waits for them does not get ('move:N').
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
