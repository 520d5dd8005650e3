-- Persons have numbers that count up: the list of the newest walks those, and needs no index that every new person pays for.
drop index person_newest;
