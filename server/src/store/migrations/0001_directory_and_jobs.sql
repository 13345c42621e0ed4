-- The directory, its connections and syncs, and the record of every job.
-- Ids are compared and sorted by bytes on every database, whatever its locale.

-- Tables of running jobs, named by the job; nothing in it outlives its job.
create schema staging;

create table installation (
  only_row boolean primary key default true check (only_row),
  created_at timestamptz not null default now()
);

create table tenant (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  name text not null unique,
  -- Directory attribute to the names of the ingress syncs that may set it, best first; without it their order counts.
  precedence jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table account (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  name text not null,
  role text not null check (role in ('administrator', 'operator', 'reader')),
  created_at timestamptz not null default now(),
  unique (tenant_id, name)
);

-- A bearer token is kept as its SHA-256 only.
create table api_token (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references tenant (id),
  account_id text collate "C" not null references account (id),
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);

-- The secret signs requests, so it is kept sealed and not hashed.
create table access_key (
  id text collate "C" primary key,
  tenant_id text collate "C" not null references tenant (id),
  account_id text collate "C" not null references account (id),
  sealed_secret bytea not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

create table connection (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  name text not null,
  type text not null,
  settings jsonb not null,
  sealed_secrets bytea,
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, name)
);

create table sync (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  connection_id text collate "C" not null references connection (id),
  name text not null,
  direction text not null check (direction in ('ingress', 'egress')),
  -- Precedence among ingress syncs, and the order in which a file lists them.
  position integer not null,
  settings jsonb not null,
  revision bigint not null default 1,
  enabled boolean not null default true,
  -- Changes of the directory up to here have been looked at by this sync.
  log_position bigint not null default 0,
  next_run_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, name)
);
create index sync_by_connection on sync (connection_id);
create index sync_by_next_run on sync (next_run_at) where next_run_at is not null;

create table organizational_unit (
  id text collate "C" primary key,
  serial bigint generated always as identity,
  tenant_id text collate "C" not null references tenant (id),
  parent_id text collate "C",
  parent_key text collate "C" generated always as (coalesce(parent_id, '')) stored,
  name text not null,
  name_key text collate "C" not null,
  attributes jsonb not null,
  revision bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Deferrable, so that one statement may swap names.
  constraint organizational_unit_place unique (tenant_id, parent_key, name_key) deferrable initially immediate
);
create index organizational_unit_by_parent on organizational_unit (parent_id);

create table directory_user (
  id text collate "C" primary key,
  serial bigint generated always as identity,
  tenant_id text collate "C" not null references tenant (id),
  -- The primary organizational unit; null is the root.
  parent_id text collate "C",
  username text not null,
  username_key text collate "C" not null,
  enabled boolean not null default true,
  attributes jsonb not null,
  revision bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint directory_user_username unique (tenant_id, username_key) deferrable initially immediate
);
create index directory_user_by_parent on directory_user (parent_id);

create table user_organizational_unit (
  user_id text collate "C" not null references directory_user (id) on delete cascade,
  organizational_unit_id text collate "C" not null references organizational_unit (id) on delete cascade,
  primary key (user_id, organizational_unit_id)
);

create table directory_group (
  id text collate "C" primary key,
  serial bigint generated always as identity,
  tenant_id text collate "C" not null references tenant (id),
  parent_id text collate "C",
  parent_key text collate "C" generated always as (coalesce(parent_id, '')) stored,
  name text not null,
  name_key text collate "C" not null,
  attributes jsonb not null,
  revision bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Deferrable, so that one statement may swap names.
  constraint directory_group_place unique (tenant_id, parent_key, name_key) deferrable initially immediate
);
create index directory_group_by_parent on directory_group (parent_id);

create table membership (
  group_id text collate "C" not null,
  member_id text collate "C" not null,
  tenant_id text collate "C" not null,
  member_kind text not null check (member_kind in ('user', 'group')),
  revision bigint not null,
  created_at timestamptz not null default now(),
  primary key (group_id, member_id)
);
create index membership_by_member on membership (member_id);

-- Values that objects are matched by, normalised (lower case, outer blanks removed); rows only for attributes that a match rule of the tenant names.
create table match_key (
  tenant_id text collate "C" not null,
  kind text not null,
  attribute text not null,
  value text collate "C" not null,
  object_id text collate "C" not null,
  primary key (tenant_id, kind, attribute, value, object_id)
);
-- Attributes that have match keys.
create table match_attribute (
  tenant_id text collate "C" not null,
  kind text not null,
  attribute text not null,
  primary key (tenant_id, kind, attribute)
);
create index match_key_by_object on match_key (object_id);

