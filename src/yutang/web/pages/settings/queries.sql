-- name: staff
-- The members of staff that platforms have told of, for a form to offer.
select distinct on (s.userid) s.userid, s.name from wecom_staff s where s.state = 'active' order by s.userid, s.account limit 1000;

-- name: api_keys
-- Keys are computed, not kept: those that were given out or used since they are written down, and the first of whoever has done something
-- with one in the console. A plan or an erasure tells of no key: a command may have done it, under any name.
with deed as (
    select d.by as name, max(d.at) as at, bool_or(d.keyed) as keyed from (
        (select a.by, a.at, a.act <> 'erase' as keyed from audit a order by a.audit_id desc limit 5000)
        union all
        (select l.by, l.at, false from plan_log l order by l.at desc limit 5000)) d
    where not exists (select from console_user u where u.name = d.by) and d.by not in ('local', 'server', 'nobody')
    group by d.by)
select name, coalesce(k.number, 1) as number, k.since, k.used_at, k.revoked_at, d.at as deed_at
from api_key k full join deed d using (name)
where k.name is not null or d.keyed
order by k.revoked_at is not null, greatest(k.used_at, d.at, k.since) desc, name, number desc limit 200;
