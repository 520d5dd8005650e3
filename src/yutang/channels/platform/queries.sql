-- name: keep_account
-- The same account again replaces what was kept.
insert into channel_account (kind, name, settings, sealed, previous, previous_until, at)
values (%(kind)s::text, %(name)s::text, %(settings)s::jsonb, %(sealed)s::text, %(previous)s::text,
        %(previous_until)s::timestamptz, %(now)s::timestamptz)
on conflict (kind, name) do update set settings = excluded.settings, sealed = excluded.sealed,
    previous = excluded.previous, previous_until = excluded.previous_until, at = excluded.at;

-- name: account
select kind, name, settings, sealed, previous, previous_until from channel_account
where kind = %(kind)s::text and name = %(name)s::text;

-- name: lock_account
-- Two commands that change one account go one after the other.
select from channel_account where kind = %(kind)s::text and name = %(name)s::text for update;

-- name: accounts
select kind, name, settings, sealed, previous, previous_until from channel_account order by kind, name;

-- name: remove_account
delete from channel_account where kind = %(kind)s::text and name = %(name)s::text;

-- name: tell
insert into channel_news (channel, key, type, at, handles, touch_id, person_id, props)
select %(channel)s::text, n.key, n.type, n.at, n.handles::jsonb, n.touch_id, n.person_id, n.props::jsonb
from unnest(%(keys)s::text[], %(types)s::text[], %(ats)s::timestamptz[], %(handles)s::text[], %(touches)s::bigint[],
            %(persons)s::bigint[], %(props)s::text[]) with ordinality
     as n (key, type, at, handles, touch_id, person_id, props, position)
order by n.position;

-- name: take
-- Another taker's rows are left to him. A clock of theirs that is ahead of ours does not move a fact into the future.
with next as (
    select news_id from channel_news where channel = %(channel)s::text
    order by news_id limit %(limit)s::int for update skip locked),
gone as (
    delete from channel_news n using next where n.news_id = next.news_id
    returning n.news_id, n.key, n.type, least(n.at, %(now)s::timestamptz) as at, n.handles, n.touch_id, n.person_id, n.props)
select key, type, at, handles, touch_id, person_id, props from gone order by news_id;

-- name: last_callback
-- The newest of one account: backwards along the small index of the callbacks.
select c.received_at as at from callback c where c.source = %(source)s::text order by c.xid desc limit 1;

-- name: erase_channel_news
-- What has not become an event yet.
delete from channel_news t
where t.person_id = any(%(persons)s::bigint[]) or t.touch_id = any(%(touches)s::bigint[])
   or exists (select from jsonb_each_text(t.handles) as h where h.value = any(%(names)s::text[]));
