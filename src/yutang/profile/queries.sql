-- name: forget_profile
-- The profile row is the person's lock, so it goes first: whoever else works on the person has ended when the rest is read.
delete from profile r using person p
where p.changed >= %(changed_low)s::xid8 and p.changed < %(changed_high)s::xid8 and @only(p)
  and r.bucket = p.bucket and r.person_id = p.person_id;

-- name: forget
-- Whose events were re-pointed is made again from nothing; a person without events is left without rows.
with gone as materialized (
    select p.bucket, p.person_id from person p
    where p.changed >= %(changed_low)s::xid8 and p.changed < %(changed_high)s::xid8 and @only(p)
), traits as (
    delete from trait t using gone g where t.bucket = g.bucket and t.person_id = g.person_id
), tags as (
    delete from tag t using gone g where t.bucket = g.bucket and t.person_id = g.person_id
), consents as (
    delete from consent t using gone g where t.bucket = g.bucket and t.person_id = g.person_id
)
delete from tally t using gone g where t.bucket = g.bucket and t.person_id = g.person_id;

-- name: touch
-- Locks whoever has news, in order, before anything of theirs is read: two runs that meet in one person (a regular pass
-- and a fast path) work one after the other. Whom the scores concern is only locked here: `score` writes those rows, and
-- those of them that are new are not due until then. Also says of what sorts the news are.
with heard as materialized (
    select e.bucket, e.person_id, bool_or(e.type in ('ordered', 'refunded', 'tagged', 'untagged')) as scored
    from profile_news(%(low)s::xid8, %(high)s::xid8, %(changed_low)s::xid8, %(changed_high)s::xid8) e
    where @only(e)
    group by e.bucket, e.person_id
), touched as (
    insert into profile (bucket, person_id, recency, frequency, monetary, life_stage, refreshed_at, recompute_at)
    select h.bucket, h.person_id, 1, 1, 1, 'visitor', %(now)s::timestamptz, case when h.scored then timestamptz 'infinity' end
    from heard h
    order by h.bucket, h.person_id
    on conflict (bucket, person_id) do update set xid = pg_current_xact_id(), refreshed_at = excluded.refreshed_at
        where excluded.recompute_at is null
)
select count(*) as n, array(
    select distinct e.type from profile_news(%(low)s::xid8, %(high)s::xid8, %(changed_low)s::xid8, %(changed_high)s::xid8) e) as types
from heard;

