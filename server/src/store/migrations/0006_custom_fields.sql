-- What other APIs keep beside the directory: declared attributes, tests of connections, applications.

-- A user's attribute of the same name, with what an API that declares its fields says of it.
create table custom_field (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  name text collate "C" not null,
  display_name text not null,
  description text not null default '',
  data_type text not null check (data_type in ('string', 'number', 'boolean')),
  display_type text not null check (display_type in ('input', 'select', 'checkbox')),
  -- [{"value", "displayName", "status"}]; empty: any value.
  items jsonb not null default '[]',
  default_value text,
  required boolean not null default false,
  is_unique boolean not null default false,
  user_permission text not null default 'hide' check (user_permission in ('hide', 'read_only', 'read_write')),
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, name)
);

-- A test of a connection that runs while its caller does something else.
create table connection_check (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references tenant (id),
  connection_id text collate "C" not null references connection (id) on delete cascade,
  status text not null check (status in ('running', 'success', 'failed')),
  -- Of the connector's test: [{"step", "ok", "detail"}].
  steps jsonb not null default '[]',
  started_at timestamptz not null default now(),
  ended_at timestamptz
);
create index connection_check_by_connection on connection_check (connection_id, id);

-- What users are given accounts in; once its provisioning is configured it has a connection and an egress sync.
create table application (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  name text not null,
  description text not null default '',
  enabled boolean not null default true,
  -- What is shown and the engine does not read.
  profile jsonb not null default '{}',
  -- How it is provisioned, and which units of the directory: what connection and sync are made of, without secrets.
  provisioning jsonb not null default '{}',
  connection_id text collate "C" references connection (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index application_by_tenant on application (tenant_id, id);
create unique index application_by_connection on application (connection_id) where connection_id is not null;
