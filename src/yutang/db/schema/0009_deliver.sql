-- What deliver reads of decide: a view, so that its cursor walks the small index of the touches to send.
create view touch_to_send as select * from touch where verdict = 'send';

-- What may change which tags a platform is to show, and of whom; a view, so that its cursor walks a small index.
create view tagging as select * from person_event where type in ('tagged', 'untagged', 'contact_added');
create index person_event_tagging on person_event (xid) where type in ('tagged', 'untagged', 'contact_added');

-- writer: deliver. When a tag that platforms may show runs out: no event says so.
create table tag_end (
    bucket smallint not null,
    person_id bigint not null,
    tag text not null,
    at timestamptz not null,
    primary key (bucket, person_id, tag)
);
create index tag_end_at on tag_end (at);

-- writer: deliver. One row per touch on its way: claimed and committed before the network is touched.
-- assigned: a member of staff was asked to send it. retry_at: when a waiting row may be sent, or when a claimed one may be claimed by somebody else.
create table attempt (
    bucket smallint not null,
    person_id bigint not null,
    touch_id bigint not null,
    channel text not null,
    state text not null check (state in ('waiting', 'claimed', 'assigned', 'sent', 'failed')),
    tries smallint not null default 0,
    claimed_by text,
    retry_at timestamptz,
    at timestamptz not null,
    reason text,
    detail text,
    provider_id text,
    primary key (bucket, person_id, touch_id)
);
create index attempt_due on attempt (channel, retry_at) where state in ('waiting', 'claimed');

-- writer: channels.sandbox. What the sandbox channel was given to send; `touch_id` makes a repeat harmless.
create table sandbox_message (
    touch_id bigint primary key,
    bucket smallint not null,
    person_id bigint not null,
    address text not null,
    subject text not null,
    body text not null,
    at timestamptz not null
);
create index sandbox_person on sandbox_message (bucket, person_id);

-- writer: channels.sandbox. What its script will answer, and when; a row leaves when the answer has become an event.
create table sandbox_answer (
    touch_id bigint not null,
    seq smallint not null,
    person_id bigint not null,
    type text not null,
    at timestamptz not null,
    props jsonb not null,
    primary key (touch_id, seq)
);
create index sandbox_answer_at on sandbox_answer (at);
