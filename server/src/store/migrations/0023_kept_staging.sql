-- Sets of staging tables `kept_NUMBER_*`, which jobs use one after the other: to make them takes longer than a small job.
-- What an older version left goes, but for jobs that a process of it may still be at work on.
do $$
declare
  leftover text;
begin
  for leftover in
    select t.tablename from pg_tables t
    where t.schemaname = 'staging' and t.tablename <> 'attempt' and not exists (
      select from job j where j.status in ('pending', 'running') and starts_with(t.tablename, format('job_%s_', j.serial)))
  loop
    execute format('drop table staging.%I', leftover);
  end loop;
end $$;

create table staging.kept (
  number bigint generated always as identity primary key,
  direction text not null,
  -- Of the tables' columns: another version of the server may want others.
  shape text not null,
  -- Who uses it; null: it is free, and all of its tables are empty.
  job_serial bigint,
  attempt integer
);
