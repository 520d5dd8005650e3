-- name: hear
-- A callback says that there is something to read; several say no more than one.
insert into kf_account as a (open_kfid, sync_at, asked, token, token_at)
select h.open_kfid, %(now)s::timestamptz, 1, h.token, h.at
from (select distinct on (t.open_kfid) t.open_kfid, t.token, t.at
      from unnest(%(accounts)s::text[], %(tokens)s::text[], %(ats)s::timestamptz[]) as t (open_kfid, token, at)
      order by t.open_kfid, t.at desc, t.token desc) h
on conflict (open_kfid) do update set sync_at = least(a.sync_at, excluded.sync_at), asked = a.asked + 1,
    token = case when a.token_at > excluded.token_at then a.token else excluded.token end,
    token_at = greatest(a.token_at, excluded.token_at);

-- name: make_account
-- What was said before the first callback is read, too.
insert into kf_account (open_kfid, sync_at) values (%(kf)s::text, %(now)s::timestamptz) on conflict do nothing;

-- name: claim
-- One reads at a time; who vanishes with it in hand is replaced when the lease has run out.
update kf_account a set leased_until = %(until)s::timestamptz
where a.open_kfid = %(kf)s::text and a.sync_at <= %(now)s::timestamptz and a.leased_until <= %(now)s::timestamptz
returning a.cursor, a.asked, a.token, a.token_at;

-- name: move_cursor
-- Nothing comes back when somebody else has read these messages meanwhile.
update kf_account set cursor = %(after)s::text
where open_kfid = %(kf)s::text and cursor = %(before)s::text returning open_kfid;

-- name: rest
-- Read to the end: the next look is by the clock, or at once when a callback has come meanwhile.
update kf_account a set leased_until = '-infinity',
    sync_at = case when a.asked = %(asked)s::bigint then %(next)s::timestamptz else %(now)s::timestamptz end
where a.open_kfid = %(kf)s::text;

-- name: put_off
-- The platform has refused; what is there stays there for three days.
update kf_account set leased_until = '-infinity', sync_at = %(at)s::timestamptz where open_kfid = %(kf)s::text;

-- name: forget_token
-- The platform does not know it any more; one that came meanwhile stays.
update kf_account set token = null, token_at = null where open_kfid = %(kf)s::text and token = %(token)s::text;

-- name: due
-- Is there anything to read or to tell? Each is one step into a small index.
select coalesce((select a.sync_at <= %(now)s::timestamptz and a.leased_until <= %(now)s::timestamptz
                 from kf_account a where a.open_kfid = %(kf)s::text), true)
    or exists (select from channel_news where channel = %(channel)s::text) as due;

-- name: open_windows
-- A later message opens the window anew; an earlier one that is read late changes nothing.
insert into kf_window as w (open_kfid, external_userid, opened_at, until, allowed)
select distinct on (a.external_userid) %(kf)s::text, a.external_userid, a.opened_at, a.until, a.allowed
from unnest(%(customers)s::text[], %(opened)s::timestamptz[], %(untils)s::timestamptz[], %(allowed)s::int[])
     as a (external_userid, opened_at, until, allowed)
order by a.external_userid, a.opened_at desc
on conflict (open_kfid, external_userid) do update set opened_at = excluded.opened_at, until = excluded.until,
    allowed = excluded.allowed
where w.opened_at < excluded.opened_at;

-- name: close_windows
-- The platform counts otherwise: believe it until the customer writes again.
update kf_window w set until = w.opened_at
from unnest(%(customers)s::text[], %(ats)s::timestamptz[]) as c (external_userid, at)
where w.open_kfid = %(kf)s::text and w.external_userid = c.external_userid and w.opened_at <= c.at;

-- name: keep_welcomes
insert into kf_welcome as w (open_kfid, external_userid, code, at, expires_at)
select distinct on (a.external_userid) %(kf)s::text, a.external_userid, a.code, a.at, a.expires_at
from unnest(%(customers)s::text[], %(codes)s::text[], %(ats)s::timestamptz[], %(expires)s::timestamptz[])
     as a (external_userid, code, at, expires_at)
order by a.external_userid, a.at desc
on conflict (open_kfid, external_userid) do update set code = excluded.code, at = excluded.at,
    expires_at = excluded.expires_at, used_by = null
where w.at < excluded.at;

