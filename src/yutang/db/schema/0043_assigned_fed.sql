-- What somebody was asked to send and has not: few beside all the others, and all of them are looked at when a journey goes out of service.
create index attempt_assigned on attempt (touch_id) where state = 'assigned';

-- What the cluster lacks. feed_at: when it is to be brought to the manifest again; null: it is there. feed_tries: how often that has failed
-- since it last was; feed_error: why.
alter table lake_state add column feed_at timestamptz, add column feed_tries int not null default 0, add column feed_error text;
