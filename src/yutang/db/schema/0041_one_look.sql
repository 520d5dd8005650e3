-- What somebody is in is one look, however many segments there are.
-- A pond made between two releases may have it already.
create unique index if not exists membership_of on membership (bucket, person_id, segment_id) where until is null;
drop index membership_now;
create index membership_now on membership (segment_id, bucket, person_id) where until is null;
