-- name: people
-- Everybody who has a profile and was not merged into somebody else: whom segments are about.
select array_send(array_agg(p.person_id))
from (select * from profile p
      where not exists (select from person q
                        where q.bucket = p.bucket and q.person_id = p.person_id and q.merged_into is not null)
        and @only(p)) p
group by p.bucket / 16;

-- name: tally
select array_send(array_agg(t.person_id)), array_send(array_agg(s.i::int)), array_send(array_agg(t.n)),
       array_send(array_agg(t.amount)), array_send(array_agg((t.first_at at time zone %(zone)s::text)::date)),
       array_send(array_agg((t.last_at at time zone %(zone)s::text)::date))
from (select * from tally t where t.type = any(%(names)s::text[]) and @only(t)) t
join unnest(%(names)s::text[]) with ordinality s (type, i) on s.type = t.type
group by t.bucket / 16;

-- name: rolled
-- The same with the cells of the days since a day, not sums of them: many windows are then answered from one reading.
select array_send(array_agg(c.person_id)), array_send(array_agg(c.i)), array_send(array_agg(c.n)), array_send(array_agg(c.amount)),
       array_send(array_agg((c.first_at at time zone %(zone)s::text)::date)), array_send(array_agg((c.last_at at time zone %(zone)s::text)::date)),
       array_send(array_agg(cardinality(c.days))), string_agg(array_send(c.days), ''),
       array_send(array_agg(cardinality(c.day_n))), string_agg(array_send(c.day_n), ''),
       array_send(array_agg(cardinality(c.day_amount))), string_agg(array_send(c.day_amount), '')
from (
    select t.bucket, t.person_id, w.i, t.n, t.amount, t.first_at, t.last_at, t.days[w.before + 1:] as days,
           t.day_n[w.before + 1:] as day_n, t.day_amount[w.before + 1:] as day_amount
    from (select * from tally t where t.type = any(%(names)s::text[]) and @only(t)) t
    cross join lateral (select s.i, width_bucket((%(since)s::date[])[s.i], t.days) as before
                        from (select array_position(%(names)s::text[], t.type) as i offset 0) s offset 0) w) c
group by c.bucket / 16;

-- name: filtered
-- Conditions on properties look at the events themselves; each event is a cell of its own.
select array_send(array_agg(e.person_id)), array_send(array_agg(s.i::int)), array_send(array_agg(e.day)),
       array_send(array_agg(1)), array_send(array_agg(e.amount))
from (select * from person_event e where e.type = any(%(names)s::text[]) and @only(e)) e
join unnest(%(names)s::text[], %(filters)s::text[], %(since)s::date[]) with ordinality s (type, filter, since, i)
  on s.type = e.type and e.day > s.since and e.props @> s.filter::jsonb
group by e.bucket / 16;

-- name: touches
select array_send(array_agg(d.person_id)), array_send(array_agg(1)),
       array_send(array_agg((d.at at time zone %(zone)s::text)::date)),
       array_send(array_agg(1)), array_send(array_agg(0::bigint))
from (select * from decision d where d.verdict = 'send' and @only(d)) d
where (d.at at time zone %(zone)s::text)::date > %(since)s::date
group by d.bucket / 16;

-- name: instants
select array_send(array_agg(e.person_id)), array_send(array_agg(s.i::int)), array_send(array_agg(e.at)),
       array_send(array_agg(e.day))
from (select * from person_event e where e.type = any(%(names)s::text[]) and @only(e)) e
join unnest(%(names)s::text[]) with ordinality s (type, i) on s.type = e.type
group by e.bucket / 16;

-- name: trait
-- The hash stands for the value; `trait_values` says what each one means.
select array_send(array_agg(t.person_id)), array_send(array_agg(s.i::int)),
       array_send(array_agg(hashtextextended(t.value::text, 0)))
from (select * from trait t where t.name = any(%(names)s::text[]) and @only(t)) t
join unnest(%(names)s::text[]) with ordinality s (name, i) on s.name = t.name
group by t.bucket / 16;

-- name: trait_values
select distinct s.i::int, hashtextextended(t.value::text, 0), t.value
from (select * from trait t where t.name = any(%(names)s::text[]) and @only(t)) t
join unnest(%(names)s::text[]) with ordinality s (name, i) on s.name = t.name;

-- name: tag
select array_send(array_agg(t.person_id)), array_send(array_agg(s.i::int)),
       array_send(array_agg((t.at at time zone %(zone)s::text)::date)),
       array_send(array_agg(coalesce(t.expires_at, 'infinity')))
from (select * from tag t where t.tag = any(%(names)s::text[]) and @only(t)) t
join unnest(%(names)s::text[]) with ordinality s (name, i) on s.name = t.tag
group by t.bucket / 16;

-- name: consent
-- The latest word counts, whether it spoke of this channel or of all of them (*).
select array_send(array_agg(w.person_id)), array_send(array_agg(w.i::int)), array_send(array_agg(w.given::int))
from (
    select distinct on (c.bucket, c.person_id, s.i) c.bucket, c.person_id, s.i, c.given
    from (select * from consent c where @only(c)) c
    join unnest(%(names)s::text[]) with ordinality s (name, i) on c.channel in (s.name, '*')
    order by c.bucket, c.person_id, s.i, c.at desc, c.given) w
