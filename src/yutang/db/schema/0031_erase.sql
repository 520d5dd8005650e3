-- erased_at: nothing is known of this person any more, and nothing will be. The row stays, so that what comes late finds that there
-- is nobody, and points at itself (`merged_into`): so whoever looks for those who live passes it by.
alter table person add column erased_at timestamptz;

-- writer: identity. What erased persons had bought, for the sums of experiments alone: figures, without goods, place or handles.
-- order_no: the order's number under a key that was thrown away, so that refunds and coupons still meet their order.
create table erased_order (
    bucket smallint not null,
    person_id bigint not null,
    type text not null check (type in ('ordered', 'refunded')),
    at timestamptz not null,
    order_no text,
    amount bigint not null,
    margin_fen double precision
);
create index erased_order_person on erased_order (bucket, person_id);

-- writer: erasure. Who was erased, when and on whose word, with how many rows of each table; nothing of the person but the number.
-- again: rows that work under way at that moment had still written, erased after it. settled_at: when no such work was left.
create table erasure (
    erasure_id bigint generated always as identity primary key,
    person_id bigint not null unique,
    numbers int not null,
    at timestamptz not null,
    by text not null,
    reason text not null default '',
    counts jsonb not null,
    again int not null default 0,
    settled_at timestamptz,
    xid xid8 not null default pg_current_xact_id()
);
create index erasure_open on erasure (erasure_id) where settled_at is null;

-- Whom open cases are about.
create index identity_case_persons on identity_case using gin (persons);
-- Events of imports that were undone are facts about nobody, but still hold handles.
create index event_undone_keys on event using gin (keys) where source_id like '%~undone:%';

-- The persons whom a callback names, by the platform's own ids.
create function callback_names(text) returns text[] language sql immutable strict parallel safe as $$
    select array(select coalesce(found[1], found[2]) from regexp_matches($1,
        '<(?:FromUserName|ExternalUserID|OpenID|Item)>\s*(?:<!\[CDATA\[)?([^<\]]+)|"(?:FromUserName|ExternalUserID|OpenID|openid)"\s*:\s*"([^"]+)"',
        'g') as found)
$$;
create index event_callback_names on event using gin (callback_names(props ->> 'text')) where type = 'callback' and props ? 'text';
create index event_callback_sealed on event (event_id) where type = 'callback' and props ? 'sealed';
