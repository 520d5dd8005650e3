-- Failed deliveries, the newest first: few beside all the others, and the ones that somebody looks for.
create index attempt_failed on attempt (touch_id) where state = 'failed';

-- Events that were refused, by what is wrong with them. replayed_at: when somebody took the event in again, with what came of it.
alter table reject add column replayed_at timestamptz;
create index reject_reason on reject (reason, reject_id) where replayed_at is null;
