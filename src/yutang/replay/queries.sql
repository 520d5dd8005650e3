-- name: me
-- Whose a scratch schema is: this connection, told from a later one that may get the same number.
select %(mark)s::text || pid || ' ' || extract(epoch from backend_start) as words from pg_stat_activity where pid = pg_backend_pid();

-- name: orphans
-- Scratch schemas whose connection is gone.
select n.nspname as name from pg_namespace n
where starts_with(obj_description(n.oid, 'pg_namespace'), %(mark)s::text)
  and not exists (select from pg_stat_activity a
                  where obj_description(n.oid, 'pg_namespace') = %(mark)s::text || a.pid || ' ' || extract(epoch from a.backend_start));

-- name: tables
-- The tables here that speak of people or tell news: all that grows in a replay.
select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
group by c.relname having array_agg(a.attname::text) && array['bucket', 'xid']
order by c.relname;

-- name: agenda
-- What is going to happen, in order. arrives_at: when the pond hears of it. codes: the coupons of ours that it speaks of.
create unlogged table if not exists agenda (arrives_at timestamptz not null, bucket smallint not null, person_id bigint not null,
    type text not null, at timestamptz not null, event_id bigint not null, day date not null, amount bigint not null, props jsonb not null,
    codes text[]);

-- name: agenda_index
create index if not exists agenda_arrives on agenda (arrives_at, event_id);

-- name: recorded
-- What became of each touch of the live pond, by what names it: so the same touch fares the same, whatever its number.
create unlogged table if not exists recorded (person_id bigint not null, journey_id int not null, cause text not null, step int not null,
    move int not null, touch_id bigint not null, sent_at timestamptz not null, state text, reason text, code text, primary key (person_id, journey_id, cause, step, move));

-- name: recorded_code
create unique index if not exists recorded_code on recorded (code) where code is not null;

-- name: recorded_touch
create unique index if not exists recorded_touch on recorded (touch_id);

-- name: same_touches
-- A touch that the live pond made too has the number that it has there: so it is answered alike, and what it causes is named alike.
create or replace function same_touches() returns trigger language plpgsql as $$
begin
    new.touch_ids := array(
        select coalesce(r.touch_id, u.touch_id)
        from unnest(new.persons, new.causes, new.moves, new.touch_ids) with ordinality as u (person_id, cause, move, touch_id, n)
        left join recorded r on r.person_id = u.person_id and r.journey_id = new.journey_id and r.cause = u.cause and r.step = new.step
            and r.move = u.move
        order by u.n);
    return new;
end $$;

-- name: touches_alike
create trigger same_touches before insert on proposal for each row execute function same_touches();

-- name: recorded_event
-- The numbers of what the live loop recorded of its own doings, where anybody asks about such events.
create unlogged table if not exists recorded_event (source_id text primary key, event_id bigint not null);

-- name: same_event
-- An event that the live loop recorded too has the number that it has there: runs that it begins are named by it.
create or replace function same_event() returns trigger language plpgsql as $$
begin
    new.event_id := coalesce((select r.event_id from recorded_event r where r.source_id = new.source_id), new.event_id);
    return new;
end $$;

-- name: events_alike
create trigger same_event before insert on event for each row execute function same_event();

-- name: same_call
create or replace function same_call() returns trigger language plpgsql as $$
begin
    new.call_id := coalesce((select r.call_id from recorded_call r where r.person_id = new.person_id and r.journey_id = new.journey_id
        and r.cause = new.cause and r.line = new.line), new.call_id);
    return new;
end $$;

-- name: calls_alike
create trigger same_call before insert on call for each row execute function same_call();

-- name: recorded_reply
-- What people answered to the touches of the live pond, and how long after the sending; known_after: when the pond heard of it.
create unlogged table if not exists recorded_reply (touch_id bigint not null, channel text not null, key text not null, type text not null,
    after interval not null, known_after interval not null, props jsonb not null, primary key (touch_id, channel, key));

