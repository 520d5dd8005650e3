-- writer: profile. By which cut points and in which time zone everybody's scores were ordered to be reckoned; no row: nobody's yet.
-- A pond that changes them is scored anew.
create table profile_state (
    one boolean primary key default true check (one),
    rules jsonb not null
);

-- Days begin elsewhere in another time zone, so a segment is checked against everybody in each.
alter table segment_state add column zone text not null default '';

-- writer: decide. By which budget, prices, quiet hours and consent what is held was last judged. What is held is judged again when they change.
create table decide_state (
    one boolean primary key default true check (one),
    rules jsonb not null
);

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
