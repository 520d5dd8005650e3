-- writer: users. The keys of the API that have been given out, used or revoked; what a key says is computed from the secret, never kept.
-- name, number: whose, and which of theirs. since: when it was first heard of. A key that is not here holds.
create table api_key (
    name text not null,
    number int not null,
    since timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz,
    primary key (name, number)
);
