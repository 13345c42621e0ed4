import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson } from '../directory/attributes.ts';
import type { JsonAttributes } from '../directory/attributes.ts';
import type { ChangeWriter } from './change-writer.ts';
import {
  contributedAttributes,
  impliedContribution,
  mergeContributions,
  namingAttribute,
} from './contributions.ts';
import type { Contribution } from './contributions.ts';
import { diffImages } from './diff.ts';
import {
  directoryImage,
  enabledAttribute,
  imageToJson,
  parentAttribute,
  readPseudoAttributes,
  withoutPseudoAttributes,
} from './image.ts';
import type { Image } from './image.ts';
import { objectKeys } from './object-keys.ts';
import { planObject } from './plan-object.ts';
import type { Tie } from './plan-object.ts';
import type { PlannedChange } from './planned-change.ts';

import type { Run } from './run-context.ts';
import type { Parent, UnitResolver } from './unit-resolver.ts';
import { placeKey } from './sync-store.ts';
import type {
  Absence,
  DirectoryState,
  IngressCandidate,
  MissingLink,
  OtherContribution,
  Staging,
} from './sync-store.ts';

/** Directory ids of the scopes' target nodes; null is the root. */
export type TargetNodes = readonly (string | null)[];

export const sameText = (left: string, right: string): boolean => left === right;

/** What a sync says of an object that it alone fed until now: what the directory has of it, in the form of a contribution. */
export function heldContribution(
  run: Run,
  kind: ObjectKind,
  directory: DirectoryState,
  syncSerial: number,
): JsonAttributes {
  const tellsState = kind === 'user' && run.sync.accountStatesFrom.includes(syncSerial);
  return {
    ...impliedContribution(directory.attributes, run.specification.managedBy(syncSerial, kind)),
    [parentAttribute]: [directory.parentId ?? ''],
    ...(tellsState && { [enabledAttribute]: [String(directory.enabled)] }),
  };
}

export function otherContributions(
  run: Run,
  kind: ObjectKind,
  directory: DirectoryState,
  others: readonly OtherContribution[],
): Contribution[] {
  return others.map(({ syncSerial, contribution }) => ({
    syncSerial,
    values: contribution ?? heldContribution(run, kind, directory, syncSerial),
  }));
}

/** The image that all contributions together give an object. */
function mergedImage(
  kind: ObjectKind,
  contributions: readonly Contribution[],
  managed: ReadonlySet<string>,
  run: Run,
  existing: Image,
): Image {
  const merged = mergeContributions(contributions, managed, run.specification.precedence);
  const pseudo = readPseudoAttributes(
    mergeContributions(contributions, [parentAttribute, enabledAttribute], run.specification.precedence),
  );
  const attributes = attributesFromJson(withoutPseudoAttributes(merged));
  const naming = attributes[namingAttribute[kind]]?.[0];
  return {
    parent: pseudo.parent === undefined ? existing.parent : pseudo.parent,
    name: typeof naming === 'string' ? naming : existing.name,
    enabled: pseudo.enabled,
    attributes,
  };
}

interface Planned {
  readonly changes: PlannedChange[];
  /** Set when the object was compared and equal. */
  readonly same: boolean;
}

function tieOf(candidate: IngressCandidate, rules: readonly string[], placed: boolean): Tie {
  const { staged, conflict, matchedBy, directory } = candidate;
  if (staged.error) return { by: 'conflict', verb: staged.linked ? 'update' : 'create', ...staged.error };
  if (conflict) {
    const fresh = conflict.code === 'UsernameTaken' || conflict.code === 'ParentNotFound';
    const verb = staged.linked ? 'update' : fresh ? 'create' : 'bind';
    return { by: 'conflict', verb, ...conflict };
  }
  if (staged.linked && directory) return { by: 'link' };
  if (matchedBy !== null) return { by: 'match', rule: rules[matchedBy] ?? 'path' };
  return placed ? { by: 'match', rule: 'path' } : { by: 'nothing' };
}

const describeHomeless = (unit: string): string =>
  `the organizational unit above it (${unit}) could not be created`;

/** What was remembered while others fed the object is kept true when they are gone: they may come back. */
function mustRemember({ directory, others, ownContribution }: IngressCandidate): boolean {
  return ownContribution !== null || (directory !== null && others.length > 0);
}

