-- name: lock_account
-- Rows are read, folded and written back: one at a time per account, or a change could be lost between the two.
select pg_advisory_xact_lock(hashtextextended('wecom ' || %(account)s::text, 0));

-- name: add_errands
-- One that is being done keeps its claim, and is done again afterwards.
insert into wecom_errand as e (account, kind, key, args, due_at, at)
select %(account)s::text, n.kind, n.key, n.args, n.due_at, %(now)s::timestamptz
from unnest(%(kinds)s::text[], %(keys)s::text[], %(args)s::jsonb[], %(dues)s::timestamptz[]) as n (kind, key, args, due_at)
order by n.kind, n.key
on conflict (account, kind, key) do update set asked = e.asked + 1, args = e.args || excluded.args,
    due_at = case when e.state = 'waiting' then least(e.due_at, excluded.due_at)
                  when e.state = 'failed' then excluded.due_at else e.due_at end,
    tries = case when e.state = 'claimed' then e.tries else 0 end,
    state = case when e.state = 'failed' then 'waiting' else e.state end;

-- name: claim_errands
-- due_at of a claimed one is the end of its lease.
with next as (
    select account, kind, key, due_at from wecom_errand
    where account = %(account)s::text and state in ('waiting', 'claimed') and due_at <= %(now)s::timestamptz
      and kind = any(%(kinds)s::text[])
    order by due_at limit %(limit)s::int for update skip locked)
update wecom_errand e set state = 'claimed', tries = e.tries + 1, token = %(token)s::text, due_at = %(until)s::timestamptz
from next where e.account = next.account and e.kind = next.kind and e.key = next.key
returning e.kind, e.key, e.args, e.tries, e.asked, next.due_at as wanted_at;

-- name: end_errand
-- Asked for again while it was being done: back in the queue, as new.
update wecom_errand set state = 'waiting', tries = 0, asked = 1, token = null, error = null, due_at = %(now)s::timestamptz
where account = %(account)s::text and kind = %(kind)s::text and key = %(key)s::text and token = %(token)s::text
  and asked > %(asked)s::int;

-- name: remove_errand
delete from wecom_errand
where account = %(account)s::text and kind = %(kind)s::text and key = %(key)s::text and token = %(token)s::text;

-- name: postpone_errand
update wecom_errand set state = 'waiting', token = null, due_at = %(until)s::timestamptz,
    error = nullif(%(error)s::text, ''), tries = tries - (%(free)s::boolean)::int
where account = %(account)s::text and kind = %(kind)s::text and key = %(key)s::text and token = %(token)s::text;

-- name: fail_errand
update wecom_errand set state = 'failed', token = null, error = %(error)s::text
where account = %(account)s::text and kind = %(kind)s::text and key = %(key)s::text and token = %(token)s::text;

-- name: relations
-- The rows of these pairs.
select r.* from unnest(%(externals)s::text[], %(users)s::text[]) as p (external_userid, userid)
join wecom_relation r on r.account = %(account)s::text and r.external_userid = p.external_userid and r.userid = p.userid;

-- name: keep_relations
insert into wecom_relation as r (account, external_userid, userid, state, since, lost_at, state_param, add_way, remark,
    description, tags, personal_tags, changed_at, synced_at, seen_run)
select %(account)s::text, n.* from jsonb_to_recordset(%(rows)s::jsonb) as n (external_userid text, userid text, state text,
    since timestamptz, lost_at timestamptz, state_param text, add_way int, remark text, description text, tags text[],
    personal_tags text[], changed_at timestamptz, synced_at timestamptz, seen_run bigint)
on conflict (account, external_userid, userid) do update set state = excluded.state, since = excluded.since,
    lost_at = excluded.lost_at, state_param = excluded.state_param, add_way = excluded.add_way, remark = excluded.remark,
    description = excluded.description, tags = excluded.tags, personal_tags = excluded.personal_tags,
    changed_at = excluded.changed_at, synced_at = excluded.synced_at, seen_run = excluded.seen_run;

