-- While a plan is carried out: before this the quota of the connected system does not let the job end.
alter table job add column ends_not_before timestamptz;
