-- Who came by a live code: the console's figures of codes, by code and time.
create index person_event_code on person_event ((props ->> 'code'), at)
    where props ? 'code' and type in ('contact_added', 'followed', 'group_joined', 'scanned');

-- The customers of a member of staff, the newest first.
create index wecom_relation_newest on wecom_relation (account, userid, since, external_userid) where state in ('active', 'pending');
