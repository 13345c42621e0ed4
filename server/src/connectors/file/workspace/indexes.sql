-- Made after the import, which is faster without them.

update entry set parent = (
  select imported.entry from imported
  where imported.reference = entry.above_key and imported.entry <> entry.id
)
where above_key <> '';

create index member_by_group on member (group_id);
update member set member = (select entry from imported where imported.reference = member.reference)
where attribute <> 'memberUid' and not (attribute = 'uniqueMember' and text like '%''B');

update named set target = (select entry from imported where imported.reference = named.reference);
delete from named where target is null;
create index named_by_entry on named (entry, attribute);
create index named_by_target on named (target);

drop table imported;

create index entry_by_external_id on entry (external_id);
create index entry_by_parent on entry (parent, name_key) where parent is not null;
create index entry_at_top on entry (above_key, name_key) where parent is null;
create index member_by_member on member (member) where member is not null;
create index member_by_reference on member (group_id, reference);
