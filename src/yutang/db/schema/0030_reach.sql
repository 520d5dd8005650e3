-- writer: predict. How often a touch was answered within 72 hours of being sent, by channel and class of journey. class '*': of all
-- classes; channel '*': of all channels that tell of answers. A channel of which no answer was ever told has no row.
create table reach_rate (
    channel text not null,
    class text not null,
    rate double precision not null,
    touches bigint not null,
    at timestamptz not null,
    primary key (channel, class)
);

-- writer: predict. Journeys in service that ask what a touch is expected to bring. fen: what one that reaches is worth by the
-- journey's experiment; null while that has shown nothing, and what the journey declares holds. difference, low, high: net margin
-- per treated person and its interval; reaches: answers per treated person. mean_fen: what a person of the pond is expected to
-- bring, so that somebody can be set beside it.
create table journey_worth (
    journey_id int primary key,
    fen double precision,
    difference double precision,
    low double precision,
    high double precision,
    people int,
    reaches double precision,
    mean_fen double precision,
    at timestamptz not null
);

-- expected: is the value to be reckoned for each person? value_fen: what a touch that reaches is worth where nothing was measured.
alter table proposal add column expected boolean not null default false;
create or replace view proposed as
select p.bucket, u.person_id, p.journey_id, u.cause, p.step, u.move, u.touch_id, p.version, p.arm, p.channels, p.message_id,
       p.message_version, p.offer_id, p.rung, p.class, p.value_fen, p.value_trait, p.at, p.deadline, p.xid, p.expected
from proposal p cross join lateral unnest(p.persons, p.causes, p.moves, p.touch_ids) as u (person_id, cause, move, touch_id);

-- worth: what value_fen was reckoned from, for a touch whose value is: {"reach", "own" (is it the person's), "fen" (of a touch that
-- reaches), "measured" (by an experiment), "times" (this person beside the mean), "declared" (as the journey says)}.
alter table touch add column worth jsonb;

-- What a person is expected to bring beside the mean of the pond, from a quarter to four times; 1 of whom nothing is foretold.
create function beside_mean(person double precision, mean double precision) returns double precision language sql immutable parallel safe as $$
    select case when mean > 0 and person is not null then case when person >= 4 * mean then 4 when person <= mean / 4 then 0.25
                else person / mean end else 1 end
$$;

-- What a touch is expected to bring, in fen: the probability that it reaches the person, times what one that reaches is worth, times
-- what this person brings beside the mean. Cut as a trait's value is, so that no figure is too large to be ranked.
create function expected_touch(reach double precision, fen double precision, times double precision) returns bigint
language sql immutable parallel safe as $$
    select round(least(greatest(least(greatest(reach, 0), 1) * fen * times, -1e15), 1e15))::bigint
$$;
