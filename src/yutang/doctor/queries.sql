-- name: durability
-- What decides whether a committed event survives a power cut.
select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
       current_setting('synchronous_commit') as synchronous_commit;

-- name: schema_version
select max(s.version) as version from schema_version s;

-- name: fed
select l.feed_at, l.feed_tries, l.feed_error from lake_state l;

-- name: unsent
-- Channels whose letters have waited since then though nothing keeps them, and which nobody is at work on. A skip scan: a few probes per channel.
with recursive name as (
    (select a.channel from attempt a where a.state in ('waiting', 'claimed') order by a.channel limit 1)
    union all
    select (select a.channel from attempt a where a.state in ('waiting', 'claimed') and a.channel > name.channel
            order by a.channel limit 1)
    from name where name.channel is not null)
select name.channel, late.n, late.since from name
cross join lateral (select count(*) as n, min(a.retry_at) as since from attempt a
                    where a.channel = name.channel and a.state in ('waiting', 'claimed') and a.retry_at <= %(since)s::timestamptz) late
where late.n > 0 and not exists (select from attempt a where a.channel = name.channel and a.state = 'claimed' and a.retry_at > %(now)s::timestamptz)
order by name.channel;
