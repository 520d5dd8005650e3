-- name: events
-- What happened, the newest first, before a place in time. types: only these; but: all but these.
select e.event_id, e.type, e.at, e.amount, e.props from person_event e
where @only(e) and not e.props ? 'touch_id' and (%(types)s::text[] is null or e.type = any(%(types)s::text[]))
  and (%(but)s::text[] is null or e.type <> all(%(but)s::text[]))
  and (e.at, e.event_id) < (%(before)s::timestamptz, %(event)s::bigint)
order by e.at desc, e.event_id desc limit %(limit)s::int;

-- name: evidence
-- What the events said that brought a handle or a merge.
select e.event_id, e.type, e.at, e.source from event e where e.event_id = any(%(events)s::bigint[]);

-- name: apart
select case when k.person_a = any(%(persons)s::bigint[]) then k.person_b else k.person_a end as person_id from keep_apart k
where k.person_a = any(%(persons)s::bigint[]) or k.person_b = any(%(persons)s::bigint[]);

-- name: events_of
select count(*) as n from person_event e where e.bucket = (%(person)s::bigint & 1023)::smallint and e.person_id = %(person)s::bigint;

-- name: kinds
-- The kinds of handles by which somebody is known: the first byte of a key.
select distinct get_byte(uuid_send(h.key), 0) as code from handle h where h.person_id = any(%(persons)s::bigint[]);

-- name: created
select p.created_at from person p where p.bucket = (%(person)s::bigint & 1023)::smallint and p.person_id = %(person)s::bigint;
