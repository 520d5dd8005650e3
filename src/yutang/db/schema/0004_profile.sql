-- All tables of this file: writer: profile. Each row can be made again from person_event alone.

create table trait (
    bucket smallint not null,
    person_id bigint not null,
    name text not null,
    value jsonb not null,
    at timestamptz not null,
    event_id bigint not null,
    primary key (bucket, person_id, name)
);

-- The tags a person carries now; an expired one is taken away when it is due.
create table tag (
    bucket smallint not null,
    person_id bigint not null,
    tag text not null,
    at timestamptz not null,
    expires_at timestamptz,
    event_id bigint not null,
    primary key (bucket, person_id, tag)
);
create index tag_tag on tag (tag);
create index tag_expiry on tag (expires_at) where expires_at is not null;

-- One row per person and channel: the latest word on consent. Channel '*' speaks of all channels; a row of a single
-- channel is kept only while it is later than '*', so the answer for a channel is its own row, else the row of '*'.
-- Channel 'class:marketing' (or another class of journeys) speaks of that class over all channels, whatever '*' says: who may be
-- written to must have withdrawn neither the channel nor the class.
create table consent (
    bucket smallint not null,
    person_id bigint not null,
    channel text not null,
    given boolean not null,
    at timestamptz not null,
    event_id bigint not null,
    primary key (bucket, person_id, channel)
);

-- Roll-up per business day; a cell is recomputed, never incremented, so a repeat changes nothing.
create table activity (
    bucket smallint not null,
    person_id bigint not null,
    type text not null,
    day date not null,
    n int not null,
    amount bigint not null,
    primary key (bucket, person_id, type, day)
);

-- Roll-up over all time: always the sum of the person's cells of that type. Rows are updated in place, hence the room.
create table tally (
    bucket smallint not null,
    person_id bigint not null,
    type text not null,
    n int not null,
    amount bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (bucket, person_id, type)
) with (fillfactor = 85);

-- One row per person: RFM scores (1…5), life-cycle stage, and when time alone will change them or a tag.
-- `xid` moves whenever anything of the person was refreshed; the row is also the lock on all rows of the person here.
create table profile (
    bucket smallint not null,
    person_id bigint not null,
    recency smallint not null,
    frequency smallint not null,
    monetary smallint not null,
    life_stage text not null check (life_stage in ('visitor', 'new', 'growing', 'mature', 'dormant', 'lost')),
    refreshed_at timestamptz not null,
    recompute_at timestamptz,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id)
);
create index profile_recompute on profile (recompute_at) where recompute_at is not null;
create index profile_xid on profile (xid);

-- What a refresh reads: the new events of everybody, and every event of those whose events were re-pointed.
create function profile_news(low xid8, high xid8, changed_low xid8, changed_high xid8) returns setof person_event
language sql stable as $$
    select e.* from person_event e where e.xid >= low and e.xid < high
    union all
    select e.* from person p join person_event e on e.bucket = p.bucket and e.person_id = p.person_id
    where p.changed >= changed_low and p.changed < changed_high
$$;
