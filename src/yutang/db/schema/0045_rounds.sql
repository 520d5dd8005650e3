-- Whoever puts a failed letter back to waiting begins another round of it: each round has an end of its own to tell.
alter table attempt add column round smallint not null default 1;
