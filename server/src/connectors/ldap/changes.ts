import type { Verb } from '@lockstep/contract/vocabulary.ts';
import { sameValues, type AttributeValue } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { readOne } from './client.ts';
import { resultFailure } from './errors.ts';
import { isLookupId } from './externalId.ts';
import { isUnder, joinDn, sameName, splitDn } from './location.ts';
import { placeholderValue, uidReference } from './members.ts';
import { accountState, afterRename, modificationsBetween, replacements } from './modifications.ts';
import { memberShape } from './objectClasses.ts';
import { normaliseDn, parseDn, renderRdn } from '../../directory/dn/dn.ts';
import type { Modification } from './protocol/messages/requests.ts';
import { resultCodes, resultOf, type LdapResult } from './protocol/messages/result.ts';
import { setPassword } from './passwords.ts';
import { askBack, idOf, readBack, writeAt, type Attempt, type Writing } from './writing.ts';

type Success = Extract<TargetOutcome, { ok: true }>;
type Values = Readonly<Record<string, readonly AttributeValue[]>>;

/** Carries out one change of a user, an organizational unit or a group. @throws LockstepError with the reason of its failure */
export async function applyChange(writing: Writing, change: TargetChange): Promise<Success> {
  const { verb, ordinal, externalId, password } = change;
  const write = writers[verb];
  if (write === undefined) throw new LockstepError('Internal', `${verb} is no change of an entry`);
  const outcome: Success = isPasswordOnly(change) ? { ordinal, ok: true } : await write(writing, change);
  if (password === undefined) return outcome;
  const place = {
    externalId: outcome.externalId ?? externalId,
    location: outcome.location ?? change.location,
  };
  await setPassword(writing, place, password.text);
  return outcome;
}

function isPasswordOnly({ verb, password, set, enabled }: TargetChange): boolean {
  const sets = Object.keys(set).length > 0 || enabled !== undefined;
  return verb === 'update' && password !== undefined && !sets;
}

const writers: Readonly<Record<Verb, typeof createEntry | undefined>> = {
  create: createEntry,
  move: moveEntry,
  delete: deleteEntry,
  update: updateEntry,
  disable: updateEntry,
  enable: updateEntry,
  bind: undefined,
  unbind: undefined,
  addMember: undefined,
  removeMember: undefined,
};

async function createEntry(writing: Writing, change: TargetChange): Promise<Success> {
  const { dn, result } = await addEntry(writing, change);
  if (result.code === resultCodes.entryAlreadyExists && writing.recovering) {
    const externalId = await findSameEntry(writing, dn, change);
    if (externalId !== undefined) return created(change, dn, externalId);
  }
  if (result.code !== resultCodes.success) {
    const operation = { name: 'add', dn, attributes: Object.keys(change.set) } as const;
    const code = result.code === resultCodes.noSuchObject ? 'ParentNotFound' : undefined;
    throw withRemedy(resultFailure(result, operation, code), change, result);
  }
  const written = await readBack(writing, dn, result);
  if (change.kind === 'group') rememberGroup(writing, change, dn, written.externalId);
  return created(change, written.dn, written.externalId);
}

/** Servers may demand that members exist (the overlay memberof with `memberof-dangling error`), and a group does not yet. */
function withRemedy(failed: LockstepError, change: TargetChange, { code }: LdapResult): LockstepError {
  const holdsPlaceholder =
    change.kind === 'group' && memberShape(textsOf(change.set['objectClass'])).demandsMember;
  if (!holdsPlaceholder || code !== resultCodes.constraintViolation) return failed;
  const remedy =
    'Where the server demands that members exist, give an entry that does as group.placeholderMember of the connection.';
  return new LockstepError(failed.code, `${failed.message}.`, { field: 'group.placeholderMember', remedy });
}

function rememberGroup(writing: Writing, change: TargetChange, dn: string, externalId: string): void {
  const shape = memberShape(textsOf(change.set['objectClass']));
  const placeholder = shape.demandsMember ? placeholderValue(writing.shape.placeholderMember, dn) : undefined;
  writing.knownGroups.set(externalId, { shape, placeholder });
}