function planCandidate(run: Run, candidate: IngressCandidate, parent: Parent, isPlaced: boolean): Planned {
  const { staged, others, directory } = candidate;
  const { kind } = staged;
  const managed = run.specification.mapping.attributesWritten[kind];
  const rules = run.specification.match[kind];
  let tie = tieOf(candidate, rules, isPlaced);
  if (tie.by !== 'conflict' && 'failed' in parent) {
    const message = describeHomeless(parent.failed);
    tie = { by: 'conflict', verb: staged.linked ? 'update' : 'create', code: 'ParentNotFound', message };
  }
  const returned = candidate.linkState === 'missing';
  const own: Image = {
    parent: 'id' in parent ? parent.id : null,
    name: staged.name,
    enabled: kind === 'user' ? (staged.enabled ?? (returned || !directory ? true : null)) : null,
    attributes: attributesFromJson(staged.attributes),
  };
  const existing = directory ? directoryImage(kind, directory) : null;
  let desired = own;
  const contribution = directory && mustRemember(candidate) ? imageToJson(own) : null;
  let managedHere: readonly string[] = managed;
  if (contribution && directory && existing && others.length > 0) {
    const contributions = [
      { syncSerial: run.sync.serial, values: imageToJson(own) },
      ...otherContributions(run, kind, directory, others),
    ];
    const names = contributedAttributes(
      [managed, ...others.map(({ syncSerial }) => run.specification.managedBy(syncSerial, kind))],
      contributions,
    );
    const attributes = new Set([...names].filter((name) => !name.startsWith('$')));
    managedHere = [...attributes];
    desired = mergedImage(kind, contributions, attributes, run, existing);
    if (returned && own.enabled !== null) desired = { ...desired, enabled: own.enabled };
  }
  const changes = planObject(
    {
      kind,
      label: staged.label,
      objectId: staged.objectId,
      externalId: staged.externalId,
      tie,
      desired,
      existing,
      revision: directory?.revision ?? 0,
      link: staged.link,
      contribution,
    },
    { managed: managedHere, sameName: sameText },
  );
  return { changes: changes.map((change) => withKeys(run, change)), same: changes.length === 0 };
}

/** Adds the normalised name and match values that a change gives its object. */
export function withKeys(run: Run, change: PlannedChange): PlannedChange {
  if (!change.after || change.kind === 'membership') return change;
  const after = attributesFromJson(withoutPseudoAttributes(change.after));
  const { name } = readPseudoAttributes(change.after);
  return { ...change, keys: objectKeys(name, after, run.specification.matchAttributes[change.kind]) };
}

/** Places within the directory, for the rule `path`. */
async function findPlaces(
  run: Run,
  staging: Staging,
  kind: ObjectKind,
  page: readonly IngressCandidate[],
  parents: readonly Parent[],
  absence: Absence,
) {
  if (kind === 'user' || !run.specification.match[kind].includes('path')) return null;
  const places = page.flatMap(({ staged, matchedBy, conflict }, index) => {
    const parent = parents[index];
    if (staged.linked || staged.error || matchedBy !== null || conflict || !parent || 'failed' in parent)
      return [];
    return [{ parentId: parent.id, nameKey: staged.nameKey }];
  });
  return places.length === 0 ? null : staging.findByPlace(kind, places, absence);
}

/** Plans the users that are nothing but new: once their places are known, the store does it by itself. */
async function planNewUsers(
  run: Run,
  staging: Staging,
  nodes: TargetNodes,
  units: UnitResolver,
  writer: ChangeWriter,
): Promise<void> {
  for await (const places of staging.createdPlaces()) {
    run.signal.throwIfAborted();
    await units.load(places.flatMap(({ parents }) => parents));
    await staging.settlePlaces(
      places.map(({ number, parents, scope }) => {
        const parent = units.parent(parents, nodes[scope] ?? null);
        return 'id' in parent
          ? { number, parentId: parent.id, conflict: null }
          : { number, parentId: null, conflict: describeHomeless(parent.failed) };
      }),
    );
  }
  const parts = await staging.divideCreates();
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  writer.setAside(count, (first, planned) =>
    staging.planCreates(parts, first, async (ordinal) => {
      run.signal.throwIfAborted();
      await planned(ordinal);
    }),
  );
}

