-- name: people
-- Who is there, and what they did; from the facts, not from what was fed.
select (select count(*) from person where merged_into is null) as persons,
       (select count(*) from event) as events,
       (select count(*) from reject) as rejected,
       (select coalesce(sum(n), 0)::bigint from tally where type = 'ordered') as orders,
       (select coalesce(sum(amount), 0)::bigint from tally where type = 'ordered') as sales_fen;

-- name: journeys
-- Every journey in service, the ones nobody entered too.
select d.name, count(e.person_id) as entries
from unnest(%(ids)s::int[], %(names)s::text[]) as d (journey_id, name)
left join enrolment e on e.journey_id = d.journey_id and e.gone_to is null
group by d.name order by d.name;

-- name: sent
select count(*) as touches from attempt where state = 'sent';

-- name: held
-- Every touch that was not sent, by the last reason that was given for it.
select coalesce(a.reason, d.reason) as reason, count(*) as touches
from decision d
left join attempt a on a.bucket = d.bucket and a.person_id = d.person_id and a.touch_id = d.touch_id
where d.verdict <> 'send' or a.state in ('waiting', 'failed')
group by 1 order by 2 desc, 1;

-- name: once_held
-- Touches that waited at some time, whether they went out later or not.
select count(*) as touches from touch where verdict = 'hold' or trail is not null;

-- name: own_coupons
-- The coupons that our own journeys gave out.
select count(*) as issued, count(*) filter (where state = 'redeemed') as redeemed from coupon where touch_id is not null;

-- name: progress
-- How far the numbers of events and touches have come: read from the ends of two indexes.
select coalesce((select max(event_id) from event), 0) as events, coalesce((select max(touch_id) from sandbox_message), 0) as touches;

-- name: open_coupons
-- What people of a shop hold and were told of: the best first.
select s.value as member, c.code, c.pay_percent, c.off_fen, c.minimum_fen
from coupon c
join attempt a on a.bucket = c.bucket and a.person_id = c.person_id and a.touch_id = c.touch_id and a.state = 'sent'
join handle_shown s on s.person_id = c.person_id and s.kind = %(kind)s::text
where c.state = 'issued' and c.valid_from <= %(now)s::timestamptz and c.expires_at > %(now)s::timestamptz
order by s.value, c.pay_percent nulls last, c.off_fen desc, c.issued_at, c.touch_id;

-- name: city
-- What happened between the brand and its contacts. welcomed: answered by the first message to a new contact.
select (select count(*) from person where merged_into is null) as persons,
       (select count(*) from event where type = 'contact_added') as contacts_added,
       (select count(*) from event where type = 'contact_added' and props ? 'code') as by_code,
       (select count(*) from attempt a join touch t using (bucket, person_id, touch_id)
        join definition j on j.definition_id = t.journey_id and j.version = t.version
        where j.name = 'reception' and a.state = 'sent') as welcomed,
       (select count(*) from event where type = 'message_assigned') as tasks_assigned,
       (select count(*) from attempt where state = 'sent') as touches_sent,
       (select count(*) from attempt where state = 'failed' and reason = 'not_sent') as tasks_not_tapped,
       (select count(*) from event where type = 'group_joined') as groups_joined,
       (select count(*) from event where type = 'contact_lost' and props ->> 'by' = 'customer') as contacts_lost,
       (select count(*) from event where type = 'contact_moved') as contacts_inherited,
       (select count(*) from event where type = 'ordered') as orders,
       (select count(*) from coupon where touch_id is not null) as coupons_issued,
       (select count(*) from coupon where touch_id is not null and state = 'redeemed') as coupons_redeemed;