-- name: unread
-- Is there news for identity or segment that anybody asks about? quiet: types of events that nobody does. own: segments ask about
-- runs and coupons. What else segments follow is read by them in the pass that writes it, but for more than one pass takes.
select %(own)s::bool
    or exists (select from event e where e.xid >= (select min(c.xid) from stage_cursor c where c.stage = 'identity') and e.type <> all(%(quiet)s::text[]))
    or exists (select from person_event e where e.xid >= (select min(c.xid) from stage_cursor c where c.stage = 'segment.person_event'))
    or exists (select from profile_due d where d.xid >= (select min(c.xid) from stage_cursor c where c.stage = 'segment.profile_due'))
    or exists (select from person p where p.changed >= (select min(c.xid) from stage_cursor c where c.stage = 'segment.person'))
    or exists (select from ladder_news l where l.xid >= (select min(c.xid) from stage_cursor c where c.stage = 'segment.ladder_news'))
    or (select min(recompute_at) from segment_due) <= %(now)s::timestamptz as found;

-- name: forget
-- An event that is not kept.
create or replace function forget() returns trigger language plpgsql as 'begin return null; end';

-- name: forget_none
drop trigger if exists forget on event;

-- name: recorded_call
-- What other systems answered to the calls of journeys.
create unlogged table if not exists recorded_call (person_id bigint not null, journey_id int not null, cause text not null, line text not null,
    call_id bigint not null unique, status int, answer jsonb, reason text, primary key (person_id, journey_id, cause, line));

-- name: reply
-- What is going to be answered to the touches of the replay.
create unlogged table if not exists reply (touch_id bigint not null, person_id bigint not null, channel text not null, key text not null,
    type text not null, at timestamptz not null, known_at timestamptz not null, props jsonb not null, primary key (touch_id, channel, key));

-- name: reply_due
create index if not exists reply_due on reply (channel, known_at);

-- name: people
select count(*) as n from person p where p.merged_into is null and @only(p);

-- name: happened
-- What people did. What the loop itself records of its doings, and of answers to them, is left out: the replay makes its own. A file brings its events in order of their
-- own time; everything else arrives when it arrived. codes: coupons of ours that it speaks of.
select h.* from (
    select case when v.import_id is null then v.received_at else e.at end as arrives_at, e.bucket, e.person_id, e.type, e.at, e.event_id, e.day, e.amount,
           e.props,
           case when e.type in ('coupon_redeemed', 'ordered') and (e.props ? 'code' or e.props ? 'coupon_codes') then array(
               select c.code from coupon c
               where c.touch_id is not null and c.code = any(array[e.props ->> 'code'] || array(select jsonb_array_elements_text(
                   case when jsonb_typeof(e.props -> 'coupon_codes') = 'array' then e.props -> 'coupon_codes' else '[]' end)))) end as codes
    from person_event e join event v on v.event_id = e.event_id
    where @only(e) and not (v.source = %(ours)s::text and (e.type ~ '^(message_|called$)' or v.source_id ~ '^(tag|untag|set|saved):'))) h
where h.arrives_at <= %(until)s::timestamptz;

-- name: fared
-- What became of the touches of the live pond.
select t.person_id, t.journey_id, t.cause, t.step, t.move, t.touch_id, t.judged_at as sent_at, a.state, a.reason, t.coupon as code
from touch t left join attempt a on a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
where @only(t) and t.verdict = 'send';

-- name: answered
-- What people answered to those touches. The part of the event's name behind the touch tells answers of one touch apart.
select (e.props ->> 'touch_id')::bigint as touch_id, e.props ->> 'channel' as channel, split_part(v.source_id, ':', 3) as key, e.type,
       greatest(e.at - sent.at, interval '0') as after, greatest(v.received_at - sent.at, interval '0') as known_after,
       e.props - 'touch_id' - 'channel' as props
from person_event e
join event v on v.event_id = e.event_id
join touch t on t.bucket = e.bucket and t.person_id = e.person_id and t.touch_id = (e.props ->> 'touch_id')::bigint
cross join lateral (select coalesce((select min(s.at) from event s where s.source = %(ours)s::text
    and s.source_id in ('sent:' || t.touch_id, 'failed:' || t.touch_id)), t.judged_at) as at) sent
where @only(e) and v.source = %(ours)s::text and e.type like 'message\_%%' and v.source_id not like 'sent:%%' and v.source_id not like 'failed:%%';

-- name: called
-- What came of the calls of the live pond's journeys.
select c.person_id, c.journey_id, c.cause, c.line, c.call_id, c.status, v.props -> 'answer' as answer, c.reason
from call c join event v on v.source = %(ours)s::text and v.source_id = 'called:' || c.call_id
where @only(c) and c.state in ('answered', 'failed');

