-- Customer service accounts (微信客服).
-- All tables of this file: writer: channels.customer_service
-- Everything belongs to an open_kfid: the callbacks of all service accounts of a corp come to one address.

-- How far the messages of a service account have been read. asked: grows with each callback; one that comes while somebody
-- reads (until leased_until) leads to another reading. token: of the newest callback, lets us read more often.
create table kf_account (
    open_kfid text primary key,
    cursor text not null default '',
    sync_at timestamptz not null,
    leased_until timestamptz not null default '-infinity',
    asked bigint not null default 0,
    token text,
    token_at timestamptz
);

-- How long and how often a customer who has written may be answered. What of it is used is counted in `kf_out`.
create table kf_window (
    open_kfid text not null,
    external_userid text not null,
    opened_at timestamptz not null,
    until timestamptz not null,
    allowed int not null,
    primary key (open_kfid, external_userid)
);

-- The newest welcome code of each customer. used_by: the touch that has made use of it, marked before the call.
create table kf_welcome (
    open_kfid text not null,
    external_userid text not null,
    code text not null,
    at timestamptz not null,
    expires_at timestamptz not null,
    used_by bigint,
    primary key (open_kfid, external_userid)
);
create index kf_welcome_expires on kf_welcome (open_kfid, expires_at);

-- Each letter's call, written before it is made. messages: what it takes of a window; arrived: those the platform has surely
-- taken, the first ones. msgid: our number of it, which the platform takes once; its messages are numbered behind it.
-- calling: begun, its end not known. returned: surely not sent, so its slots are free again. cut: will not be finished.
-- at: when it was begun, or begun again.
create table kf_out (
    touch_id bigint primary key,
    open_kfid text not null,
    person_id bigint not null,
    external_userid text not null,
    way text not null check (way in ('window', 'welcome')),
    state text not null check (state in ('calling', 'sent', 'returned', 'cut')),
    msgid text not null,
    messages int not null,
    arrived int not null default 0,
    at timestamptz not null
);
create index kf_out_used on kf_out (open_kfid, external_userid, at) where way = 'window' and state <> 'returned';

-- Pictures that the platform holds for a while, by the digest of their address.
create table kf_media (
    source text not null,
    digest text not null,
    media_id text not null,
    at timestamptz not null,
    primary key (source, digest)
);
