-- Whoever asked for the job wants everything read again, also where the system could tell what changed.
alter table job add column full_read boolean not null default false;
