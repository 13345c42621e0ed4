-- Every entry in an order that a reader can load: containers from the top down, then users, then groups.
-- What lies under a user or group comes after it. Locations are rendered here, so that a move touched one row only.
insert into temp.placed (entry, location)
with recursive tree (id, rank, depth, location) as (
  select id,
    case kind when 'group' then 2 when 'user' then 1 else 0 end,
    0,
    case above when '' then name else name || ',' || above end
  from entry
  where parent is null
  union all
  select entry.id,
    max(tree.rank, case entry.kind when 'group' then 2 when 'user' then 1 else 0 end),
    tree.depth + 1,
    entry.name || ',' || tree.location
  from tree
  join entry on entry.parent = tree.id
)
select id, location from tree order by rank, depth, id;
