-- name: people
-- Persons 1 … count.
insert into person (bucket, person_id, created_at)
select (g & 1023)::smallint, g, %(now)s::timestamptz from generate_series(1, %(count)s::bigint) g;

-- name: people_known
-- The next person that identity makes comes after those.
select setval('person_id', %(count)s::bigint);

-- name: caught_up
-- What the scene holds is no news to any stage.
update stage_cursor set xid = pg_snapshot_xmin(pg_current_snapshot());

-- name: stand_on_ladder
-- Everybody registered long ago, in commits of 20,000, and never ordered: the first rung is due.
with stands as (
    insert into ladder (bucket, person_id, definition_id, version, origin_id, side, rung, move, anchor_at, moved_at, due_at)
    select p.bucket, p.person_id, %(offer)s::int, 1, p.person_id, 'down', 0, 0, d.due_at - interval '30 days', d.due_at - interval '30 days', d.due_at
    from person p cross join lateral (select %(now)s::timestamptz - p.person_id %% 3600 * interval '1 second' as due_at) d
    order by p.bucket, p.person_id
    returning bucket, person_id, due_at)
insert into ladder_due (bucket, persons, due_at)
select s.bucket, array_agg(s.person_id), min(s.due_at) from stands s group by s.bucket, s.person_id / 20000, hour_of(s.due_at);

-- name: walk_journey
insert into enrolment (bucket, person_id, journey_id, cause, version, arm, state, step, entered_at, stepped_at)
select p.bucket, p.person_id, %(journey)s::int, 'event:' || p.person_id, 1, 'treated', 'active', 0,
       %(now)s::timestamptz - interval '30 days', %(now)s::timestamptz - interval '30 days'
from person p order by p.bucket, p.person_id;

-- name: ladder_checked
-- What one rung down for everybody must have left behind, each figure counted by itself.
select (select count(*) from ladder where side = 'down' and rung = 1 and move = 1 and due_at = %(now)s::timestamptz + interval '7 days') as moved,
       (select count(*) from touch where rung = 1 and move = 1) as touches,
       (select count(distinct person_id) from touch) as touched,
       (select count(*) from decision) as decisions,
       (select count(distinct (d.person_id, t.person_id)) from decision d join touch t using (touch_id)
        where d.verdict = 'send' and d.person_id = t.person_id) as sent,
       (select count(*) from coupon where rung = 1 and state = 'issued') as coupons,
       (select count(distinct code) from coupon) as codes,
       (select count(*) from decision d join coupon c on c.touch_id = d.touch_id and c.code = d.coupon and c.person_id = d.person_id) as told,
       (select max(n) from (select count(*) as n from decision where verdict = 'send' group by person_id) c) as most_against_cap,
       (select sum(issued) from stock) as issued;

-- name: all_due
-- Everybody stands on the message.
update enrolment set due_at = %(now)s::timestamptz;

-- name: names
insert into trait (bucket, person_id, name, value, at, event_id)
select p.bucket, p.person_id, 'name', to_jsonb('顾客' || p.person_id), %(now)s::timestamptz, 0 from person p order by 1, 2;

-- name: zones
-- A tenth lives where it is night.
insert into trait (bucket, person_id, name, value, at, event_id)
select p.bucket, p.person_id, 'time_zone', '"America/New_York"', %(now)s::timestamptz, 0 from person p
where p.person_id %% 10 = %(digit)s::int order by 1, 2;

-- name: consents
-- Everybody has said something, a tenth has taken it back.
insert into consent (bucket, person_id, channel, given, at, event_id)
select p.bucket, p.person_id, %(channel)s::text, p.person_id %% 10 <> %(digit)s::int, %(now)s::timestamptz, 0 from person p order by 1, 2;

-- name: spent
-- Everybody was written to once, a tenth as often as the budget allows; all of it went out.
with said as (
    insert into touch (bucket, person_id, journey_id, cause, step, move, touch_id, version, arm, channel, price, message_id, message_version,
                       value_fen, at, deadline, verdict, judged_at)
    select p.bucket, p.person_id, %(journey)s::int, 'before', -g.n, 0, nextval('touch_id'), 1, 'treated', %(channel)s::text, 1, 0, 1, 0,
           %(at)s::timestamptz, %(until)s::timestamptz, 'send', %(at)s::timestamptz
    from person p cross join generate_series(1, 3) as g (n)
    where g.n = 1 or p.person_id %% 10 = %(digit)s::int order by 1, 2
    returning bucket, person_id, touch_id)
