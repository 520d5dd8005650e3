-- writer: profile. By which cut points and in which time zone everybody's scores were ordered to be reckoned; no row: nobody's yet.
-- A pond that changes them is scored anew.
create table profile_state (
    one boolean primary key default true check (one),
    rules jsonb not null
);

-- Days begin elsewhere in another time zone, so a segment is checked against everybody in each.
alter table segment_state add column zone text not null default '';
