-- writer: decide. What a journey proposed to say, and what was said of it: send, hold until retry_at, or no. One row, as two
-- would cost twice as much. `spent` (points of its class in the window before it) and `lost_to` are the facts of the newest
-- verdict; `trail` keeps the verdicts before it. channel: the one that was chosen of `channels` (null: there was no choice).
-- price: the points that it takes of the person's budget, if it is sent. value_fen: what it was expected to bring.
create table touch (
    bucket smallint not null,
    person_id bigint not null,
    journey_id int not null,
    cause text not null,
    step int not null,
    move int not null,
    touch_id bigint not null,
    version int not null,
    arm text not null,
    channel text not null,
    channels text[],
    price smallint not null default 0,
    message_id int not null,
    message_version int not null,
    offer_id int,
    rung smallint,
    class text not null default 'marketing' check (class in ('service', 'companion', 'marketing')),
    value_fen bigint not null,
    value_trait text,
    at timestamptz not null,
    deadline timestamptz not null,
    verdict text not null check (verdict in ('send', 'hold', 'no')),
    reason text,
    judged_at timestamptz not null,
    retry_at timestamptz,
    coupon text,
    spent int not null default 0,
    lost_to bigint,
    trail jsonb,
    xid xid8 not null default pg_current_xact_id(),
    primary key (bucket, person_id, journey_id, cause, step, move)
);
create index touch_retry on touch (retry_at) where verdict = 'hold';
create index touch_send on touch (xid) where verdict = 'send';

-- The decisions alone. `trail` is every verdict in order, [{"at", "verdict", "reason", …facts}], so that `why` can tell what
-- held a touch before it went out.
create view decision as
select t.bucket, t.person_id, t.touch_id, t.verdict, t.reason, t.judged_at as at, t.retry_at, t.coupon, t.class, t.xid,
       coalesce(t.trail, '[]') || jsonb_strip_nulls(jsonb_build_object('at', t.judged_at, 'verdict', t.verdict, 'reason', t.reason,
           'spent', t.spent, 'lost_to', t.lost_to, 'value_fen', case when t.lost_to is not null then t.value_fen end,
           'coupon', t.coupon)) as trail
from touch t;

-- What staff wrote by hand: it happens anyway, so it is counted and never held.
create view staff_message as
select e.bucket, e.person_id, e.at, coalesce(e.props ->> 'channel', 'staff') as channel from person_event e where e.type = 'staff_messaged';
create index person_event_staff_message on person_event (bucket, person_id, at) where type = 'staff_messaged';

-- A person's word that we are not to write: on a channel, or ('consent_withdrawn') as it says.
create view farewell as
select * from person_event
where type in ('consent_withdrawn', 'unfollowed', 'contact_lost') or (type = 'message_failed' and props ->> 'reason' = 'blocked');
create index person_event_farewell on person_event (bucket, person_id)
    where type in ('consent_withdrawn', 'unfollowed', 'contact_lost') or (type = 'message_failed' and props ->> 'reason' = 'blocked');
create index person_event_farewell_xid on person_event (xid)
    where type in ('consent_withdrawn', 'unfollowed', 'contact_lost') or (type = 'message_failed' and props ->> 'reason' = 'blocked');

-- Channels by which a person cannot be reached any more: they have left or blocked us, and have not come back since. A contact is
-- with one member of staff, and is lost only when nobody has it any more.
create view shut as
select f.bucket, f.person_id, f.props ->> 'channel' as channel
from farewell f
where f.type <> 'consent_withdrawn' and not exists (
    select from person_event o
    where o.bucket = f.bucket and o.person_id = f.person_id and o.type in ('followed', 'contact_added', 'contact_moved')
      and o.props ->> 'channel' = f.props ->> 'channel' and not exists (
          select from farewell l
          where l.bucket = f.bucket and l.person_id = f.person_id and l.type <> 'consent_withdrawn' and l.at >= o.at
            and l.props ->> 'channel' = o.props ->> 'channel'
            and coalesce(l.props ->> 'staff', o.props ->> 'staff', '') = coalesce(o.props ->> 'staff', '')));

-- Why a person may not be written to on a channel about something of a class; null: they may. The later word of the channel and of
-- '*' counts, a withdrawal wins a tie; a class that was withdrawn is closed on every channel. consenting: must it have been given?
-- Of one statement, so that the planner folds it into the one that asks.
create function closed(smallint, bigint, channel text, class text, consenting boolean) returns table (reason text)
language sql stable as $$
    select case
        when exists (select from shut s where s.bucket = $1 and s.person_id = $2 and s.channel = $3) then 'blocked'
        when kind.given is false or not coalesce(case when own.at > every.at then own.given when own.at < every.at then every.given
            else coalesce(own.given and every.given, own.given, every.given) end, not consenting) then 'no_consent' end
    from (values (1)) as one
    left join consent own on own.bucket = $1 and own.person_id = $2 and own.channel = $3
    left join consent every on every.bucket = $1 and every.person_id = $2 and every.channel = '*'
    left join consent kind on kind.bucket = $1 and kind.person_id = $2 and kind.channel = 'class:' || $4
$$;

-- When the quiet that holds an instant ends where the clocks are those of `zone`; null outside it. A holiday is quiet all day;
-- quiet hours may run over midnight.
create function quiet_until(instant timestamptz, zone text, begins time, ends time, holidays date[]) returns timestamptz
language plpgsql stable as $$
declare
    here timestamp := instant at time zone zone;
    hour time := here::time;
    next date := here::date;
    night boolean := case when begins <= ends then hour >= begins and hour < ends else hour >= begins or hour < ends end;
    holiday boolean := next = any (holidays);
begin
    if not night and not holiday then
        return null;
    end if;
    if holiday or hour >= ends then
        next := next + 1;
    end if;
    while next = any (holidays) loop
        next := next + 1;
    end loop;
    return (next + case when begins > ends or (night and not holiday) then ends else time '00:00' end) at time zone zone;
end $$;

-- Touches of one person that all may be sent, one after the other: each takes its points if they are left, of its class and in all,
-- and one that finds too few is passed over. A service is not held by the points in all, but takes them.
-- State: points taken by service, companion, marketing and in all; then the best touch that took any, in the same order; then whether
-- this one may be sent (1 or 0) and which touch stands in its way.
create function admit(state bigint[], class text, price int, room int, room_in_all int, touch_id bigint) returns bigint[]
language plpgsql immutable as $$
declare
    n int := array_position(array['service', 'companion', 'marketing'], class);
begin
    state := coalesce(state, array[0, 0, 0, 0, null, null, null, null, 0, null]::bigint[]);
    if price > 0 and state[n] + price > room then
        state[9] := 0;
        state[10] := state[4 + n];
    elsif price > 0 and n > 1 and state[4] + price > room_in_all then
        state[9] := 0;
        state[10] := state[8];
    else
        state[n] := state[n] + price;
        state[4] := state[4] + price;
        state[4 + n] := coalesce(state[4 + n], touch_id);
        state[8] := coalesce(state[8], touch_id);
        state[9] := 1;
        state[10] := null;
    end if;
    return state;
end $$;
create aggregate admitted(class text, price int, room int, room_in_all int, touch_id bigint) (sfunc = admit, stype = bigint[]);
