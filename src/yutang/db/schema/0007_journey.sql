-- All tables of this file: writer: journey.

-- Which journeys have begun: the first time, people who are in the trigger's segment already enter too.
create table journey_state (
    journey_id int primary key,
    started_at timestamptz not null
);

-- The next firing of each journey that the clock begins; null when there is none any more. A firing is worked off some buckets
-- at a time: `bucket` is the first that has still to be looked at. `version`: whose schedule this is.
create table journey_schedule (
    journey_id int primary key,
    version int not null,
    due_at timestamptz,
    bucket smallint not null default 0
);
create index journey_schedule_due on journey_schedule (due_at);

-- Metres between two places on the globe (haversine), in degrees.
create function metres(lat_a double precision, lon_a double precision, lat_b double precision, lon_b double precision)
returns double precision language sql immutable strict parallel safe as $$
    select 2 * 6371008.8 * asin(least(1.0, sqrt(
        power(sin(radians(lat_b - lat_a) / 2), 2)
        + cos(radians(lat_a)) * cos(radians(lat_b)) * power(sin(radians(lon_b - lon_a) / 2), 2))))
$$;

-- Every firing time that came, and what became of it: 'fired' once, or 'passed_over' because it was found too late.
create table journey_firing (
    journey_id int not null,
    fires_at timestamptz not null,
    version int not null,
    state text not null check (state in ('fired', 'passed_over')),
    at timestamptz not null,
    entered int not null default 0,
    primary key (journey_id, fires_at)
);

-- One run of one person through one version of a journey. `cause` names what began it, so that it begins once; `about` is what
-- the event that began it said (its props), {} where no event did.
-- `step` is a line of the version's program; `steps` counts the lines passed.
-- arm 'holdout' (of the journey) and 'global' (of the pond) walk the same steps and are never sent anything.
-- `alone`: no other run of this journey beside it (every re-entry rule but each_time).
-- `answer_id`: the event that ended its last wait for one.
create table enrolment (
    bucket smallint not null,
    person_id bigint not null,
    journey_id int not null,
    cause text not null,
    version int not null,
    about jsonb not null default '{}',
    arm text not null check (arm in ('treated', 'holdout', 'global')),
    alone boolean not null default true,
    state text not null check (state in ('active', 'done', 'exited')),
    step smallint not null,
    steps int not null default 0,
    entered_at timestamptz not null,
    stepped_at timestamptz not null,
    due_at timestamptz,
    ended_at timestamptz,
    reason text,
    answer_id bigint,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id, journey_id, cause)
) with (fillfactor = 80);
-- One run at a time, where the journey says so.
create unique index enrolment_active on enrolment (bucket, person_id, journey_id) where state = 'active' and alone;
create index enrolment_due on enrolment (due_at) where state = 'active' and due_at is not null;
create index enrolment_live on enrolment (journey_id, version) where state = 'active';
create index enrolment_xid on enrolment (xid);
-- Runs that a step of another run began and that have ended; a view, so that a cursor walks a small index.
create view ended_below as select * from enrolment where state <> 'active' and cause like 'journey:%';
create index enrolment_below on enrolment (xid) where state <> 'active' and cause like 'journey:%';

-- The lines that were passed, in order, with what was seen there. `version`: whose line it is; null means the run's own version,
-- and a live edit fills it when it moves the run to another.
create table step (
    bucket smallint not null,
    person_id bigint not null,
    journey_id int not null,
    cause text not null,
    seq int not null,
    step smallint not null,
    version int,
    outcome text not null,
    at timestamptz not null,
    primary key (bucket, person_id, journey_id, cause, seq)
);

create sequence touch_id;

-- What journeys propose to say, until it is judged: then the touch has it all, and the row leaves. Everybody of a bucket to
-- whom one statement proposes the same stands in one row. The line and the ladder's `move` (0: none) name a proposal, so
-- that it is judged once, however often it is made; `step` is the line's number over all versions (`program.number`), so that a
-- run which a live edit moved is not told twice. `class`: of the journey. `channels`: in the order in which they are to be tried.
-- value_trait: the trait that tells what the touch is expected to bring of this person; value_fen where there is none.
create table proposal (
    bucket smallint not null,
    journey_id int not null,
    version int not null,
    step int not null,
    arm text not null,
    channels text[] not null,
    message_id int not null,
    message_version int not null,
    offer_id int,
    rung smallint,
    class text not null check (class in ('service', 'companion', 'marketing')),
    value_fen bigint not null,
    value_trait text,
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
select p.bucket, u.person_id, p.journey_id, u.cause, p.step, u.move, u.touch_id, p.version, p.arm, p.channels, p.message_id,
       p.message_version, p.offer_id, p.rung, p.class, p.value_fen, p.value_trait, p.at, p.deadline, p.xid
from proposal p cross join lateral unnest(p.persons, p.causes, p.moves, p.touch_ids) as u (person_id, cause, move, touch_id);

create sequence call_id;

-- What journeys ask of other systems: written down with the step, claimed and committed before the network is touched. `line`: the
-- step's id; `call_id`: the key by which the other system recognises a repeat. waiting and claimed: retry_at is when it may be
-- made, or claimed by somebody else; after `deadline` nobody waits for the answer.
create table call (
    bucket smallint not null,
    person_id bigint not null,
    journey_id int not null,
    cause text not null,
    line text not null,
    call_id bigint not null default nextval('call_id'),
    version int not null,
    step smallint not null,
    state text not null check (state in ('waiting', 'claimed', 'answered', 'failed')),
    tries smallint not null default 0,
    claimed_by text,
    retry_at timestamptz,
    deadline timestamptz not null,
    at timestamptz not null,
    status int,
    reason text,
    detail text,
    primary key (bucket, person_id, journey_id, cause, line)
);
create index call_due on call (retry_at) where state in ('waiting', 'claimed');