-- name: roll_up
-- Days behind the last one that a person has of a type were never counted, so their cells are the news and nothing else. News of earlier days
-- have those days counted afresh, so that a repeat changes nothing; and so has whoever has no row beside others who are made again from nothing,
-- of whom events may be told twice. The sums over all time are those of the cells. The person is locked, so a row stays where it was seen.
-- Events that only the lake has are counted by their sums.
-- A day lies within these hours in every time zone of the world, which makes the count a short range of the key.
with heard as materialized (
    select c.bucket, c.person_id, c.type, min(c.first_at) as first_at, max(c.last_at) as last_at, sum(c.n) as n, sum(c.amount) as amount,
           array_agg(c.day order by c.day) as days, array_agg(c.n order by c.day) as day_n, array_agg(c.amount order by c.day) as day_amount
    from (
        select e.bucket, e.person_id, e.type, e.day, min(e.first_at) as first_at, max(e.last_at) as last_at,
               count(*)::int as n, sum(e.amount)::bigint as amount
        from (select n.bucket, n.person_id, n.type, n.day, n.at as first_at, n.at as last_at, n.amount
              from profile_news(%(low)s::xid8, %(high)s::xid8, %(changed_low)s::xid8, %(changed_high)s::xid8) n
              union all
              select o.bucket, o.person_id, o.type, o.day, o.first_at, o.last_at, 0
              from person p join person_past o on o.bucket = p.bucket and o.person_id = p.person_id
              where p.changed >= %(changed_low)s::xid8 and p.changed < %(changed_high)s::xid8) e
        where @only(e)
        group by e.bucket, e.person_id, e.type, e.day) c
    group by c.bucket, c.person_id, c.type
    order by c.bucket, c.person_id, c.type
), held as materialized (
    select h.*, t.place, case when t.place is null then %(changed_low)s::xid8 < %(changed_high)s::xid8 else coalesce(h.days[1] <= t.last_day, false) end as again
    from heard h
    left join lateral (
        select t.ctid as place, t.days[cardinality(t.days)] as last_day from tally t
        where t.bucket = h.bucket and t.person_id = h.person_id and t.type = h.type offset 0
    ) t on true
), more as (
    update tally t set n = t.n + h.n, amount = t.amount + h.amount, first_at = least(t.first_at, h.first_at), last_at = greatest(t.last_at, h.last_at),
        days = t.days || h.days, day_n = t.day_n || h.day_n,
        day_amount = case when t.day_amount <> '{}' then t.day_amount || h.day_amount
                          when 0 <> any(h.day_amount) then array_fill(0::bigint, array[cardinality(t.days)]) || h.day_amount
                          else '{}' end
    from held h
    where h.place is not null and not h.again and t.ctid = h.place
), counted as materialized (
    select h.bucket, h.person_id, h.type, h.place, least(h.first_at, t.first_at) as first_at, greatest(h.last_at, t.last_at) as last_at, c.*
    from held h
    left join lateral (select * from tally t where t.ctid = h.place offset 0) t on true
    cross join lateral (
        select sum(x.n) as n, sum(x.amount) as amount, array_agg(x.day order by x.day) as days, array_agg(x.n order by x.day) as day_n,
               case when bool_or(x.amount <> 0) then array_agg(x.amount order by x.day) else '{}' end as day_amount
        from (
            select o.day, o.n, coalesce(o.amount, 0) as amount
            from unnest(t.days, t.day_n, t.day_amount) as o (day, n, amount)
            where o.day <> all(h.days)
            union all
            select d.day, e.n + coalesce(o.n, 0), e.amount + coalesce(o.amount, 0)
            from unnest(h.days) as d (day)
            cross join lateral (
                select count(*)::int as n, coalesce(sum(e.amount), 0)::bigint as amount
                from person_event e
                where e.bucket = h.bucket and e.person_id = h.person_id and e.type = h.type and e.day = d.day
                  and e.at >= (d.day::timestamp at time zone 'UTC') - interval '14 hours'
                  and e.at < (d.day::timestamp at time zone 'UTC') + interval '36 hours'
            ) e
            left join lateral (
                select o.n, o.amount from person_past o
                where o.bucket = h.bucket and o.person_id = h.person_id and o.type = h.type and o.day = d.day
                offset 0
            ) o on true
        ) x
    ) c
    where h.again
), again as (
    update tally t set n = c.n, amount = c.amount, first_at = c.first_at, last_at = c.last_at,
                       days = c.days, day_n = c.day_n, day_amount = c.day_amount
    from counted c
    where c.place is not null and t.ctid = c.place
      and (c.n, c.amount, c.first_at, c.last_at, c.days, c.day_n, c.day_amount)
          is distinct from (t.n, t.amount, t.first_at, t.last_at, t.days, t.day_n, t.day_amount)
)
insert into tally (bucket, person_id, type, n, amount, first_at, last_at, days, day_n, day_amount)
select h.bucket, h.person_id, h.type, h.n, h.amount, h.first_at, h.last_at, h.days, h.day_n,
       case when 0 <> any(h.day_amount) then h.day_amount else '{}' end
from held h where h.place is null and not h.again
union all
select c.bucket, c.person_id, c.type, c.n, c.amount, c.first_at, c.last_at, c.days, c.day_n, c.day_amount from counted c where c.place is null;

