-- writer: ingest. Where events may come from.
create table source (
    name text primary key,
    title text not null,
    at timestamptz not null
);
-- Yutang's own follow-up events enter by the same door.
insert into source (name, title, at) values
    ('yutang', 'Yutang', '2000-01-01 00:00:00+00'), ('import', 'Files', '2000-01-01 00:00:00+00');

-- writer: ingest. One import of a file: progress, resume and undo hang on it.
create table import (
    import_id bigint generated always as identity primary key,
    kind text not null check (kind in ('events', 'orders', 'customers')),
    path text not null,
    digest text not null,
    mapping jsonb not null,
    state text not null check (state in ('running', 'done', 'undone')),
    rows_done bigint not null default 0,
    accepted bigint not null default 0,
    duplicate bigint not null default 0,
    rejected bigint not null default 0,
    started_at timestamptz not null,
    ended_at timestamptz
);

-- A file is imported once; after an undo, once more.
create unique index import_once on import (digest, kind, md5(mapping::text)) where state <> 'undone';

-- writer: ingest. Every event, as it came; never changed, but for the undo of an import, which sets its id free by
-- adding `~undone:IMPORT` to source_id. `keys` are the hashed handles, `sealed` the encrypted
-- ones (phone, e-mail), whose plain text is kept nowhere.
create table event (
    event_id bigint generated always as identity primary key,
    source text not null,
    source_id text not null,
    type text not null,
    at timestamptz not null,
    received_at timestamptz not null,
    handles jsonb not null,
    keys uuid[] not null,
    sealed jsonb,
    props jsonb not null,
    import_id bigint,
    xid xid8 not null default pg_current_xact_id(),
    unique (source, source_id)
);
create index event_xid on event (xid);
create index event_import on event (import_id) where import_id is not null;

-- writer: ingest. What was refused at the door, with the reason; the payload is encrypted.
create table reject (
    reject_id bigint generated always as identity primary key,
    at timestamptz not null,
    source text,
    source_id text,
    reason text not null,
    detail text not null,
    payload bytea not null,
    import_id bigint
);
create index reject_at on reject (at);

-- writer: ingest. Events taken back (undo of an import); identity follows this log.
create table event_undone (
    event_id bigint primary key,
    at timestamptz not null,
    xid xid8 not null default pg_current_xact_id()
);
create index event_undone_xid on event_undone (xid);
