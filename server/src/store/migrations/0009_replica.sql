-- What systems that tell of changes hold, as they said it: one copy for each connection, kept by delta queries or by pushes.

create table replica (
  connection_serial bigint primary key references connection (serial) on delete cascade,
  -- Where the connector goes on reading; null: nothing was read yet.
  cursor jsonb,
  -- Whole rounds begun; records that a finished round did not bring are removed.
  round integer not null default 0,
  -- A whole round came to its end: what is not in the copy is not in the system.
  whole boolean not null default false,
  -- Counts the transactions that changed a record or a member. Taken before anything is written, so that commits come in its order.
  sequence bigint not null default 0,
  changed_at timestamptz not null default now(),
  -- Who fills the copy at the moment, and until when that holds without being renewed.
  filler text,
  filler_until timestamptz
);

create table replica_record (
  connection_serial bigint not null references replica (connection_serial) on delete cascade,
  kind text collate "C" not null check (kind in ('user', 'group', 'organizationalUnit')),
  external_id text collate "C" not null,
  attributes jsonb not null,
  -- Of the last change of the record or, for a group, of its members.
  sequence bigint not null,
  revision integer not null default 1,
  round integer not null default 0,
  created_at timestamptz not null default now(),
  modified_at timestamptz not null default now(),
  -- Whoever pushes it wants it gone, and the guard has not let it go yet.
  removal_requested_at timestamptz,
  removed_at timestamptz,
  primary key (connection_serial, kind, external_id)
);
create index replica_record_by_sequence on replica_record (connection_serial, sequence);

create table replica_member (
  connection_serial bigint not null references replica (connection_serial) on delete cascade,
  group_id text collate "C" not null,
  member_id text collate "C" not null,
  sequence bigint not null,
  round integer not null default 0,
  -- Kept for those who read what changed.
  removed boolean not null default false,
  primary key (connection_serial, group_id, member_id)
);
create index replica_member_by_sequence on replica_member (connection_serial, sequence);
create index replica_member_by_member on replica_member (connection_serial, member_id);

-- Where the next run of a sync goes on reading changes; null: it reads everything.
alter table sync add column read_position jsonb;
-- Up to where a job's plan covers the changes; the sync's when the job succeeds.
alter table job add column read_position jsonb;
