-- A job that takes back what another job did to the directory.
alter table job add column undoes_job_id text collate "C";
create index job_by_undone on job (undoes_job_id) where undoes_job_id is not null;
