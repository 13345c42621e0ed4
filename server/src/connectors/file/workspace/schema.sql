-- The contents of one file while a job changes it.

create table meta (
  key text primary key,
  value text not null
) without rowid;

create table entry (
  id integer primary key,
  -- user, organizationalUnit, group, or other: an entry that is none of these and is kept as it is.
  kind text not null,
  external_id text not null,
  -- The entry above it; null when that is no entry of the file, and then `above` names its place.
  parent integer,
  above text not null,
  above_key text not null,
  -- As spelled, and as compared with its siblings.
  name text not null,
  name_key text not null,
  enabled integer,
  attributes text not null
);

create table member (
  id integer primary key,
  group_id integer not null,
  -- The entry it names, whose location is rendered when the file is written; null: `text` stands for itself.
  member integer,
  attribute text not null,
  text text not null,
  reference text not null
);

-- LDIF: whom manager, secretary and owner of an entry name.
create table named (
  id integer primary key,
  entry integer not null,
  attribute text not null,
  text text not null,
  -- The entry that is named; while the file is imported by its name.
  target integer,
  reference text
);

-- Names under which entries refer to each other while the file is imported.
create table imported (
  reference text primary key,
  entry integer not null
) without rowid;

create table csv_column (
  position integer primary key,
  name text not null unique
);

-- Outcomes of committed batches: a batch that is given again gets the same answer.
create table outcome (
  ordinal integer primary key,
  outcome text not null
);