-- name: followers
-- Whom these contacts are with, as far as we know. Those of staff who have left wait for an heir, and are shown nowhere.
select r.external_userid, r.userid from wecom_relation r
left join wecom_staff s on s.account = r.account and s.userid = r.userid
where r.account = %(account)s::text and r.external_userid = any(%(externals)s::text[])
  and r.state in ('active', 'pending') and s.state is distinct from 'left';

-- name: codes_of_states
-- Our own codes behind these states, retired ones too: somebody may have kept the picture.
select state, name, store, cardinality(tags) > 0 or remark <> '' as dresses from wecom_code
where account = %(account)s::text and ours and state = any(%(states)s::text[]);

-- name: moves
-- Handings-over under way, or just done, by which a member of staff may get these contacts.
select distinct on (t.id, t.takeover) t.id as external_userid, t.handover, t.takeover, t.begun_at
from unnest(%(externals)s::text[]) as p (external_userid)
join wecom_transfer t on t.account = %(account)s::text and t.kind = 'customer' and t.id = p.external_userid
where t.state in ('waiting', 'done') and (t.ended_at is null or t.ended_at > %(now)s::timestamptz - interval '7 days')
order by t.id, t.takeover, t.begun_at desc;

-- name: moved
-- Each handing-over is told once; returns those that were not told yet.
update wecom_transfer t set told_at = %(now)s::timestamptz
from unnest(%(externals)s::text[], %(handovers)s::text[], %(takeovers)s::text[], %(begun)s::timestamptz[])
     as m (external_userid, handover, takeover, begun_at)
where t.account = %(account)s::text and t.kind = 'customer' and t.id = m.external_userid and t.handover = m.handover
  and t.takeover = m.takeover and t.begun_at = m.begun_at and t.told_at is null
returning t.id as external_userid, t.handover, t.takeover, t.begun_at;

-- name: unionids
select external_userid, unionid from wecom_contact
where account = %(account)s::text and external_userid = any(%(externals)s::text[]) and unionid is not null;

-- name: keep_welcomes
-- A code is good for some seconds only; one that was heard of twice is one.
insert into wecom_welcome (account, external_userid, staff, code, state_param, at, expires_at)
select %(account)s::text, n.* from unnest(%(externals)s::text[], %(users)s::text[], %(codes)s::text[], %(states)s::text[],
    %(ats)s::timestamptz[], %(expires)s::timestamptz[]) as n
on conflict do nothing;

-- name: transfer_failed
-- A callback says that a handing-over came to nothing.
update wecom_transfer t set state = n.state, ended_at = n.at
from unnest(%(externals)s::text[], %(takeovers)s::text[], %(states)s::text[], %(ats)s::timestamptz[])
     as n (external_userid, takeover, state, at)
where t.account = %(account)s::text and t.kind = 'customer' and t.id = n.external_userid and t.takeover = n.takeover
  and t.state in ('planned', 'waiting') and t.begun_at <= n.at;

-- name: keep_contacts
-- Returns those of whom something is new that a fact can say. A unionid once known is not taken back.
with given as (
    select g.* from jsonb_to_recordset(%(rows)s::jsonb) as g (external_userid text, name text, avatar text, type int,
        gender int, unionid text)),
fresh as (
    select g.external_userid, g.name, g.avatar, g.type, g.gender, coalesce(nullif(g.unionid, ''), c.unionid) as unionid,
           (c.external_userid is null or c.synced_at is null
            or (g.name, g.gender, coalesce(nullif(g.unionid, ''), c.unionid)) is distinct from (c.name, c.gender, c.unionid)) as news
    from given g left join wecom_contact c on c.account = %(account)s::text and c.external_userid = g.external_userid),
kept as (
    insert into wecom_contact as c (account, external_userid, name, avatar, type, gender, unionid, version, synced_at)
    select %(account)s::text, f.external_userid, f.name, f.avatar, f.type, f.gender, f.unionid, 1, %(now)s::timestamptz
    from fresh f
    on conflict (account, external_userid) do update set name = excluded.name, avatar = excluded.avatar,
        type = excluded.type, gender = excluded.gender, unionid = excluded.unionid, synced_at = excluded.synced_at,
        version = c.version + (select f.news from fresh f where f.external_userid = c.external_userid)::int
    returning c.external_userid, c.name, c.gender, c.unionid, c.version)
