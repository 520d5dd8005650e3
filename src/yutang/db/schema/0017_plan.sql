-- All tables of this file: writer: plan.

-- What somebody would like to be in service, whole. Only `state` ever changes: `digest` is taken over brand, parts, sources,
-- base and moves, and is looked at again before anything is applied.
-- parts: [{"kind", "name", "body"}, …] in the order of publishing. base: what was in service when it was made, {"kind/name": [id, version]}.
-- moves: where people in flight go who stand on a step that is gone, {journey: {step: step | "exit" | "finish_old"}}.
-- shown: what its readers were shown. key: the maker's own name for it: one of a key is made once; asked: digest of what was
-- asked for under it.
create table plan (
    plan_id bigint generated always as identity primary key,
    brand text not null,
    digest text not null,
    parts jsonb not null,
    sources jsonb not null,
    base jsonb not null,
    moves jsonb not null,
    shown jsonb not null,
    reverts bigint,
    key text unique,
    asked text not null,
    state text not null check (state in ('draft', 'approved', 'applied', 'refused', 'outdated'))
);

-- Who brought a plan into which state, and when. Each state is reached once at most.
create table plan_log (
    plan_id bigint not null references plan on delete cascade,
    state text not null,
    by text not null,
    at timestamptz not null,
    note text not null default '',
    primary key (plan_id, state)
);
