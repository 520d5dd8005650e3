-- name: publication
-- The files now in service; those of one publication where it is named.
select publication_id, at, files from publication
where %(publication)s::bigint is null or publication_id = %(publication)s::bigint
order by publication_id desc limit 1;

-- name: came_after
-- Were these files in service once, and did others come after them?
select exists (select from publication p where p.files = %(files)s::jsonb)
       and (select p.files from publication p order by p.publication_id desc limit 1) <> %(files)s::jsonb as others;

-- name: keep
insert into publication (at, files) values (%(now)s::timestamptz, %(files)s::jsonb);

-- name: settle
-- Edits that are in service now are no drafts any more.
with newest as (
    select distinct on (path) path, text from draft_edit where not undone order by path, edit_id desc
)
delete from draft_edit e using newest n
where e.path = n.path and n.text is not distinct from (%(files)s::jsonb ->> n.path);

-- name: edits
select edit_id, path, text, by, at, undone from draft_edit order by edit_id;

-- name: lock
-- One editor at a time looks at what is newest and writes what follows.
lock table draft_edit in exclusive mode;

-- name: cut
-- Whoever writes after undoing gives up what he had undone.
delete from draft_edit where path = %(path)s::text and undone;

-- name: write
insert into draft_edit (path, text, by, at) values (%(path)s::text, %(text)s::text, %(by)s::text, %(now)s::timestamptz)
returning edit_id;

-- name: undo
update draft_edit set undone = true
where edit_id = (select max(edit_id) from draft_edit where path = %(path)s::text and not undone);

-- name: redo
update draft_edit set undone = false
where edit_id = (select min(edit_id) from draft_edit where path = %(path)s::text and undone);

-- name: discard
delete from draft_edit where path = any(%(paths)s::text[]);
