-- name: kept
select o.state, o.serial, o.at from sms_out o where o.touch_id = %(touch)s::bigint;

-- name: begin_call
-- One worker gets the letter: no row comes back when its call has been begun before and is not known to have failed.
insert into sms_out as o (touch_id, account, person_id, state, at)
values (%(touch)s::bigint, %(account)s::text, %(person)s::bigint, 'calling', %(now)s::timestamptz)
on conflict (touch_id) do update set state = 'calling', at = excluded.at
where o.state = 'returned'
returning o.touch_id;

-- name: note_sent
-- The receipt may have been here first.
update sms_out set state = 'sent', serial = coalesce(serial, %(serial)s::text) where touch_id = %(touch)s::bigint;

-- name: note_returned
-- Free again, if nobody has learnt or begun anything since.
update sms_out set state = 'returned'
where touch_id = %(touch)s::bigint and state = 'calling' and at = %(at)s::timestamptz
returning touch_id;

-- name: keep_receipts
insert into sms_receipt (account, serial, touch_id, arrived, code, at)
select %(account)s::text, r.serial, r.touch_id, r.arrived, r.code, r.at
from unnest(%(serials)s::text[], %(touches)s::bigint[], %(arrived)s::boolean[], %(codes)s::text[], %(ats)s::timestamptz[])
     as r (serial, touch_id, arrived, code, at)
on conflict do nothing;

-- name: adopt
-- A receipt that brings our own number back settles a letter whose call got no answer.
update sms_out o set state = 'sent', serial = r.serial
from sms_receipt r
where r.account = %(account)s::text and o.touch_id = r.touch_id and o.account = r.account and o.serial is null;

-- name: meet
-- Receipts whose letter is known by now leave with it.
delete from sms_receipt r using sms_out o
where r.account = %(account)s::text and o.account = r.account and o.serial = r.serial
returning o.touch_id, o.person_id, r.serial, r.arrived, r.code, r.at;

-- name: forget_receipts
-- What another system sent over the same account finds no letter here.
delete from sms_receipt where account = %(account)s::text and at < %(before)s::timestamptz;

-- name: erase_sms_receipt
delete from sms_receipt t
using sms_out o where o.touch_id = any(%(touches)s::bigint[]) and t.account = o.account and t.serial = o.serial;

-- name: erase_sms_out
delete from sms_out t where t.touch_id = any(%(touches)s::bigint[]);
