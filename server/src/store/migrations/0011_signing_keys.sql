-- Keys by which a tenant signs what it tells applications; their public halves are published.

create table signing_key (
  -- The kid (RFC 7517 section 4.5).
  id text collate "C" primary key,
  tenant_id text collate "C" not null references tenant (id) on delete cascade,
  -- The public half as a JWK (RFC 7517).
  public_key jsonb not null,
  -- PKCS #8 in PEM, sealed with the id as context.
  sealed_private_key bytea not null,
  created_at timestamptz not null default now(),
  -- Signs no more since then, and stays published for a while.
  retired_at timestamptz
);
create index signing_key_by_tenant on signing_key (tenant_id, id);
-- A tenant signs with one key at a time.
create unique index signing_key_current on signing_key (tenant_id) where retired_at is null;