select k.* from kept k join fresh f on f.external_userid = k.external_userid where f.news order by k.external_userid;

-- name: manage_tags
-- Which tags are ours, by 'group/name'.
update wecom_tag set machine = (group_name || '/' || name) = any(%(tags)s::text[])
where account = %(account)s::text and machine <> ((group_name || '/' || name) = any(%(tags)s::text[]));

-- name: drop_tag_errands
-- Tags that are not to be made any more.
delete from wecom_errand
where account = %(account)s::text and kind = 'tag' and state <> 'claimed' and key <> all(%(tags)s::text[]);

-- name: managed_tags
select tag, min(state) as state from (
    select group_name || '/' || name as tag, case when deleted then 'deleted' else 'managed' end as state
    from wecom_tag where account = %(account)s::text and machine
    union all
    select key, 'making' from wecom_errand where account = %(account)s::text and kind = 'tag') t
group by tag order by tag;

-- name: missing_tags
select n.tag from unnest(%(tags)s::text[]) as n (tag)
where not exists (select from wecom_tag t
                  where t.account = %(account)s::text and not t.deleted and t.group_name || '/' || t.name = n.tag);

-- name: take_over_tag
update wecom_tag set machine = true
where account = %(account)s::text and not deleted and group_name || '/' || name = %(tag)s::text;

-- name: wish
-- Wishes for tags that are ours, or that are being made to be ours.
insert into wecom_wish as w (account, external_userid, tag, wanted, at)
select %(account)s::text, n.external_userid, n.tag, n.wanted, %(now)s::timestamptz
from unnest(%(externals)s::text[], %(tags)s::text[], %(wanted)s::boolean[]) as n (external_userid, tag, wanted)
where exists (select from wecom_tag t where t.account = %(account)s::text and t.machine and not t.deleted
                and t.group_name || '/' || t.name = n.tag)
   or exists (select from wecom_errand e where e.account = %(account)s::text and e.kind = 'tag' and e.key = n.tag)
order by n.external_userid, n.tag
on conflict (account, external_userid, tag) do update set wanted = excluded.wanted, at = excluded.at
where w.wanted <> excluded.wanted
returning external_userid;

-- name: unmirrored
-- Where a relation's tags are not as wanted, and what to change. Both sides of a follower who is lost are left alone.
select w.external_userid, r.userid,
       coalesce(array_agg(t.tag_id order by t.tag_id) filter (where w.wanted), '{}') as add,
       coalesce(array_agg(t.tag_id order by t.tag_id) filter (where not w.wanted), '{}') as remove
from wecom_wish w
join wecom_tag t on t.account = w.account and t.machine and not t.deleted and t.group_name || '/' || t.name = w.tag
join wecom_relation r on r.account = w.account and r.external_userid = w.external_userid and r.state = 'active'
where w.account = %(account)s::text and w.external_userid = any(%(externals)s::text[])
  and w.wanted <> (t.tag_id = any(r.tags)) and r.synced_at is not null
  and not exists (select from wecom_staff s where s.account = r.account and s.userid = r.userid and s.state = 'left')
group by w.external_userid, r.userid
order by w.external_userid, r.userid;

-- name: marked
update wecom_relation set tags = array(
    select t from unnest(tags || %(add)s::text[]) as t where t <> all(%(remove)s::text[]) group by t order by t)
where account = %(account)s::text and external_userid = %(external)s::text and userid = %(userid)s::text;

-- name: tags_shown
-- What staff's tags say of these people now, beside what we told. settled: every relation has been read, so what is not
-- there is gone. ours: tags that are Yutang's to tell.
select c.external_userid, c.told_tags, c.version, c.unionid, bool_and(r.synced_at is not null) as settled,
       array(select distinct t.group_name || '/' || t.name from wecom_relation s cross join unnest(s.tags) as has (tag_id)
             join wecom_tag t on t.account = c.account and t.tag_id = has.tag_id and not t.deleted and not t.machine
             where s.account = c.account and s.external_userid = c.external_userid and s.state = 'active') as shown,
       array(select t.group_name || '/' || t.name from wecom_tag t where t.account = c.account and t.machine) as ours