/** Adds under the parent, or where the parent went in this session. */
async function addEntry(writing: Writing, change: TargetChange): Promise<Attempt> {
  const { client, relocations } = writing;
  const { name, parentLocation } = change;
  if (name === null || parentLocation === null)
    throw new LockstepError('Internal', 'a create needs name and parent');
  const attempt = async (parent: string): Promise<Attempt> => {
    const dn = joinDn(name, parent);
    return { dn, result: await client.add(dn, newAttributes(writing, change, dn), askBack(writing)) };
  };
  const first = await attempt(parentLocation);
  if (first.result.code !== resultCodes.noSuchObject) return first;
  const moved = relocations.follow(parentLocation);
  return moved === undefined ? first : attempt(moved);
}

function newAttributes({ shape }: Writing, change: TargetChange, dn: string): Values {
  const attributes: Record<string, readonly AttributeValue[]> = { ...change.set };
  if (change.enabled === false) {
    for (const { attribute, values = [] } of accountState(shape, false)) attributes[attribute] = values;
  }
  const members = memberShape(textsOf(change.set['objectClass']));
  if (change.kind === 'group' && members.demandsMember) {
    attributes[members.attribute] = [placeholderValue(shape.placeholderMember, dn)];
  }
  return attributes;
}

/** The id of the entry that stands at a DN, if it holds just what a create would have written. */
async function findSameEntry(
  writing: Writing,
  dn: string,
  change: TargetChange,
): Promise<string | undefined> {
  const { client, shape, signal } = writing;
  const attributes = [...Object.keys(change.set), shape.externalIdAttribute];
  const entry = await readOne(client, { base: dn, attributes, signal });
  if (entry === undefined) return undefined;
  const found = new Map(
    [...entry.decode(shape.isBinary).attributes].map(([name, values]) => [name.toLowerCase(), values]),
  );
  const isSame = Object.entries(change.set).every(([name, values]) => {
    const there = found.get(name.toLowerCase());
    // Servers add the classes above the written ones.
    if (name.toLowerCase() === 'objectclass') return includesAll(textsOf(there), textsOf(values));
    return sameValues(there, values);
  });
  return isSame ? idOf(writing, entry) : undefined;
}

function created(change: TargetChange, dn: string, externalId: string): Success {
  return { ordinal: change.ordinal, ok: true, externalId, ...whereabouts(change, dn) };
}

function whereabouts(change: TargetChange, dn: string): Pick<Success, 'location' | 'reference' | 'alias'> {
  const uid = change.kind === 'user' ? firstUid(change, dn) : undefined;
  return {
    location: dn,
    reference: normaliseDn(dn),
    ...(uid !== undefined && { alias: uidReference(uid) }),
  };
}

function firstUid(change: TargetChange, dn: string): string | undefined {
  const key = Object.keys(change.set).find((name) => name.toLowerCase() === 'uid');
  const [value] = key === undefined ? [] : (change.set[key] ?? []);
  return typeof value === 'string' ? value : uidOfName(splitDn(dn)[0]);
}

function uidOfName(name: string): string | undefined {
  const pair = parseDn(name).rdns[0]?.pairs.find(({ type }) => type.toLowerCase() === 'uid');
  return typeof pair?.value === 'string' ? pair.value : undefined;
}

async function updateEntry(writing: Writing, change: TargetChange): Promise<Success> {
  const dn = (await modifyEntry(writing, change, change.before)) ?? (await findEntry(writing, change));
  const isWhereItWas = dn === change.location;
  return { ordinal: change.ordinal, ok: true, ...(isWhereItWas ? {} : whereabouts(change, dn)) };
}

/** The DN of an entry for which there is nothing to write, after a look at whether it is there. */
async function findEntry(writing: Writing, change: TargetChange): Promise<string> {
  const attempt = await writeAt(writing, change, async (dn) => {
    const entry = await readOne(writing.client, { base: dn, attributes: ['1.1'], signal: writing.signal });
    return resultOf(entry === undefined ? resultCodes.noSuchObject : resultCodes.success);
  });
  if (attempt.result.code === resultCodes.success) return attempt.dn;
  throw resultFailure(attempt.result, { name: 'search', dn: attempt.dn });
}

