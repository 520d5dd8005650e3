-- A time zone that this server knows, or null (it also knows offsets, which are no names): a name that is none would end every statement that asks for the hour of the person who has it.
create function known_zone(name text) returns text language plpgsql stable strict as $$
begin
    perform now() at time zone name;
    return case when name ~ '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$' then name end;
exception when invalid_parameter_value then
    return null;
end
$$;

delete from trait t where t.name = 'time_zone' and known_zone(t.value #>> '{}') is null;

-- A person's word on where they live, on their quiet hours, or on how often they may be written to: what is held of them is judged again.
create view wish as
select * from person_event
where type = 'profile_updated' and props -> 'traits' ?| array['time_zone', 'quiet_hours', 'contact_cap'];
create index person_event_wish_xid on person_event (xid)
    where type = 'profile_updated' and props -> 'traits' ?| array['time_zone', 'quiet_hours', 'contact_cap'];