from wecom_contact c
join wecom_relation r on r.account = c.account and r.external_userid = c.external_userid and r.state = 'active'
where c.account = %(account)s::text and c.external_userid = any(%(externals)s::text[])
group by c.account, c.external_userid
order by c.external_userid;

-- name: keep_told
update wecom_contact c set told_tags = n.tags, version = n.version
from jsonb_to_recordset(%(rows)s::jsonb) as n (external_userid text, version int, tags text[])
where c.account = %(account)s::text and c.external_userid = n.external_userid;

-- name: keep_tags
-- Returns the tags that are new, or called otherwise, or there again.
insert into wecom_tag as t (account, tag_id, group_id, group_name, name, position)
select %(account)s::text, n.* from jsonb_to_recordset(%(rows)s::jsonb)
    as n (tag_id text, group_id text, group_name text, name text, position bigint)
order by n.tag_id
on conflict (account, tag_id) do update set group_id = excluded.group_id, group_name = excluded.group_name,
    name = excluded.name, position = excluded.position, deleted = false
where (t.group_id, t.group_name, t.name, t.position, t.deleted)
    is distinct from (excluded.group_id, excluded.group_name, excluded.name, excluded.position, false)
returning tag_id;

-- name: drop_tags
update wecom_tag set deleted = true
where account = %(account)s::text and not deleted and tag_id <> all(%(ids)s::text[]) returning tag_id;

-- name: carriers
select distinct external_userid from wecom_relation
where account = %(account)s::text and tags && %(ids)s::text[];

-- name: wished_for
-- People whose wishes are about these tags.
select distinct w.external_userid from wecom_tag t
join wecom_wish w on w.account = t.account and w.tag = t.group_name || '/' || t.name
where t.account = %(account)s::text and t.tag_id = any(%(ids)s::text[]) and t.machine;

-- name: wishes_for
select external_userid from wecom_wish where account = %(account)s::text and tag = %(tag)s::text;

-- name: tag_ids
-- The ids behind 'group/name'.
select tag_id, group_name || '/' || name as tag from wecom_tag
where account = %(account)s::text and not deleted and group_name || '/' || name = any(%(tags)s::text[]);

-- name: groups
select chat_id, name, owner, state, member_version, changed_at from wecom_group
where account = %(account)s::text and chat_id = any(%(chats)s::text[]);

-- name: inside
-- Who is in these groups now.
select chat_id, member from wecom_group_member
where account = %(account)s::text and chat_id = any(%(chats)s::text[]) and left_at is null order by chat_id, member;

-- name: keep_versions
update wecom_group g set member_version = n.version, changed_at = n.at
from unnest(%(chats)s::text[], %(versions)s::text[], %(ats)s::timestamptz[]) as n (chat_id, version, at)
where g.account = %(account)s::text and g.chat_id = n.chat_id;

-- name: dismissed
update wecom_group g set state = 'dismissed', changed_at = n.at
from unnest(%(chats)s::text[], %(ats)s::timestamptz[]) as n (chat_id, at)
where g.account = %(account)s::text and g.chat_id = n.chat_id;

-- name: keep_members
-- joined tells whether they came or went at `at`.
insert into wecom_group_member as m (account, chat_id, member, kind, joined_at, way, state_param, left_at)
select %(account)s::text, n.chat_id, n.member, n.kind, n.at, n.way, n.state_param, case when not n.joined then n.at end
from jsonb_to_recordset(%(rows)s::jsonb)
    as n (chat_id text, member text, kind text, at timestamptz, joined boolean, way text, state_param text)
on conflict (account, chat_id, member) do update set left_at = excluded.left_at,
    joined_at = case when excluded.left_at is null then excluded.joined_at else m.joined_at end,
    way = case when excluded.left_at is null then excluded.way else m.way end,
    state_param = case when excluded.left_at is null then excluded.state_param else m.state_param end;

-- name: keep_group
insert into wecom_group as g (account, chat_id, name, owner, state, member_version, synced_at, seen_run)
values (%(account)s::text, %(chat)s::text, %(name)s::text, %(owner)s::text, 'normal', %(version)s::text,
        %(asked)s::timestamptz, %(run)s::bigint)