/** Writes attributes and account state; the DN that was written to, or undefined when there was nothing to write. */
async function modifyEntry(
  writing: Writing,
  change: TargetChange,
  before: Values,
): Promise<string | undefined> {
  const between = modificationsBetween(before, change.set);
  const state = accountState(writing.shape, wantedState(change));
  if (between.length + state.length === 0) return undefined;
  const write = (modifications: readonly Modification[]): Promise<Attempt> =>
    writeAt(writing, change, (dn, controls) => writing.client.modify(dn, modifications, controls));
  let attempt = await write([...between, ...state]);
  const isPartial = between.some(({ operation }) => operation !== 'replace');
  // Somebody changed the list meanwhile, or the server cannot compare its values.
  if (isPartial && isAboutValues(attempt.result)) {
    attempt = await write([...replacements(between, change.set), ...state]);
  }
  if (attempt.result.code === resultCodes.notAllowedOnRDN) {
    const left = await respell(writing, change, attempt, [...replacements(between, change.set), ...state]);
    if (left !== undefined)
      attempt = left.length === 0 ? { ...attempt, result: resultOf(resultCodes.success) } : await write(left);
  }
  if (attempt.result.code === resultCodes.success) return attempt.dn;
  const attributes = [...new Set([...between, ...state].map(({ attribute }) => attribute))];
  throw resultFailure(attempt.result, { name: 'modify', dn: attempt.dn, attributes });
}

/**
 * Active Directory lets only a rename change how the name of an entry is spelled. Returns what is left to modify;
 * undefined when that was not it, or the rename was refused.
 */
async function respell(
  writing: Writing,
  change: TargetChange,
  { dn }: Attempt,
  modifications: readonly Modification[],
): Promise<readonly Modification[] | undefined> {
  const pair = parseDn(splitDn(dn)[0]).rdns[0]?.pairs[0];
  const naming = modifications.find(({ attribute }) => attribute.toLowerCase() === pair?.type.toLowerCase());
  const newRdn = (naming?.values ?? [])
    .map((value) => renderRdn({ pairs: [{ type: naming?.attribute ?? '', value }] }))
    .find((name) => sameName(name, splitDn(dn)[0]));
  if (newRdn === undefined) return undefined;
  const { result } = await writeAt(writing, change, (at, controls) =>
    writing.client.modifyDn(at, { newRdn, deleteOldRdn: true }, controls),
  );
  if (result.code !== resultCodes.success) return undefined;
  // Other values of the attribute are still to be written.
  return naming?.values?.length === 1 ? modifications.filter((each) => each !== naming) : modifications;
}

function wantedState({ verb, enabled }: TargetChange): boolean | undefined {
  if (verb === 'disable') return false;
  return verb === 'enable' ? true : enabled;
}

function isAboutValues({ code }: LdapResult): boolean {
  return (
    code === resultCodes.noSuchAttribute ||
    code === resultCodes.attributeOrValueExists ||
    code === resultCodes.inappropriateMatching
  );
}

async function moveEntry(writing: Writing, change: TargetChange): Promise<Success> {
  const { name, parentLocation } = change;
  if (name === null || parentLocation === null)
    throw new LockstepError('Internal', 'a move needs name and parent');
  let { dn: from, result } = await renameTo(writing, change, name, parentLocation);
  let parent = parentLocation;
  // Below itself only until what it shall lie below has gone from there.
  const isStale = result.code === resultCodes.noSuchObject || isUnder(parentLocation, from);
  if (isStale && result.code !== resultCodes.success) {
    const moved = writing.relocations.follow(parentLocation);
    if (moved !== undefined) {
      parent = moved;
      ({ dn: from, result } = await renameTo(writing, change, name, parent));
    }
  }
  const to = joinDn(name, parent);
  if (result.code !== resultCodes.success && !(await isMovedAlready(writing, change, result, to))) {
    throw await moveFailure(writing, change, { dn: from, result }, to);
  }
  const known = change.location ?? from;
  // What is above it may have moved before it; one that was found at its place has moved from where it was known to be.
  const origin = normaliseDn(from) === normaliseDn(to) ? (writing.relocations.follow(known) ?? known) : from;
  if (normaliseDn(origin) !== normaliseDn(to)) writing.relocations.record(origin, to);
  const before = afterRename(change.before, splitDn(origin)[0], name);
  await modifyEntry(writing, { ...change, location: to }, before);
  const written = await readBack(writing, to, result);
  const isNamedByDn = change.externalId !== null && !isLookupId(change.externalId);
  return {
    ordinal: change.ordinal,
    ok: true,
    ...(isNamedByDn && { externalId: written.externalId }),
    ...whereabouts(change, written.dn),
  };
}

