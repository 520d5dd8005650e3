-- name: token
select t.fingerprint, t.sealed, t.expires_at, t.failed_code, t.failed_hint, t.failed_until
from channel_token t where t.source = %(source)s::text and t.purpose = %(purpose)s::text;

-- name: make_token
-- There must be a row before it can be locked.
insert into channel_token (source, purpose) values (%(source)s::text, %(purpose)s::text) on conflict do nothing;

-- name: patience
-- Nobody waits for another's fetch for long, and a fetcher whose machine has vanished gives way.
set local lock_timeout = '30s';

-- name: give_way
set local idle_in_transaction_session_timeout = '120s';

-- name: lock_token
-- Who holds this row fetches; the others wait for it and find the new token in it.
select t.fingerprint, t.sealed, t.expires_at, t.failed_code, t.failed_hint, t.failed_until
from channel_token t where t.source = %(source)s::text and t.purpose = %(purpose)s::text for update;

-- name: keep_token
update channel_token set fingerprint = %(fingerprint)s::text, sealed = %(sealed)s::text,
       expires_at = %(expires_at)s::timestamptz, failed_code = null, failed_hint = null, failed_until = null
where source = %(source)s::text and purpose = %(purpose)s::text;

-- name: keep_failure
-- A token that has not run out stays: it may serve while the platform is out of reach. One of another secret goes.
update channel_token set sealed = case when fingerprint = %(fingerprint)s::text then sealed end,
       fingerprint = %(fingerprint)s::text,
       failed_code = %(code)s::int, failed_hint = %(hint)s::text, failed_until = %(until)s::timestamptz
where source = %(source)s::text and purpose = %(purpose)s::text;

-- name: forgive
-- An operator has mended something: ask again at once.
update channel_token set failed_until = null where source = %(source)s::text;

-- name: permit
-- One call out of both buckets, or no row when there is none. Each bucket refills with time up to its brim. `at` never
-- goes back, so that machines whose clocks differ do not fill it twice; only a clock set back by more than an hour is believed.
insert into channel_window as w (source, path, at, minute_room, hour_room)
values (%(source)s::text, %(path)s::text, %(now)s::timestamptz, %(minute_brim)s::float8 - 1, %(hour_brim)s::float8 - 1)
on conflict (source, path) do update set
    at = case when w.at > excluded.at + interval '1 hour' then excluded.at else greatest(w.at, excluded.at) end,
    minute_room = least(%(minute_brim)s::float8,
                        w.minute_room + %(minute_rate)s::float8 * greatest(0, extract(epoch from excluded.at - w.at))) - 1,
    hour_room = least(%(hour_brim)s::float8,
                      w.hour_room + %(hour_rate)s::float8 * greatest(0, extract(epoch from excluded.at - w.at))) - 1
where w.minute_room + %(minute_rate)s::float8 * greatest(0, extract(epoch from excluded.at - w.at)) >= 1
  and w.hour_room + %(hour_rate)s::float8 * greatest(0, extract(epoch from excluded.at - w.at)) >= 1
  and coalesce(w.paused_until, '-infinity') <= excluded.at
returning w.at;

-- name: refused_until
-- When there will be a permit again, if nobody else takes it: a millisecond late, for fractions are rounded.
select greatest(w.paused_until,
                w.at + make_interval(secs => 0.001 + greatest(0, (1 - w.minute_room) / %(minute_rate)s::float8,
                                                         (1 - w.hour_room) / %(hour_rate)s::float8))) as until
from channel_window w where w.source = %(source)s::text and w.path = %(path)s::text;

-- name: pause
-- Calls that were under way when the pause began do not make it longer. Each pause is twice as long as the last, unless
-- the path was left in peace for so long in between.
update channel_window w set
    paused_until = case when w.paused_until > %(now)s::timestamptz then w.paused_until
                        else %(now)s::timestamptz + make_interval(secs => f.seconds) end,
    pause_seconds = case when w.paused_until > %(now)s::timestamptz then w.pause_seconds
                         else least(3600, 2 * f.seconds) end
from (select o.source, o.path,
             case when o.paused_until + make_interval(secs => o.pause_seconds) < %(now)s::timestamptz then 60
                  else o.pause_seconds end as seconds
      from channel_window o where o.source = %(source)s::text and o.path = %(path)s::text for update) f
where w.source = f.source and w.path = f.path
returning w.paused_until as until;

-- name: narrow
update channel_window w set narrow_until = %(until)s::timestamptz
where w.source = %(source)s::text and w.path = %(path)s::text;

-- name: make_slots
insert into channel_slot (source, path, slot)
select %(source)s::text, %(path)s::text, n from generate_series(1, %(width)s::int) n on conflict do nothing;

-- name: take_slot
update channel_slot s set holder = %(holder)s::text, until = %(until)s::timestamptz
where (s.source, s.path, s.slot) = (
    select f.source, f.path, f.slot from channel_slot f
    where f.source = %(source)s::text and f.path = %(path)s::text and f.until <= %(now)s::timestamptz
      and f.slot <= coalesce((select %(narrow)s::int from channel_window w
                              where w.source = f.source and w.path = f.path and w.narrow_until > %(now)s::timestamptz),
                             %(width)s::int)
    order by f.slot limit 1 for update skip locked)
returning s.slot;

-- name: free_slot
-- Only one's own: it may have run out and be somebody else's by now.
update channel_slot s set holder = null, until = '-infinity'
where s.source = %(source)s::text and s.path = %(path)s::text and s.slot = %(slot)s::int and s.holder = %(holder)s::text;

-- name: record
insert into channel_call (source, path, at, ms, number, errcode, hint, body_hash)
values (%(source)s::text, %(path)s::text, %(at)s::timestamptz, %(ms)s::int, %(number)s::int, %(errcode)s::int,
        %(hint)s::text, %(body_hash)s::bytea);

-- name: trim
delete from channel_call where at < %(before)s::timestamptz;