/** Plans the objects of one kind; returns how many were compared and equal. */
export async function planIngressKind(
  run: Run,
  staging: Staging,
  kind: ObjectKind,
  nodes: TargetNodes,
  units: UnitResolver,
  writer: ChangeWriter,
  absence: Absence,
): Promise<number> {
  let same = 0;
  if (kind === 'user') await planNewUsers(run, staging, nodes, units, writer);
  for await (const page of staging.ingressCandidates(kind)) {
    run.signal.throwIfAborted();
    await units.load(page.flatMap(({ staged }) => staged.parents));
    const parents = page.map(({ staged }) => units.parent(staged.parents, nodes[staged.link.scope] ?? null));
    const places = await findPlaces(run, staging, kind, page, parents, absence);
    const settled: { kind: ObjectKind; externalId: string; objectId: string | null }[] = [];
    const refreshed: Parameters<Staging['refreshLinks']>[0][number][] = [];
    const changes: PlannedChange[] = [];
    page.forEach((candidate, index) => {
      const { staged } = candidate;
      const parent = parents[index] as Parent;
      const place =
        'id' in parent &&
        !staged.linked &&
        candidate.matchedBy === null &&
        !candidate.conflict &&
        !staged.error
          ? places?.get(placeKey(parent.id, staged.nameKey))
          : undefined;
      const bound = place
        ? { ...candidate, ...place, staged: { ...staged, objectId: place.objectId } }
        : candidate;
      const planned = planCandidate(run, bound, parent, place !== undefined);
      const failed = planned.changes.some(({ outcome }) => outcome?.result === 'failed');
      if (failed || place) {
        settled.push({
          kind,
          externalId: staged.externalId,
          objectId: failed && !staged.linked ? null : bound.staged.objectId,
        });
      }
      if (planned.same && candidate.directory) {
        same += 1;
        refreshed.push({
          kind,
          externalId: staged.externalId,
          objectId: staged.objectId,
          link: staged.link,
          revision: candidate.directory.revision,
          contribution: mustRemember(candidate) ? imageToJson(ownImage(candidate, parent)) : null,
        });
      }
      changes.push(...planned.changes);
    });
    if (settled.length > 0) await staging.settleStaged(settled);
    if (refreshed.length > 0) await staging.refreshLinks(refreshed);
    await writer.write(changes);
    if (kind === 'organizationalUnit') units.forget();
  }
  return same;
}

function ownImage({ staged }: IngressCandidate, parent: Parent): Image {
  return {
    parent: 'id' in parent ? parent.id : null,
    name: staged.name,
    enabled: staged.kind === 'user' ? staged.enabled : null,
    attributes: attributesFromJson(staged.attributes),
  };
}

function describeMissing(missing: MissingLink): {
  kind: ObjectKind;
  label: string;
  externalId: string;
  objectId: string;
} {
  return {
    kind: missing.kind,
    label: missing.label,
    externalId: missing.externalId,
    objectId: missing.objectId,
  };
}

/**
 * What becomes of an object whose source record is gone. While another sync still feeds it, it only loses what this
 * sync gave; else it is disabled or deleted as the sync says.
 */
export function planMissing(run: Run, missing: MissingLink): PlannedChange[] {
  const { directory, others, kind } = missing;
  if (!directory || run.sync.onMissing === 'ignore') return [];
  const base = {
    ...describeMissing(missing),
    revision: directory.revision,
    link: missing.link,
    releasesLink: true,
  };
  const existing = directoryImage(kind, directory);
  if (others.length > 0) {
    const contributions = otherContributions(run, kind, directory, others);
    const attributes = contributedAttributes(
      [run.specification.mapping.attributesWritten[kind], Object.keys(missing.ownContribution ?? {})],
      contributions,
    );
    const names = new Set([...attributes].filter((name) => !name.startsWith('$')));
    const desired = mergedImage(kind, contributions, names, run, existing);
    const difference = diffImages(desired, existing, { managed: [...names], sameName: sameText });
    if (!difference) return [];
    const { verb, before, after } = difference;
    return [withKeys(run, { ...base, verb, parentId: desired.parent, before, after })];
  }
  if (run.sync.onMissing === 'disable') {
    if (kind !== 'user' || !directory.enabled) return [];
    return [
      {
        ...base,
        verb: 'disable',
        parentId: directory.parentId,
        before: { [enabledAttribute]: ['true'] },
        after: { [enabledAttribute]: ['false'] },
      },
    ];
  }
  if (run.sync.onMissing === 'delete') {
    return [
      { ...base, verb: 'delete', parentId: directory.parentId, before: imageToJson(existing), after: null },
    ];
  }
  return [];
}

/** The match values of a desired object, by rule. */
export function ruleValues(
  rules: readonly string[],
  attributes: JsonAttributes | Record<string, readonly unknown[]>,
) {
  return rules.flatMap((attribute, rule) => {
    const values = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
    return values && attribute !== 'path'
      ? [{ rule, values: values as readonly (string | Uint8Array)[] }]
      : [];
  });
}
