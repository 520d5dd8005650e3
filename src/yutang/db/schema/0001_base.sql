-- Small shared tables. `bucket` (0…1023) is person_id & 1023: the leading key of every person-scoped table,
-- the unit of work for one worker, and the column to distribute by on a cluster.

-- writer: db.cursor. How far each stage has read `source` (table.column), per slice of buckets.
create table stage_cursor (
    stage text not null,
    slice text not null,
    source text not null,
    xid xid8 not null,
    primary key (stage, slice)
);

-- writer: definitions. Segments, journeys, offers, messages and the pond itself: immutable versions.
create table definition (
    definition_id int not null,
    version int not null,
    kind text not null check (kind in ('pond', 'segment', 'journey', 'offer', 'message', 'store')),
    name text not null,
    body jsonb not null,
    source text not null,
    at timestamptz not null,
    retired_at timestamptz,
    primary key (definition_id, version),
    unique (kind, name, version)
);