-- The tie between a directory object and its counterpart in a connection, as one sync sees it.
-- Hot tables name syncs and jobs by serial: their rows and indexes are written by the hundred thousand.
create table link (
  sync_serial bigint not null,
  kind text collate "C" not null,
  external_id text collate "C" not null,
  object_id text collate "C" not null,
  -- How other objects of the system name it (normalised DN), and a second name.
  reference text collate "C",
  alias text collate "C",
  -- Where it is, as the system spells it, and which of the sync's scopes it lies in.
  location text,
  scope integer not null default 0,
  -- Of the bytes last read, mixed with the version of mapping and scope; null: look again whatever the bytes are.
  fingerprint uuid,
  -- Of the directory object, when it was last applied.
  object_revision bigint not null default 0,
  -- live, or missing: gone from the source, the object was kept or disabled.
  state text not null default 'live' check (state in ('live', 'missing')),
  -- Ingress: what this sync says of the object, kept as soon as a second sync feeds it.
  contribution jsonb,
  linked_at timestamptz not null default now(),
  primary key (sync_serial, kind, external_id)
);
create unique index link_by_object on link (object_id, sync_serial);
create index link_by_reference on link (sync_serial, reference);
create index link_by_alias on link (sync_serial, alias) where alias is not null;

-- A member reference of a group as one sync sees it; the member is null while the reference resolves to nothing.
create table membership_link (
  sync_serial bigint not null,
  group_id text collate "C" not null,
  reference text collate "C" not null,
  member_id text collate "C",
  primary key (sync_serial, group_id, reference)
);
create index membership_link_by_reference on membership_link (sync_serial, reference);
create index membership_link_by_member on membership_link (member_id, group_id);

create table job (
  id text collate "C" primary key,
  serial bigint generated always as identity unique,
  tenant_id text collate "C" not null references tenant (id),
  sync_id text collate "C" not null,
  connection_id text collate "C" not null,
  sync_name text not null,
  direction text not null,
  mode text not null check (mode in ('apply', 'dryRun', 'approve')),
  -- The held job whose plan this one applies.
  approves_job_id text collate "C",
  status text not null check (status in ('pending', 'running', 'held', 'success', 'partial_success', 'failed', 'cancelled')),
  phase text not null default 'read' check (phase in ('read', 'plan', 'apply', 'record', 'over')),
  -- Which surface asked for it (cli, native, schedule, eiam, ...) and who.
  started_through text not null,
  started_by text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  -- Counts the processes that took the job up; what an earlier one writes after that is refused.
  attempt integer not null default 0,
  -- Changes with ordinals up to here have an outcome; those without an entry of their own succeeded.
  applied_ordinal bigint not null default 0,
  -- An external batch up to here may have been begun.
  intended_ordinal bigint not null default 0,
  last_ordinal bigint not null default 0,
  read_count bigint not null default 0,
  -- Compared and equal, by kind.
  same_counts jsonb not null default '{}',
  -- In the target and not linked, by kind: reported and never touched.
  unmanaged_counts jsonb not null default '{}',
  -- What the guard held and why.
  guard_verdict jsonb,
  plan_hash text,
  complete boolean,
  incomplete_reason text,
  statistics jsonb,
  error_code text,
  error_message text,
  note text,
  cancel_requested boolean not null default false
);
create unique index job_running_of_sync on job (sync_id) where status in ('pending', 'running');
create index job_by_tenant on job (tenant_id, id);
create index job_by_sync on job (sync_id, id);

-- The plan and the record in one. A row without a result of its own succeeded once the job's applied_ordinal reached it.
create table change (
  job_serial bigint not null,
  ordinal bigint not null,
  kind text not null,
  verb text not null,
  object_id text collate "C",
  external_id text collate "C",
  -- What a person calls it; for a membership the group's and the member's.
  label text not null,
  parent_id text collate "C",
  member_id text collate "C",
  member_kind text,
  before jsonb,
  after jsonb,
  -- Normalised name ("$name") and match values that the change gives the object.
  keys jsonb,
  -- The revision that the directory object must still have; 0 for one that must not exist.
  expected_revision bigint,
  -- The link to write, as the connected system names and places the object.
  reference text collate "C",
  alias text collate "C",
  location text,
  scope integer,
  fingerprint uuid,
  -- The object is gone from the source: the link is live no more once this is done.
  releases_link boolean not null default false,
  -- Ingress: what this sync says of an object that other syncs feed too.
  contribution jsonb,
  result text check (result in ('failed', 'skipped')),
  error_code text,
  error_message text,
  primary key (job_serial, ordinal)
);
create index change_by_object on change (object_id);
create index change_with_result on change (job_serial, ordinal) where result is not null;

-- Log lines of a job.
create table job_message (
  job_serial bigint not null,
  ordinal bigint generated always as identity,
  at timestamptz not null default now(),
  level text not null check (level in ('info', 'warning', 'error')),
  text text not null,
  primary key (job_serial, ordinal)
);

-- Every change of the directory in the order of its happening; an egress run reads what came after its position.
create table directory_log (
  seq bigint generated always as identity primary key,
  tenant_id text collate "C" not null,
  kind text not null,
  verb text not null,
  object_id text collate "C" not null,
  member_id text collate "C",
  job_serial bigint,
  at timestamptz not null default now()
);
create index directory_log_by_tenant on directory_log (tenant_id, seq);

-- Revisions of directory objects: one number for each transaction that writes.
create sequence directory_revision;
