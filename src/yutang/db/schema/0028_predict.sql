-- writer: predict. What was trained for one prediction on one day, whether it serves or not: the days it has seen (since <= day < until),
-- how every candidate did in the back-test (metrics), and what the chosen one was fitted to (parameters).
-- abstained: there was too little to train on; refused: nothing was better than saying nothing; retired: a later version has its place.
create table model (
    model_id bigint generated always as identity primary key,
    name text not null,
    version int not null,
    trained_at timestamptz not null,
    since date,
    until date not null,
    state text not null check (state in ('serving', 'refused', 'abstained', 'retired')),
    metrics jsonb not null,
    parameters jsonb not null,
    unique (name, version)
);
create unique index model_current on model (name) where state <> 'retired';

-- writer: predict. What is expected of a person now; a person of whom nothing can be said has no row.
create table prediction (
    bucket smallint not null,
    person_id bigint not null,
    name text not null,
    value double precision not null,
    at timestamptz not null,
    model_id bigint not null,
    primary key (bucket, person_id, name)
) with (fillfactor = 85);

-- writer: predict. Whose predictions changed: everybody of a bucket whom one training touches stands in one row.
create table prediction_news (
    bucket smallint not null,
    persons bigint[] not null,
    xid xid8 not null default pg_current_xact_id()
);
create index prediction_news_xid on prediction_news (xid);

create view prediction_changed as
select n.bucket, u.person_id, n.xid from prediction_news n cross join lateral unnest(n.persons) as u (person_id);

-- writer: predict. What a model had said of the days that have passed since, against what happened. Days: since <= day < until.
create table model_drift (
    model_id bigint not null,
    at timestamptz not null,
    since date not null,
    until date not null,
    metrics jsonb not null,
    primary key (model_id, at)
);
