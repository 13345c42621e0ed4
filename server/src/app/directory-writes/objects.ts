import type { JsonAttributeMap, JsonAttributeValue } from '@lockstep/contract/attribute.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson, valueToJson } from '../../directory/attributes.ts';
import { decodeBytes } from '../../directory/decode-bytes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { findObjectInPlace, findUserByKey, type DirectoryRow } from '../../store/queries/directory.ts';
import {
  insertObject,
  replaceMatchKeys,
  updateObject,
  type ObjectWrite,
} from '../../store/queries/directory-writes.ts';
import { namingAttribute } from '../../sync/contributions.ts';
import { nameAttribute } from '../../sync/image.ts';
import { matchKey } from '../../sync/match-key.ts';
import { objectKeys } from '../../sync/object-keys.ts';
import { requireUnit, type DirectoryWrite } from './directory-write.ts';

/** What an object shall be. */
export interface DesiredObject {
  /** User name of a user, name of another object. */
  readonly name: string;
  /** The organizational unit that it is in; null: the root. */
  readonly parentId: string | null;
  readonly enabled: boolean;
  readonly attributes: JsonAttributeMap;
}

/** What a caller wants otherwise; undefined: as it is. */
export interface ObjectChange {
  readonly name?: string | undefined;
  readonly parentId?: string | null | undefined;
  readonly enabled?: boolean | undefined;
  /** Values to replace by attribute; without values the attribute goes. Others stay. */
  readonly attributes?: JsonAttributeMap | undefined;
}

const longestName = 1000;

function checkName(kind: ObjectKind, name: string): void {
  const field = namingAttribute[kind];
  if (matchKey(name) === '' || name.includes('\0'))
    throw new LockstepError('InvalidRequest', `a ${field} must not be empty`, { field });
  if (name.length > longestName)
    throw new LockstepError('InvalidRequest', `a ${field} has ${longestName} characters at most`, { field });
}

/** A value as a source would bring it: the same bytes in another form would count as another value. */
function asKept(name: string, value: JsonAttributeValue, field: string): JsonAttributeValue {
  if (typeof value === 'string') return valueToJson(decodeBytes(name, Buffer.from(value, 'utf8')));
  const bytes = Buffer.from(value.$base64, 'base64');
  if (bytes.toString('base64') !== value.$base64) {
    throw new LockstepError('InvalidRequest', 'a value of $base64 is no base64', {
      field,
      remedy: 'Write it as in RFC 4648 section 4, with its padding.',
    });
  }
  return valueToJson(decodeBytes(name, bytes));
}

/** Attributes that are kept: those without values are none. @throws LockstepError InvalidRequest. */
function checkAttributes(kind: ObjectKind, attributes: JsonAttributeMap): JsonAttributeMap {
  const kept: JsonAttributeMap = {};
  for (const [name, values] of Object.entries(attributes)) {
    const field = `attributes.${name}`;
    if (name === '' || name.startsWith('$') || name.includes('\0') || name === namingAttribute[kind]) {
      throw new LockstepError('InvalidRequest', `${JSON.stringify(name)} cannot be set as an attribute`, {
        field,
      });
    }
    if (values.some((value) => typeof value === 'string' && value.includes('\0'))) {
      throw new LockstepError('InvalidRequest', 'a text contains U+0000; send it as $base64', { field });
    }
    if (values.length > 0) kept[name] = values.map((value) => asKept(name, value, field));
  }
  return kept;
}

function taken(kind: ObjectKind, name: string): LockstepError {
  return kind === 'user'
    ? new LockstepError('UsernameTaken', `another user has the user name ${JSON.stringify(name)}`, {
        field: 'username',
      })
    : new LockstepError('NameTaken', `another ${kind} has the name ${JSON.stringify(name)} in this place`, {
        field: 'name',
      });
}

async function requireFreeName(
  { trx, tenantId }: DirectoryWrite,
  kind: ObjectKind,
  id: string,
  desired: DesiredObject,
): Promise<void> {
  const nameKey = matchKey(desired.name);
  const holder =
    kind === 'user'
      ? await findUserByKey(trx, tenantId, nameKey)
      : await findObjectInPlace(trx, tenantId, kind, { parentId: desired.parentId, nameKey });
  if (holder !== undefined && holder.id !== id) throw taken(kind, desired.name);
}