on conflict (account, chat_id) do update set name = excluded.name, owner = excluded.owner,
    member_version = excluded.member_version, synced_at = excluded.synced_at,
    state = case when g.state = 'dismissed' or (g.state = 'owner_left' and g.owner <> excluded.owner) then 'normal' else g.state end,
    seen_run = coalesce(excluded.seen_run, g.seen_run);

-- name: seen_groups
update wecom_group set seen_run = coalesce(%(run)s::bigint, seen_run)
where account = %(account)s::text and chat_id = any(%(chats)s::text[]);

-- name: add_staff
insert into wecom_staff (account, userid, seen_at)
select %(account)s::text, n.userid, %(now)s::timestamptz from unnest(%(users)s::text[]) as n (userid)
order by n.userid on conflict do nothing;

-- name: keep_staff
-- What is not said stays.
update wecom_staff s set name = coalesce(n.name, s.name), departments = coalesce(n.departments, s.departments),
    state = coalesce(n.state, s.state), in_range = coalesce(n.in_range, s.in_range), seen_at = %(now)s::timestamptz
from jsonb_to_recordset(%(rows)s::jsonb) as n (userid text, name text, departments text[], state text, in_range boolean)
where s.account = %(account)s::text and s.userid = n.userid;

-- name: owner_left
update wecom_group set state = 'owner_left'
where account = %(account)s::text and owner = any(%(users)s::text[]) and state in ('normal', 'inherited');

-- name: rename_staff
update wecom_staff set userid = %(after)s::text
where account = %(account)s::text and userid = %(before)s::text
  and not exists (select from wecom_staff where account = %(account)s::text and userid = %(after)s::text);

-- name: rename_follower
update wecom_relation r set userid = %(after)s::text
where r.account = %(account)s::text and r.userid = %(before)s::text
  and not exists (select from wecom_relation o where o.account = r.account and o.external_userid = r.external_userid
                    and o.userid = %(after)s::text);

-- name: rename_owner
update wecom_group set owner = %(after)s::text where account = %(account)s::text and owner = %(before)s::text;

-- name: rename_in_codes
update wecom_code set users = array_replace(users, %(before)s::text, %(after)s::text)
where account = %(account)s::text and %(before)s::text = any(users);

-- name: add_code
insert into wecom_code (account, name, state, users, chats, room_name, store, tags, remark, skip_verify, made_at)
values (%(account)s::text, %(name)s::text, %(state)s::text, %(users)s::text[], %(chats)s::text[], %(room_name)s::text,
        %(store)s::text, %(tags)s::text[], %(remark)s::text, %(skip_verify)s::boolean, %(now)s::timestamptz)
on conflict (account, name) do nothing;

-- name: update_code
-- Where nobody knows whether a code into groups was made, this is the word that it may be made once more.
update wecom_code set users = %(users)s::text[], chats = %(chats)s::text[], room_name = %(room_name)s::text,
    store = %(store)s::text, tags = %(tags)s::text[], remark = %(remark)s::text, skip_verify = %(skip_verify)s::boolean,
    problem = null, asked_at = case when cardinality(chats) > 0 and config_id is null then null else asked_at end
where account = %(account)s::text and name = %(name)s::text and ours and retired_at is null;

-- name: retire_code
update wecom_code set retired_at = coalesce(retired_at, %(now)s::timestamptz)
where account = %(account)s::text and name = %(name)s::text and ours;

-- name: codes
-- Ours, or the one of this name. dissolved, ownerless: its groups that are no more, and those whose owner has left.
select c.*, array(select g.chat_id from wecom_group g
                  where g.account = c.account and g.chat_id = any(c.chats) and g.state = 'dismissed' order by 1) as dissolved,
       array(select coalesce(nullif(g.name, ''), g.chat_id) || ' (' || g.owner || ')' from wecom_group g
             left join wecom_staff s on s.account = g.account and s.userid = g.owner
             where g.account = c.account and g.chat_id = any(c.chats)
               and (g.state = 'owner_left' or (g.state <> 'dismissed' and s.state = 'left')) order by 1) as ownerless
