-- name: staff
-- The members of staff that platforms have told of, for a form to offer.
select distinct on (s.userid) s.userid, s.name from wecom_staff s where s.state = 'active' order by s.userid, s.account limit 1000;

-- name: api_keys
-- Keys are computed, not kept: those that were given out or used since they are written down, and the first of whoever has done something
-- with one before: approvals, and deeds in the console.
with deed as (
    select d.by as name, max(d.at) as at from (
        (select a.by, a.at from audit a order by a.audit_id desc limit 5000)
        union all
        (select l.by, l.at from plan_log l order by l.at desc limit 5000)) d
    where not exists (select from console_user u where u.name = d.by) and d.by not in ('local', 'server', 'nobody')
    group by d.by)
select name, coalesce(k.number, 1) as number, k.since, k.used_at, k.revoked_at, d.at as deed_at
from api_key k full join deed d using (name)
order by k.revoked_at is not null, greatest(k.used_at, d.at, k.since) desc, name, number desc limit 200;
