-- The type is asked first: looking into the properties of every new fact costs more than all other questions of this kind.
drop index person_event_code;
create index person_event_code on person_event ((props ->> 'code'), at)
    where type in ('contact_added', 'followed', 'group_joined', 'scanned') and props ? 'code';
