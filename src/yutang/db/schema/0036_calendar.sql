-- A place on a ladder is found by the calendar, and its own index goes.
drop index ladder_due;

-- writer: offer. When to look at whose ladders: everybody of a bucket whose time comes within the same hour, as one statement wrote it down, stands
-- in one row under the first of their times. Whoever's time has moved meanwhile is passed by: it has a row of its own.
create table ladder_due (
    bucket smallint not null,
    persons bigint[] not null,
    due_at timestamptz not null
);
create index ladder_due_at on ladder_due (due_at);

create function hour_of(at timestamptz) returns timestamptz language sql immutable as $$ select date_bin('1 hour', at, '2000-01-01Z') $$;

insert into ladder_due (bucket, persons, due_at)
select l.bucket, array_agg(l.person_id), min(l.due_at) from ladder l where l.due_at is not null group by l.bucket, hour_of(l.due_at);

-- So a move is written beside the row that it replaces, and no index hears of it.
alter table ladder set (fillfactor = 70);

-- Arrays are told one by one in the list of columns: as a table beside each row they would be written down first.
create or replace view ladder_moved as select n.bucket, unnest(n.persons) as person_id, n.definition_id, n.xid from ladder_news n;
create or replace view coupon_changed as select n.bucket, unnest(n.persons) as person_id, n.xid from coupon_news n;
create or replace view proposed as
select p.bucket, unnest(p.persons) as person_id, p.journey_id, unnest(p.causes) as cause, p.step, unnest(p.moves) as move,
       unnest(p.touch_ids) as touch_id, p.version, p.arm, p.channels, p.message_id, p.message_version, p.offer_id, p.rung, p.class, p.value_fen,
       p.value_trait, p.at, p.deadline, p.xid, p.expected
from proposal p;

-- As it was, in one look at what the person has said.
create or replace function closed(smallint, bigint, channel text, class text, consenting boolean) returns table (reason text)
language sql stable as $$
    select case
        when exists (select from shut s where s.bucket = $1 and s.person_id = $2 and s.channel = $3) then 'blocked'
        when said.kind = 0 or case when said.own_at > said.every_at then said.own when said.own_at < said.every_at then said.every
            else coalesce(least(said.own, said.every), (not consenting)::int) end = 0 then 'no_consent' end
    from (
        select max(c.given::int) filter (where c.channel = $3) as own, max(c.at) filter (where c.channel = $3) as own_at,
               max(c.given::int) filter (where c.channel = '*') as every, max(c.at) filter (where c.channel = '*') as every_at,
               max(c.given::int) filter (where c.channel = 'class:' || $4) as kind
        from consent c where c.bucket = $1 and c.person_id = $2) said
$$;
