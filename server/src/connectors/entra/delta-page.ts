import { LockstepError } from '../../kernel/errors.ts';
import type { ReplicaChange } from '../../sync/replica.ts';
import type { EntraKind } from './select.ts';

/** A page of a delta query. */
export interface DeltaPage {
  readonly changes: readonly ReplicaChange[];
  /** One text for each object of the page: what is the same each time a page comes again. */
  readonly signatures: readonly string[];
  readonly next: string | undefined;
  readonly delta: string | undefined;
}

interface Told {
  readonly id?: string;
  readonly '@removed'?: { readonly reason?: unknown };
  readonly '@odata.type'?: unknown;
  readonly 'members@delta'?: unknown;
  readonly 'manager@delta'?: unknown;
  readonly [property: string]: unknown;
}

function broken(why: string): LockstepError {
  return new LockstepError('ProtocolError', `Microsoft Graph sent a page of changes ${why}`);
}

function link(body: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw broken(`whose ${name} is none`);
}

/** @throws LockstepError ProtocolError for a page without objects, or that neither goes on nor ends. */
export function parseDeltaPage(kind: EntraKind, body: Readonly<Record<string, unknown>>): DeltaPage {
  const objects = body['value'];
  if (!Array.isArray(objects)) throw broken('without a list of objects');
  const next = link(body, '@odata.nextLink');
  const delta = link(body, '@odata.deltaLink');
  if ((next === undefined) === (delta === undefined))
    throw broken('that has neither a next link nor a delta link, or both');
  const told = (objects as Told[]).map(requireObject);
  return {
    changes: told.flatMap((object) => changesOf(kind, object)),
    signatures: told.map(signatureOf),
    next,
    delta,
  };
}

/** As the store can keep it: it has neither U+0000 nor halves of surrogate pairs, and U+FFFD stands for them. */
function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\u0000', '\ufffd').toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(storable);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [storable(name), storable(inner)]));
}

function requireObject(object: Told | null): Told & { readonly id: string } {
  const id = object?.id;
  if (typeof id === 'string' && id !== '' && id === storable(id))
    return object as Told & { readonly id: string };
  throw broken('with an object that has no id');
}

/** Deleted for good or only for thirty days: the object is gone; when it is restored, Graph tells of it again. */
function changesOf(kind: EntraKind, told: Told & { readonly id: string }): ReplicaChange[] {
  const { id: externalId } = told;
  if (told['@removed'] !== undefined && told['@removed'] !== null)
    return [{ verb: 'remove', kind, externalId }];
  const own = Object.entries(told).filter(([name]) => !name.includes('@'));
  const attributes = storable(Object.fromEntries(own)) as Record<string, unknown>;
  if (told['manager@delta'] !== undefined) attributes['manager'] = managerOf(told['manager@delta']);
  const members = kind === 'group' ? listed(told['members@delta']) : [];
  return [
    { verb: 'merge', kind, externalId, attributes },
    ...members.flatMap((member) => memberChange(externalId, member)),
  ];
}

function listed(value: unknown): Told[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((item) => requireObject(item as Told | null));
  throw broken('with members that are no list');
}

/** Who is told last without being removed. */
function managerOf(value: unknown): string | null {
  const present = listed(value).filter((manager) => manager['@removed'] === undefined);
  return present.at(-1)?.id ?? null;
}

/** Devices, contacts and service principals are members too, and none of the directory's. */
function memberChange(groupId: string, member: Told): ReplicaChange[] {
  const type = member['@odata.type'];
  if (typeof type === 'string' && !/^#?microsoft\.graph\.(user|group|directoryObject)$/i.test(type))
    return [];
  const removed = member['@removed'] !== undefined && member['@removed'] !== null;
  return [{ verb: removed ? 'removeMember' : 'addMember', groupId, memberId: member.id ?? '' }];
}

function signatureOf(told: Told & { readonly id: string }): string {
  const members = listed(told['members@delta']);
  const ends = [members[0], members.at(-1)].map((member) => member?.id ?? '');
  return [told.id, told['@removed'] === undefined ? '' : '-', members.length, ...ends].join(' ');
}