-- name: answers
select r.call_id, r.status, r.answer, r.reason from recorded_call r where r.call_id = any(%(calls)s::bigint[]);

-- name: anything
-- Has the live pond done anything that the replay may do again?
select 1 as yes where exists (select from recorded) or exists (select from recorded_call) or exists (select from recorded_event);

-- name: recorded_events
select v.source_id, v.event_id
from person_event e join event v on v.event_id = e.event_id
where @only(e) and v.source = %(ours)s::text and (e.type ~ '^(message_|called$)' or v.source_id ~ '^(tag|untag|set|saved):')
  and e.type <> all(%(quiet)s::text[]);

-- name: cohorts
-- How the coupons whose time is over were used, by offer, rung and week of issue.
select c.definition_id, coalesce(c.rung, 0) as rung, (extract(epoch from c.issued_at) / 604800)::int as week, count(*)::int as issued,
       (count(*) filter (where c.state = 'redeemed'))::int as used
from coupon c where c.touch_id is not null and c.uses is not null and c.expires_at <= %(now)s::timestamptz
group by 1, 2, 3 order by 1, 2, 3;

-- name: entered_before
-- Runs that had begun before the replay does: they count for whoever may not enter again. One that was under way is cut off there.
select e.bucket, e.person_id, e.journey_id, e.cause, e.version, e.arm, 'done' as state, 0::smallint as step, e.entered_at,
       e.entered_at as stepped_at, least(e.ended_at, %(since)s::timestamptz) as ended_at
from enrolment e where @only(e) and e.entered_at <= %(since)s::timestamptz and e.gone_to is null;

-- name: next_arrival
-- When the next news comes.
select arrives_at from agenda where (arrives_at, event_id) > (%(after)s::timestamptz, %(after_id)s::bigint) order by arrives_at, event_id limit 1;

-- name: portion
-- Where so many rows further on the news stands.
select arrives_at, event_id from agenda
where (arrives_at, event_id) > (%(after)s::timestamptz, %(after_id)s::bigint) and arrives_at <= %(now)s::timestamptz
order by arrives_at, event_id offset %(rows)s::int - 1 limit 1;

-- name: arrive
-- News becomes facts, as identity would have written them. A coupon of ours has another code here: that of the coupon that the
-- same touch has brought, but for those of before. Where the replay gave none, nothing can be redeemed.
with news as materialized (
    select a.*, k.given from agenda a
    cross join lateral (
        select jsonb_object_agg(c.code, coalesce(k.code, t.coupon)) filter (where coalesce(k.code, t.coupon) is not null) as given
        from unnest(a.codes) as c (code)
        left join recorded r on r.code = c.code
        left join touch t on t.bucket = (r.person_id & 1023)::smallint and t.person_id = r.person_id and t.touch_id = r.touch_id
        left join coupon k on k.code = c.code) k
    where (a.arrives_at, a.event_id) > (%(after)s::timestamptz, %(after_id)s::bigint)
      and (a.arrives_at, a.event_id) <= (%(upto)s::timestamptz, %(upto_id)s::bigint))
insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
select e.bucket, e.person_id, e.type, e.at, e.event_id, e.day, e.amount,
       case when cardinality(e.codes) > 0 and e.given is not null then e.props
           || case when e.given ? (e.props ->> 'code') then jsonb_build_object('code', e.given -> (e.props ->> 'code')) else '{}' end
           || case when e.props ? 'coupon_codes' then jsonb_build_object('coupon_codes', (
                  select jsonb_agg(coalesce(e.given -> c.code, to_jsonb(c.code)))
                  from jsonb_array_elements_text(e.props -> 'coupon_codes') as c (code))) else '{}' end
           else e.props end
from news e
where not (e.type = 'coupon_redeemed' and cardinality(e.codes) > 0 and not coalesce(e.given ? (e.props ->> 'code'), false))
order by e.bucket, e.person_id, e.type, e.at;

-- name: fared_here
-- What became of the same touches in the live pond; nothing for those that it did not make.
select r.touch_id, r.state, r.reason,
       exists (select from recorded_reply y where y.touch_id = r.touch_id and y.type in ('message_sent', 'message_failed')) as by_staff
from recorded r where r.touch_id = any(%(touches)s::bigint[]);

