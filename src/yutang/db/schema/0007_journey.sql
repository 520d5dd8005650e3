-- All tables of this file: writer: journey.

-- Which journeys have begun: the first time, people who are in the trigger's segment already enter too.
create table journey_state (
    journey_id int primary key,
    started_at timestamptz not null
);

-- One run of one person through one version of a journey. `cause` names what began it, so that it begins once.
-- `step` is a line of the version's program; `steps` counts the lines passed.
-- arm 'holdout' walks the same steps and is never sent anything.
create table enrolment (
    bucket smallint not null,
    person_id bigint not null,
    journey_id int not null,
    cause text not null,
    version int not null,
    arm text not null check (arm in ('treated', 'holdout')),
    state text not null check (state in ('active', 'done', 'exited')),
    step smallint not null,
    steps int not null default 0,
    entered_at timestamptz not null,
    stepped_at timestamptz not null,
    due_at timestamptz,
    ended_at timestamptz,
    reason text,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id, journey_id, cause)
) with (fillfactor = 80);
-- One run at a time.
create unique index enrolment_active on enrolment (bucket, person_id, journey_id) where state = 'active';
create index enrolment_due on enrolment (due_at) where state = 'active' and due_at is not null;
create index enrolment_live on enrolment (journey_id, version) where state = 'active';
create index enrolment_xid on enrolment (xid);

-- The lines that were passed, in order, with what was seen there.
create table step (
    bucket smallint not null,
    person_id bigint not null,
    journey_id int not null,
    cause text not null,
    seq int not null,
    step smallint not null,
    outcome text not null,
    at timestamptz not null,
    primary key (bucket, person_id, journey_id, cause, seq)
);

create sequence touch_id;

-- What journeys propose to say, until it is judged: then the touch has it all, and the row leaves. Everybody of a bucket to
-- whom one statement proposes the same stands in one row. The line (`step`) and the ladder's `move` (0: none) name a proposal, so
-- that it is judged once, however often it is made. `service`: the journey is of class service, so neither quiet hours nor the cap
-- nor a holdout keep it back.
create table proposal (
    bucket smallint not null,
    journey_id int not null,
    version int not null,
    step smallint not null,
    arm text not null,
    channel text not null,
    message_id int not null,
    message_version int not null,
    offer_id int,
    rung smallint,
    service boolean not null,
    value_fen bigint not null,
    at timestamptz not null,
    deadline timestamptz not null,
    persons bigint[] not null,
    causes text[] not null,
    moves int[] not null,
    touch_ids bigint[] not null,
    xid xid8 not null default pg_current_xact_id()
);
create index proposal_xid on proposal (xid);

create view proposed as
select p.bucket, u.person_id, p.journey_id, u.cause, p.step, u.move, u.touch_id, p.version, p.arm, p.channel, p.message_id,
       p.message_version, p.offer_id, p.rung, p.service, p.value_fen, p.at, p.deadline, p.xid
from proposal p cross join lateral unnest(p.persons, p.causes, p.moves, p.touch_ids) as u (person_id, cause, move, touch_id);
