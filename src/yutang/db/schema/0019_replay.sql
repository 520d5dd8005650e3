-- writer: replay. Back-tests and dry runs that were asked for from afar. share: of the way that lies behind it; beat_at: when whoever
-- works on it was last heard of. page: the report for people, report: the same for programs.
create table rehearsal (
    rehearsal_id bigint generated always as identity primary key,
    kind text not null check (kind in ('backtest', 'dryrun')),
    asked jsonb not null,
    by text not null,
    at timestamptz not null,
    state text not null check (state in ('waiting', 'running', 'done', 'failed')),
    share real not null default 0,
    beat_at timestamptz,
    report jsonb,
    page text,
    error text
);
create index rehearsal_waiting on rehearsal (rehearsal_id) where state in ('waiting', 'running');