-- name: will_reply
insert into reply (touch_id, person_id, channel, key, type, at, known_at, props)
select y.touch_id, r.person_id, y.channel, y.key, y.type, %(now)s::timestamptz + y.after, %(now)s::timestamptz + y.known_after, y.props
from recorded_reply y join recorded r on r.touch_id = y.touch_id
where y.touch_id = any(%(touches)s::bigint[])
on conflict do nothing;

-- name: next_reply
select known_at from reply where channel = %(channel)s::text order by known_at limit 1;

-- name: take_replies
delete from reply where channel = %(channel)s::text and known_at <= %(now)s::timestamptz
returning touch_id, person_id, key, type, at, props;

-- name: persons
-- Who they are is taken as it is known today; the merges of the time replayed have happened already.
select p.bucket, p.person_id, p.merged_into, p.created_at from person p where @only(p);

-- name: reach
select r.channel, r.head from channel_reach r;

-- name: handles
-- Whom which channel can reach.
select h.key, h.person_id, h.origin_id, h.event_id from handle h
where (h.person_id & 1023) between %(first)s::bigint and %(last)s::bigint;

-- name: definitions
select d.* from definition d where (d.kind = 'journey') = %(journeys)s::bool;

-- name: every_definition
select d.* from definition d;

-- name: started
-- Journeys that had begun by then: nobody enters them for being in their segment already.
select s.* from journey_state s where s.started_at <= %(since)s::timestamptz;

-- name: budget_used
-- What was sent shortly before: the budgets of the first days know of it.
select t.* from touch t
where @only(t) and t.verdict = 'send' and t.judged_at <= %(since)s::timestamptz and t.judged_at > %(since)s::timestamptz - %(window)s::interval;

-- name: budget_used_sent
select a.* from attempt a join touch t on t.bucket = a.bucket and t.person_id = a.person_id and t.touch_id = a.touch_id
where @only(t) and t.verdict = 'send' and t.judged_at <= %(since)s::timestamptz and t.judged_at > %(since)s::timestamptz - %(window)s::interval;

-- name: coupons_before
-- The coupons of before, as they were: what was used or ran out later is still open.
select c.code, c.bucket, c.person_id, c.origin_id, c.definition_id, c.version, c.rung, c.touch_id,
       case when c.state = 'expired' and c.expires_at <= %(since)s::timestamptz or c.state = 'redeemed' and later.n = 0 then c.state else 'issued' end as state,
       (c.uses + later.n)::int as uses, c.value_fen, c.pay_percent, c.off_fen, c.minimum_fen, c.issued_at, c.valid_from, c.expires_at
from coupon c
cross join lateral (select count(*) as n from redemption r
                    where r.code = c.code and r.bucket = c.bucket and r.state = 'done' and r.at > %(since)s::timestamptz) later
where @only(c) and c.touch_id is not null and c.issued_at <= %(since)s::timestamptz;

-- name: marks_before
select m.mark, m.definition_id, m.touch_id from coupon_mark m
where exists (select from touch t where t.touch_id = m.touch_id and t.judged_at <= %(since)s::timestamptz);

-- name: stock_before
-- What of each offer was gone by then.
select c.definition_id, count(*) as issued, count(*) filter (where u.n > 0) as redeemed,
       coalesce(sum(c.value_fen) filter (where coalesce(u.n, 0) = 0 and (c.expires_at is null or c.expires_at > %(since)s::timestamptz)), 0)::bigint as reserved_fen,
       coalesce(sum(u.fen), 0)::bigint as spent_fen
from coupon c
left join lateral (select count(*) as n, sum(r.discount_fen) as fen from redemption r
                   where r.code = c.code and r.bucket = c.bucket and r.state = 'done' and r.at <= %(since)s::timestamptz) u on true
where c.touch_id is not null and c.issued_at <= %(since)s::timestamptz
group by c.definition_id;

-- name: ends_before
-- When those coupons end.
insert into coupon_news (bucket, persons, expires_at)
select c.bucket, array_agg(c.person_id), c.expires_at from coupon c
where c.state = 'issued' and c.touch_id is not null group by c.bucket, c.expires_at;

-- name: numbers
-- Where the numbers of the live pond stand; those of the replay go on behind them.
select s.sequencename::text as name, s.last_value as value from pg_sequences s
where s.schemaname = current_schema() and s.last_value is not null;

