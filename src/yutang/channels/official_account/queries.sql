-- name: keep_fans
-- Only the newest sign counts, whatever the order in which they come. Somebody new, or back again, is looked up.
insert into oa_fan as f (account, openid, following, at, ask_at)
select %(account)s::text, a.openid, a.following, a.at, case when a.following then %(now)s::timestamptz end
from (select distinct on (s.openid) s.openid, s.following, s.at
      from unnest(%(openids)s::text[], %(following)s::boolean[], %(ats)s::timestamptz[]) with ordinality
           as s (openid, following, at, n)
      order by s.openid, s.at desc, s.n desc) a
on conflict (account, openid) do update set following = excluded.following, at = excluded.at,
    ask_at = case when not excluded.following then null
                  when f.unionid is null and not f.following then excluded.ask_at else f.ask_at end
where f.at <= excluded.at;

-- name: open_windows
-- A later act opens the window anew; an earlier one that comes late changes nothing.
insert into oa_window as w (account, openid, kind, opened_at, until, allowed)
select distinct on (a.openid, a.kind) %(account)s::text, a.openid, a.kind, a.opened_at, a.until, a.allowed
from unnest(%(openids)s::text[], %(kinds)s::text[], %(opened)s::timestamptz[], %(untils)s::timestamptz[], %(allowed)s::int[])
     as a (openid, kind, opened_at, until, allowed)
order by a.openid, a.kind, a.opened_at desc
on conflict (account, openid, kind) do update set opened_at = excluded.opened_at, until = excluded.until,
    allowed = excluded.allowed
where w.opened_at < excluded.opened_at;

-- name: keep_receipts
insert into oa_receipt (account, msgid, status, at)
select %(account)s::text, r.msgid, r.status, r.at
from unnest(%(msgids)s::text[], %(statuses)s::text[], %(ats)s::timestamptz[]) as r (msgid, status, at)
on conflict do nothing;

-- name: unionids
-- Who of these is known by more than the openid.
select f.openid, f.unionid from oa_fan f
where f.account = %(account)s::text and f.openid = any(%(openids)s::text[]) and f.unionid is not null;

-- name: meet
-- Receipts whose letter is known by now leave with it.
delete from oa_receipt r using oa_out o
where r.account = %(account)s::text and o.account = r.account and o.msgid = r.msgid
returning o.touch_id, o.person_id, r.msgid, r.status, r.at;

-- name: forget_receipts
-- What another system sent over the same account finds no letter here.
delete from oa_receipt where account = %(account)s::text and at < %(before)s::timestamptz;

-- name: claim_strangers
-- Put off rather than locked: who crashes with them in hand loses some minutes.
update oa_fan f set ask_at = %(again)s::timestamptz
where f.account = %(account)s::text and f.openid in (
    select d.openid from oa_fan d where d.account = %(account)s::text and d.ask_at <= %(now)s::timestamptz
    order by d.ask_at limit %(limit)s::int for update skip locked)
returning f.openid, f.at;

-- name: know
-- What the platform answered; an unfollow that was heard meanwhile stays.
update oa_fan f set unionid = coalesce(%(unionid)s::text, f.unionid), ask_at = null,
       following = case when f.at = %(seen)s::timestamptz then %(following)s::boolean else f.following end
where f.account = %(account)s::text and f.openid = %(openid)s::text;

-- name: kept
-- What is known of a letter, and whether its reader has left.
select o.way, o.state, o.msgid, o.at,
       coalesce((select not f.following from oa_fan f
                 where f.account = %(account)s::text and f.openid = %(openid)s::text), false) as left_us
from (values (1)) one (n) left join oa_out o on o.touch_id = %(touch)s::bigint;

-- name: lock_windows
-- Two workers with letters for one person count one after the other.
select from oa_window w where w.account = %(account)s::text and w.openid = %(openid)s::text for update;

-- name: has_slot
-- A message counts on every window that was open when it went.
select exists (
    select from oa_window w
    where w.account = %(account)s::text and w.openid = %(openid)s::text and w.until > %(now)s::timestamptz
      and w.allowed > (select count(*) from oa_out o
                       where o.account = w.account and o.openid = w.openid and o.way = 'custom'
                         and o.state <> 'returned' and o.at >= w.opened_at)) as free;

