-- What happened to one object, newest first: a group has a change for each member that came or went.
drop index change_by_object;
create index change_by_object on change (object_id, job_serial, ordinal);
