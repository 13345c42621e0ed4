import { LockstepError, type ErrorCode } from '../../kernel/errors.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { readOne } from './client.ts';
import { baseName } from './config.ts';
import { resultFailure } from './errors.ts';
import { splitDn } from './location.ts';
import { memberReference, placeholderValue, uidOfReference, uidReference } from './members.ts';
import { memberShape, type MemberShape } from './objectClasses.ts';
import { normaliseDn, parseDn } from '../../directory/dn/dn.ts';
import { equality } from './protocol/filter/filter.ts';
import type { Modification } from './protocol/messages/requests.ts';
import { resultCodes, type LdapResult } from './protocol/messages/result.ts';
import { completeRanges, hasRange } from './ranges.ts';
import { findAgain, writeAt, type Attempt, type Writing } from './writing.ts';

/** A membership that was turned into a value of the group's attribute. */
interface Item {
  readonly change: TargetChange;
  readonly isAdd: boolean;
  readonly value: string;
}

/** What is known of a group while its memberships are written. */
interface Group {
  readonly externalId: string | null;
  location: string;
  readonly shape: MemberShape;
  /** The value that stands in for members, when it is there. */
  placeholder: string | undefined;
  /** Not looked at: as this session left it. */
  isAssumed: boolean;
  /** Once something was not there: the references that it held then, each with the value as the server spells it. */
  found?: ReadonlyMap<string, string>;
}

const chunkSize = 500;

/** Results that say something about the group: no use to try its memberships one by one. */
const aboutTheGroup = new Set<number>([
  resultCodes.noSuchObject,
  resultCodes.assertionFailed,
  resultCodes.undefinedAttributeType,
  resultCodes.referral,
]);

/**
 * Writes the memberships of one group, in as few modifies as can be: many values at a time, halved again and again when
 * the server refuses, so that only the bad ones fail.
 */
