import { randomUUID } from 'node:crypto';
import type { Verb } from '@lockstep/contract/vocabulary.ts';
import type { Attributes } from '../../../directory/attributes.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { TargetChange } from '../../../sync/connector.ts';
import { normaliseDn, parseDn, renderRdn } from '../../../directory/dn/dn.ts';
import { aliasOfUid, externalIdOfDn } from '../ldif/record.ts';
import { addMember, removeMember } from './membership.ts';
import { placeKey } from './naming.ts';
import { findKey, withoutRdnValues, withRdnValues } from './rdn.ts';
import { findObject, getObject, type Scene, type Success } from './scene.ts';
import type { Entry, Place, Tree } from './tree.ts';

type Carry = (scene: Scene, change: TargetChange, place?: Place) => Success;

const carriers: Readonly<Record<Verb, Carry>> = {
  create,
  update,
  disable: update,
  enable: update,
  move,
  delete: remove,
  addMember,
  removeMember,
  bind: refuseTie,
  unbind: refuseTie,
};

function refuseTie(): never {
  throw new LockstepError('Internal', 'a bind is no change of a target');
}

/**
 * Carries out one change; a move to `place` where that is given. @throws LockstepError when it cannot be; nothing is
 * written then.
 */
export function carryOut(scene: Scene, change: TargetChange, place?: Place): Success {
  return carriers[change.verb](scene, change, place);
}

function create(scene: Scene, change: TargetChange): Success {
  const { tree } = scene;
  const name = demandName(change);
  const place = findPlace(scene, change.parentLocation);
  const sibling = tree.findSibling(place, change.kind, name);
  if (sibling !== undefined) {
    if (!scene.recovering || sibling.kind !== change.kind) throw taken(name);
    return update(scene, { ...change, externalId: sibling.externalId });
  }
  const id = randomUUID();
  const ldif = tree.format === 'ldif';
  const plain = assign(scene, ldif && scene.entryUuid ? { entryUUID: [id] } : {}, change);
  const attributes = ldif ? withRdnValues(plain, name) : plain;
  const entry = tree.insert({
    ...place,
    kind: change.kind,
    externalId: ldif && !scene.entryUuid ? externalIdOfDn(normaliseDn(locationIn(tree, place, name))) : id,
    name,
    enabled: ldif ? null : (change.enabled ?? null),
    attributes: accountState(scene, attributes, change),
  });
  tieNamed(scene, entry.id, change);
  return describe(scene, change, entry);
}

function update(scene: Scene, change: TargetChange): Success {
  const entry = getObject(scene, change);
  const enabled = wantedState(change);
  if (enabled !== undefined && change.verb !== 'create') demandStates(scene);
  const assigned = assign(scene, entry.attributes, change);
  const ldif = scene.tree.format === 'ldif';
  const attributes = accountState(scene, ldif ? withRdnValues(assigned, entry.name) : assigned, change);
  scene.tree.update(entry.id, attributes, ldif ? null : (enabled ?? entry.enabled));
  tieNamed(scene, entry.id, change);
  return describe(scene, change, entry, attributes);
}

/** In CSV and JSON Lines people are named by ids, which stay. */
function tieNamed({ tree, named }: Scene, entry: number, { set }: TargetChange): void {
  if (tree.format === 'ldif') named.tie(entry, set, (text) => tree.findByLocation(text)?.id);
}

/** Where a move leads, as things stand. */
export function destinationOf(scene: Scene, change: TargetChange): Place {
  return change.parentLocation === null ? getObject(scene, change) : findPlace(scene, change.parentLocation);
}

function move(scene: Scene, change: TargetChange, place: Place = destinationOf(scene, change)): Success {
  const { tree } = scene;
  const entry = getObject(scene, change);
  const name = change.name ?? entry.name;
  if (tree.isAtOrAbove(entry.id, place.parent)) {
    throw new LockstepError('ParentCycle', `${entry.name} cannot be moved below itself`);
  }
  const sibling = tree.findSibling(place, entry.kind, name);
  if (sibling !== undefined && sibling.id !== entry.id) throw taken(name);
  const moved = tree.move(entry, place, name);
  const kept =
    tree.format === 'ldif' && name !== entry.name
      ? withoutRdnValues(entry.attributes, entry.name)
      : entry.attributes;
  tree.update(entry.id, kept, entry.enabled);
  return update(scene, { ...change, externalId: moved.externalId });
}

