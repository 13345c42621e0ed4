-- A job that takes back what another job did to the directory.
alter table job add column undoes_job_id text collate "C";