insert into attempt (bucket, person_id, touch_id, channel, state, tries, at)
select s.bucket, s.person_id, s.touch_id, %(channel)s::text, 'sent', 1, %(at)s::timestamptz from said s;

-- name: quota
-- How much everybody has had of what the sink allows: four each.
create table sink_quota (person_id bigint primary key, n int not null);

-- name: quota_used
-- A tenth has had all of it.
insert into sink_quota (person_id, n)
select p.person_id, case when p.person_id %% 10 = %(digit)s::int then 4 else 0 end from person p;

-- name: take_quota
update sink_quota q set n = q.n + 1 where q.person_id = any(%(persons)s::bigint[]) and q.n < 4 returning q.person_id;

-- name: broadcast_checked
-- What became of everybody, each figure counted by itself.
select (select count(*) from touch where verdict = 'no' and reason = 'no_consent') as no_consent,
       (select count(*) from touch where verdict = 'hold' and reason = 'capped') as capped,
       (select count(*) from touch where verdict = 'hold' and reason = 'quiet_hours') as quiet_hours,
       (select count(*) from attempt where state = 'waiting' and reason = 'quota') as quota,
       (select count(*) from attempt a join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
        where a.state = 'sent' and t.cause <> 'before') as sent,
       (select count(distinct props ->> 'touch_id') from event where type = 'message_sent') as logged,
       (select sum(n) from sink_quota where n < 4)::bigint as reserved;

-- name: bare_log
-- The floor of a broadcast: one bare row for each letter.
create table floor_log (bucket smallint, person_id bigint, touch_id bigint, at timestamptz, primary key (bucket, person_id, touch_id));

-- name: rungs
-- The bare rows of the floor: one row per person, its key, and the index that says who is due.
create table floor_rung (bucket smallint, person_id bigint, rung smallint, due_at timestamptz, primary key (bucket, person_id));

-- name: rungs_due
create index on floor_rung (due_at);

-- name: fill_rungs
insert into floor_rung select (g & 1023)::smallint, g, 0, %(now)s::timestamptz from generate_series(1, %(count)s::bigint) g order by 1, 2;

-- name: move_rungs
update floor_rung set rung = rung + 1, due_at = %(now)s::timestamptz + interval '7 days' where due_at <= %(now)s::timestamptz and rung < 3;

-- name: links
-- Which event carries which key, before they are events.
create table link (event bigint not null, key uuid not null);

-- name: links_by_event
create index on link (event);

-- name: events_of_links
-- One commit of the door. The words stand for those of any event; identity reads the keys alone.
insert into event (event_id, source, source_id, type, at, received_at, handles, keys, props)
overriding system value
select %(before)s::bigint + l.event, 'import', 'bench-' || (%(before)s::bigint + l.event), 'viewed', %(now)s::timestamptz, %(now)s::timestamptz,
       '{"shop:tmall": "member-0000000"}', array_agg(l.key), '{"page": "/menu/latte"}'
from link l where l.event >= %(low)s::bigint and l.event < %(high)s::bigint
group by l.event order by l.event;

-- name: latest_merges
select winner_id from merge_log where undone_at is null order by merge_id desc limit %(limit)s::int;

-- name: events_checked
select count(*) as n, count(distinct (source, source_id)) as ids,
       coalesce(sum((props ->> 'amount_fen')::bigint), 0)::bigint as amount_fen
from event;

-- name: bare_events
-- The floor of the door: the same columns, nothing that finds them again.
create table floor_event (source text, source_id text, type text, at timestamptz, received_at timestamptz, handles jsonb, keys uuid[], props jsonb);

-- name: loop_checked
select (select count(*) from person_event where type not like 'message\_%%') as facts,
       (select count(*) from profile) as persons,
       (select sum(n) from tally where type = 'ordered')::bigint as orders,
       (select sum(amount) from activity where type = 'ordered')::bigint as order_fen,
       (select count(*) from enrolment e join definition d on d.definition_id = e.journey_id where d.name = 'welcome') as greeted,
       (select count(*) from membership m join definition d on d.definition_id = m.segment_id
        where d.name = 'silent' and m.until is null and not exists (
            select from enrolment e join definition j on j.definition_id = e.journey_id
            where e.bucket = m.bucket and e.person_id = m.person_id and j.name = 'wake_up')) as not_woken,
       (select count(*) from enrolment) - (select count(*) from touch) as unsaid,
       (select count(*) from proposal) + (select count(*) from touch where verdict <> 'send' and reason <> 'holdout') as undecided;