export async function applyMemberships(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<TargetOutcome[]> {
  const outcomes: TargetOutcome[] = [];
  try {
    const group = recallGroup(writing, changes) ?? (await readGroup(writing, changes));
    const items: Item[] = [];
    const present = writing.recovering ? await readValues(writing, group) : undefined;
    for (const change of changes) {
      const item = await itemOf(writing, group, change).catch((error: unknown) => failure(change, error));
      if ('ok' in item) outcomes.push(item);
      else if (isDone(item, group, present)) outcomes.push(success(change));
      else items.push(item);
    }
    for (let start = 0; start < items.length; start += chunkSize) {
      outcomes.push(...(await write(writing, group, items.slice(start, start + chunkSize))));
    }
    if (group.isAssumed && group.externalId !== null) writing.knownGroups.set(group.externalId, group);
  } catch (error) {
    if (writing.recovering && isGone(error)) return changes.map((change) => settleGone(change, error));
    const settled = new Set(outcomes.map(({ ordinal }) => ordinal));
    const open = changes.filter(({ ordinal }) => !settled.has(ordinal));
    outcomes.push(...open.map((change) => failure(change, error)));
  }
  return outcomes;
}

function isGone(error: unknown): boolean {
  return error instanceof LockstepError && error.code === 'NotFound';
}

/** In a group that is gone nobody is a member any more: it was deleted after its members were taken out. */
function settleGone(change: TargetChange, error: unknown): TargetOutcome {
  return change.verb === 'removeMember' ? success(change) : failure(change, error);
}

function success(change: TargetChange): TargetOutcome {
  return { ordinal: change.ordinal, ok: true };
}

/** The row of a change that failed. @throws what concerns the server as a whole, or is no error of ours */
export function failure(change: TargetChange, error: unknown): TargetOutcome {
  if (!(error instanceof LockstepError) || fatal.has(error.code)) throw error;
  const remedy = error.remedy === undefined ? '' : ` ${error.remedy}`;
  return { ordinal: change.ordinal, ok: false, code: error.code, message: `${error.message}${remedy}` };
}

const fatal = new Set<ErrorCode>(['ConnectionFailed', 'Cancelled', 'Internal']);

/** A group that this session made; it is noted again when all went as it should. */
function recallGroup(writing: Writing, changes: readonly TargetChange[]): Group | undefined {
  const { externalId, location } = changes[0] as TargetChange;
  const known = externalId === null ? undefined : writing.knownGroups.get(externalId);
  if (externalId === null || location === null || known === undefined) return undefined;
  writing.knownGroups.delete(externalId);
  if (writing.recovering || writing.relocations.isDoubtful(location)) return undefined;
  return { externalId, location, shape: known.shape, placeholder: known.placeholder, isAssumed: true };
}

/** Reads what the group is and whether a placeholder stands in it, by one round trip; follows a group that moved. */
async function readGroup(writing: Writing, changes: readonly TargetChange[]): Promise<Group> {
  const { externalId, location } = changes[0] as TargetChange;
  const isKnown = location !== null && !writing.relocations.isDoubtful(location);
  const found = isKnown ? await inspect(writing, externalId, location) : undefined;
  const moved = found === undefined ? await findAgain(writing, externalId, location) : undefined;
  const group = moved === undefined ? found : await inspect(writing, externalId, moved);
  if (group !== undefined) return group;
  throw new LockstepError('NotFound', `the group "${location ?? externalId ?? ''}" does not exist`);
}

async function inspect(
  writing: Writing,
  externalId: string | null,
  location: string,
): Promise<Group | undefined> {
  const { client, signal, shape } = writing;
  const placeholder = placeholderValue(shape.placeholderMember, location);
  const holds = (attribute: string): Promise<boolean> =>
    readOne(client, {
      base: location,
      attributes: ['1.1'],
      filter: equality(attribute, placeholder),
      signal,
    }).then((entry) => entry !== undefined);
  const [entry, inMember, inUniqueMember] = await Promise.all([
    readOne(client, { base: location, attributes: ['objectClass'], signal }),
    holds('member'),
    holds('uniqueMember'),
  ]);
  if (entry === undefined) return undefined;
  const member = memberShape(entry.peekAll('objectClass'));
  const isHeld = member.attribute === 'member' ? inMember : inUniqueMember;
  const isThere = member.demandsMember && isHeld;
  return {
    externalId,
    location,
    shape: member,
    placeholder: isThere ? placeholder : undefined,
    isAssumed: false,
  };
}

/** The references that the group holds now, each with the value as the server spells it. */
async function readValues(writing: Writing, group: Group): Promise<Map<string, string>> {
  const { attribute } = group.shape;
  const entry = await readOne(writing.client, {
    base: group.location,
    attributes: [attribute],
    signal: writing.signal,
  });
  if (entry === undefined) return new Map();
  const completed = hasRange(entry.bytes) ? await completeRanges(writing.client, entry) : undefined;
  const values = completed?.get(baseName(attribute)) ?? entry.peekAll(attribute);
  return new Map(values.map((value) => [memberReference(attribute, value), value]));
}

function isDone(item: Item, group: Group, present: ReadonlyMap<string, string> | undefined): boolean {
  if (present === undefined) return false;
  return present.has(memberReference(group.shape.attribute, item.value)) === item.isAdd;
}

async function itemOf(writing: Writing, group: Group, change: TargetChange): Promise<Item> {
  const isAdd = change.verb === 'addMember';
  const { member } = change;
  if (member === undefined) throw new LockstepError('Internal', `${change.verb} without a member`);
  const value = await (isAdd ? valueToAdd(writing, group, member) : valueToRemove(writing, group, member));
  if (value !== undefined) return { change, isAdd, value };
  throw new LockstepError('ReferenceNotFound', `a member of "${group.location}" is not in the target`);
}

type Member = NonNullable<TargetChange['member']>;

async function valueToAdd(writing: Writing, group: Group, member: Member): Promise<string | undefined> {
  const location = await currentLocation(writing, member);
  if (group.shape.attribute !== 'memberUid') return location;
  if (member.kind === 'group') {
    throw new LockstepError(
      'TargetRejected',
      `"${group.location}" is a posixGroup, which cannot hold groups`,
    );
  }
  return location === undefined ? undefined : readUid(writing, location);
}

/** The member's DN; where an earlier move casts doubt on it, the one that its external id leads to. */
async function currentLocation(writing: Writing, member: Member): Promise<string | undefined> {
  const { location, externalId } = member;
  if (location !== null && !writing.relocations.isDoubtful(location)) return location;
  return (await findAgain(writing, externalId, location)) ?? location ?? undefined;
}

/** The uid as the user's entry spells it: memberUid tells cases apart (RFC 2307 section 3). */
async function readUid({ client, signal }: Writing, location: string): Promise<string> {
  const pair = parseDn(splitDn(location)[0]).rdns[0]?.pairs.find(({ type }) => type.toLowerCase() === 'uid');
  if (typeof pair?.value === 'string') return pair.value;
  const uid = (await readOne(client, { base: location, attributes: ['uid'], signal }))?.peek('uid');
  if (uid !== undefined) return uid;
  throw new LockstepError(
    'RequiredValueMissing',
    `"${location}" has no uid, by which a posixGroup names its members`,
  );
}

async function valueToRemove(writing: Writing, group: Group, member: Member): Promise<string | undefined> {
  const reference =
    member.reference ?? (member.location === null ? member.alias : normaliseDn(member.location));
  if (reference === null) return undefined;
  const uid = uidOfReference(reference);
  if (group.shape.attribute !== 'memberUid')
    return uid === undefined ? reference : (member.location ?? undefined);
  if (uid === undefined && member.alias === null) return undefined;
  // The reference is in lower case, the value need not be.
  if (member.location !== null && uid !== undefined) {
    const spelled = await readUid(writing, member.location).catch(() => uid);
    return uidReference(spelled) === reference ? spelled : uid;
  }
  return uid ?? uidOfReference(member.alias ?? '');
}

/** Writes items by one modify, or by several smaller ones when the server refuses it. */
async function write(writing: Writing, group: Group, items: readonly Item[]): Promise<TargetOutcome[]> {
  const { dn, result } = await modifyGroup(writing, group, items);
  group.location = dn;
  if (result.code === resultCodes.success) return items.map(({ change }) => success(change));
  const [first] = items;
  if (group.isAssumed && first !== undefined) {
    // Somebody else wrote to it meanwhile, or something is wrong with a member: from here on by what is there.
    const { location, placeholder } = await readGroup(writing, [first.change]);
    Object.assign(group, { location, placeholder, isAssumed: false });
    return write(writing, group, items);
  }
  if (items.length === 1 && first !== undefined) return [await settleOne(writing, group, first, result)];
  if (aboutTheGroup.has(result.code)) {
    const reason = refusal(group, result);
    return items.map(({ change }) => failure(change, reason));
  }
  const middle = Math.ceil(items.length / 2);
  const left = await write(writing, group, items.slice(0, middle));
  return [...left, ...(await write(writing, group, items.slice(middle)))];
}

function refusal({ shape, location }: Group, result: LdapResult, value?: string): LockstepError {
  const attribute = value === undefined ? shape.attribute : `${shape.attribute}: ${value}`;
  return resultFailure(result, { name: 'modify', dn: location, attributes: [attribute] });
}

/**
 * One modify for all items. The placeholder goes with the first real member; it comes back when the server says that
 * the group would be left without any (RFC 4519 section 3.5: a group of names has at least one).
 */
async function modifyGroup(writing: Writing, group: Group, items: readonly Item[]): Promise<Attempt> {
  const send = (modifications: readonly Modification[]): Promise<Attempt> =>
    writeAt(writing, group, (dn, controls) => writing.client.modify(dn, modifications, controls));
  const hasAdds = items.some(({ isAdd }) => isAdd);
  const placeholder = placeholderValue(writing.shape.placeholderMember, group.location);
  const { attribute, demandsMember } = group.shape;
  if (hasAdds && group.placeholder !== undefined) {
    const attempt = await send([
      ...valuesOf(group, items),
      { operation: 'delete', attribute, values: [group.placeholder] },
    ]);
    if (attempt.result.code === resultCodes.success) group.placeholder = undefined;
    return attempt;
  }
  const attempt = await send(valuesOf(group, items));
  const isEmptied = attempt.result.code === resultCodes.objectClassViolation && !hasAdds && demandsMember;
  if (!isEmptied || group.placeholder !== undefined) return attempt;
  const again = await send([
    ...valuesOf(group, items),
    { operation: 'add', attribute, values: [placeholder] },
  ]);
  if (again.result.code === resultCodes.success) group.placeholder = placeholder;
  return again;
}

function valuesOf(group: Group, items: readonly Item[]): Modification[] {
  const { attribute } = group.shape;
  const added = items.filter(({ isAdd }) => isAdd).map(({ value }) => value);
  const removed = items.filter(({ isAdd }) => !isAdd).map(({ value }) => value);
  return [
    ...(added.length > 0 ? [{ operation: 'add', attribute, values: added } as const] : []),
    ...(removed.length > 0 ? [{ operation: 'delete', attribute, values: removed } as const] : []),
  ];
}

/** The last word on one membership that the server refused. */
async function settleOne(
  writing: Writing,
  group: Group,
  item: Item,
  result: LdapResult,
): Promise<TargetOutcome> {
  const { change, isAdd, value } = item;
  // Somebody else put the member in, or an entry of that name was in it before: the group is as it shall be.
  if (isAdd && result.code === resultCodes.attributeOrValueExists) return success(change);
  if (isAdd || result.code !== resultCodes.noSuchAttribute)
    return failure(change, refusal(group, result, value));
  const spelled = await findSpelling(writing, group, change);
  // Somebody else took the member out: the group is as it shall be.
  if (spelled === undefined) return success(change);
  if (spelled === value) return failure(change, refusal(group, result, value));
  const again = await modifyGroup(writing, group, [{ ...item, value: spelled }]);
  if (again.result.code === resultCodes.success) return success(change);
  return failure(change, refusal(group, again.result, spelled));
}

/** How the group spells the member, when that is not how we do: another case, a bit string, a DN from before a move. */
async function findSpelling(
  writing: Writing,
  group: Group,
  change: TargetChange,
): Promise<string | undefined> {
  const values = (group.found ??= await readValues(writing, group));
  const { location, alias, reference } = change.member as Member;
  const moved = location === null ? undefined : writing.relocations.follow(location);
  const names = [reference, location, alias, moved].filter((name) => typeof name === 'string');
  return names
    .map((name) => values.get(uidOfReference(name) === undefined ? normaliseDn(name) : name))
    .find((value) => value !== undefined);
}
