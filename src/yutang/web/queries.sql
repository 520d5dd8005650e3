-- name: waiting
-- What is due and not done: bounded looks at the partial indexes that the stages themselves use.
select
    (select count(*) from (select from event e where e.xid >= coalesce((select c.xid from stage_cursor c where c.stage = 'identity' order by c.xid limit 1), '0'::xid8)
        limit 100000) news) as identity,
    (select coalesce(extract(epoch from %(now)s::timestamptz - min(news.received_at)), 0)::float8 from (
        select e.received_at from event e
        where e.xid >= coalesce((select c.xid from stage_cursor c where c.stage = 'identity' order by c.xid limit 1), '0'::xid8)
        order by e.xid limit 1) news) as lag_seconds,
    (select count(*) from (select from enrolment e where e.state = 'active' and e.due_at <= %(now)s::timestamptz limit 100000) due) as journey,
    (select count(*) from (select from decision d where d.verdict = 'hold' and d.retry_at <= %(now)s::timestamptz limit 100000) due) as decide,
    (select count(*) from (select from attempt a where a.state in ('waiting', 'claimed') limit 100000) due) as deliver;

-- name: people
-- A page of people in the order of the key, so that the next page begins where this one ended, however deep. Without those of whom
-- nothing is known, because an import was taken back.
select p.person_id, pr.life_stage, pr.recency, pr.frequency, pr.monetary, o.n as orders, o.amount as spent_fen, o.last_at
from person p
join profile pr on pr.bucket = p.bucket and pr.person_id = p.person_id
left join tally o on o.bucket = p.bucket and o.person_id = p.person_id and o.type = 'ordered'
where p.merged_into is null and (p.bucket, p.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
order by p.bucket, p.person_id limit %(limit)s::int;

-- name: members
-- The same for the people of one segment.
select m.person_id, pr.life_stage, pr.recency, pr.frequency, pr.monetary, o.n as orders, o.amount as spent_fen, o.last_at
from membership m
left join profile pr on pr.bucket = m.bucket and pr.person_id = m.person_id
left join tally o on o.bucket = m.bucket and o.person_id = m.person_id and o.type = 'ordered'
where m.segment_id = %(segment)s::int and m.until is null and (m.bucket, m.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
order by m.bucket, m.person_id limit %(limit)s::int;

-- name: handles
-- What these people are called outside, masked; the newest few of each.
select distinct on (h.person_id, h.kind) h.person_id, h.kind, h.value from handle_shown h
where h.person_id = any(%(persons)s::bigint[]) order by h.person_id, h.kind, h.at desc;

-- name: flow
-- Who came into a segment and who left it since then.
select count(*) filter (where m.since > %(since)s::timestamptz) as came,
       count(*) filter (where m.until > %(since)s::timestamptz) as gone
from membership m where m.segment_id = %(segment)s::int and (m.since > %(since)s::timestamptz or m.until > %(since)s::timestamptz);

-- name: contacts
-- What these people are called, and their newest id of one kind.
select p.person_id, t.value #>> '{}' as name, h.value as external
from unnest(%(persons)s::bigint[]) as p (person_id)
left join trait t on t.bucket = (p.person_id & 1023)::smallint and t.person_id = p.person_id and t.name = 'name'
left join lateral (select y.value from handle_shown y where y.person_id = p.person_id and y.kind = %(kind)s::text and y.sealed is null
                   order by y.at desc limit 1) h on true;

-- name: within_stores
-- Which of these persons belong to one of the stores; see scope.py.
select p.person_id from unnest(%(persons)s::bigint[]) as p (person_id)
where exists (select from person_event e
              where e.bucket = (p.person_id & 1023)::smallint and e.person_id = p.person_id and e.props ? 'store'
                and lower(e.props ->> 'store') = any(%(stores)s::text[]))
   or exists (select from trait t
              where t.bucket = (p.person_id & 1023)::smallint and t.person_id = p.person_id and t.name = 'store'
                and lower(t.value #>> '{}') = any(%(stores)s::text[]));

-- name: within_own
-- Which of these persons are this member of staff's own.
select p.person_id from unnest(%(persons)s::bigint[]) as p (person_id)
where (select said.has from person_event e
       cross join lateral (values (e.props ->> 'staff', e.type <> 'contact_lost'), (e.props ->> 'before', false)) as said (staff, has)
       where e.bucket = (p.person_id & 1023)::smallint and e.person_id = p.person_id
         and e.type in ('contact_added', 'contact_moved', 'contact_lost') and lower(said.staff) = %(staff)s::text
       order by e.at desc, e.event_id desc limit 1)
   or exists (select from trait t
              where t.bucket = (p.person_id & 1023)::smallint and t.person_id = p.person_id and t.name = 'owner'
                and lower(t.value #>> '{}') = %(staff)s::text)
   or exists (select from staff_task k
              where k.bucket = (p.person_id & 1023)::smallint and k.person_id = p.person_id and k.look_at is not null
                and lower(k.staff) = %(staff)s::text);

-- name: following_stores
-- The next persons of these stores, in the order of the key; each source gives as many as are asked for, so that none is passed over.
select distinct f.bucket, f.person_id
from unnest(%(stores)s::text[]) as s (store)
cross join lateral (
    (select distinct e.bucket, e.person_id from person_event e
     where e.props ? 'store' and lower(e.props ->> 'store') = s.store and (e.bucket, e.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
     order by e.bucket, e.person_id limit %(limit)s::int)
    union all
    (select t.bucket, t.person_id from trait t
     where t.name = 'store' and lower(t.value #>> '{}') = s.store and (t.bucket, t.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
     order by t.bucket, t.person_id limit %(limit)s::int)) f
order by f.bucket, f.person_id limit %(limit)s::int;

-- name: following_own
-- The next persons who are, or were, this member of staff's.
select distinct f.bucket, f.person_id
from (
    (select distinct e.bucket, e.person_id from person_event e
     where e.type in ('contact_added', 'contact_moved') and lower(e.props ->> 'staff') = %(staff)s::text
       and (e.bucket, e.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
     order by e.bucket, e.person_id limit %(limit)s::int)
    union all
    (select t.bucket, t.person_id from trait t
     where t.name = 'owner' and lower(t.value #>> '{}') = %(staff)s::text and (t.bucket, t.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
     order by t.bucket, t.person_id limit %(limit)s::int)
    union all
    (select distinct k.bucket, k.person_id from staff_task k
     where k.look_at is not null and lower(k.staff) = %(staff)s::text and (k.bucket, k.person_id) > (%(bucket)s::smallint, %(person)s::bigint)
     order by k.bucket, k.person_id limit %(limit)s::int)) f
order by f.bucket, f.person_id limit %(limit)s::int;

-- name: coupons
-- A person's coupons: those that can be used, the first to end before the others; then what is over, the newest first.
select c.code, c.definition_id, c.version, c.rung, c.state, c.uses, c.value_fen, c.pay_percent, c.off_fen, c.minimum_fen,
       c.issued_at, c.valid_from, c.expires_at,
       c.state in ('issued', 'reserved') and coalesce(c.expires_at > %(now)s::timestamptz, true) as open
from coupon c
where c.bucket = %(bucket)s::smallint and c.person_id = %(person)s::bigint
order by open desc, case when c.state in ('issued', 'reserved') and coalesce(c.expires_at > %(now)s::timestamptz, true) then c.expires_at end,
         c.issued_at desc, c.code
limit %(limit)s::int;
