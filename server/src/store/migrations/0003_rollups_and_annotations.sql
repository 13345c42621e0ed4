-- What other APIs show of things that the engine has no use for: names with blanks, descriptions, counts of jobs.

-- Where an API wants an id for the root of the directory.
alter table tenant
  add column root_id text collate "C" not null
    default 'ou_' || translate(left(md5(random()::text || clock_timestamp()::text), 26), '0189', 'ghij'),
  add column description text not null default '';
create unique index tenant_by_root on tenant (root_id);

-- Settings of an API that the engine does not read, by the name of the API: {"eiam": {...}}.
alter table connection
  add column display_name text,
  add column description text not null default '',
  add column annotations jsonb not null default '{}';
alter table sync add column annotations jsonb not null default '{}';

alter table job
  add column description text,
  -- The only objects that the run may touch; absence of anything else means nothing. Null: a whole run.
  add column selection jsonb,
  -- The egress run sees the directory as it was at this position of its log.
  add column log_position bigint;
create index job_by_start on job (tenant_id, started_at);

-- Jobs by what lists of jobs are filtered by most: totals stay cheap, however many there are.
create table job_count (
  tenant_id text collate "C" not null,
  connection_id text collate "C" not null,
  direction text not null,
  mode text not null,
  status text not null,
  count bigint not null,
  primary key (tenant_id, connection_id, direction, mode, status)
);
insert into job_count
select tenant_id, connection_id, direction, mode, status, count(*) from job group by 1, 2, 3, 4, 5;

create function count_job() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    update job_count set count = count - 1
    where tenant_id = old.tenant_id and connection_id = old.connection_id and direction = old.direction
      and mode = old.mode and status = old.status;
  end if;
  if tg_op <> 'DELETE' then
    insert into job_count values (new.tenant_id, new.connection_id, new.direction, new.mode, new.status, 1)
    on conflict (tenant_id, connection_id, direction, mode, status) do update set count = job_count.count + 1;
  end if;
  return null;
end
$$;
create trigger job_counted after insert or delete or update of status on job
for each row execute function count_job();
