-- writer: offer. Where people stood on ladders when they were joined with others: after a split each goes on from there. The place that both
-- then had began with the move `top`.
create table ladder_aside (
    aside_id bigint generated always as identity,
    bucket smallint not null,
    person_id bigint not null,
    definition_id int not null,
    version int not null,
    side text not null check (side in ('down', 'up')),
    rung smallint not null,
    move int not null,
    top int not null,
    anchor_at timestamptz not null,
    moved_at timestamptz not null,
    due_at timestamptz,
    waited smallint not null,
    primary key (bucket, person_id, definition_id, aside_id)
);

-- Is a place on a ladder the person's own? It is, while the registration or the order that it began with is a fact about them, be it one
-- that the lake alone has.
create function stands_on(of_bucket smallint, person bigint, anchor timestamptz) returns boolean language sql stable as $$
    select exists (select from person_event e
                   where e.bucket = of_bucket and e.person_id = person and e.type = any('{registered,ordered}') and e.at = anchor)
        or exists (select from person_past o
                   where o.bucket = of_bucket and o.person_id = person and o.type = any('{registered,ordered}')
                     and anchor between o.first_at and o.last_at)
$$;

-- Rows follow whoever's events were given to another person, and not joins alone.
update stage_cursor set stage = 'offer.person', source = 'person.changed' where stage = 'offer.merges';

-- Whoever registered while a ladder was out of service is looked at when it comes back: each time in service begins at `since`.
alter table ladder_intake add column since timestamptz not null default '-infinity';
update ladder_intake i set since = d.since
from (select d.definition_id, min(d.at) as since from definition d where d.retired_at is null group by d.definition_id) d
where i.definition_id = d.definition_id;
alter table ladder_intake alter column since drop default;
