-- name: heads
-- By which handles the person can be reached: the first bytes of each key tell the kind, and whose app or corporation it is.
select distinct substring(uuid_send(h.key) for 3) as head from handle h where h.person_id = %(person)s::bigint;

-- name: arrival
-- How the person came: the first of each sign of it.
select distinct on (e.type) e.type, e.at, e.props ->> 'store' as store
from person_event e
where e.bucket = %(bucket)s::smallint and e.person_id = %(person)s::bigint
  and e.type in ('registered', 'contact_added', 'followed', 'scanned', 'group_joined', 'ordered')
order by e.type, e.at, e.event_id;

-- name: entered
select e.event_id from event e where e.source = %(source)s::text and e.source_id = any(%(keys)s::text[]);
