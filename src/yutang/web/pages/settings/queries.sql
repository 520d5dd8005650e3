-- name: staff
-- The members of staff that platforms have told of, for a form to offer.
select distinct on (s.userid) s.userid, s.name from wecom_staff s where s.state = 'active' order by s.userid, s.account limit 1000;

-- name: key_holders
-- Keys are computed, not kept; so all that is known of their holders is what they did: approvals, and deeds in the console.
select d.by as name, max(d.at) as at from (
    (select a.by, a.at from audit a order by a.audit_id desc limit 5000)
    union all
    (select l.by, l.at from plan_log l order by l.at desc limit 5000)) d
where not exists (select from console_user u where u.name = d.by) and d.by not in ('local', 'server', 'nobody')
group by d.by order by max(d.at) desc limit 100;
