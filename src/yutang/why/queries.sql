-- name: members
-- The person and everybody merged into them.
select p.person_id from person p where p.bucket = (%(person)s::bigint & 1023)::smallint and p.person_id = %(person)s::bigint
union select p.person_id from person p where p.merged_into = %(person)s::bigint
order by person_id;

-- name: handles
-- Personal values were masked at the door.
select s.kind, s.value, s.at, s.event_id from handle_shown s
where s.person_id = any(%(persons)s::bigint[]) order by s.at, s.kind, s.value;

-- name: merges
select m.winner_id, m.loser_id, m.event_id, m.at, m.undone_at from merge_log m
where m.winner_id = any(%(persons)s::bigint[]) or m.loser_id = any(%(persons)s::bigint[]) order by m.merge_id;

-- name: events
-- The newest events, and those that began a run whatever their age. What answers a touch is told with the touch.
select e.event_id, e.type, e.at, e.amount, e.props
from ((select n.* from person_event n where @only(n) and not n.props ? 'touch_id' order by n.at desc limit %(limit)s::int)
      union
      (select c.* from person_event c where @only(c) and c.event_id = any(%(causes)s::bigint[]))) e
order by e.at, e.event_id;

-- name: answers
-- What came back for the person's touches.
select e.event_id, e.type, e.at, e.amount, e.props, (e.props ->> 'touch_id')::text as touch_id from person_event e
where @only(e) and e.props ? 'touch_id' order by e.at, e.event_id;

-- name: stays
select m.segment_id, m.version, m.since, m.until from membership m where @only(m) order by m.since, m.segment_id;

-- name: enrolments
select e.* from enrolment e where @only(e) order by e.entered_at, e.journey_id;

-- name: steps
select s.* from step s where @only(s) order by s.seq;

-- name: ladders
select l.definition_id, l.side, l.rung, l.due_at from ladder l where @only(l);

-- name: touches
-- With what is proposed and not judged yet.
select t.*, a.state as attempt_state, a.channel as attempt_channel, a.tries, a.at as attempt_at, a.retry_at as attempt_retry_at,
       a.reason as attempt_reason, a.detail as attempt_detail
from (select t.bucket, t.person_id, t.touch_id, t.journey_id, t.cause, t.version, t.class as kind, t.channel, t.price, t.message_id, t.message_version, t.offer_id,
             t.rung, t.value_fen, t.worth, t.at, t.deadline, d.trail as verdicts, d.coupon
      from touch t join decision d on d.bucket = t.bucket and d.person_id = t.person_id and d.touch_id = t.touch_id
      where @only(t)
      union all
      select p.bucket, p.person_id, p.touch_id, p.journey_id, p.cause, p.version, p.class, p.channels[1], 0, p.message_id, p.message_version, p.offer_id,
             p.rung, p.value_fen, null, p.at, p.deadline, '[]', null
      from proposed p
      where @only(p) and not exists (
          select from touch t where t.bucket = p.bucket and t.person_id = p.person_id and t.journey_id = p.journey_id
          and t.cause = p.cause and t.step = p.step and t.move = p.move)) t
left join attempt a on a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
order by t.at, t.touch_id;

-- name: coupons
select c.* from coupon c where @only(c) order by c.issued_at, c.code;

-- name: uses
select r.code, r.at, r.state, r.reason, r.against, r.order_id, r.discount_fen from redemption r where @only(r) order by r.at, r.request_id;

-- name: refused
-- What was refused where no touch and no coupon of the person's own tells of it.
select f.at, f.definition_id, null as code, f.reason from offer_refusal f where @only(f) and f.key not like 'touch:%%'
union all
select r.at, 0, r.code, r.reason from redemption r
where @only(r) and r.state in ('refused', 'conflict') and not exists (
    select from coupon c where c.code = r.code and c.bucket = r.bucket and c.person_id = r.person_id)
order by at;

-- name: newest_version
-- A definition that is out of service still has its last words.
select max(d.version) as version from definition d where d.definition_id = %(definition_id)s::int having count(*) > 0;

-- name: triggers
-- Events that could have begun a run, newest first, with the time at which they came in.
select e.event_id, e.at, came.received_at from person_event e join event came on came.event_id = e.event_id
where @only(e) and e.type = any(%(types)s::text[]) and e.props @> %(where)s::jsonb order by e.at desc limit %(limit)s::int;

-- name: located
-- Where the person was, newest first, and within how many metres of the nearest of these places, as far as is known.
select e.event_id, e.at, came.received_at,
       round(greatest(s.away, (e.props ->> 'accuracy_m')::double precision))::int as metres
from person_event e join event came on came.event_id = e.event_id
cross join lateral (
    select min(metres((e.props ->> 'lat')::double precision, (e.props ->> 'lon')::double precision, u.lat, u.lon)) as away
    from unnest(%(lats)s::double precision[], %(lons)s::double precision[]) u (lat, lon)) s
where @only(e) and e.type = 'located' and s.away is not null order by e.at desc limit %(limit)s::int;

-- name: firings
select f.fires_at, f.state, f.at from journey_firing f where f.journey_id = %(journey)s::int
order by f.fires_at desc limit %(limit)s::int;

-- name: date_of_trait
select t.value #>> '{}' as date from trait t
where @only(t) and t.name = %(trait)s::text and (t.value #>> '{}') ~ '^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$';

-- name: date_of_event
select (min(y.first_at) at time zone %(zone)s::text)::date::text as date from tally y
where @only(y) and y.type = %(type)s::text having count(*) > 0;

-- name: started
select j.started_at from journey_state j where j.journey_id = %(journey)s::int;

-- name: by_key
-- Whom a handle belongs to.
select h.person_id from handle h where h.key = %(key)s::uuid;
