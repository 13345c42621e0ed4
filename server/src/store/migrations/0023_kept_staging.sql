-- Sets of staging tables `kept_NUMBER_*`, which jobs use one after the other: to make them takes longer than a small job.
-- Of an older version nothing is left: its sets are not listed here.
do $$
declare
  leftover text;
begin
  for leftover in select tablename from pg_tables where schemaname = 'staging' and tablename <> 'attempt' loop
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
