import type { TargetChange } from '../../sync/connector.ts';
import { readAll } from './client.ts';
import { normaliseReference } from './location.ts';
import { equality, or, type Filter } from './protocol/filter/filter.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import type { Modification } from './protocol/messages/requests.ts';
import { resultCodes } from './protocol/messages/result.ts';
import type { Writing } from './writing.ts';

/** A reference to an entry that was renamed, and what it shall be now. */
interface Rename {
  readonly attribute: 'member' | 'uniqueMember' | 'memberUid';
  readonly from: string;
  readonly to: string;
}

/** Up to this many moved entries their groups are looked for one by one, beyond it all groups are read once. */
const fewMoves = 20;
const chunkSize = 250;

/**
 * Lets groups follow the members that moved, placeholders included: LDAP servers keep a member's old DN unless they
 * are set up to repair references. `since` is the mark of `Relocations` from before the moves.
 */
export async function repairReferences(
  writing: Writing,
  changes: readonly TargetChange[],
  since: number,
): Promise<void> {
  const moved = changes.filter(({ verb }) => verb === 'move');
  const uids = withoutDoubtful(writing, changes.flatMap(uidRename));
  if (writing.relocations.count === since && uids.length === 0) return;
  const carriesOthers = moved.some(({ kind }) => kind === 'organizationalUnit');
  if (carriesOthers || moved.length + uids.length > fewMoves) return repairAll(writing, uids, since);
  const wanted = [
    ...moved.flatMap(({ location }) => (location === null ? [] : dnFilters(location))),
    ...uidFilters(uids),
  ];
  if (wanted.length === 0) return;
  for (const entry of await findGroups(writing, or(...wanted)))
    await repairGroup(writing, entry, uids, since);
}

/**
 * While recovering nobody knows whether a name that was exchanged still means who had it before. Such references stay:
 * the next run sees whom they name now, and puts right what is wrong.
 */
function withoutDoubtful(writing: Writing, renames: readonly Rename[]): readonly Rename[] {
  if (!writing.recovering) return renames;
  const taken = new Set(renames.map(({ to }) => key(to)));
  return renames.filter(({ from }) => !taken.has(key(from)));
}

function dnFilters(dn: string): Filter[] {
  return [equality('member', dn), equality('uniqueMember', dn)];
}

function uidFilters(uids: readonly Rename[]): Filter[] {
  return uids.map(({ attribute, from }) => equality(attribute, from));
}

function uidRename({ kind, verb, before, set }: TargetChange): Rename[] {
  if (kind !== 'user' || (verb !== 'update' && verb !== 'move')) return [];
  const from = before['uid']?.[0];
  const to = set['uid']?.[0];
  if (typeof from !== 'string' || typeof to !== 'string' || set['uid']?.includes(from)) return [];
  return [{ attribute: 'memberUid', from, to }];
}

async function repairAll(writing: Writing, uids: readonly Rename[], since: number): Promise<void> {
  const classes = writing.shape.kinds.group.readClasses.map((name) => equality('objectClass', name));
  for (const entry of await findGroups(writing, or(...classes)))
    await repairGroup(writing, entry, uids, since);
}

async function findGroups({ client, scopes, signal }: Writing, filter: Filter): Promise<RawSearchEntry[]> {
  const attributes = ['member', 'uniqueMember', 'memberUid'];
  const found: RawSearchEntry[] = [];
  for (const { node } of scopes) {
    found.push(
      ...(await readAll(client, { base: node, scope: 'sub', filter, attributes, pageSize: 500, signal })),
    );
  }
  return found;
}

/**
 * Rewrites the references of one group. What the server refuses (the group is not ours to write, the server repaired it
 * meanwhile) stays: the next read shows what is missing, and the plan made from it names the group.
 */
async function repairGroup(
  writing: Writing,
  entry: RawSearchEntry,
  uids: readonly Rename[],
  since: number,
): Promise<void> {
  const memberUids = new Set(entry.peekAll('memberUid'));
  const renames = [
    ...withoutExchanges(dnRenames(writing, entry, 'member', since)),
    ...withoutExchanges(dnRenames(writing, entry, 'uniqueMember', since)),
    ...withoutExchanges(uids.filter(({ from }) => memberUids.has(from))),
  ];
  for (let start = 0; start < renames.length; start += chunkSize) {
    await rewrite(writing, entry.dn(), renames.slice(start, start + chunkSize));
  }
}

function key(text: string): string {
  return normaliseReference(text) ?? text;
}

/** Members that exchange their names leave the list as it is: only names that come anew replace those that go. */
function withoutExchanges(renames: readonly Rename[]): Rename[] {
  const left = new Set(renames.map(({ from }) => key(from)));
  const taken = new Set(renames.map(({ to }) => key(to)));
  const gone = renames.filter(({ from }) => !taken.has(key(from)));
  const come = renames.filter(({ to }) => !left.has(key(to)));
  return gone.flatMap(({ attribute, from }, index) => {
    const to = come[index]?.to;
    return to === undefined ? [] : [{ attribute, from, to }];
  });
}

function dnRenames(
  { relocations, recovering }: Writing,
  group: RawSearchEntry,
  attribute: 'member' | 'uniqueMember',
  since: number,
): Rename[] {
  return group.peekAll(attribute).flatMap((from) => {
    const name = normaliseReference(from);
    if (name === null || (recovering && relocations.isTaken(name, since))) return [];
    const to = relocations.follow(from, since);
    return to === undefined ? [] : [{ attribute, from, to }];
  });
}

async function rewrite(writing: Writing, dn: string, renames: readonly Rename[]): Promise<void> {
  const { code } = await writing.client.modify(dn, renames.flatMap(swap));
  if (code === resultCodes.attributeOrValueExists && renames.length === 1) {
    await writing.client.modify(dn, renames.flatMap(swap).slice(0, 1));
  } else if (code !== resultCodes.success && renames.length > 1) {
    for (const rename of renames) await rewrite(writing, dn, [rename]);
  }
}

function swap({ attribute, from, to }: Rename): Modification[] {
  return [
    { operation: 'delete', attribute, values: [from] },
    { operation: 'add', attribute, values: [to] },
  ];
}
