-- OAuth 2 (RFC 6749): Lockstep hands out access to its own APIs. Codes and tokens are kept as their SHA-256 only.
create table oauth_client (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references tenant (id),
  -- Whom tokens of the client's own (grant type client_credentials) act for.
  account_id text collate "C" not null references account (id),
  name text not null,
  -- Null: a client that cannot keep a secret.
  secret_hash bytea,
  redirect_uris jsonb not null,
  scopes jsonb not null,
  created_at timestamptz not null default now()
);
create index oauth_client_by_tenant on oauth_client (tenant_id, id);

-- What one person, or a client for itself, let the client do. All tokens that came of it end with it.
create table oauth_grant (
  id text collate "C" primary key,
  client_id text collate "C" not null references oauth_client (id) on delete cascade,
  account_id text collate "C" not null references account (id),
  scopes jsonb not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  revoked_at timestamptz
);
create index oauth_grant_by_client on oauth_grant (client_id);

create table oauth_code (
  code_hash bytea primary key,
  grant_id text collate "C" not null references oauth_grant (id) on delete cascade,
  redirect_uri text not null,
  -- RFC 7636, method S256.
  code_challenge text not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index oauth_code_by_grant on oauth_code (grant_id);

-- A refresh token is used once. One that comes a second time was stolen, or its successor was: the grant ends.
create table oauth_refresh_token (
  token_hash bytea primary key,
  grant_id text collate "C" not null references oauth_grant (id) on delete cascade,
  created_at timestamptz not null default now(),
  used_at timestamptz
);
create index oauth_refresh_token_by_grant on oauth_refresh_token (grant_id);

create table oauth_access_token (
  token_hash bytea primary key,
  grant_id text collate "C" not null references oauth_grant (id) on delete cascade,
  scopes jsonb not null,
  expires_at timestamptz not null
);
create index oauth_access_token_by_grant on oauth_access_token (grant_id);
create index oauth_access_token_by_expiry on oauth_access_token (expires_at);

-- Where people may be let in: policies, networks, products. Connections of a zone bring the people.
create table authorization_zone (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  name text not null,
  type text not null,
  network jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, name)
);

create table authorization_zone_connection (
  zone_id text collate "C" not null references authorization_zone (id) on delete cascade,
  connection_id text collate "C" not null references connection (id) on delete cascade,
  primary key (zone_id, connection_id)
);
create index authorization_zone_connection_by_connection on authorization_zone_connection (connection_id);

-- That a person may enter a zone, from when and until when. Its end is kept, so that a list shows it.
create table zone_authorization (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  zone_id text collate "C" not null references authorization_zone (id) on delete cascade,
  user_id text collate "C" not null references directory_user (id) on delete cascade,
  starts_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  -- Who let the person in.
  authorizer text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index zone_authorization_by_user on zone_authorization (user_id);
create index zone_authorization_by_zone on zone_authorization (zone_id);
create index zone_authorization_by_tenant on zone_authorization (tenant_id, serial);

-- Several writes that are asked for at once and done together or not at all. What they say may be secret.
create table action_batch (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  account_id text collate "C" not null references account (id),
  status text not null check (status in ('unconfirmed', 'pending', 'completed', 'failed')),
  synchronous boolean not null,
  sealed_actions bytea not null,
  errors jsonb not null default '[]',
  created_resources jsonb not null default '[]',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index action_batch_by_tenant on action_batch (tenant_id, serial);
create index action_batch_pending on action_batch (tenant_id, serial) where status = 'pending';

-- What jobs of a connection that is gone are told by.
create table former_connection (
  id text collate "C" primary key,
  serial bigint not null,
  tenant_id text collate "C" not null,
  name text not null,
  deleted_at timestamptz not null default now()
);
create index former_connection_by_serial on former_connection (tenant_id, serial);

create function keep_former_connection() returns trigger language plpgsql as $$
begin
  insert into former_connection (id, serial, tenant_id, name) values (old.id, old.serial, old.tenant_id, old.name)
  on conflict (id) do nothing;
  return null;
end
$$;
create trigger connection_deleted after delete on connection for each row execute function keep_former_connection();
