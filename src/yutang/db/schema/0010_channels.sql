-- What platforms call back: a view, so that a cursor over it walks its small index. Each callback is an event of no person.
create index event_callback on event (xid) where type = 'callback';
create view callback as select * from event where type = 'callback';

-- writer: channels.platform. The accounts with platforms (a corp's app, an official account, …). `sealed` holds the
-- secrets as encrypted JSON, `previous` the callback token and key that were in force before and are accepted until then.
create table channel_account (
    kind text not null,
    name text not null,
    settings jsonb not null,
    sealed text not null,
    previous text,
    previous_until timestamptz,
    at timestamptz not null,
    primary key (kind, name),
    check ((previous is null) = (previous_until is null))
);

-- writer: channels.platform. What channels have to tell: facts (handles) and answers to letters (touch). A row leaves when
-- it has become an event.
create table channel_news (
    news_id bigint generated always as identity primary key,
    channel text not null,
    key text not null,
    type text not null,
    at timestamptz not null,
    handles jsonb,
    touch_id bigint,
    person_id bigint,
    props jsonb not null,
    check ((touch_id is null) = (person_id is null)),
    check ((handles is null) <> (touch_id is null))
);
create index channel_news_next on channel_news (channel, news_id);
