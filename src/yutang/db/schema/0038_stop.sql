-- Whoever asked for a rehearsal may stop it.
alter table rehearsal drop constraint rehearsal_state_check;
alter table rehearsal add constraint rehearsal_state_check check (state in ('waiting', 'running', 'done', 'failed', 'stopped'));
