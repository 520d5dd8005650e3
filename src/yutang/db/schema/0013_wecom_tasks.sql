-- All tables of this file: writer: channels.wecom.tasks
-- What members of staff are asked to send, and what became of it. `account` is the source of the account (wecom:main).

-- One task at WeCom: a message for customers of one member of staff, or for groups that he owns.
-- key: the caller's own name for a post to groups; the same key is made once. digest: which task another letter may join.
-- request: what add_msg_template is asked; it leaves the row as soon as the answer is known.
-- called_at: when add_msg_template was last begun, written before the call. due_at: the next look at it; null: all is known.
create table wecom_task (
    task_id bigint generated always as identity primary key,
    account text not null,
    kind text not null check (kind in ('single', 'group')),
    key text,
    digest text not null,
    sender text not null,
    msgid text,
    state text not null check (state in ('making', 'unknown', 'made', 'done', 'cancelled', 'failed')),
    touches int not null,
    request jsonb,
    detail text,
    created_at timestamptz not null,
    called_at timestamptz not null,
    made_at timestamptz,
    deadline timestamptz not null,
    due_at timestamptz,
    tries smallint not null default 0,
    reminded smallint not null default 0,
    unique (account, key),
    unique (account, msgid)
);
create index wecom_task_due on wecom_task (account, due_at) where due_at is not null;

-- Whom a task is for: an external_userid, or a chat_id (then without touch). day: the quota's day that it counts on.
-- called_off: nobody is to write to this one any more.
create table wecom_task_receiver (
    task_id bigint not null references wecom_task on delete cascade,
    receiver text not null,
    touch_id bigint unique,
    person_id bigint,
    state text not null check (state in ('asked', 'sent', 'failed')),
    reason text,
    day date not null,
    at timestamptz not null,
    called_off boolean not null default false,
    primary key (task_id, receiver)
);

-- How many messages of ours a customer (or a group) got, or may still get, on a day of China.
create table wecom_quota_use (
    account text not null,
    receiver text not null,
    day date not null,
    n int not null,
    primary key (account, receiver, day)
);
create index wecom_quota_use_day on wecom_quota_use (account, day);

-- Letters that went out as a welcome. calling: the call was begun and its end is not known; until then the code stays here,
-- to ask again. refused: it goes another way.
create table wecom_greeting (
    touch_id bigint primary key,
    account text not null,
    state text not null check (state in ('calling', 'sent', 'refused')),
    code text,
    at timestamptz not null
);
create index wecom_greeting_at on wecom_greeting (at);

-- Files that WeCom keeps for three days. digest: of the file, or of its address. place: message, or moment.
create table wecom_media (
    account text not null,
    digest text not null,
    place text not null check (place in ('message', 'moment')),
    media_id text not null,
    at timestamptz not null,
    primary key (account, digest, place)
);

-- Posts for customers' Moments: an asynchronous job at WeCom, then a task for each member of staff.
create table wecom_moment (
    post_id bigint generated always as identity primary key,
    account text not null,
    key text not null,
    request jsonb not null,
    state text not null check (state in ('making', 'unknown', 'job', 'made', 'done', 'failed')),
    jobid text,
    moment_id text,
    detail text,
    created_at timestamptz not null,
    called_at timestamptz not null,
    due_at timestamptz,
    tries smallint not null default 0,
    unique (account, key)
);
create index wecom_moment_due on wecom_moment (account, due_at) where due_at is not null;

-- Who was asked to publish a post, and when it was seen to be published.
create table wecom_moment_staff (
    post_id bigint not null references wecom_moment on delete cascade,
    staff text not null,
    published_at timestamptz,
    primary key (post_id, staff)
);

-- Notices to members of staff: the same key is sent once.
create table wecom_notice (
    account text not null,
    key text not null,
    state text not null check (state in ('calling', 'sent')),
    msgid text,
    at timestamptz not null,
    primary key (account, key)
);
create index wecom_notice_at on wecom_notice (at);
