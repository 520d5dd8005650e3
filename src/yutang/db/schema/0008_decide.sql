-- writer: decide. One row per touch: send, hold until retry_at, or no. `trail` keeps every verdict in order:
-- `service`: it does not count against the cap.
-- [{"at", "verdict", "reason", …facts}], so that `why` can tell what held a touch before it went out.
create table decision (
    bucket smallint not null,
    person_id bigint not null,
    touch_id bigint not null,
    verdict text not null check (verdict in ('send', 'hold', 'no')),
    reason text,
    at timestamptz not null,
    retry_at timestamptz,
    coupon text,
    service boolean not null default false,
    trail jsonb not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id, touch_id)
);
create index decision_retry on decision (retry_at) where verdict = 'hold';
create index decision_send on decision (xid) where verdict = 'send';