/** Gives an object a name that no other has, so that its own becomes free; it must be moved on from there. */
export function stepAside(scene: Scene, change: TargetChange): void {
  const { tree } = scene;
  const entry = getObject(scene, change);
  const value = `lockstep-${randomUUID()}`;
  if (tree.format === 'ldif') {
    tree.update(entry.id, withoutRdnValues(entry.attributes, entry.name), entry.enabled);
    const type = parseDn(entry.name).rdns[0]?.pairs[0]?.type ?? 'cn';
    tree.move(entry, entry, renderRdn({ pairs: [{ type, value }] }));
  } else tree.move(entry, entry, value);
}

function remove(scene: Scene, change: TargetChange): Success {
  const entry = findObject(scene, change);
  if (entry === undefined) {
    if (scene.recovering) return { ordinal: change.ordinal, ok: true };
    return describe(scene, change, getObject(scene, change));
  }
  if (scene.tree.hasChildren(entry.id)) {
    throw new LockstepError('TargetRejected', `${entry.name} still has objects below it`);
  }
  scene.tree.delete(entry.id);
  scene.members.forget(entry.id);
  scene.named.forget(entry.id);
  return { ordinal: change.ordinal, ok: true };
}

function demandName(change: TargetChange): string {
  if (change.name !== null && change.name !== '') return change.name;
  throw new LockstepError('RequiredValueMissing', 'the object has no name', { field: 'name' });
}

function taken(name: string): LockstepError {
  return new LockstepError('NameTaken', `${name} exists already in this place`);
}

/** @throws LockstepError ParentNotFound unless the place is an entry of the file or a node of the sync. */
function findPlace({ tree, nodes, relocations }: Scene, location: string | null): Place {
  const moved = tree.format === 'ldif' && location !== null ? relocations.follow(location) : undefined;
  const parent = tree.findByLocation(location ?? '') ?? (moved && tree.findByLocation(moved));
  if (parent) return { parent: parent.id, above: '' };
  const key = placeKey(tree.format, location ?? '');
  if (nodes.includes(key)) return { parent: null, above: location ?? '' };
  throw new LockstepError('ParentNotFound', `nothing is at ${location ?? 'the top'}`);
}

function locationIn(tree: Tree, place: Place, name: string): string {
  const above = place.parent === null ? place.above : tree.locationOf(tree.getEntry(place.parent));
  return above === '' ? name : `${name},${above}`;
}

/** CSV and JSON Lines keep the name outside of the attributes. */
function assign({ tree }: Scene, attributes: Attributes, change: TargetChange): Attributes {
  const result = { ...attributes };
  for (const [name, values] of Object.entries(change.set)) {
    if (tree.format !== 'ldif' && name === 'name') continue;
    const key = tree.format === 'ldif' ? (findKey(result, name) ?? name) : name;
    if (values.length > 0) result[key] = values;
    else delete result[key];
  }
  return result;
}

function wantedState(change: TargetChange): boolean | undefined {
  if (change.verb === 'disable') return false;
  return change.verb === 'enable' ? true : change.enabled;
}

function demandStates({ tree, disabled }: Scene): void {
  if (tree.format !== 'ldif' || disabled !== undefined) return;
  throw new LockstepError(
    'TargetRejected',
    'the connection names no attribute that marks a disabled account',
    {
      field: 'disabled',
    },
  );
}

/** Shows a disabled account by the attribute that the settings name. */
function accountState({ tree, disabled }: Scene, attributes: Attributes, change: TargetChange): Attributes {
  const enabled = wantedState(change);
  if (tree.format !== 'ldif' || disabled === undefined || enabled === undefined) return attributes;
  const result = { ...attributes };
  const key = findKey(result, disabled.attribute) ?? disabled.attribute;
  const others = (result[key] ?? []).filter((value) => value !== disabled.value);
  const values = enabled ? others : [...others, disabled.value];
  if (values.length > 0) result[key] = values;
  else delete result[key];
  return result;
}

/** Where the object is and how it is named now. */
function describe(
  { tree }: Scene,
  change: TargetChange,
  stale: Entry,
  attributes: Attributes = stale.attributes,
): Success {
  const entry = tree.getEntry(stale.id);
  const location = tree.locationOf(entry);
  const uid =
    tree.format === 'ldif' && entry.kind === 'user'
      ? attributes[findKey(attributes, 'uid') ?? 'uid']?.[0]
      : undefined;
  const reference = placeKey(tree.format, location);
  return {
    ordinal: change.ordinal,
    ok: true,
    externalId: identified(tree, attributes) ? entry.externalId : externalIdOfDn(reference),
    location,
    reference,
    ...(typeof uid === 'string' ? { alias: aliasOfUid(uid) } : {}),
  };
}

/** Whether the id of an entry stays when it moves; in LDIF only an entryUUID does. */
function identified({ format }: Tree, attributes: Attributes): boolean {
  return format !== 'ldif' || findKey(attributes, 'entryUUID') !== undefined;
}
