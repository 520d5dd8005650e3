-- writer: definitions. By which parts of the pond a stage last worked (profile: cut points and time zone; decide: budget, prices, quiet hours and
-- consent); no row: by none yet. A stage that finds them changed does for everybody once what follows from it.
create table pond_followed (
    stage text primary key,
    parts jsonb not null
);

-- Days begin elsewhere in another time zone, so a segment is checked against everybody in each.
alter table segment_state add column zone text not null default '';

-- writer: deliver. By whose handles each channel that is set up reaches people: the first bytes of their keys (see handles.py).
create table channel_reach (
    channel text primary key,
    head bytea not null
);

-- writer: identity. In which time zone the days of all facts are told: where the pond moves to another, they are told anew, bucket by bucket up to
-- `next_bucket`. No row: in the pond's own.
create table identity_state (
    one boolean primary key default true check (one),
    zone text not null,
    next_bucket smallint not null
);
