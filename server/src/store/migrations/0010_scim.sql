-- The SCIM server: who may push into a connection, and how what was pushed is found.

-- A bearer token is kept as its SHA-256 only.
create table scim_token (
  id text collate "C" primary key,
  connection_id text collate "C" not null references connection (id) on delete cascade,
  token_hash bytea not null unique,
  label text not null default '',
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  -- To the minute.
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index scim_token_by_connection on scim_token (connection_id, id);

-- The attributes as filters compare them: text without letter case where its schema says so, times in UTC. Folded by
-- the server and not by lower(), which depends on the database's locale. Null for records that nobody pushed.
alter table replica_record add column folded jsonb;

-- RFC 7643 section 4.1.1: a user name is unique, whatever its letter case.
create unique index replica_record_by_user_name on replica_record (connection_serial, (folded ->> 'userName'))
  where kind = 'user' and removed_at is null and folded is not null;
create index replica_record_by_display_name on replica_record (connection_serial, (folded ->> 'displayName'))
  where kind = 'group' and removed_at is null and folded is not null;
create index replica_record_by_external_id on replica_record (connection_serial, kind, (folded ->> 'externalId'))
  where removed_at is null and folded is not null;
