-- writer: users. Who may open the console. name: what is typed to sign in, in lower case. password: an Argon2 hash; null for
-- those who sign in through a platform alone, as `userid` of the account kind:app. stores: what a store manager answers for.
-- staff: whose customers a salesperson sees.
create table console_user (
    user_id bigint generated always as identity primary key,
    name text not null unique check (name = lower(name)),
    title text not null,
    role text not null check (role in ('administrator', 'operator', 'analyst', 'manager', 'salesperson')),
    password text,
    kind text,
    app text,
    userid text,
    stores text[] not null default '{}',
    staff text collate "C",
    made_at timestamptz not null,
    seen_at timestamptz,
    closed_at timestamptz,
    unique (kind, app, userid)
);

-- writer: users. One browser that signed in; token: SHA-256 of what its cookie holds.
create table console_session (
    token bytea primary key,
    user_id bigint not null references console_user on delete cascade,
    made_at timestamptz not null,
    seen_at timestamptz not null,
    until timestamptz not null,
    address text not null,
    browser text not null
);
create index console_session_user on console_session (user_id);

-- writer: users. Who did what in the console, to what; never changed. detail: what a reader needs to understand it, nothing personal.
create table audit (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null,
    by text not null,
    act text not null,
    object text not null,
    detail jsonb not null
);
create index audit_object on audit (object, audit_id);

-- writer: users. Questions to a list that somebody keeps under a name: page and query string. by: whose; shared: for everybody.
create table saved_view (
    view_id bigint generated always as identity primary key,
    page text not null,
    title text not null,
    query text not null,
    by text not null,
    shared boolean not null,
    at timestamptz not null
);

-- writer: brand. The files of the brand as they were each time it was brought into service.
create table publication (
    publication_id bigint generated always as identity primary key,
    at timestamptz not null,
    files jsonb not null
);

-- writer: brand. Edits to the brand's files that are in no service yet, oldest first. text: the whole file, null where it is taken
-- away; the newest one that is not undone holds.
create table draft_edit (
    edit_id bigint generated always as identity primary key,
    path text collate "C" not null,
    text text,
    by text not null,
    at timestamptz not null,
    undone boolean not null default false
);
create index draft_edit_path on draft_edit (path, edit_id);

-- files: what a plan was made of, by path. published: which publication was in service then.
alter table plan add column files jsonb, add column published bigint references publication;