/** ModifyDN (RFC 4511 section 4.9); nothing when the entry already stands where it shall. */
function renameTo(writing: Writing, change: TargetChange, newRdn: string, parent: string): Promise<Attempt> {
  return writeAt(writing, change, async (dn, controls) => {
    const [name, above] = splitDn(dn);
    const staysBelow = normaliseDn(above) === normaliseDn(parent);
    if (staysBelow && sameName(name, newRdn)) return resultOf(resultCodes.success);
    const newSuperior = staysBelow ? undefined : parent;
    return writing.client.modifyDn(dn, { newRdn, deleteOldRdn: true, newSuperior }, [
      ...controls,
      ...askBack(writing),
    ]);
  });
}

/** Where entries have no id but their DN, one that is gone from its old place and stands at the new one was moved before. */
async function isMovedAlready(
  { client, recovering, signal }: Writing,
  { externalId }: TargetChange,
  result: LdapResult,
  to: string,
): Promise<boolean> {
  if (!recovering || result.code !== resultCodes.noSuchObject) return false;
  if (externalId !== null && isLookupId(externalId)) return false;
  return (await readOne(client, { base: to, attributes: ['1.1'], signal })) !== undefined;
}

/** Says whether the entry or its new parent is missing, which the server answers with the same code. */
async function moveFailure(
  writing: Writing,
  change: TargetChange,
  { dn, result }: Attempt,
  to: string,
): Promise<LockstepError> {
  const operation = { name: 'rename', dn: `${dn}" to "${to}` } as const;
  if (result.code !== resultCodes.noSuchObject) return resultFailure(result, operation);
  const { client, signal } = writing;
  const isThere = (await readOne(client, { base: dn, attributes: ['1.1'], signal })) !== undefined;
  return resultFailure(result, operation, isThere ? 'ParentNotFound' : 'NotFound');
}

/** Deletes a leaf. An entry with others beneath it is never deleted. */
async function deleteEntry(writing: Writing, change: TargetChange): Promise<Success> {
  const done: Success = { ordinal: change.ordinal, ok: true };
  const attempt = await deleteAt(writing, change);
  if (attempt === 'gone' || attempt.result.code === resultCodes.success) return done;
  const { dn, result } = attempt;
  if (result.code !== resultCodes.notAllowedOnNonLeaf) throw resultFailure(result, { name: 'delete', dn });
  const { message } = resultFailure(result, { name: 'delete', dn });
  throw new LockstepError(
    'TargetRejected',
    `${message}; there are entries beneath it, which Lockstep does not delete with it`,
    {
      remedy: 'Move or delete the entries beneath it first.',
    },
  );
}

/** While recovering, an entry that can no longer be found was deleted by the attempt before. */
async function deleteAt(writing: Writing, change: TargetChange): Promise<Attempt | 'gone'> {
  try {
    const attempt = await writeAt(writing, change, (dn, controls) => writing.client.delete(dn, controls));
    const { code } = attempt.result;
    const isMissing = code === resultCodes.noSuchObject || code === resultCodes.assertionFailed;
    return isMissing && writing.recovering ? 'gone' : attempt;
  } catch (error) {
    if (writing.recovering && error instanceof LockstepError && error.code === 'NotFound') return 'gone';
    throw error;
  }
}

function textsOf(values: readonly AttributeValue[] | undefined): string[] {
  return (values ?? []).filter((value) => typeof value === 'string');
}

function includesAll(have: readonly string[], wanted: readonly string[]): boolean {
  const names = new Set(have.map((name) => name.toLowerCase()));
  return wanted.every((name) => names.has(name.toLowerCase()));
}
