create sequence person_id;

-- writer: identity. One row per person ever seen; a merged one points at the person that holds its facts now.
-- `changed` moves when events were re-pointed (merge, split, undo): later stages then rebuild the person.
create table person (
    bucket smallint not null,
    person_id bigint not null,
    merged_into bigint,
    created_at timestamptz not null,
    changed xid8,
    primary key (bucket, person_id)
);
create index person_changed on person (changed) where changed is not null;
create index person_merged on person (merged_into) where merged_into is not null;

-- writer: identity. The directory of handles, keyed by handle: kind code + keyed hash. The event that brought a handle
-- holds what it says (the view below): so a link is never without evidence, and each handle is stored once.
create table handle (
    key uuid primary key,
    person_id bigint not null,
    origin_id bigint not null,
    event_id bigint not null
);
create index handle_person on handle (person_id);

-- Keys stand in the event in the order in which jsonb keeps the handles.
create view handle_shown as
select h.key, h.person_id, h.origin_id, h.event_id, e.at, said.kind, said.value, e.sealed ->> said.kind as sealed
from handle h
join event e using (event_id)
cross join lateral (
    select kind, value from jsonb_each_text(e.handles) with ordinality as each_handle (kind, value, position)
    where position = array_position(e.keys, h.key)) said;

-- writer: identity. Every merge with its evidence; a split fills undone_at.
create table merge_log (
    merge_id bigint generated always as identity primary key,
    winner_id bigint not null,
    loser_id bigint not null,
    event_id bigint not null,
    at timestamptz not null,
    undone_at timestamptz,
    xid xid8 not null default pg_current_xact_id()
);
create index merge_log_xid on merge_log (xid);
create index merge_log_winner on merge_log (winner_id);
create index merge_log_loser on merge_log (loser_id);

-- writer: identity. Pairs that may not be joined: said by a person (a split).
create table keep_apart (
    person_a bigint not null,
    person_b bigint not null,
    at timestamptz not null,
    primary key (person_a, person_b),
    check (person_a < person_b)
);

-- writer: identity. Links that were suggested (weak handle) or refused (conflict), for a person to decide.
create table identity_case (
    case_id bigint generated always as identity primary key,
    reason text not null check (reason in ('conflict', 'suggestion', 'no_handle')),
    event_id bigint not null,
    persons bigint[] not null,
    at timestamptz not null,
    unique (event_id, reason)
);

-- writer: identity. An event as a fact about a person: the only form in which later stages see it.
create table person_event (
    bucket smallint not null,
    person_id bigint not null,
    type text not null,
    at timestamptz not null,
    event_id bigint not null,
    day date not null,
    amount bigint not null,
    props jsonb not null,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id, type, at, event_id)
);
create index person_event_xid on person_event (xid);

-- What an event says as a fact, whoever it is about.
create view event_as_fact as
select event_id, xid, type, at, props,
       case when type in ('ordered', 'refunded', 'coupon_redeemed') then coalesce((props ->> 'amount_fen')::bigint, 0) else 0 end as amount
from event;

-- writer: identity. Events that the fast path has resolved before their window was read, with their own transaction: the
-- window passes them over and takes the rows away, so that no event becomes a fact twice.
create table event_ahead (
    event_id bigint primary key,
    xid xid8 not null
);