-- name: traits
-- The latest word on each name that was spoken of. Looking from the new event on is enough: what is older has lost.
-- A time zone that the database does not know is none: nobody could be asked for the hour where such a person lives.
with heard as materialized (
    select e.bucket, e.person_id, t.name, max(e.at) as at
    from profile_news(%(low)s::xid8, %(high)s::xid8, %(changed_low)s::xid8, %(changed_high)s::xid8) e
    cross join lateral jsonb_object_keys(
        case when jsonb_typeof(e.props -> 'traits') = 'object' then e.props -> 'traits' else '{}' end) t (name)
    where e.type = 'profile_updated' and @only(e)
    group by e.bucket, e.person_id, t.name
), word as materialized (
    select h.bucket, h.person_id, h.name, e.at, e.event_id,
           case when h.name = 'time_zone' and known_zone(e.value #>> '{}') is null then 'null' else e.value end as value
    from heard h
    cross join lateral (
        select e.props -> 'traits' -> h.name as value, e.at, e.event_id
        from person_event e
        where e.bucket = h.bucket and e.person_id = h.person_id and e.type = 'profile_updated' and e.at >= h.at
          and e.props -> 'traits' -> h.name is not null
        order by e.at desc, e.event_id desc limit 1
    ) e
), dropped as (
    delete from trait t using word w
    where w.value = 'null' and t.bucket = w.bucket and t.person_id = w.person_id and t.name = w.name
)
insert into trait as t (bucket, person_id, name, value, at, event_id)
select bucket, person_id, name, value, at, event_id from word where value <> 'null'
on conflict (bucket, person_id, name) do update
    set value = excluded.value, at = excluded.at, event_id = excluded.event_id
    where t.event_id <> excluded.event_id;

-- name: tags
-- As traits, over two types: the later of tagged and untagged speaks, and an expired tag is none.
with heard as materialized (
    select e.bucket, e.person_id, e.props ->> 'tag' as tag, max(e.at) as at
    from profile_news(%(low)s::xid8, %(high)s::xid8, %(changed_low)s::xid8, %(changed_high)s::xid8) e
    where e.type in ('tagged', 'untagged') and e.props ->> 'tag' is not null and @only(e)
    group by e.bucket, e.person_id, e.props ->> 'tag'
), word as materialized (
    select h.bucket, h.person_id, h.tag, e.at, e.event_id, e.expires_at,
           e.type = 'tagged' and (e.expires_at is null or e.expires_at > %(now)s::timestamptz) as carried
    from heard h
    cross join lateral (
        select e.type, e.at, e.event_id, (e.props ->> 'expires_at')::timestamptz as expires_at
        from person_event e
        where e.bucket = h.bucket and e.person_id = h.person_id and e.type in ('tagged', 'untagged') and e.at >= h.at
          and e.props ->> 'tag' = h.tag
        order by e.at desc, e.event_id desc limit 1
    ) e
), dropped as (
    delete from tag t using word w
    where not w.carried and t.bucket = w.bucket and t.person_id = w.person_id and t.tag = w.tag
)
insert into tag as t (bucket, person_id, tag, at, expires_at, event_id)
select bucket, person_id, tag, at, expires_at, event_id from word where carried
on conflict (bucket, person_id, tag) do update
    set at = excluded.at, expires_at = excluded.expires_at, event_id = excluded.event_id
    where t.event_id <> excluded.event_id;

-- name: consents
-- Few words per person, so all of them are weighed again: the latest wins, a withdrawal wins a tie, and a single
-- channel's row stays only while it beats the row of all channels. A word on a class of messages stands beside both.
with heard as materialized (
    select distinct e.bucket, e.person_id
    from profile_news(%(low)s::xid8, %(high)s::xid8, %(changed_low)s::xid8, %(changed_high)s::xid8) e
    where e.type in ('consent_given', 'consent_withdrawn') and @only(e)
), latest as materialized (
    select h.bucket, h.person_id, w.*,
           row_number() over (partition by h.bucket, h.person_id order by w.at desc, w.given, w.event_id desc) as place
    from heard h
    cross join lateral (
        select distinct on (of.what)
               of.what as channel, e.type = 'consent_given' as given, e.at, e.event_id
        from person_event e
        cross join lateral (select coalesce(e.props ->> 'channel', 'class:' || (e.props ->> 'class')) as what) of
        where e.bucket = h.bucket and e.person_id = h.person_id and e.type in ('consent_given', 'consent_withdrawn')
          and of.what is not null
        order by of.what, e.at desc, e.type desc, e.event_id desc
    ) w
), word as materialized (
    select l.*, channel like 'class:%%'
           or coalesce(place <= min(place) filter (where channel = '*') over (partition by bucket, person_id), true) as stands
    from latest l
), dropped as (
    delete from consent t using word w
    where not w.stands and t.bucket = w.bucket and t.person_id = w.person_id and t.channel = w.channel
)
insert into consent as t (bucket, person_id, channel, given, at, event_id)
select bucket, person_id, channel, given, at, event_id from word where stands
on conflict (bucket, person_id, channel) do update
    set given = excluded.given, at = excluded.at, event_id = excluded.event_id
    where t.event_id <> excluded.event_id;

-- name: claim
-- Whom time alone changes, also of those of whom this run has news. It skips whom another worker holds. They are only locked and named here:
-- `score` writes their rows.
with claimed as materialized (
    select p.bucket, p.person_id from profile p
    where p.recompute_at <= %(now)s::timestamptz and @only(p)
    order by p.recompute_at limit %(limit)s::int for update skip locked
), told as (
    insert into profile_due (bucket, persons) select c.bucket, array_agg(c.person_id) from claimed c group by c.bucket
)
select count(*) as n from claimed;

-- name: rescore
-- Nobody is scored here: the runs that follow take everybody in bounded pieces. In the order in which everybody locks.
with everybody as materialized (
    select p.bucket, p.person_id from profile p order by p.bucket, p.person_id for update
)
update profile p set recompute_at = %(now)s::timestamptz from everybody e where p.bucket = e.bucket and p.person_id = e.person_id;

-- name: expire
-- Only of persons whom this run has claimed: whose tag has ended is due, and the others' tags go in the run that claims them,
-- so that later stages hear of it.
delete from tag t
where t.expires_at <= %(now)s::timestamptz and @only(t)
  and (t.bucket, t.person_id) in (select d.bucket, unnest(d.persons) from profile_due d where d.xid = pg_current_xact_id());

-- name: score
-- RFM, life stage and the next instant at which time changes them. A cut point belongs to the side beyond it: reaching
-- it counts. An order in the future is one of today. A day begins one second after the last second of the day before,
-- also where midnight comes twice or never.
update profile r set xid = pg_current_xact_id(), refreshed_at = %(now)s::timestamptz, recency = s.recency,
    frequency = s.frequency, monetary = s.monetary, life_stage = s.life_stage, recompute_at = s.recompute_at
from (
    select due.bucket, due.person_id,
           case when o.n > 0 then 5 - width_bucket(s.days, %(recency_days)s::int[]) else 1 end as recency,
           case when o.n > 0 then 1 + width_bucket(o.n, %(frequency)s::int[]) else 1 end as frequency,
           case when o.n > 0 then 1 + width_bucket(o.amount - coalesce(f.amount, 0), %(monetary_fen)s::bigint[]) else 1 end
               as monetary,
           case when coalesce(o.n, 0) = 0 then 'visitor'
                when s.days >= %(lost_days)s::int then 'lost'
                when s.days >= %(dormant_days)s::int then 'dormant'
                when o.n >= %(mature_orders)s::int then 'mature'
                when o.n >= %(growing_orders)s::int then 'growing'
                else 'new' end as life_stage,
           least(
               (((s.last_day + (%(cuts)s::int[])[1 + width_bucket(s.days, %(cuts)s::int[])])::timestamp
                 - interval '1 second') at time zone %(zone)s::text) + interval '1 second', g.expires_at) as recompute_at
    from (
        select e.bucket, e.person_id
        from profile_news(%(low)s::xid8, %(high)s::xid8, %(changed_low)s::xid8, %(changed_high)s::xid8) e
        where e.type in ('ordered', 'refunded', 'tagged', 'untagged') and @only(e)
        union
        select d.bucket, unnest(d.persons) from profile_due d where d.xid = pg_current_xact_id()
    ) due
    left join lateral (
        select t.n, t.amount, t.last_at from tally t
        where t.bucket = due.bucket and t.person_id = due.person_id and t.type = 'ordered' offset 0
    ) o on true
    left join lateral (
        select t.amount from tally t
        where t.bucket = due.bucket and t.person_id = due.person_id and t.type = 'refunded' offset 0
    ) f on true
    cross join lateral (
        select min(g.expires_at) as expires_at from tag g where g.bucket = due.bucket and g.person_id = due.person_id
    ) g
    cross join lateral (
        select least((o.last_at at time zone %(zone)s::text)::date, case when o.n > 0 then %(today)s::date end) as last_day
        offset 0) d
    cross join lateral (select d.last_day, %(today)s::date - d.last_day as days) s
) s
where r.bucket = s.bucket and r.person_id = s.person_id;

-- name: forget_due
-- What every reader has passed. Only of one's own buckets: somebody whose work on the others has not begun may have no cursor yet.
delete from profile_due d
where d.xid < (select min(c.xid) from stage_cursor c where c.source = 'profile_due.xid') and d.bucket between %(lo)s::int and %(hi)s::int;

-- name: person
select r.recency, r.frequency, r.monetary, r.life_stage, r.refreshed_at, r.recompute_at
from profile r where r.bucket = %(bucket)s and r.person_id = %(person_id)s;

-- name: traits_of
select name, value, at from trait where bucket = %(bucket)s and person_id = %(person_id)s order by name;

-- name: tags_of
select tag, at, expires_at from tag where bucket = %(bucket)s and person_id = %(person_id)s order by tag;

-- name: consents_of
select channel, given, at from consent where bucket = %(bucket)s and person_id = %(person_id)s order by channel;

-- name: tallies_of
select type, n, amount, first_at, last_at from tally where bucket = %(bucket)s and person_id = %(person_id)s order by type;

-- name: begin_change
-- Only those whom it changes: who has no such tag now, or who has it.
insert into tag_change (at, by, act, tag, expires_at, reason, about, persons, until)
select %(now)s::timestamptz, %(by)s::text, %(act)s::text, %(tag)s::text, %(expires_at)s::timestamptz, %(reason)s::text, %(about)s::text,
       coalesce(array_agg(p.person_id order by p.person_id), '{}'),
       case when %(act)s::text = 'untag' then coalesce(array_agg(g.expires_at order by p.person_id), '{}') end
from (select distinct u.person_id from unnest(%(persons)s::bigint[]) as u (person_id)) p
left join tag g on g.bucket = (p.person_id & 1023)::smallint and g.person_id = p.person_id and g.tag = %(tag)s::text
               and coalesce(g.expires_at, 'infinity') > %(now)s::timestamptz
where (g.tag is null) = (%(act)s::text = 'tag')
returning change_id;

-- name: change
select c.change_id, c.at, c.by, c.act, c.tag, c.expires_at, c.reason, c.about, cardinality(c.persons) as total, c.done, c.undoes, c.ended_at,
       exists (select from tag_change u where u.undoes = c.change_id) as undone
from tag_change c where c.change_id = %(change)s::bigint;

-- name: begin_undo
-- As far as it got; of a tag that was taken it is known when it would have ended.
insert into tag_change (at, by, act, tag, reason, about, persons, until, undoes)
select greatest(%(now)s::timestamptz, c.at + interval '1 microsecond'), %(by)s::text, case c.act when 'tag' then 'untag' else 'tag' end,
       c.tag, c.reason, c.about, c.persons[:c.done], c.until[:c.done], c.change_id
from tag_change c where c.change_id = %(change)s::bigint
on conflict (undoes) do nothing
returning change_id;

-- name: stop_change
update tag_change set ended_at = %(now)s::timestamptz where change_id = %(change)s::bigint and ended_at is null;

-- name: batch
-- The next persons of a change; nobody else works on it meanwhile.
select c.at, c.by, c.act, c.tag, c.reason, cardinality(c.persons) as total, c.persons[c.done + 1:c.done + %(batch)s::int] as persons,
       coalesce(c.until[c.done + 1:c.done + %(batch)s::int],
                array_fill(c.expires_at, array[greatest(least(%(batch)s::int, cardinality(c.persons) - c.done), 0)])) as ends
from tag_change c where c.change_id = %(change)s::bigint and c.ended_at is null and c.done < cardinality(c.persons)
for update skip locked;

-- name: step
update tag_change set done = done + %(n)s::int,
    ended_at = case when done + %(n)s::int >= cardinality(persons) then %(now)s::timestamptz end
where change_id = %(change)s::bigint;

-- name: said
select e.event_id from event e where e.source = %(source)s::text and e.source_id = any(%(keys)s::text[]);

-- name: changes
-- The latest, for whoever wants to take one back.
select c.change_id, c.at, c.by, c.act, c.tag, c.expires_at, c.reason, c.about, cardinality(c.persons) as total, c.done, c.undoes, c.ended_at,
       exists (select from tag_change u where u.undoes = c.change_id) as undone
from tag_change c order by c.change_id desc limit %(limit)s::int;

-- name: erase_trait
delete from trait t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_tag
delete from tag t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_consent
delete from consent t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_tally
delete from tally t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_profile
delete from profile t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_tag_change
-- The places in the list stay, for its other half and its progress count by them.
update tag_change t
set persons = array(select case when u.id = any(%(persons)s::bigint[]) then 0 else u.id end from unnest(t.persons) with ordinality as u (id, n)
                    order by u.n),
    about = case when cardinality(t.persons) = 1 then '' else t.about end,
    reason = case when cardinality(t.persons) = 1 then '' else t.reason end
where t.persons && %(persons)s::bigint[];