-- name: count_on
select setval(%(name)s::text::regclass, %(value)s::bigint) as value;

-- name: entries
-- Who came in, by journey and arm. Here and below, n counts, and squares is the sum of the squares of each person's count: what a
-- sample's interval is made of.
select q.journey_id, q.arm, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select e.journey_id, e.arm, count(*) as n from enrolment e
      where e.entered_at > %(since)s::timestamptz group by e.journey_id, e.arm, e.person_id) q
group by q.journey_id, q.arm order by q.journey_id, q.arm;

-- name: entries_by_day
select q.journey_id, q.day, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select e.journey_id, (e.entered_at at time zone %(zone)s::text)::date as day, count(*) as n from enrolment e
      where e.entered_at > %(since)s::timestamptz group by 1, 2, e.person_id) q
group by q.journey_id, q.day order by q.journey_id, q.day;

-- name: steps
-- How often each line was passed, and with what outcome.
select q.journey_id, q.version, q.step, q.outcome, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select s.journey_id, coalesce(s.version, e.version) as version, s.step, s.outcome, count(*) as n
      from step s join enrolment e on e.bucket = s.bucket and e.person_id = s.person_id and e.journey_id = s.journey_id and e.cause = s.cause
      where s.at > %(since)s::timestamptz and s.journey_id = any(%(journeys)s::int[]) group by 1, 2, 3, 4, s.person_id) q
group by 1, 2, 3, 4 order by 1, 2, 3, 4;

-- name: steps_by_day
select q.journey_id, q.version, q.step, q.day, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select s.journey_id, coalesce(s.version, e.version) as version, s.step, (s.at at time zone %(zone)s::text)::date as day, count(*) as n
      from step s join enrolment e on e.bucket = s.bucket and e.person_id = s.person_id and e.journey_id = s.journey_id and e.cause = s.cause
      where s.at > %(since)s::timestamptz and s.journey_id = any(%(journeys)s::int[]) group by 1, 2, 3, 4, s.person_id) q
group by 1, 2, 3, 4 order by 1, 2, 3, 4;

-- name: said
-- What the drafts proposed to say on each of their lines, and when; whether it was sent is another question.
select q.journey_id, q.number, q.day, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select t.journey_id, t.step as number, (t.at at time zone %(zone)s::text)::date as day, count(*) as n from touch t
      where t.at > %(since)s::timestamptz and t.journey_id = any(%(journeys)s::int[]) group by 1, 2, 3, t.person_id) q
group by 1, 2, 3 order by 1, 2, 3;

-- name: said_in_all
select q.journey_id, q.number, 'said' as outcome, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select t.journey_id, t.step as number, count(*) as n from touch t
      where t.at > %(since)s::timestamptz and t.journey_id = any(%(journeys)s::int[]) group by 1, 2, t.person_id) q
group by 1, 2 order by 1, 2;

-- name: ends
-- How runs ended, or that they are still under way.
select q.journey_id, q.state, q.reason, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select e.journey_id, e.state, e.reason, count(*) as n from enrolment e
      where e.entered_at > %(since)s::timestamptz group by e.journey_id, e.state, e.reason, e.person_id) q
group by 1, 2, 3 order by 1, 2, 3;

-- name: verdicts
-- What was said of the touches in the end. A touch that was judged to be sent and whose sending failed says why.
select q.journey_id, q.verdict, q.reason, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select t.journey_id, case when a.state = 'failed' then 'failed' else t.verdict end as verdict,
             case when a.state = 'failed' then a.reason else t.reason end as reason, count(*) as n
      from touch t left join attempt a on a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
      where t.at > %(since)s::timestamptz group by 1, 2, 3, t.person_id) q
group by 1, 2, 3 order by 1, 2, 3;

-- name: sent_by_channel
select q.journey_id, q.channel, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select t.journey_id, t.channel, count(*) as n from touch t
      where t.verdict = 'send' and t.judged_at > %(since)s::timestamptz group by t.journey_id, t.channel, t.person_id) q
group by 1, 2 order by 1, 2;

-- name: sent_by_day
select q.channel, q.day, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select t.channel, (t.judged_at at time zone %(zone)s::text)::date as day, count(*) as n from touch t
      where t.verdict = 'send' and t.judged_at > %(since)s::timestamptz group by 1, 2, t.person_id) q
group by 1, 2 order by 1, 2;

