-- name: add
insert into console_user (name, title, role, password, kind, app, userid, stores, staff, made_at)
values (%(name)s::text, %(title)s::text, %(role)s::text, %(password)s::text, %(kind)s::text, %(app)s::text, %(userid)s::text,
        %(stores)s::text[], %(staff)s::text, %(now)s::timestamptz)
on conflict do nothing
returning user_id;

-- name: first
-- Two browsers that set up at once make one administrator: the table is locked by the caller.
select exists (select from console_user) as known;

-- name: lock
lock table console_user in exclusive mode;

-- name: every
select user_id, name, title, role, kind, app, userid, stores, staff, made_at, seen_at, closed_at, password is not null as has_password
from console_user order by closed_at nulls first, name;

-- name: by_name
select user_id, name, title, role, kind, app, userid, stores, staff, made_at, seen_at, closed_at, password is not null as has_password
from console_user where name = %(name)s::text;

-- name: by_identity
-- Platforms take userids in any case.
select user_id, name, title, role, kind, app, userid, stores, staff, made_at, seen_at, closed_at, password is not null as has_password
from console_user where kind = %(kind)s::text and app = %(app)s::text and lower(userid) = lower(%(userid)s::text);

-- name: password
select user_id, password from console_user where name = %(name)s::text and closed_at is null;

-- name: set_password
update console_user set password = %(password)s::text where name = %(name)s::text;

-- name: change
update console_user set title = %(title)s::text, role = %(role)s::text, kind = %(kind)s::text, app = %(app)s::text,
    userid = %(userid)s::text, stores = %(stores)s::text[], staff = %(staff)s::text
where name = %(name)s::text;

-- name: administrators
-- Those who could still sign in if this one could not.
select count(*) as n from console_user
where role = 'administrator' and closed_at is null and (password is not null or userid is not null) and name <> %(name)s::text;

-- name: close
update console_user set closed_at = %(now)s::timestamptz where name = %(name)s::text;

-- name: reopen
update console_user set closed_at = null where name = %(name)s::text;

-- name: begin
insert into console_session (token, user_id, made_at, seen_at, until, address, browser)
values (%(token)s::bytea, %(user)s::bigint, %(now)s::timestamptz, %(now)s::timestamptz, %(until)s::timestamptz, %(address)s::text,
        %(browser)s::text);

-- name: staff_of
-- Who sells in these stores: the users whose persons are their own, and who share a store.
select distinct staff from console_user where staff is not null and stores && %(stores)s::text[];

-- name: session
select s.seen_at, u.user_id, u.name, u.title, u.role, u.kind, u.app, u.userid, u.stores, u.staff, u.made_at,
       u.seen_at as user_seen_at, u.closed_at, u.password is not null as has_password
from console_session s join console_user u using (user_id)
where s.token = %(token)s::bytea and u.closed_at is null and s.until > %(now)s::timestamptz and s.seen_at > %(idle)s::timestamptz;

-- name: seen
with session as (update console_session set seen_at = %(now)s::timestamptz where token = %(token)s::bytea returning user_id)
update console_user u set seen_at = %(now)s::timestamptz from session s where u.user_id = s.user_id;

-- name: end
delete from console_session where token = %(token)s::bytea;

-- name: end_all
delete from console_session s using console_user u
where s.user_id = u.user_id and u.name = %(name)s::text and s.token <> %(keep)s::bytea;

-- name: over
delete from console_session where until <= %(now)s::timestamptz or seen_at <= %(idle)s::timestamptz;

-- name: open_sessions
select s.made_at, s.seen_at, s.address, s.browser, s.token = %(own)s::bytea as own
from console_session s join console_user u using (user_id)
where u.name = %(name)s::text and s.until > %(now)s::timestamptz and s.seen_at > %(idle)s::timestamptz order by s.seen_at desc;

-- name: lock_keys
-- Two commands at once give out two keys, not one twice.
lock table api_key in exclusive mode;

-- name: keys_of
select number, revoked_at from api_key where name = %(name)s::text;

-- name: has_acted
-- A deed in the console, or on a plan.
select exists (select from audit a where a.by = %(name)s::text) or exists (select from plan_log l where l.by = %(name)s::text) as yes;

-- name: add_key
insert into api_key (name, number, since) values (%(name)s::text, %(number)s::int, %(now)s::timestamptz);

-- name: use_key
insert into api_key (name, number, since, used_at)
values (%(name)s::text, %(number)s::int, %(now)s::timestamptz, %(now)s::timestamptz)
on conflict (name, number) do update set used_at = excluded.used_at where api_key.revoked_at is null;

-- name: revoke_key
insert into api_key (name, number, since, revoked_at)
values (%(name)s::text, %(number)s::int, %(now)s::timestamptz, %(now)s::timestamptz)
on conflict (name, number) do update set revoked_at = coalesce(api_key.revoked_at, excluded.revoked_at);

-- name: revoked_keys
select name, number from api_key where revoked_at is not null;

-- name: every_key
select name, number, since, used_at, revoked_at from api_key order by revoked_at is not null, name, number;

-- name: note
insert into audit (at, by, act, object, detail)
values (%(now)s::timestamptz, %(by)s::text, %(act)s::text, %(object)s::text, %(detail)s::jsonb);

-- name: deeds
select audit_id, at, by, act, object, detail from audit
where audit_id < coalesce(%(before)s::bigint, 9223372036854775807)
  and (%(object)s::text is null or object = %(object)s::text or starts_with(object, %(object)s::text || '/'))
  and (%(by)s::text is null or by = %(by)s::text)
  and (%(since)s::timestamptz is null or at >= %(since)s::timestamptz) and (%(until)s::timestamptz is null or at < %(until)s::timestamptz)
order by audit_id desc limit %(limit)s::int;

-- name: given_another
-- Has somebody else set this user's password since then?
select exists (select from audit a where a.object = %(object)s::text and a.act = 'user_password' and a.at > %(since)s::timestamptz
                                         and a.by <> %(name)s::text) as yes;

-- name: views
select view_id, page, title, query, by, shared, at from saved_view
where page = %(page)s::text and gone_at is null and (shared or by = %(by)s::text) order by title, view_id;

-- name: view
select view_id, page, title, query, by, shared, at from saved_view
where view_id = %(view)s::bigint and by = %(by)s::text and gone_at is null;

-- name: keep_view
insert into saved_view (page, title, query, by, shared, at)
values (%(page)s::text, %(title)s::text, %(query)s::text, %(by)s::text, %(shared)s::boolean, %(now)s::timestamptz)
returning view_id, page, title, query, by, shared, at;

-- name: rename_view
update saved_view set title = %(title)s::text, shared = %(shared)s::boolean where view_id = %(view)s::bigint;

-- name: end_view
update saved_view set gone_at = %(now)s::timestamptz where view_id = %(view)s::bigint and by = %(by)s::text;

-- name: erase_audit
-- That something was done to a person stays; to what end, and with which words, goes.
update audit t set detail = '{}'
where t.object = any(array(select 'person/' || u.id from unnest(%(persons)s::bigint[]) as u (id))) and t.detail <> '{}';

-- name: erase_saved_view
-- A question to a list that names the person.
delete from saved_view t where exists (select from unnest(%(asked)s::text[]) as n (name) where length(n.name) >= 6 and position(n.name in t.query) > 0);
