-- What is left of the quotas of connected systems, for all processes that ask them. Lost with a crash, when all are full again.
create unlogged table pace_bucket (
  key text collate "C" not null,
  bucket text collate "C" not null,
  -- May be negative: that much is promised to those who wait.
  level double precision not null,
  filled_at timestamptz not null default clock_timestamp(),
  primary key (key, bucket)
);
create unlogged table pace_quiet (
  key text collate "C" primary key,
  -- The system asked for nothing to be sent before.
  quiet_until timestamptz not null
);
