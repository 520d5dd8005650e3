-- Whoever puts a failed letter back to waiting begins another round of it: each round has an end of its own to tell.
alter table attempt add column round smallint not null default 1;

-- By what somebody is told from others where an offer limits what one phone or device may have. A phone is the person's own handle. A device
-- may be known as somebody else's: whoever registered from it is seen by the event.
create function marks_of(person bigint) returns setof uuid language sql stable as $$
    select h.key from handle h where h.person_id = person
    union
    select k.key from person_event e join event came on came.event_id = e.event_id cross join unnest(came.keys) as k (key)
    where e.bucket = (person & 1023)::smallint and e.person_id = person and e.type = 'registered'
$$;
