-- A job's changes stand in the log as ranges of its ordinals: one row for each transaction, not one for each object.
alter table directory_log
  add column from_ordinal bigint,
  add column through_ordinal bigint,
  alter column kind drop not null,
  alter column verb drop not null,
  alter column object_id drop not null,
  add check (case when from_ordinal is null then object_id is not null else job_serial is not null and through_ordinal >= from_ordinal end);

-- Rows of the directory are written by the hundred thousand: looking the tenant up for each costs more than it tells.
alter table organizational_unit drop constraint organizational_unit_tenant_id_fkey;
alter table directory_user drop constraint directory_user_tenant_id_fkey;
alter table directory_group drop constraint directory_group_tenant_id_fkey;
