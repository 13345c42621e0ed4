-- Jobs of a connection that is gone still tell what they wrote to: an application, or an identity provider.
alter table former_connection add column type text;

create or replace function keep_former_connection() returns trigger language plpgsql as $$
begin
  insert into former_connection (id, serial, tenant_id, name, type)
  values (old.id, old.serial, old.tenant_id, old.name, old.type)
  on conflict (id) do nothing;
  return null;
end
$$;
