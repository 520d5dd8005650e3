-- name: durability
-- What decides whether a committed event survives a power cut.
select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
       current_setting('synchronous_commit') as synchronous_commit;

-- name: schema_version
select max(s.version) as version from schema_version s;

-- name: fed
select l.feed_at, l.feed_tries, l.feed_error from lake_state l;