/** A name that another transaction took between the check and the write: SQLSTATE unique_violation. */
function asTaken(error: unknown, kind: ObjectKind, name: string): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === '23505' ? taken(kind, name) : error;
}

async function writeRow(
  write: DirectoryWrite,
  kind: ObjectKind,
  id: string,
  desired: DesiredObject,
  store: (row: ObjectWrite) => Promise<void>,
): Promise<void> {
  await requireFreeName(write, kind, id, desired);
  const row = { ...desired, id, nameKey: matchKey(desired.name), revision: write.revision };
  try {
    await store(row);
  } catch (error) {
    throw asTaken(error, kind, desired.name);
  }
}

/** Match values of all matched attributes, the ones without values included: these lose their keys. */
async function writeMatchKeys(
  write: DirectoryWrite,
  kind: ObjectKind,
  id: string,
  attributes: JsonAttributeMap,
): Promise<void> {
  const matched = await write.matched(kind);
  const { [nameAttribute]: _, ...keys } = objectKeys(null, attributesFromJson(attributes), matched);
  const none = Object.fromEntries(matched.map((attribute) => [attribute, []]));
  await replaceMatchKeys(write.trx, write.tenantId, kind, id, { ...none, ...keys });
}

/**
 * Adds an object.
 * @returns its id
 * @throws LockstepError InvalidRequest, ParentNotFound, UsernameTaken, NameTaken.
 */
export async function addObject(
  write: DirectoryWrite,
  kind: ObjectKind,
  desired: DesiredObject,
): Promise<string> {
  checkName(kind, desired.name);
  // The name is an attribute too, as mappings and conditions see it.
  const attributes = {
    ...checkAttributes(kind, desired.attributes),
    [namingAttribute[kind]]: [desired.name],
  };
  await requireUnit(write, desired.parentId, 'parentId');
  const id = newId(kind);
  await writeRow(write, kind, id, { ...desired, attributes }, async (row) =>
    insertObject(write.trx, write.tenantId, kind, row),
  );
  await writeMatchKeys(write, kind, id, attributes);
  await write.log({ kind, verb: 'create', objectId: id });
  return id;
}

function amended(kind: ObjectKind, row: DirectoryRow, change: ObjectChange): DesiredObject {
  const given = change.attributes ?? {};
  const values = checkAttributes(kind, given);
  const kept = Object.entries(row.attributes).filter(([name]) => given[name] === undefined);
  const name = change.name ?? row.name;
  const renamed = name === row.name ? {} : { [namingAttribute[kind]]: [name] };
  return {
    name,
    parentId: change.parentId === undefined ? row.parentId : change.parentId,
    enabled: change.enabled ?? row.enabled,
    attributes: { ...Object.fromEntries(kept), ...values, ...renamed },
  };
}

function sameAttributes(left: JsonAttributeMap, right: JsonAttributeMap): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => JSON.stringify(left[name]) === JSON.stringify(right[name]));
}

/** What the change of an object is called in the log. */
function verbsOf(row: DirectoryRow, desired: DesiredObject): ('move' | 'update' | 'enable' | 'disable')[] {
  const moved = row.parentId !== desired.parentId || row.name !== desired.name;
  const altered = !sameAttributes(row.attributes, desired.attributes);
  const verbs: ReturnType<typeof verbsOf> = [];
  if (moved) verbs.push('move');
  else if (altered) verbs.push('update');
  if (row.enabled !== desired.enabled) verbs.push(desired.enabled ? 'enable' : 'disable');
  return verbs;
}

/**
 * Changes an object that the transaction has locked. What is as wanted already is not written and keeps its revision.
 * @returns whether anything was written
 * @throws LockstepError InvalidRequest, ParentNotFound, UsernameTaken, NameTaken.
 */
export async function amendObject(
  write: DirectoryWrite,
  kind: ObjectKind,
  row: DirectoryRow,
  change: ObjectChange,
): Promise<boolean> {
  const desired = amended(kind, row, change);
  const verbs = verbsOf(row, desired);
  if (verbs.length === 0) return false;
  checkName(kind, desired.name);
  if (desired.parentId !== row.parentId) await requireUnit(write, desired.parentId, 'parentId');
  await writeRow(write, kind, row.id, desired, async (next) => updateObject(write.trx, kind, next));
  await writeMatchKeys(write, kind, row.id, desired.attributes);
  await write.log(...verbs.map((verb) => ({ kind, verb, objectId: row.id })));
  return true;
}
