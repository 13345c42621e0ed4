-- Attempts at jobs that have something staged. Unlogged like what is staged: a crash of the server empties them together,
-- and whoever finds the mark gone knows that the rest is gone, too.
create unlogged table staging.attempt (
  job_serial bigint not null,
  attempt integer not null,
  primary key (job_serial, attempt)
);
