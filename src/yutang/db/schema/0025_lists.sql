-- The lists of tasks, page after page: the open ones by when they are due, the ended ones newest first; of everybody, or of a few.
create index staff_task_due on staff_task (due_at, touch_id) where look_at is not null;
create index staff_task_ended on staff_task (ended_at, touch_id) where look_at is null;
create index staff_task_staff_ended on staff_task (staff, ended_at, touch_id) where look_at is null;

-- How much was sent on which day: attempts come nearly in the order of time, so a small index finds a month of them.
create index attempt_at on attempt using brin (at) where state = 'sent';

-- The audit log by who, and by day.
create index audit_by on audit (by, audit_id);
create index audit_at on audit using brin (at);
