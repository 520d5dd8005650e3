-- writer: profile. Whom time alone has changed: everybody of a bucket whom one run has claimed stands in one row, for that run itself and for
-- who follows profiles. A row goes when all its readers have passed it. (Of whom an event tells is read from the events.)
create table profile_due (
    bucket smallint not null,
    persons bigint[] not null,
    xid xid8 not null default pg_current_xact_id()
);
create index profile_due_xid on profile_due (xid);

-- What segments have not read yet, of what profile has; from there on they follow the events.
insert into profile_due (bucket, persons, xid)
select p.bucket, array_agg(p.person_id), p.xid from profile p
where p.xid >= (select min(c.xid) from stage_cursor c where c.stage = 'segment.profile')
group by p.bucket, p.xid;
update stage_cursor c set stage = 'segment.person_event', source = 'person_event.xid',
    xid = coalesce((select p.xid from stage_cursor p where p.stage = 'profile' and p.slice = c.slice), '0')
where c.stage = 'segment.profile';

-- So a profile is renewed on its own page, and none of its indexes hears of it, unless its next date moves.
drop index profile_xid;
alter table profile set (fillfactor = 85);
