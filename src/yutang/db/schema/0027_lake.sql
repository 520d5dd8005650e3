-- writer: lake. One row: up to which transaction the tables have been archived, and the generation of the lake: each commit of an
-- archive run is one more, and only a run that began at the one before may commit it. lake: whose files they are; it stands beside
-- them too, so that two databases never write into one place.
create table lake_state (
    one boolean primary key default true check (one),
    lake uuid not null default gen_random_uuid(),
    generation bigint not null,
    xid xid8 not null,
    at timestamptz
);
insert into lake_state (generation, xid) values (0, '0');

-- writer: lake. Every file of the lake; live while `gone` is null. born, gone: the generations that brought it and left it out.
-- newest: the highest event_id in it.
create table lake_file (
    path text primary key,
    table_name text not null,
    part text not null,
    version smallint not null,
    rows bigint not null,
    bytes bigint not null,
    newest bigint,
    born bigint not null,
    gone bigint,
    gone_at timestamptz
);
create index lake_file_live on lake_file (table_name, part) where gone is null;

-- writer: lake. Persons of whom the lake keeps nothing: nothing of theirs is archived any more, and what was goes at the next run,
-- which fills done_at.
create table lake_erased (
    person_id bigint primary key,
    at timestamptz not null,
    done_at timestamptz
);

-- writer: ingest. Before this instant events may be in the lake alone: the door takes none of that time any more, as it could not tell
-- whether it has seen them. No row: nothing was ever dropped.
create table history_edge (
    one boolean primary key default true check (one),
    before timestamptz not null
);

-- writer: identity. What is known of events that only the lake still has: how many and how much, per person, type and business day.
create table person_past (
    bucket smallint not null,
    person_id bigint not null,
    type text not null,
    day date not null,
    n int not null,
    amount bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (bucket, person_id, type, day)
);
