-- All tables of this file: writer: segment.

-- Who was in which segment, from when until when; kept for ever. until is null while the person is in.
-- xid moves at both ends, so that a reader of new rows sees people enter and leave.
create table membership (
    bucket smallint not null,
    person_id bigint not null,
    segment_id int not null,
    version int not null,
    since timestamptz not null,
    until timestamptz,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id, segment_id, since)
);
create unique index membership_now on membership (segment_id, bucket, person_id) where until is null;
create index membership_xid on membership (xid);

-- The next instant at which time alone could change a person's memberships.
create table segment_due (
    bucket smallint not null,
    person_id bigint not null,
    recompute_at timestamptz not null,
    primary key (bucket, person_id)
);
create index segment_due_at on segment_due (recompute_at);

-- Which version of each segment everybody has been checked against.
create table segment_state (
    segment_id int primary key,
    version int not null,
    checked_at timestamptz not null
);

-- One row per bucket, only to be locked: whoever decides on people holds their buckets' rows.
create table segment_lane (
    bucket smallint primary key
);
insert into segment_lane select generate_series(0, 1023);
