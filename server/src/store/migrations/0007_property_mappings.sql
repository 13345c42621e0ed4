-- Rules of several target attributes under one name, which syncs to systems of one type share.
create table property_mapping (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  -- What type of connections it is for.
  connection_type text not null,
  name text not null,
  -- A CEL map of target attributes to expressions.
  expression text not null,
  -- What a program calls it that keeps it up to date.
  managed text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, name),
  unique (tenant_id, managed)
);

-- Property mappings of a sync in their order: a later one takes precedence.
create table sync_property_mapping (
  sync_id text collate "C" not null references sync (id) on delete cascade,
  kind text not null check (kind in ('user', 'group')),
  mapping_id text collate "C" not null references property_mapping (id) on delete cascade,
  position integer not null,
  primary key (sync_id, kind, mapping_id)
);
create index sync_property_mapping_by_mapping on sync_property_mapping (mapping_id);
