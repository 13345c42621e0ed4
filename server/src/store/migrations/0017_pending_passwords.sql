-- Passwords that wait to be written to a connected system, sealed: one for each user and each egress sync that writes
-- them. They live for minutes and go once they are written. A sync that is deleted takes its own along.
create table pending_password (
  sync_serial bigint not null references sync (serial) on delete cascade,
  user_id text collate "C" not null,
  -- Another one for each password, so that the writing of an older one does not end a newer one.
  version uuid not null,
  sealed bytea not null,
  expires_at timestamptz not null,
  primary key (sync_serial, user_id)
);
create index pending_password_by_expiry on pending_password (expires_at);