-- name: sent_per_person
-- How many people got how many touches; those who got none are not in it.
select q.n as touches, count(*)::bigint as n
from (select count(*) as n from touch t where t.verdict = 'send' and t.judged_at > %(since)s::timestamptz group by t.bucket, t.person_id) q
group by q.n order by q.n;

-- name: most_per_span
-- The most that one person, and that all together, got of a channel in one span of its calendar.
select q.span, max(q.n)::bigint as most, count(*) filter (where q.n > %(amount)s::bigint)::bigint as over, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select date_trunc(%(span)s::text, t.judged_at at time zone %(zone)s::text)::date as span, t.person_id, count(*) as n from touch t
      where t.channel = %(channel)s::text and t.verdict = 'send' and t.judged_at > %(since)s::timestamptz group by 1, 2) q
group by q.span order by q.span;

-- name: collisions
-- Touches that had to wait because of another one: the winner of the same slot, or what the budget had been spent on.
with held as (
    select t.bucket, t.person_id, t.touch_id, t.journey_id, v.word ->> 'reason' as reason, (v.word ->> 'at')::timestamptz as at,
           (v.word ->> 'lost_to')::bigint as lost_to
    from touch t
    join decision d on d.bucket = t.bucket and d.person_id = t.person_id and d.touch_id = t.touch_id
    cross join lateral jsonb_array_elements(d.trail) as v (word)
    where t.at > %(since)s::timestamptz and (t.trail is not null or t.verdict <> 'send') and v.word ->> 'reason' in ('capped', 'outbid')),
met as (
    select h.journey_id, h.reason, h.person_id, h.touch_id, o.journey_id as other_id
    from held h join touch o on o.bucket = h.bucket and o.person_id = h.person_id and o.touch_id = h.lost_to
    where h.reason = 'outbid'
    union
    select h.journey_id, h.reason, h.person_id, h.touch_id, o.journey_id
    from held h join touch o on o.bucket = h.bucket and o.person_id = h.person_id
    where h.reason = 'capped' and o.verdict = 'send' and o.judged_at <= h.at and o.judged_at > h.at - %(window)s::interval and o.touch_id <> h.touch_id)
select q.journey_id, q.other_id, q.reason, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares
from (select m.journey_id, m.other_id, m.reason, count(distinct m.touch_id) as n from met m group by 1, 2, 3, m.person_id) q
group by 1, 2, 3 order by 4 desc, 1, 2, 3;

-- name: coupons
-- What the replay's own journeys gave out: how many, what they were expected to cost, and what became of them.
select q.journey_id, q.definition_id, sum(q.n)::bigint as n, sum(q.n * q.n)::bigint as squares,
       sum(q.worth)::bigint as worth, sum(q.worth * q.worth)::float8 as worth_squares,
       sum(q.redeemed)::bigint as redeemed, sum(q.redeemed * q.redeemed)::bigint as redeemed_squares,
       sum(q.cost)::bigint as cost, sum(q.cost * q.cost)::float8 as cost_squares,
       sum(q.owed)::bigint as owed, sum(q.owed * q.owed)::float8 as owed_squares
from (select t.journey_id, c.definition_id, count(*) as n, sum(c.value_fen) as worth, coalesce(sum(r.n), 0) as redeemed,
             coalesce(sum(r.fen), 0) as cost, coalesce(sum(c.value_fen) filter (where c.state = 'issued'), 0) as owed
      from coupon c
      join touch t on t.bucket = c.bucket and t.person_id = c.person_id and t.touch_id = c.touch_id
      left join lateral (select count(*) as n, sum(r.discount_fen) as fen from redemption r
                         where r.code = c.code and r.bucket = c.bucket and r.state = 'done') r on true
      where c.issued_at > %(since)s::timestamptz group by t.journey_id, c.definition_id, c.person_id) q
group by 1, 2 order by 1, 2;

-- name: given
-- The coupons of the drafts that may cost something yet, by tenths of their life, with ten equally likely worths. What only the replay
-- has given, nobody could use in it: as if just given. What the past has given too was used there or not: only what is still open.
select c.definition_id, coalesce(c.rung, 0) as rung,
       case when r.code is null then 0 else coalesce(least(9, floor(10 * extract(epoch from %(until)s::timestamptz - c.issued_at)
                                         / nullif(extract(epoch from c.expires_at - c.issued_at), 0))), 0) end::int as age, count(*)::int as n,
       percentile_disc(array[0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]) within group (order by c.value_fen) as values
