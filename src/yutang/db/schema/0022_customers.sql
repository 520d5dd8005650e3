-- writer: profile. A tag that somebody in the console gave to many persons at once, or took from them. persons: those alone whom it
-- changes; until: when the tag would have ended of each, where it is taken. done: of how many of them it has been said, by events
-- whose keys are made of change_id. about: whom he asked for, in words. undoes: the change that this one takes back.
create table tag_change (
    change_id bigint generated always as identity primary key,
    at timestamptz not null,
    by text not null,
    act text not null check (act in ('tag', 'untag')),
    tag text not null,
    expires_at timestamptz,
    reason text not null,
    about text not null,
    persons bigint[] not null,
    until timestamptz[],
    done int not null default 0,
    undoes bigint unique references tag_change,
    ended_at timestamptz
);

-- A view that was deleted can be had back.
alter table saved_view add column gone_at timestamptz;
create index saved_view_page on saved_view (page) where gone_at is null;

-- Whose persons they are: by the store that an event or a trait names, and by the member of staff. Lists are narrowed by them.
create index person_event_store on person_event (lower(props ->> 'store'), bucket, person_id) where props ? 'store';
create index person_event_staff on person_event (lower(props ->> 'staff'), bucket, person_id)
    where type in ('contact_added', 'contact_moved');
create index trait_whose on trait (name, lower(value #>> '{}'), bucket, person_id) where name in ('owner', 'store');

-- The list of persons begins with the newest.
create index person_newest on person (created_at, bucket, person_id) where merged_into is null;

-- Whoever has a tag, page after page.
drop index tag_tag;
create index tag_tag on tag (tag, bucket, person_id);