from wecom_code c
where c.account = %(account)s::text and (c.name = %(name)s::text or (%(name)s::text is null and c.ours))
order by c.name;

-- name: receivers
-- Whom and what a code may lead to.
select case when s.state = 'active' and s.in_range then 'staff' else 'left' end as sort, s.userid as id, s.name from wecom_staff s
where s.account = %(account)s::text
union all
select 'group', g.chat_id, g.name from wecom_group g where g.account = %(account)s::text and g.state <> 'dismissed'
order by sort, name, id;

-- name: group_codes
-- Codes in service that lead into groups.
select name from wecom_code
where account = %(account)s::text and ours and retired_at is null and cardinality(chats) > 0 order by name;

-- name: code_asked
-- now: none when the platform has refused, so that nothing was made.
update wecom_code set asked_at = %(now)s::timestamptz where account = %(account)s::text and name = %(name)s::text;

-- name: code_made
-- What the platform shows; without groups, those that we had.
update wecom_code set config_id = %(config_id)s::text, qr_code = coalesce(%(qr_code)s::text, qr_code), problem = null,
    chats = coalesce(nullif(%(chats)s::text[], '{}'), chats), shown_chats = %(chats)s::text[]
where account = %(account)s::text and name = %(name)s::text;

-- name: code_problem
update wecom_code set problem = %(problem)s::text where account = %(account)s::text and name = %(name)s::text;

-- name: take_off
-- Whoever has left stands on no code; where nobody would be left, the code keeps its people and says what is wrong.
update wecom_code c set users = case when cardinality(n.rest) > 0 then n.rest else c.users end,
    problem = case when cardinality(n.rest) > 0 then null else %(problem)s::text end
from (select o.name, array(select u from unnest(o.users) with ordinality as x (u, position)
                           where u <> all(%(leavers)s::text[]) order by position) as rest
      from wecom_code o
      where o.account = %(account)s::text and o.ours and o.retired_at is null and o.users && %(leavers)s::text[]) n
where c.account = %(account)s::text and c.name = n.name
returning c.name, c.problem;

-- name: remarked
update wecom_relation set remark = %(remark)s::text
where account = %(account)s::text and external_userid = %(external)s::text and userid = %(userid)s::text;

-- name: contact
select name, synced_at from wecom_contact where account = %(account)s::text and external_userid = %(external)s::text;

-- name: learn_tags
insert into wecom_tag (account, tag_id, group_id, group_name, name)
select distinct on (n.tag_id) %(account)s::text, n.tag_id, '', n.group_name, n.name
from unnest(%(ids)s::text[], %(groups)s::text[], %(names)s::text[]) as n (tag_id, group_name, name)
order by n.tag_id on conflict do nothing;

-- name: unknown_tags
select n.id from unnest(%(ids)s::text[]) as n (id)
where not exists (select from wecom_tag t where t.account = %(account)s::text and t.tag_id = n.id) limit 1;

-- name: code_of_config
select from wecom_code where account = %(account)s::text and config_id = %(config_id)s::text;

-- name: keep_found
-- One of ours that was made while its answer was lost is not taken for a stranger's.
insert into wecom_code (account, name, config_id, state, users, remark, skip_verify, qr_code, ours, made_at)
select %(account)s::text, %(name)s::text, %(name)s::text, %(state)s::text, %(users)s::text[], %(remark)s::text,
       %(skip_verify)s::boolean, %(qr_code)s::text, false, %(now)s::timestamptz
where not exists (select from wecom_code o where o.account = %(account)s::text and o.ours and o.state = %(state)s::text)
on conflict (account, name) do nothing;

-- name: seen_before
select count(*) as n from unnest(%(externals)s::text[], %(users)s::text[]) as p (external_userid, userid)
join wecom_relation r on r.account = %(account)s::text and r.external_userid = p.external_userid and r.userid = p.userid
where r.seen_run = %(run)s::bigint;

