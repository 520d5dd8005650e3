-- All tables of this file: writer: channels.platform.calls

-- What a platform gave us to call it with, sealed: one row per account and purpose (`access`, or a ticket for pages).
-- fingerprint: of the secret it was fetched with; another secret asks anew. failed_*: the last refusal, kept for a while
-- so that nobody asks again and again.
create table channel_token (
    source text not null,
    purpose text not null,
    fingerprint text not null default '',
    sealed text,
    expires_at timestamptz,
    failed_code int,
    failed_hint text,
    failed_until timestamptz,
    primary key (source, purpose)
);

-- What may still be called: per account and path one bucket for the minute and one for the hour, as they were at `at`.
-- paused_until: the platform said "too often"; the next pause lasts twice as long, up to an hour.
-- narrow_until: the platform said "too many at once".
create table channel_window (
    source text not null,
    path text not null,
    at timestamptz not null,
    minute_room double precision not null,
    hour_room double precision not null,
    paused_until timestamptz,
    pause_seconds int not null default 60,
    narrow_until timestamptz,
    primary key (source, path)
) with (fillfactor = 50);

-- The calls that may be under way at one time: a slot each. A worker that was killed gives its slot back at `until`.
create table channel_slot (
    source text not null,
    path text not null,
    slot smallint not null,
    holder text,
    until timestamptz not null default '-infinity',
    primary key (source, path, slot)
) with (fillfactor = 50);

-- Every try of every call, without what was said: body_hash is keyed, hint is the platform's own reference for support.
create table channel_call (
    call_id bigint generated always as identity primary key,
    source text not null,
    path text not null,
    at timestamptz not null,
    ms int not null,
    number smallint not null,
    errcode int,
    hint text not null,
    body_hash bytea not null
);
create index channel_call_at on channel_call (at);