group by w.bucket / 16;

-- name: portrait
select array_send(array_agg(p.person_id)), array_send(array_agg(p.recency::int)), array_send(array_agg(p.frequency::int)),
       array_send(array_agg(p.monetary::int)), array_send(array_agg(array_position(%(stages)s::text[], p.life_stage)))
from (select * from profile p where @only(p)) p
group by p.bucket / 16;

-- name: membership
-- `ended` is the last end, infinity while the person is in.
select array_send(array_agg(w.person_id)), array_send(array_agg(w.i::int)), array_send(array_agg(w.ended))
from (
    select m.bucket, m.person_id, s.i, max(coalesce(m.until, 'infinity')) as ended
    from (select * from membership m where @only(m)) m
    join (select distinct d.definition_id, n.i
          from definition d join unnest(%(names)s::text[]) with ordinality n (name, i) on n.name = d.name
          where d.kind = 'segment') s on s.definition_id = m.segment_id
    group by m.bucket, m.person_id, s.i) w
group by w.bucket / 16;

-- name: predicted
select array_send(array_agg(f.person_id)), array_send(array_agg(s.i::int)), array_send(array_agg(round(f.value * 1000000)::bigint))
from (select * from prediction f where f.name = any(%(names)s::text[]) and @only(f)) f
join unnest(%(names)s::text[]) with ordinality s (name, i) on s.name = f.name
group by f.bucket / 16;

-- name: coupon
-- Live coupons: until when the last of them lives, and when the next of them expires. An empty name is any coupon, also
-- one of another system.
select array_send(array_agg(w.person_id)), array_send(array_agg(w.i::int)), array_send(array_agg(w.held_until)),
       array_send(array_agg(w.soonest))
from (
    select c.bucket, c.person_id, s.i, max(coalesce(c.expires_at, 'infinity')) as held_until,
           min(coalesce(c.expires_at, 'infinity')) as soonest
    from (select * from coupon c
          where c.state = 'issued' and coalesce(c.expires_at, 'infinity') > %(now)s::timestamptz and @only(c)) c
    join (select distinct d.definition_id, n.name, n.i
          from unnest(%(names)s::text[]) with ordinality n (name, i)
          left join definition d on d.kind = 'offer' and d.name = n.name) s
      on s.name = '' or s.definition_id = c.definition_id
    group by c.bucket, c.person_id, s.i) w
group by w.bucket / 16;

-- name: redeemed
select array_send(array_agg(w.person_id)), array_send(array_agg(w.i::int)), array_send(array_agg(w.n::int))
from (
    select r.bucket, r.person_id, s.i, count(*) as n
    from (select * from redemption r where r.state = 'done' and @only(r)) r
    join coupon c on c.code = r.code and c.bucket = r.bucket
    join (select distinct d.definition_id, n.name, n.i
          from unnest(%(names)s::text[]) with ordinality n (name, i)
          left join definition d on d.kind = 'offer' and d.name = n.name) s
      on s.name = '' or s.definition_id = c.definition_id
    group by r.bucket, r.person_id, s.i) w
group by w.bucket / 16;

-- name: ladder
select array_send(array_agg(l.person_id)), array_send(array_agg(s.i::int)), array_send(array_agg((l.side = 'up')::int)),
       array_send(array_agg(l.rung::int))
from (select * from ladder l where @only(l)) l
join (select distinct d.definition_id, n.i
      from definition d join unnest(%(names)s::text[]) with ordinality n (name, i) on n.name = d.name
      where d.kind = 'offer') s on s.definition_id = l.definition_id
group by l.bucket / 16;

-- name: journey
select array_send(array_agg(w.person_id)), array_send(array_agg(w.i::int)), array_send(array_agg(w.active)),
       array_send(array_agg(w.done))
from (
    select e.bucket, e.person_id, s.i, max((e.state = 'active')::int) as active, max((e.state = 'done')::int) as done
    from (select * from enrolment e where @only(e)) e
    join (select distinct d.definition_id, n.i
          from definition d join unnest(%(names)s::text[]) with ordinality n (name, i) on n.name = d.name
          where d.kind = 'journey') s on s.definition_id = e.journey_id
    group by e.bucket, e.person_id, s.i) w
group by w.bucket / 16;

-- name: lock_lanes
-- Two workers, or a worker and the fast path, never decide on the same person at once; in order, so nobody deadlocks.
select bucket from segment_lane where bucket = any(%(buckets)s::smallint[]) order by bucket for update;

-- name: states
select segment_id, version, zone from segment_state;

-- name: keep_state
insert into segment_state (segment_id, version, checked_at, zone)
select u.segment_id, u.version, %(now)s::timestamptz, %(zone)s::text
from unnest(%(segments)s::int[], %(versions)s::int[]) u (segment_id, version)
on conflict (segment_id) do update set version = excluded.version, checked_at = excluded.checked_at, zone = excluded.zone;

