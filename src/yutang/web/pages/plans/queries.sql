-- name: summaries
-- The first few changes of these plans in words, and how many there are.
select p.plan_id, jsonb_array_length(p.shown -> 'changes') as n, jsonb_path_query_array(p.shown, '$.changes[0 to 1].zh') as zh,
       jsonb_path_query_array(p.shown, '$.changes[0 to 1].en') as en
from plan p where p.plan_id = any(%(plans)s::bigint[]);
