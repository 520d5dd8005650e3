-- name: events
-- The newest first; handles are masked as they are stored.
select e.event_id, e.source, e.source_id as id, e.type, e.at, e.received_at, e.handles, e.props from event e
where (%(source)s::text is null or e.source = %(source)s::text) and (%(type)s::text is null or e.type = %(type)s::text)
order by e.event_id desc limit %(limit)s::int;

-- name: rejects
-- The payload stays sealed.
select r.reject_id, r.at, r.source, r.source_id, r.reason, r.detail, r.import_id from reject r
order by r.reject_id desc limit %(limit)s::int;