from coupon c
join touch t on t.bucket = c.bucket and t.person_id = c.person_id and t.touch_id = c.touch_id
left join recorded r on r.touch_id = c.touch_id and r.code is not null
where c.issued_at > %(since)s::timestamptz and t.journey_id = any(%(journeys)s::int[])
  and (r.code is null or c.state in ('issued', 'reserved') and (c.expires_at is null or c.expires_at > %(until)s::timestamptz))
group by 1, 2, 3 order by 1, 2, 3;

-- name: spent
-- What uses of the drafts' coupons have cost in the replay.
select coalesce(sum(q.fen), 0)::bigint as n, coalesce(sum(q.fen * q.fen), 0)::float8 as squares
from (select sum(r.discount_fen) as fen
      from coupon c
      join touch t on t.bucket = c.bucket and t.person_id = c.person_id and t.touch_id = c.touch_id
      join redemption r on r.code = c.code and r.bucket = c.bucket and r.state = 'done'
      where c.issued_at > %(since)s::timestamptz and t.journey_id = any(%(journeys)s::int[]) group by c.bucket, c.person_id) q;

-- name: stocked
-- What of each offer is gone already.
select s.definition_id, s.issued, s.spent_fen + s.reserved_fen as gone_fen from stock s;

-- name: anyway
-- Who bought soon after entering, of those whom the live pond had left alone until then (who did not buy: all the time): they would
-- have bought without this journey. What whoever was touched would have done, nobody knows. A touch after the order, such as a thank-you
-- for it, takes nothing away. `given`: those of them to whom it gave a coupon.
with came as (
    select e.bucket, e.person_id, min(e.entered_at) as at,
           exists (select from coupon c join touch t on t.bucket = c.bucket and t.person_id = c.person_id and t.touch_id = c.touch_id
                   where c.bucket = e.bucket and c.person_id = e.person_id and t.journey_id = any(%(journeys)s::int[])) as given
    from enrolment e
    where e.journey_id = any(%(journeys)s::int[]) and e.entered_at > %(since)s::timestamptz and e.entered_at <= %(until)s::timestamptz - %(within)s::interval
    group by e.bucket, e.person_id)
select count(*) as entered, count(*) filter (where u.untouched) as untouched, count(*) filter (where u.untouched and b.at is not null) as bought,
       count(*) filter (where c.given) as given, count(*) filter (where c.given and u.untouched) as given_untouched,
       count(*) filter (where c.given and u.untouched and b.at is not null) as given_bought
from came c
left join lateral (
    select min(p.at) as at from person_event p
    where p.bucket = c.bucket and p.person_id = c.person_id and p.type = 'ordered' and p.at > c.at and p.at <= c.at + %(within)s::interval) b on true
cross join lateral (
    select not exists (select from recorded r where r.person_id = c.person_id and r.sent_at > c.at - %(window)s::interval
                       and r.sent_at <= coalesce(b.at, c.at + %(within)s::interval)) as untouched) u;

-- name: lost_codes
-- Redemptions and orders of the time that spoke of a coupon which the replay did not give.
select count(*) filter (where a.type = 'coupon_redeemed') as redemptions, count(*) filter (where a.type = 'ordered') as orders
from agenda a
where cardinality(a.codes) > 0 and a.arrives_at > %(since)s::timestamptz and a.arrives_at <= %(until)s::timestamptz and not exists (
    select from unnest(a.codes) as c (code)
    left join recorded r on r.code = c.code
    left join touch t on t.bucket = (r.person_id & 1023)::smallint and t.person_id = r.person_id and t.touch_id = r.touch_id
    left join coupon k on k.code = c.code
    where coalesce(k.code, t.coupon) is not null);

-- name: size
-- Bytes of the tables that speak of people, and about how many facts there are.
select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint as size,
       coalesce(max(greatest(c.reltuples, pg_relation_size(c.oid) / 200)) filter (where c.relname = 'person_event'), 0)::float8 as events
from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'bucket' and not a.attisdropped);

-- name: data_folder
-- Where the database lies, if this user may know.
select case when pg_has_role('pg_read_all_settings', 'member') then current_setting('data_directory') end as folder;
