-- Jobs by the beginnings of their ids, which are spans of time: four characters after the prefix are three days, six are
-- four minutes. How many jobs lie beyond one of them is then a sum over few rows, however many jobs there are.
create table job_span (
  tenant_id text collate "C" not null,
  -- Characters of the id, its prefix included.
  width integer not null,
  span text collate "C" not null,
  connection_id text collate "C" not null,
  direction text not null,
  mode text not null,
  count bigint not null,
  primary key (tenant_id, width, span, connection_id, direction, mode)
);
insert into job_span
select tenant_id, width, left(id, width), connection_id, direction, mode, count(*)
from job cross join (values (9), (11)) w (width) group by 1, 2, 3, 4, 5, 6;

-- By statement, and in the order of the key, so that what writes many jobs writes few rows and nobody waits in a circle.
create function add_to_job_span() returns trigger language plpgsql as $$
begin
  insert into job_span
  select tenant_id, width, left(id, width), connection_id, direction, mode, count(*)
  from changed cross join (values (9), (11)) w (width)
  group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
  on conflict (tenant_id, width, span, connection_id, direction, mode) do update set count = job_span.count + excluded.count;
  return null;
end
$$;
create trigger job_added_to_span after insert on job referencing new table as changed
for each statement execute function add_to_job_span();

create function take_from_job_span() returns trigger language plpgsql as $$
begin
  update job_span s set count = s.count - gone.count
  from (
    select tenant_id, width, left(id, width) as span, connection_id, direction, mode, count(*) as count
    from changed cross join (values (9), (11)) w (width)
    group by 1, 2, 3, 4, 5, 6
  ) gone
  where s.tenant_id = gone.tenant_id and s.width = gone.width and s.span = gone.span
    and s.connection_id = gone.connection_id and s.direction = gone.direction and s.mode = gone.mode;
  delete from job_span s using changed c
  where s.tenant_id = c.tenant_id and s.width in (9, 11) and s.span = left(c.id, s.width) and s.count = 0;
  return null;
end
$$;
create trigger job_taken_from_span after delete on job referencing old table as changed
for each statement execute function take_from_job_span();