-- name: begin_call
-- One worker gets the letter: no row comes back when its call has been begun before and is not known to have failed.
insert into oa_out as o (touch_id, account, person_id, openid, way, state, at)
values (%(touch)s::bigint, %(account)s::text, %(person)s::bigint, %(openid)s::text, %(way)s::text, 'calling', %(now)s::timestamptz)
on conflict (touch_id) do update set way = excluded.way, state = 'calling', at = excluded.at, openid = excluded.openid
where o.state = 'returned'
returning o.touch_id;

-- name: end_call
-- Sent stays sent.
update oa_out set state = %(state)s::text, msgid = %(msgid)s::text
where touch_id = %(touch)s::bigint and state = 'calling';

-- name: close_windows
-- The platform counts otherwise: believe it until the person does something again.
update oa_window set until = opened_at
where account = %(account)s::text and openid = %(openid)s::text and opened_at <= %(now)s::timestamptz;

-- name: has_left
update oa_fan set following = false, ask_at = null
where account = %(account)s::text and openid = %(openid)s::text and at <= %(now)s::timestamptz;

-- name: add_code
insert into oa_code (account, name, scene, days, store, made_at, ask_at)
values (%(account)s::text, %(name)s::text, %(scene)s::text, %(days)s::int, %(store)s::text, %(now)s::timestamptz, %(now)s::timestamptz)
on conflict (account, name) do nothing;

-- name: update_code
-- A picture with a problem has ended: another one takes its place.
update oa_code c set store = %(store)s::text, problem = null,
    ticket = case when c.problem is null then c.ticket end, until = case when c.problem is null then c.until end,
    ask_at = case when c.problem is null and c.ticket is not null then c.ask_at else %(now)s::timestamptz end
where c.account = %(account)s::text and c.name = %(name)s::text and c.retired_at is null;

-- name: retire_code
update oa_code set retired_at = %(now)s::timestamptz, ask_at = null
where account = %(account)s::text and name = %(name)s::text and retired_at is null;

-- name: codes
select c.name, c.scene, c.days, c.store, c.ticket, c.until, c.problem, c.retired_at, c.made_at
from oa_code c where c.account = %(account)s::text and c.name = coalesce(%(name)s::text, c.name) order by c.name;

-- name: codes_of_scenes
select c.scene, c.name, c.store from oa_code c
where c.account = %(account)s::text and c.scene = any(%(scenes)s::text[]);

-- name: claim_codes
-- Put off rather than locked, as strangers are.
update oa_code c set ask_at = %(again)s::timestamptz
where c.account = %(account)s::text and c.name in (
    select d.name from oa_code d where d.account = %(account)s::text and d.ask_at <= %(now)s::timestamptz
    order by d.ask_at limit %(limit)s::int for update skip locked)
returning c.name, c.scene, c.days, c.ticket;

-- name: code_made
-- One with an end is looked at again when it has come. One that was retired meanwhile needs nothing more.
update oa_code set ticket = %(ticket)s::text, until = %(until)s::timestamptz, problem = null,
    ask_at = case when retired_at is null then %(until)s::timestamptz end
where account = %(account)s::text and name = %(name)s::text;

-- name: code_problem
update oa_code set problem = %(problem)s::text, ask_at = %(again)s::timestamptz
where account = %(account)s::text and name = %(name)s::text and retired_at is null;

-- name: erase_oa_fan
delete from oa_fan t where t.account = any(%(accounts)s::text[]) and t.openid = any(%(names)s::text[]);

-- name: erase_oa_window
delete from oa_window t where t.account = any(%(accounts)s::text[]) and t.openid = any(%(names)s::text[]);

-- name: erase_oa_receipt
delete from oa_receipt t using oa_out o where o.touch_id = any(%(touches)s::bigint[]) and t.account = o.account and t.msgid = o.msgid;

-- name: erase_oa_out
delete from oa_out t where t.touch_id = any(%(touches)s::bigint[]);
