-- One event may say of several pairs that they look like one person, or that their handles contradict each other.
alter table identity_case drop constraint identity_case_event_id_reason_key;
alter table identity_case add unique (event_id, reason, persons);

-- Of a device and an address that came alone together, one was written down as nobody's, and could never become anybody's: it is free again.
delete from handle where person_id = 0;

-- Contradictions within one batch named people who never were (numbers from 2^62 on). They name those who own the event's handles.
update identity_case c set persons = named.persons
from (
    select b.case_id, array[min(h.person_id), max(h.person_id)] as persons
    from identity_case b
    join event e using (event_id)
    cross join lateral unnest(e.keys) as k (key)
    join handle h on h.key = k.key
    where b.persons[1] >= 4611686018427387904 or b.persons[2] >= 4611686018427387904
    group by b.case_id
) named
where c.case_id = named.case_id;
