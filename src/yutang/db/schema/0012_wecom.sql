-- All tables of this file: writer: channels.wecom. What we know of a corp's WeCom: its staff, their contacts, tags,
-- groups and codes. Each row belongs to one `account` (the source of its facts, such as wecom:main).
-- Ids of the platform are opaque and case-sensitive.

create table wecom_staff (
    account text not null,
    userid text collate "C" not null,
    name text not null default '',
    departments text[] not null default '{}',
    state text not null default 'active' check (state in ('active', 'disabled', 'left')),
    in_range boolean not null default false,
    contacts int not null default 0,
    seen_at timestamptz not null,
    primary key (account, userid)
);

-- Who follows whom. since: the platform's createtime of the newest relation; lost_at: when that one ended.
-- state 'lost': it is gone, and nobody has told us who ended it. tags: ids of the corp's tags, as last read or set.
-- changed_at: the newest callback; a reading that was asked before it says nothing against it.
create table wecom_relation (
    account text not null,
    external_userid text collate "C" not null,
    userid text collate "C" not null,
    state text not null check (state in ('active', 'pending', 'lost', 'lost_by_staff', 'lost_by_customer', 'transferred')),
    since timestamptz,
    lost_at timestamptz,
    state_param text not null default '',
    add_way int,
    remark text not null default '',
    description text not null default '',
    tags text[] not null default '{}',
    personal_tags text[] not null default '{}',
    changed_at timestamptz,
    synced_at timestamptz,
    seen_run bigint,
    primary key (account, external_userid, userid)
);
create index wecom_relation_staff on wecom_relation (account, userid, state);
create index wecom_relation_tags on wecom_relation using gin (tags);

-- told_tags: the tags that facts have told of the person; version counts what was told, and makes the keys of facts.
create table wecom_contact (
    account text not null,
    external_userid text collate "C" not null,
    name text not null default '',
    avatar text not null default '',
    type int,
    gender int,
    unionid text collate "C",
    told_tags text[] not null default '{}',
    version int not null default 0,
    synced_at timestamptz,
    primary key (account, external_userid)
);

-- machine: Yutang decides who has it; what staff do to it is put right again. Others belong to staff.
create table wecom_tag (
    account text not null,
    tag_id text collate "C" not null,
    group_id text collate "C" not null,
    group_name text not null,
    name text not null,
    position bigint not null default 0,
    deleted boolean not null default false,
    machine boolean not null default false,
    primary key (account, tag_id)
);

-- What Yutang wants of a person's machine-managed tags ('group/name').
create table wecom_wish (
    account text not null,
    external_userid text collate "C" not null,
    tag text not null,
    wanted boolean not null,
    at timestamptz not null,
    primary key (account, external_userid, tag)
);
create index wecom_wish_tag on wecom_wish (account, tag);

create table wecom_group (
    account text not null,
    chat_id text collate "C" not null,
    name text not null default '',
    owner text collate "C" not null default '',
    state text not null check (state in ('normal', 'owner_left', 'inheriting', 'inherited', 'dismissed')),
    member_version text not null default '',
    changed_at timestamptz,
    synced_at timestamptz,
    seen_run bigint,
    primary key (account, chat_id)
);

create table wecom_group_member (
    account text not null,
    chat_id text collate "C" not null,
    member text collate "C" not null,
    kind text not null check (kind in ('staff', 'customer')),
    joined_at timestamptz not null,
    way text not null default '',
    state_param text not null default '',
    left_at timestamptz,
    primary key (account, chat_id, member)
);
create index wecom_group_member_member on wecom_group_member (account, member);

-- A live code (渠道活码): it leads to staff (users) or into groups (chats, ids). `state` comes back in callbacks and readings,
-- so it is short and says nothing. ours: made here; others were found at the platform. asked_at: when it was last to be
-- made there, written before the call. shown_chats: the groups as the platform last showed them, for it adds some itself;
-- room_name: what it calls those, empty where it is to add none. problem: why it does not work, for operators.
create table wecom_code (
    account text not null,
    name text not null,
    state text collate "C" not null,
    config_id text collate "C",
    users text[] not null default '{}',
    chats text[] not null default '{}',
    shown_chats text[] not null default '{}',
    room_name text not null default '',
    store text,
    tags text[] not null default '{}',
    remark text not null default '',
    skip_verify boolean not null default true,
    qr_code text,
    ours boolean not null default true,
    problem text,
    made_at timestamptz not null,
    asked_at timestamptz,
    retired_at timestamptz,
    primary key (account, name),
    check (not ours or (cardinality(users) > 0) <> (cardinality(chats) > 0))
);
create unique index wecom_code_state on wecom_code (account, state) where ours;
create index wecom_code_config on wecom_code (account, config_id);

-- A welcome that may be said until expires_at, by whoever uses its code first. The code itself never goes into a log.
create table wecom_welcome (
    account text not null,
    external_userid text collate "C" not null,
    staff text collate "C" not null,
    code text collate "C" not null,
    state_param text not null default '',
    at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (account, external_userid, staff, at)
);

-- Work that needs the network. asked counts the requests, so that one that comes while it is being done is not lost.
create table wecom_errand (
    account text not null,
    kind text not null,
    key text collate "C" not null,
    args jsonb not null default '{}',
    state text not null default 'waiting' check (state in ('waiting', 'claimed', 'failed')),
    asked int not null default 1,
    tries int not null default 0,
    due_at timestamptz not null,
    token text,
    error text,
    at timestamptz not null,
    primary key (account, kind, key)
);
create index wecom_errand_due on wecom_errand (account, due_at) where state in ('waiting', 'claimed');

-- A walk through everything that the platform shows. cursor: where to go on. lease_until: whose step it is now.
create table wecom_sync (
    run_id bigint generated always as identity primary key,
    account text not null,
    kind text not null check (kind in ('full', 'nightly')),
    phase text not null,
    cursor jsonb not null default '{}',
    done bigint not null default 0,
    total bigint not null default 0,
    started_at timestamptz not null,
    ended_at timestamptz,
    lease_until timestamptz,
    retry_at timestamptz,
    error text
);
create unique index wecom_sync_running on wecom_sync (account) where ended_at is null;

-- One thing that is handed over: a group, a customer or a code. errcode: what the platform answered for this one.
-- told_at: when the fact that a customer moved was told.
create table wecom_transfer (
    account text not null,
    handover text collate "C" not null,
    takeover text collate "C" not null,
    kind text not null check (kind in ('group', 'customer', 'code')),
    id text collate "C" not null,
    begun_at timestamptz not null,
    resigned boolean not null,
    state text not null check (state in ('planned', 'waiting', 'done', 'refused', 'full', 'failed')),
    errcode int,
    asked_at timestamptz,
    ended_at timestamptz,
    told_at timestamptz,
    primary key (account, handover, takeover, kind, id, begun_at)
);
create index wecom_transfer_thing on wecom_transfer (account, kind, id);

-- Sign-ins that were used up: each state may come back once.
create table wecom_login (
    nonce text primary key,
    at timestamptz not null
);