-- name: memberships
-- Size of each segment, and the sum of its members' own numbers (those in their handles).
select d.name, count(*) as size, sum(w.number)::bigint as persons
from membership m
join definition d on d.definition_id = m.segment_id and d.version = m.version
join (select person_id, max(substring(handles ->> 'shop:tmall' from 8)::bigint) as number
      from person_event join event using (event_id) group by person_id) w on w.person_id = m.person_id
where m.until is null
group by d.name;

-- name: some_codes
select code from coupon order by md5(code) limit %(limit)s::int;

-- name: coupons_checked
select count(*) as coupons, count(distinct code) as codes, count(distinct person_id) as persons, count(distinct touch_id) as touches,
       (select issued from stock where definition_id = %(offer)s::int) as issued
from coupon;

-- name: redemptions_checked
select count(*) filter (where state = 'done') as done, count(distinct code) filter (where state = 'done') as codes,
       (select count(*) from coupon where state = 'redeemed' and uses = 0) as used, count(*) as asked,
       s.redeemed, s.spent_fen
from redemption cross join (select redeemed, spent_fen from stock where definition_id = %(offer)s::int) s
group by s.redeemed, s.spent_fen;

-- name: raw_events
create table raw_event (person bigint, kind smallint, amount bigint, at timestamptz);

-- name: raw_persons
create table raw_person (person bigint, tags smallint, city smallint, age smallint);

-- name: facts
insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
select (e.person & 1023)::smallint, e.person, (%(types)s::text[])[e.kind], e.at, row_number() over (), (e.at at time zone 'Asia/Shanghai')::date,
       case when e.kind = 2 then e.amount else 0 end,
       case when e.kind = 2 then jsonb_build_object('amount_fen', e.amount) else '{"page": "/menu"}' end
from raw_event e order by 1, 2, 3, 4;

-- name: sums
insert into tally (bucket, person_id, type, n, amount, first_at, last_at, days, day_n, day_amount)
select bucket, person_id, type, sum(n), sum(amount), min(first_at), max(last_at), array_agg(day order by day), array_agg(n order by day),
       case when bool_or(amount <> 0) then array_agg(amount order by day) else '{}' end
from (select bucket, person_id, type, day, count(*)::int as n, sum(amount)::bigint as amount, min(at) as first_at, max(at) as last_at
      from person_event group by 1, 2, 3, 4) as cell
group by 1, 2, 3 order by 1, 2, 3;

-- name: tags
insert into tag (bucket, person_id, tag, at, event_id)
select (r.person & 1023)::smallint, r.person, 't' || b.bit, %(now)s::timestamptz - interval '40 days', 0
from raw_person r join generate_series(0, 9) as b (bit) on (r.tags >> b.bit) & 1 = 1 order by 1, 2, 3;

-- name: cities
insert into trait (bucket, person_id, name, value, at, event_id)
select (r.person & 1023)::smallint, r.person, 'city', to_jsonb((%(cities)s::text[])[r.city]), %(now)s::timestamptz, 0 from raw_person r order by 1, 2;

-- name: ages
insert into trait (bucket, person_id, name, value, at, event_id)
select (r.person & 1023)::smallint, r.person, 'age', to_jsonb(r.age), %(now)s::timestamptz, 0 from raw_person r order by 1, 2;

-- name: profiles
-- Everybody is due, so that the stage gives the scores.
insert into profile (bucket, person_id, recency, frequency, monetary, life_stage, refreshed_at, recompute_at)
select (r.person & 1023)::smallint, r.person, 1, 1, 1, 'visitor', %(now)s::timestamptz, %(now)s::timestamptz from raw_person r order by 1, 2;

-- name: members
-- Who is in each segment now: how many, and the sum of their ids.
select d.name, count(*) as size, sum(m.person_id)::bigint as ids
from membership m join definition d on d.definition_id = m.segment_id and d.version = m.version
where m.until is null group by d.name;

-- name: decided
-- Has somebody's newest run been decided on?
select exists (
    select from touch t where t.bucket = (%(person)s::bigint & 1023)::smallint and t.person_id = %(person)s::bigint and t.at >= %(since)s::timestamptz
) as yes;

-- name: events_of_facts
-- The facts of the scene as the door would have taken them, each when it happened.
insert into event (event_id, source, source_id, type, at, received_at, handles, keys, props)
overriding system value
select e.event_id, 'shop', 'past-' || e.event_id, e.type, e.at, e.at, '{}', '{}', e.props from person_event e order by e.event_id;