-- name: trim_welcomes
-- Long past use, and past any repeat of a call that used it.
delete from kf_welcome where open_kfid = %(kf)s::text and expires_at < %(before)s::timestamptz;

-- name: letters
-- The letters that messages belong to, by our numbers of them.
select o.touch_id, o.person_id, o.msgid from kf_out o
where o.touch_id = any(%(touches)s::bigint[]) and o.open_kfid = %(kf)s::text and o.msgid = any(%(msgids)s::text[]);

-- name: kept
-- What is known of a letter, and of the welcome code that it used.
select o.way, o.state, o.msgid, o.arrived, w.code, w.expires_at
from kf_out o
left join kf_welcome w on w.open_kfid = o.open_kfid and w.external_userid = o.external_userid and w.used_by = o.touch_id
where o.touch_id = %(touch)s::bigint;

-- name: lock_window
-- Two workers with letters for one customer count one after the other.
select from kf_window w where w.open_kfid = %(kf)s::text and w.external_userid = %(customer)s::text for update;

-- name: has_room
-- Does the open window take so many messages more?
select exists (
    select from kf_window w
    where w.open_kfid = %(kf)s::text and w.external_userid = %(customer)s::text and w.until > %(now)s::timestamptz
      and w.allowed >= %(messages)s::int + coalesce((
          select sum(o.messages) from kf_out o
          where o.open_kfid = w.open_kfid and o.external_userid = w.external_userid and o.way = 'window'
            and o.state <> 'returned' and o.at >= w.opened_at), 0)) as free;

-- name: use_welcome
-- One letter makes use of an open welcome.
update kf_welcome w set used_by = %(touch)s::bigint
where w.open_kfid = %(kf)s::text and w.external_userid = %(customer)s::text and w.used_by is null
  and w.expires_at > %(later)s::timestamptz
returning w.code, w.expires_at;

-- name: begin_call
-- One worker gets the letter: no row comes back when its call has been begun before and is not known to have failed.
insert into kf_out as o (touch_id, open_kfid, person_id, external_userid, way, state, msgid, messages, at)
values (%(touch)s::bigint, %(kf)s::text, %(person)s::bigint, %(customer)s::text, %(way)s::text, 'calling', %(msgid)s::text,
        %(messages)s::int, %(now)s::timestamptz)
on conflict (touch_id) do update set way = excluded.way, state = 'calling', msgid = excluded.msgid,
    messages = excluded.messages, arrived = 0, at = excluded.at, external_userid = excluded.external_userid,
    open_kfid = excluded.open_kfid
where o.state = 'returned'
returning o.touch_id;

-- name: begin_again
-- What goes now counts on the window of now.
update kf_out set at = %(now)s::timestamptz where touch_id = %(touch)s::bigint and state = 'calling';

-- name: note_arrived
update kf_out set arrived = greatest(arrived, %(arrived)s::int)
where touch_id = %(touch)s::bigint and state = 'calling';

-- name: end_call
-- Sent stays sent. messages: what it has taken of the window in the end.
update kf_out set state = %(state)s::text, messages = least(messages, %(messages)s::int)
where touch_id = %(touch)s::bigint and state = 'calling';

-- name: media
-- What the platform still holds.
select m.digest, m.media_id from kf_media m
where m.source = %(source)s::text and m.digest = any(%(digests)s::text[]) and m.at > %(after)s::timestamptz;

-- name: keep_media
-- Two workers may upload the same picture; either id is good.
insert into kf_media (source, digest, media_id, at)
values (%(source)s::text, %(digest)s::text, %(media_id)s::text, %(now)s::timestamptz)
on conflict (source, digest) do update set media_id = excluded.media_id, at = excluded.at;

-- name: forget_media
delete from kf_media where source = %(source)s::text and digest = any(%(digests)s::text[]);

-- name: trim_media
delete from kf_media where source = %(source)s::text and at < %(before)s::timestamptz;

-- name: erase_kf_window
delete from kf_window t where t.open_kfid = any(array(select k.open_kfid from kf_account k)) and t.external_userid = any(%(names)s::text[]);

-- name: erase_kf_welcome
delete from kf_welcome t where t.open_kfid = any(array(select k.open_kfid from kf_account k)) and t.external_userid = any(%(names)s::text[]);

-- name: erase_kf_out
delete from kf_out t where t.touch_id = any(%(touches)s::bigint[]);
