-- A number from 0 to 9999 that is always the same for the same words: who is held out, and which way of a split somebody goes.
create function dice(words text) returns int language sql immutable parallel safe
as $$ select ('x' || substr(md5(words), 1, 7))::bit(28)::int % 10000 $$;