-- name: plan_transfer
-- All that somebody has, but for what is being handed over already.
insert into wecom_transfer (account, handover, takeover, kind, id, begun_at, resigned, state)
select %(account)s::text, %(handover)s::text, %(takeover)s::text, n.kind, n.id, %(begun)s::timestamptz,
       %(resigned)s::boolean, 'planned'
from (select 'group' as kind, chat_id as id from wecom_group
      where account = %(account)s::text and owner = %(handover)s::text and state <> 'dismissed'
      union all
      select 'customer', external_userid from wecom_relation
      where account = %(account)s::text and userid = %(handover)s::text and state = 'active'
      union all
      select 'code', name from wecom_code
      where account = %(account)s::text and ours and retired_at is null and %(handover)s::text = any(users)) n
where not exists (select from wecom_transfer t where t.account = %(account)s::text and t.kind = n.kind and t.id = n.id
                    and t.handover = %(handover)s::text and t.state in ('planned', 'waiting'))
on conflict do nothing;

-- name: transfers
select kind, id, takeover, state, errcode, begun_at, ended_at from wecom_transfer
where account = %(account)s::text and handover = %(handover)s::text order by begun_at desc, kind, id;

-- name: planned
select id, asked_at from wecom_transfer
where account = %(account)s::text and handover = %(handover)s::text and takeover = %(takeover)s::text
  and kind = %(kind)s::text and state = 'planned'
order by asked_at nulls last, id limit %(limit)s::int;

-- name: asking
update wecom_transfer set asked_at = %(now)s::timestamptz
where account = %(account)s::text and handover = %(handover)s::text and takeover = %(takeover)s::text
  and kind = %(kind)s::text and state = 'planned' and id = any(%(ids)s::text[]);

-- name: set_transfers
update wecom_transfer t set state = n.state, errcode = n.errcode, ended_at = %(ended)s::timestamptz
from unnest(%(ids)s::text[], %(states)s::text[], %(codes)s::int[]) as n (id, state, errcode)
where t.account = %(account)s::text and t.handover = %(handover)s::text and t.takeover = %(takeover)s::text
  and t.kind = %(kind)s::text and t.id = n.id and t.state in ('planned', 'waiting');

-- name: waiting
select id, id as external_userid, handover, takeover, begun_at from wecom_transfer
where account = %(account)s::text and handover = %(handover)s::text and takeover = %(takeover)s::text
  and kind = 'customer' and state = 'waiting' order by id;

-- name: replace_in_codes
update wecom_code c set problem = null, users = array(
    select distinct on (u) u from unnest(array_replace(c.users, %(before)s::text, %(after)s::text)) as u order by u)
where c.account = %(account)s::text and c.name = any(%(names)s::text[]);

-- name: forget_logins
delete from wecom_login where at < %(before)s::timestamptz;

-- name: use_login
insert into wecom_login (nonce, at) values (%(nonce)s::text, %(now)s::timestamptz) on conflict do nothing;

-- name: own_customers
-- The customers of a member of staff, the newest first; the next page begins after this one.
select r.external_userid, coalesce(c.name, '') as name, r.remark, r.since, r.state
from wecom_relation r
left join wecom_contact c on c.account = r.account and c.external_userid = r.external_userid
left join wecom_staff s on s.account = r.account and s.userid = r.userid
where r.account = %(account)s::text and r.userid = %(userid)s::text and r.state in ('active', 'pending') and s.state is distinct from 'left'
  and (%(after)s::text = '' or (r.since, r.external_userid) < (
      select a.since, a.external_userid from wecom_relation a
      where a.account = r.account and a.external_userid = %(after)s::text and a.userid = r.userid))
  and (%(search)s::text = '' or position(lower(%(search)s::text) in lower(r.remark || ' ' || coalesce(c.name, ''))) > 0)
order by r.since desc, r.external_userid desc limit %(limit)s::int;

-- name: follows
-- Whoever has left sees nobody any more, although the customers are with him until there is an heir.
select from wecom_relation r
left join wecom_staff s on s.account = r.account and s.userid = r.userid
where r.account = %(account)s::text and r.external_userid = %(external)s::text and r.userid = %(userid)s::text
  and r.state in ('active', 'pending') and s.state is distinct from 'left';
