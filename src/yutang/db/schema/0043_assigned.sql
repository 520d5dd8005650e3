-- What somebody was asked to send and has not: few beside all the others, and all of them are looked at when a journey goes out of service.
create index attempt_assigned on attempt (touch_id) where state = 'assigned';
