-- Official accounts and mini-programs. `account` is the account's name (``main``) in the tables of the official account, its
-- source (``miniprogram:main``) in those that both share.

-- writer: channels.official_account. Who follows, as far as callbacks and answers have told. at: of the newest sign of it.
-- ask_at: when the platform is to be asked who this is; null: nothing to ask.
create table oa_fan (
    account text not null,
    openid text not null,
    following boolean not null,
    at timestamptz not null,
    unionid text,
    ask_at timestamptz,
    primary key (account, openid)
);
create index oa_fan_ask on oa_fan (account, ask_at) where ask_at is not null;

-- writer: channels.official_account. How long and how often somebody who has just done something may be written to.
-- What of it is used is counted in `oa_out`: customer service messages from `opened_at` on.
create table oa_window (
    account text not null,
    openid text not null,
    kind text not null check (kind in ('message', 'act')),
    opened_at timestamptz not null,
    until timestamptz not null,
    allowed int not null,
    primary key (account, openid, kind)
);

-- writer: channels.official_account. Each letter's call, written before it is made. at: when the call was begun.
-- calling: begun, its end not known. returned: surely not sent, so its slot is free again. What became of a letter that goes
-- against a grant (way subscribe) stands in `channel_notice` alone.
create table oa_out (
    touch_id bigint primary key,
    account text not null,
    person_id bigint not null,
    openid text not null,
    way text not null check (way in ('custom', 'template', 'subscribe')),
    state text not null check (state in ('calling', 'sent', 'returned')),
    msgid text,
    at timestamptz not null
);
create index oa_out_used on oa_out (account, openid, at) where way = 'custom' and state <> 'returned';
create index oa_out_msgid on oa_out (account, msgid) where msgid is not null;

-- writer: channels.official_account. What the platform said of a message by its number; it may say so before the sender has
-- noted the number. A row leaves when it has met its letter.
create table oa_receipt (
    account text not null,
    msgid text not null,
    status text not null,
    at timestamptz not null,
    primary key (account, msgid)
);

-- writer: channels.official_account. Live codes. scene: what the platform says of whoever scans one, and no other code has.
-- days: how long its picture works; 0: for ever. ticket: names its picture, null until it is made; until: when that stops
-- working. ask_at: when the platform is to be asked for it, or when it is over; null: nothing to do.
create table oa_code (
    account text not null,
    name text not null,
    scene text collate "C" not null,
    days int not null check (days between 0 and 30),
    store text,
    ticket text,
    until timestamptz,
    problem text,
    made_at timestamptz not null,
    ask_at timestamptz,
    retired_at timestamptz,
    primary key (account, name)
);
create unique index oa_code_scene on oa_code (account, scene);
create index oa_code_ask on oa_code (account, ask_at) where ask_at is not null;

-- writer: channels.platform.grants. How many messages of a template a person has agreed to and not yet been sent.
create table channel_grant (
    account text not null,
    openid text not null,
    template text not null,
    count int not null check (count >= 0),
    primary key (account, openid, template)
);

-- writer: channels.platform.grants. The callbacks that have been counted, so that none counts twice.
create table channel_grant_event (
    account text not null,
    key text not null,
    at timestamptz not null,
    primary key (account, key)
);
create index channel_grant_event_at on channel_grant_event (account, at);

-- writer: channels.platform.grants. Each letter's call, written before it is made, with the grant that it takes.
-- calling: begun, its end not known. returned: surely not sent, so its grant is free again.
create table channel_notice (
    touch_id bigint primary key,
    account text not null,
    person_id bigint not null,
    openid text not null,
    template text not null,
    state text not null check (state in ('calling', 'sent', 'returned')),
    msgid text,
    at timestamptz not null
);
create index channel_notice_msgid on channel_notice (account, msgid) where msgid is not null;
create index channel_notice_nameless on channel_notice (account, openid, template) where msgid is null and state <> 'returned';

-- writer: channels.platform.grants. What the platform said of a message; a row leaves when it has met its letter, or when it is
-- clear that another system has sent the message.
create table channel_notice_receipt (
    account text not null,
    msgid text not null,
    openid text not null,
    template text not null,
    code text not null,
    at timestamptz not null,
    primary key (account, msgid)
);
create index channel_notice_receipt_at on channel_notice_receipt (account, at);