-- name: drop_state
delete from segment_state where segment_id = any(%(segments)s::int[]);

-- name: retire
-- A segment out of service holds nobody.
update membership set until = %(now)s::timestamptz, xid = pg_current_xact_id()
where segment_id = any(%(segments)s::int[]) and until is null;

-- name: changed_events
-- Whose profiles have heard something.
select array_send(array_agg(e.person_id)) from person_event e
where e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and @only(e)
group by e.bucket / 16;

-- name: changed_profiles
-- Whose profiles time alone has changed.
select array_send(array_agg(u.person_id))
from (select d.bucket, unnest(d.persons) as person_id from profile_due d where d.xid >= %(low)s::xid8 and d.xid < %(high)s::xid8) u
where @only(u)
group by u.bucket / 16;

-- name: changed_persons
-- People whose events were re-pointed: by a merge, a split, an undone import.
select array_send(array_agg(p.person_id)) from person p
where p.changed >= %(low)s::xid8 and p.changed < %(high)s::xid8 and @only(p)
group by p.bucket / 16;

-- name: changed_ladders
select array_send(array_agg(l.person_id)) from ladder_moved l
where l.xid >= %(low)s::xid8 and l.xid < %(high)s::xid8 and @only(l)
group by l.bucket / 16;

-- name: changed_enrolments
select array_send(array_agg(e.person_id)) from enrolment e
where e.xid >= %(low)s::xid8 and e.xid < %(high)s::xid8 and @only(e)
group by e.bucket / 16;

-- name: changed_coupons
select array_send(array_agg(c.person_id)) from coupon_changed c
where c.xid >= %(low)s::xid8 and c.xid < %(high)s::xid8 and @only(c)
group by c.bucket / 16;

-- name: changed_predictions
select array_send(array_agg(f.person_id)) from prediction_changed f
where f.xid >= %(low)s::xid8 and f.xid < %(high)s::xid8 and @only(f)
group by f.bucket / 16;

-- name: due
select array_send(array_agg(w.person_id))
from (select d.bucket, d.person_id from segment_due d
      where d.recompute_at <= %(now)s::timestamptz and @only(d)
      order by d.recompute_at
      limit %(limit)s::int) w
group by w.bucket / 16;

-- name: members
-- Who is in now, of the segments that are being decided. These are picked from all that a person is in: asked for with the person, each would be
-- looked up by itself.
select array_send(array_agg(m.person_id)), array_send(array_agg(m.segment_id))
from (select * from (select n.bucket, n.person_id, n.segment_id from membership n where n.until is null) m where @only(m)) m
where m.segment_id = any(%(segments)s::int[])
group by m.bucket / 16;

-- name: known_due
select array_send(array_agg(d.person_id)), array_send(array_agg(d.recompute_at))
from (select * from segment_due d where @only(d)) d
group by d.bucket / 16;

-- name: open
-- Entering again at the very instant of leaving carries the membership on.
insert into membership (bucket, person_id, segment_id, version, since)
select (u.person_id & 1023)::smallint, u.person_id, u.segment_id, u.version, %(now)s::timestamptz
from unnest(%(persons)s::bigint[], %(segments)s::int[], %(versions)s::int[]) u (person_id, segment_id, version)
on conflict (bucket, person_id, segment_id, since) do update
set until = null, version = excluded.version, xid = pg_current_xact_id();

-- name: close
update membership m set until = %(now)s::timestamptz, xid = pg_current_xact_id()
from unnest(%(persons)s::bigint[], %(segments)s::int[]) u (person_id, segment_id)
where m.bucket = (u.person_id & 1023)::smallint and m.person_id = u.person_id and m.segment_id = u.segment_id
  and m.until is null;

-- name: keep_due
insert into segment_due (bucket, person_id, recompute_at)
select (u.person_id & 1023)::smallint, u.person_id, u.recompute_at
from unnest(%(persons)s::bigint[], %(at)s::timestamptz[]) u (person_id, recompute_at)
on conflict (bucket, person_id) do update set recompute_at = excluded.recompute_at;

-- name: drop_due
delete from segment_due d
using unnest(%(persons)s::bigint[]) u (person_id)
where d.bucket = (u.person_id & 1023)::smallint and d.person_id = u.person_id;

-- name: sizes
select d.name, count(m.person_id) as size
from segment_state s
join (select distinct definition_id, name from definition where kind = 'segment') d on d.definition_id = s.segment_id
left join membership m on m.segment_id = s.segment_id and m.until is null
group by d.name
order by d.name;

-- name: about_people
-- An estimate is enough: it only says how much to read at once.
select greatest(reltuples, 0)::bigint as people from pg_class where oid = 'profile'::regclass;

-- name: erase_membership
delete from membership t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);

-- name: erase_segment_due
delete from segment_due t where t.bucket = any(%(buckets)s::smallint[]) and t.person_id = any(%(persons)s::bigint[]);
