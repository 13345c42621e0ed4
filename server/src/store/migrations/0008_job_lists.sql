-- Lists of jobs by what few of many jobs have in common, and counts of what lies behind a page.
create index job_by_connection on job (tenant_id, connection_id, id);
create index job_by_status on job (tenant_id, status, id);
create index job_of_run on job (tenant_id, direction, id) where mode <> 'dryRun';
-- Ids tell when a job was asked for; these few started much later.
create index job_that_waited on job (tenant_id, started_at, id) where started_at - created_at > interval '1 hour';
