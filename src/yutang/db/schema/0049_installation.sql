-- writer: db. By what this database knows its secret again: a keyed hash, from which nobody learns the secret. One row.
create table secret_mark (
    one boolean primary key default true check (one),
    mark bytea not null
);
