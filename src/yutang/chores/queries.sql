-- name: claim
-- Held until it is left, or the connection ends.
select pg_try_advisory_lock(hashtextextended('chores', 0)) as claimed;

-- name: leave
select pg_advisory_unlock(hashtextextended('chores', 0));
