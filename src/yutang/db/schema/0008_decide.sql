-- writer: decide. What a journey proposed to say, and what was said of it: send, hold until retry_at, or no. One row, as two
-- would cost twice as much. `sent_before` and `lost_to` are the facts of the newest verdict; `trail` keeps the verdicts before it.
create table touch (
    bucket smallint not null,
    person_id bigint not null,
    journey_id int not null,
    cause text not null,
    step smallint not null,
    move int not null,
    touch_id bigint not null,
    version int not null,
    arm text not null,
    channel text not null,
    message_id int not null,
    message_version int not null,
    offer_id int,
    rung smallint,
    service boolean not null default false,
    value_fen bigint not null,
    at timestamptz not null,
    deadline timestamptz not null,
    verdict text not null check (verdict in ('send', 'hold', 'no')),
    reason text,
    judged_at timestamptz not null,
    retry_at timestamptz,
    coupon text,
    sent_before int not null default 0,
    lost_to bigint,
    trail jsonb,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id, journey_id, cause, step, move)
);
create index touch_retry on touch (retry_at) where verdict = 'hold';
create index touch_send on touch (xid) where verdict = 'send';

-- The decisions alone. `trail` is every verdict in order, [{"at", "verdict", "reason", …facts}], so that `why` can tell what
-- held a touch before it went out.
create view decision as
select t.bucket, t.person_id, t.touch_id, t.verdict, t.reason, t.judged_at as at, t.retry_at, t.coupon, t.service, t.xid,
       coalesce(t.trail, '[]') || jsonb_strip_nulls(jsonb_build_object('at', t.judged_at, 'verdict', t.verdict, 'reason', t.reason,
           'sent_before', t.sent_before, 'lost_to', t.lost_to, 'coupon', t.coupon)) as trail
from touch t;
