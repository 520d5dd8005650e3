-- A run is that of whoever holds the facts of the person who began it. origin_id: that person, where the run has gone on as another's.
-- gone_to: whose it has become; the row that stays behind has ended, and is walked no more.
alter table enrolment add column origin_id bigint, add column gone_to bigint;
create index enrolment_gone on enrolment (xid) where gone_to is not null;
-- Runs that a join ended before this are over: it is not known when they were due.
update enrolment e set gone_to = p.merged_into from person p
where e.reason = 'merged' and p.bucket = e.bucket and p.person_id = e.person_id;

-- Runs whose event was taken back.
create view run_undone as select * from enrolment where reason = 'undone';
create index enrolment_undone on enrolment (xid) where reason = 'undone';

-- Runs that count for whoever may not enter again: one that has gone on counts there, and one whose event was taken back only if something
-- was sent from it.
create view run_had as
select * from enrolment e
where e.gone_to is null and (e.reason is distinct from 'undone' or exists (
    select from touch t join attempt a on a.bucket = t.bucket and a.person_id = t.person_id and a.touch_id = t.touch_id
    where t.bucket = e.bucket and t.person_id = e.person_id and t.journey_id = e.journey_id and t.cause = e.cause and a.state <> 'failed'));

create or replace view ended_below as select * from enrolment where state <> 'active' and cause like 'journey:%';

-- writer: identity. Events that have become facts about another person after journeys had read them: they begin nothing once more. xid: of the
-- transaction that moved them; the row goes when that has been read too.
create table event_again (
    event_id bigint primary key,
    xid xid8 not null default pg_current_xact_id()
);

-- A worker that had it in hand never said what became of it: it may have arrived, so its points are spent even if it fails in the end.
alter table attempt add column in_doubt boolean not null default false;
