import type { TargetChange } from '../../sync/connector.ts';
import { entriesOf } from './client.ts';
import { normaliseReference } from './location.ts';
import { equality, or, present, type Filter } from './protocol/filter/filter.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import type { Modification } from './protocol/messages/requests.ts';
import { resultCodes } from './protocol/messages/result.ts';
import { locationAt, type Writing } from './writing.ts';

/** Attributes whose values are DNs: members of groups, and what else names people in the default mapping. */
export const namingAttributes = ['member', 'uniqueMember', 'manager', 'secretary', 'owner'] as const;
export type NamingAttribute = (typeof namingAttributes)[number];

/** A reference to an entry that was renamed, and what it shall be now. */
interface Rename {
  readonly attribute: NamingAttribute | 'memberUid';
  readonly from: string;
  readonly to: string;
}

/** An entry that names others as they were called before. */
interface Stale {
  readonly dn: string;
  readonly renames: readonly Rename[];
}

/** The moves after which references are looked at. */
interface Span {
  /** The mark of `Relocations` from before the moves. */
  readonly since: number;
  /** Normalised DNs of entries that were made together with the moves. */
  readonly made: ReadonlySet<string>;
}

/** Up to this many moved entries, who names them is looked for one by one, beyond it everything that may is read once. */
const fewMoves = 20;
const chunkSize = 250;

/**
 * Lets references follow the entries that moved, placeholders of groups included: LDAP servers keep the old DN unless
 * they are set up to repair references, which then are left to them where it is known. What was made where another entry
 * had been names itself by that DN.
 * @returns the normalised DNs of entries that the server refused to change
 */
export async function repairReferences(
  writing: Writing,
  changes: readonly TargetChange[],
  { since, made }: Span,
): Promise<readonly string[]> {
  const moved = changes.filter(({ verb }) => verb === 'move');
  const uids = withoutDoubtful(writing, changes.flatMap(uidRename));
  if (writing.relocations.count === since && uids.length === 0) return [];
  const carriesOthers = moved.some(({ kind }) => kind === 'organizationalUnit');
  const filters =
    carriesOthers || moved.length + uids.length > fewMoves
      ? whateverNames(writing)
      : [
          ...moved.flatMap(({ location }) =>
            location === null ? [] : dnFilters(locationAt(writing, location, since)),
          ),
          ...uidFilters(uids),
        ];
  if (filters.length === 0) return [];
  const refused: string[] = [];
  for (const stale of await findStale(writing, or(...filters), uids, { since, made }))
    if (!(await repair(writing, stale))) refused.push(key(stale.dn));
  return refused;
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
  return namingAttributes.map((attribute) => equality(attribute, dn));
}

function uidFilters(uids: readonly Rename[]): Filter[] {
  return uids.map(({ attribute, from }) => equality(attribute, from));
}

/** Groups, since their members may be many, are told by their classes. */
export function whateverNames({ shape }: Writing): Filter[] {
  const groups = shape.kinds.group.readClasses.map((name) => equality('objectClass', name));
  return [...groups, ...(['manager', 'secretary', 'owner'] as const).map((attribute) => present(attribute))];
}

function uidRename({ kind, verb, before, set }: TargetChange): Rename[] {
  if (kind !== 'user' || (verb !== 'update' && verb !== 'move')) return [];
  const from = before['uid']?.[0];
  const to = set['uid']?.[0];
  if (typeof from !== 'string' || typeof to !== 'string' || set['uid']?.includes(from)) return [];
  return [{ attribute: 'memberUid', from, to }];
}

async function findStale(
  writing: Writing,
  filter: Filter,
  uids: readonly Rename[],
  { since, made }: Span,
): Promise<Stale[]> {
  const { client, scopes, signal } = writing;
  const attributes = [...namingAttributes, 'memberUid'];
  const found: Stale[] = [];
  for (const { node } of scopes) {
    const request = { base: node, scope: 'sub', filter, attributes, pageSize: 500, signal } as const;
    for await (const entry of entriesOf(client, request)) {
      const dn = entry.dn();
      const own = made.has(key(dn)) ? key(dn) : undefined;
      const renames = renamesOf(writing, entry, uids, since).filter(({ from }) => key(from) !== own);
      if (renames.length > 0) found.push({ dn, renames });
    }
  }
  return found;
}

function renamesOf(
  writing: Writing,
  entry: RawSearchEntry,
  uids: readonly Rename[],
  since: number,
): Rename[] {
  const memberUids = new Set(entry.peekAll('memberUid'));
  return [
    ...namingAttributes
      .filter((attribute) => writing.keptByServer.get(attribute) !== true)
      .flatMap((attribute) => withoutExchanges(dnRenames(writing, entry, attribute, since))),
    ...withoutExchanges(uids.filter(({ from }) => memberUids.has(from))),
  ];
}

/**
 * Rewrites the references of one entry. What the server refuses (the entry is not ours to write) stays: the next run looks
 * at the entry again.
 * @returns whether nothing was refused
 */
async function repair(writing: Writing, { dn, renames }: Stale): Promise<boolean> {
  let isDone = true;
  for (let start = 0; start < renames.length; start += chunkSize) {
    if (!(await rewrite(writing, dn, renames.slice(start, start + chunkSize)))) isDone = false;
  }
  return isDone;
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
  entry: RawSearchEntry,
  attribute: NamingAttribute,
  since: number,
): Rename[] {
  return entry.peekAll(attribute).flatMap((from) => {
    const name = normaliseReference(from);
    if (name === null || (recovering && relocations.isTaken(name, since))) return [];
    const to = relocations.follow(from, since);
    return to === undefined ? [] : [{ attribute, from, to }];
  });
}

/** The value, or the entry, is not there any more: the server, or somebody else, was first. */
const overtaken: readonly number[] = [
  resultCodes.success,
  resultCodes.noSuchAttribute,
  resultCodes.noSuchObject,
];

async function rewrite(writing: Writing, dn: string, renames: readonly Rename[]): Promise<boolean> {
  const { code } = await writing.client.modify(dn, renames.flatMap(swap));
  if (code === resultCodes.attributeOrValueExists && renames.length === 1) {
    const removed = await writing.client.modify(dn, renames.flatMap(swap).slice(0, 1));
    return overtaken.includes(removed.code);
  }
  if (code === resultCodes.success || renames.length === 1) return overtaken.includes(code);
  let isDone = true;
  for (const rename of renames) if (!(await rewrite(writing, dn, [rename]))) isDone = false;
  return isDone;
}

function swap({ attribute, from, to }: Rename): Modification[] {
  return [
    { operation: 'delete', attribute, values: [from] },
    { operation: 'add', attribute, values: [to] },
  ];
}
