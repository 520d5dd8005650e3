-- writer: channels.staff. What members of staff are asked to do for a person: one task for each touch on this channel.
-- journey, message: their names. due_at: when whoever has it now should be done. escalate_at: when it passes to `escalate_to`; null
-- when it does not, or has. late_at: when it is too late for everybody. look_at: the next look at it; null: it has ended.
-- done_by: who said that it is done.
create table staff_task (
    touch_id bigint primary key,
    bucket smallint not null,
    person_id bigint not null,
    journey text not null,
    message text not null,
    title text not null,
    words text not null,
    staff text collate "C" not null,
    escalate_to text collate "C",
    state text not null check (state in ('open', 'escalated', 'done', 'late', 'dropped')),
    reason text,
    made_at timestamptz not null,
    due_at timestamptz not null,
    escalate_at timestamptz,
    late_at timestamptz not null,
    look_at timestamptz,
    ended_at timestamptz,
    done_by text,
    check ((state in ('open', 'escalated')) = (look_at is not null)),
    check ((state = 'dropped') = (reason is not null))
);
create index staff_task_look on staff_task (look_at) where look_at is not null;
create index staff_task_person on staff_task (bucket, person_id);
create index staff_task_staff on staff_task (staff, due_at) where look_at is not null;
