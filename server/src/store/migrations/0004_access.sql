-- What an access key may do, how long, and what it has sent already.

alter table access_key
  add column name text not null default '',
  add column expires_at timestamptz,
  -- To the minute.
  add column last_used_at timestamptz;
create index access_key_by_tenant on access_key (tenant_id, id);

-- A document in the language of RAM policies; a key with policies may do what they say, within its account's role.
create table access_policy (
  tenant_id text collate "C" not null references tenant (id),
  name text collate "C" not null,
  description text not null default '',
  document jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, name)
);

-- An attached policy cannot be deleted: a key that loses its last one would gain what its account may do.
create table access_key_policy (
  access_key_id text collate "C" not null references access_key (id) on delete cascade,
  tenant_id text collate "C" not null,
  policy_name text collate "C" not null,
  attached_at timestamptz not null default now(),
  primary key (access_key_id, policy_name),
  foreign key (tenant_id, policy_name) references access_policy (tenant_id, name)
);
create index access_key_policy_by_policy on access_key_policy (tenant_id, policy_name);

-- Temporary keys: with the token they do what their parent key may do, within the session policy.
create table security_token (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references tenant (id),
  access_key_id text collate "C" not null references access_key (id) on delete cascade,
  sealed_secret bytea not null,
  token_hash bytea not null,
  session_policy jsonb,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index security_token_by_access_key on security_token (access_key_id);

-- Nonces of signed requests: a request is taken once, whichever process it reaches. The key may be a temporary one.
create table request_nonce (
  access_key_id text collate "C" not null,
  nonce text collate "C" not null,
  -- From then on the request is too old to be taken.
  expires_at timestamptz not null,
  primary key (access_key_id, nonce)
);
create index request_nonce_by_expiry on request_nonce (expires_at);

-- Answers to requests that may be repeated: the same token and parameters get the same answer and do nothing more.
create table idempotent_request (
  tenant_id text collate "C" not null,
  operation text collate "C" not null,
  token text collate "C" not null,
  parameters_hash bytea not null,
  -- Null while the first request is at work.
  answer jsonb,
  created_at timestamptz not null default now(),
  primary key (tenant_id, operation, token)
);
create index idempotent_request_by_age on idempotent_request (created_at);
