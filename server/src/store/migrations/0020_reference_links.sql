-- Ingress: the references by which attributes of a record name others (a manager), and the object that each of them came
-- to; null: nobody goes by it. When somebody else comes to go by it, who names it is found here, though nothing of its
-- record has changed.
create table reference_link (
  sync_serial bigint not null,
  kind text collate "C" not null,
  external_id text collate "C" not null,
  attribute text collate "C" not null,
  position integer not null,
  reference text collate "C" not null,
  object_id text collate "C",
  primary key (sync_serial, kind, external_id, attribute, position),
  foreign key (sync_serial, kind, external_id) references link (sync_serial, kind, external_id) on delete cascade
);
create index reference_link_by_reference on reference_link (sync_serial, reference);

-- Ingress: what the change makes of the references of its link, by attribute: pairs of reference and object.
alter table change add column named jsonb;

-- Records that name others are looked at once more: what they name them by is not known yet.
update link l set fingerprint = null
from sync s, directory_user d
where s.serial = l.sync_serial and s.direction = 'ingress' and d.id = l.object_id and d.attributes ?| array['manager', 'secretary'];
update link l set fingerprint = null
from sync s, directory_group d
where s.serial = l.sync_serial and s.direction = 'ingress' and d.id = l.object_id and d.attributes ? 'owner';
