import type { ObjectKind, Verb } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson } from '../directory/attributes.ts';
import type { Attributes, JsonAttributes } from '../directory/attributes.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import { isAllowed, restrain } from './allowed-actions.ts';
import type { ChangeWriter } from './change-writer.ts';
import type { ExternalObject } from './connector.ts';
import { egressSource } from './egress-source.ts';
import { externalNodes, SharedPlaces } from './external-nodes.ts';
import { imageToJson, parentAttribute } from './image.ts';
import type { Image } from './image.ts';
import { planObject } from './plan-object.ts';
import type { Tie } from './plan-object.ts';
import type { LinkData, PlannedChange } from './planned-change.ts';
import type { Run } from './run-context.ts';
import { mapQuietly } from './match-egress.ts';
import { matchKey } from './match-key.ts';
import {
  markReferences,
  allWaiting,
  partReferences,
  pendingPrefix,
  recordReferences,
  sameReferences,
} from './references.ts';
import { planLate } from './late-references.ts';
import type { SourceSurvey } from './source-survey.ts';
import type { UnitResolver } from './unit-resolver.ts';
import type { EgressCandidate, MissingLink, StagedObject, Staging } from './sync-store.ts';

/** Directory ids of the scopes' source nodes; null is the root. */
export type SourceNodes = readonly (string | null)[];

const noLink: LinkData = { reference: null, alias: null, location: null, scope: 0, fingerprint: null };

function externalObject(staged: StagedObject): ExternalObject {
  return {
    reference: staged.link.reference ?? '',
    location: staged.link.location ?? '',
    parents: staged.parents,
    name: staged.name,
    attributes: attributesFromJson(staged.attributes),
    ...(staged.link.alias === null ? {} : { alias: staged.link.alias }),
    ...(staged.enabled === null ? {} : { enabled: staged.enabled }),
  };
}

/** Managed names by their lower-case form, made once for each mapping. */
const spellings = new WeakMap<readonly string[], ReadonlyMap<string, string>>();

function spellingsOf(managed: readonly string[]): ReadonlyMap<string, string> {
  const known = spellings.get(managed);
  if (known) return known;
  const made = new Map(managed.map((name) => [name.toLowerCase(), name]));
  spellings.set(managed, made);
  return made;
}

/** Attributes under the names that the mapping uses, whatever letter case the target answers in. */
function underManagedNames(attributes: Attributes, managed: readonly string[]): Attributes {
  const names = spellingsOf(managed);
  const renamed: Record<string, Attributes[string]> = {};
  for (const [name, values] of Object.entries(attributes)) {
    renamed[names.get(name.toLowerCase()) ?? name] = values;
  }
  return renamed;
}

/** In a system without a tree everything lies right below the scope's node. */
function hasUnits(run: Run): boolean {
  return run.endpoint.capabilities.kinds.includes('organizationalUnit');
}

interface Desired {
  readonly image: Image;
  /** See `PartedReferences.pending`. */
  readonly pending: JsonAttributes;
}

function desiredImage(run: Run, candidate: EgressCandidate, node: string | null): Desired {
  const { kind, objectId, directory, staged, references } = candidate;
  const source = markReferences(kind, egressSource(kind, objectId, directory), references);
  const mapped = run.specification.mapping[kind](source);
  const projected = run.endpoint.project(kind, mapped, staged ? externalObject(staged) : null);
  const { capabilities } = run.endpoint;
  const apart = staged === null && capabilities.referencesApart === true;
  const { attributes, pending } = partReferences(
    projected.attributes,
    apart ? allWaiting(references) : references,
  );
  return {
    image: {
      parent: hasUnits(run) && directory.parentId !== node ? directory.parentId : null,
      name: projected.name,
      enabled: kind === 'user' && capabilities.disable ? directory.enabled : null,
      attributes,
    },
    pending,
  };
}

/** The attributes that are compared: what the mapping writes, and what the target demands besides. */
function managedAttributes(run: Run, kind: ObjectKind, { image, pending }: Desired): string[] {
  const written = run.specification.mapping.attributesWritten[kind];
  const managed = new Set([...written, ...Object.keys(image.attributes)]);
  for (const name of Object.keys(pending)) managed.delete(name.slice(pendingPrefix.length));
  return [...managed];
}

function existingImage(
  run: Run,
  staged: StagedObject,
  scope: number,
  managed: readonly string[],
  units: UnitResolver,
): Image {
  const above = staged.parents[0];
  const node = externalNodes(run).ofScope[scope];
  // Right below the node of another scope it is not where it shall be; without a tree all nodes are one.
  const atTop = staged.link.scope === node || !hasUnits(run) ? { id: null } : undefined;
  const parent = above === undefined ? atTop : units.exactly(above);
  return {
    parent: parent === undefined ? unknownParent : parent.id,
    name: staged.name,
    enabled: staged.enabled,
    attributes: underManagedNames(attributesFromJson(staged.attributes), managed),
  };
}

/** Stands for a container of the target that is not kept in step: any wanted parent differs from it. */
const unknownParent = '?';

function conflictTie(candidate: EgressCandidate, code: ErrorCode, message: string): Tie {
  return {
    by: 'conflict',
    verb: candidate.link ? 'update' : 'create',
    code,
    message,
  };
}

function planCandidate(
  run: Run,
  candidate: EgressCandidate,
  staged: StagedObject | null,
  placed: boolean,
  node: string | null,
  units: UnitResolver,
  shared: SharedPlaces,
): Planned {
  const { kind, link, references } = candidate;
  const label = candidate.directory.name;
  const base = {
    kind,
    label,
    objectId: candidate.objectId,
    externalId: staged?.externalId ?? link?.externalId ?? null,
    revision: candidate.directory.revision,
    link: staged
      ? { ...staged.link, scope: candidate.scope }
      : { ...(link ?? noLink), scope: candidate.scope, fingerprint: null },
  };
  if (candidate.conflict) {
    const tie: Tie = { by: 'conflict', verb: 'bind', ...candidate.conflict };
    return settledPlan(planObject({ ...base, tie, desired: emptyImage, existing: null }, exact));
  }
  if (staged?.error) {
    const tie = conflictTie(candidate, staged.error.code, staged.error.message);
    return settledPlan(planObject({ ...base, tie, desired: emptyImage, existing: null }, exact));
  }
  let desired: Desired;
  try {
    desired = desiredImage(run, { ...candidate, staged }, node);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    const tie = conflictTie(candidate, error.code, error.message);
    return settledPlan(planObject({ ...base, tie, desired: emptyImage, existing: null }, exact));
  }
  const { allowed, mapping } = run.specification;
  if (staged === null && !isAllowed(allowed, kind, 'create')) return settledPlan([]);
  const existing = staged
    ? existingImage(run, staged, candidate.scope, mapping.attributesWritten[kind], units)
    : null;
  const { parent, name } = desired.image;
  const isFree = shared.take({ scope: candidate.scope, parent, kind, name, objectId: candidate.objectId });
  if (existing === null && !isFree) {
    const message = 'an object of another scope has this name below the node that both are written to';
    const tie = conflictTie(candidate, 'NameTaken', message);
    return settledPlan(planObject({ ...base, tie, desired: emptyImage, existing: null }, exact));
  }
  const may = (verb: Verb): boolean => isAllowed(allowed, kind, verb);
  const rules = run.specification.match[kind];
  const tie: Tie =
    link && staged
      ? { by: 'link' }
      : staged
        ? { by: 'match', rule: placed ? 'path' : (rules[candidate.matchedBy ?? 0] ?? 'path') }
        : { by: 'nothing' };
  const managed = existing ? managedAttributes(run, kind, desired) : [];
  const changes = planObject(
    {
      ...base,
      tie,
      desired: existing ? restrain(desired.image, existing, managed, may) : desired.image,
      existing,
      // A create replaces the link of an entry that is gone from the target.
      externalId: staged ? staged.externalId : null,
    },
    {
      managed,
      sameName: (left, right) => run.endpoint.sameName(left, right),
      sameReferences: (_name, wanted, present) =>
        sameReferences(wanted, present, references, (text) => run.endpoint.normaliseReference(text)),
    },
  );
  const { pending } = desired;
  const waits = Object.keys(pending).length > 0;
  const recorded = changes.map((change) => recordReferences(change, references));
  if (!waits) return settledPlan(recorded);
  if (existing && may('update')) {
    const { objectId, scope } = candidate;
    const waiting = { kind, objectId, label, scope, pending, existing };
    return { ...planLate(recorded, waiting, (text) => run.endpoint.normaliseReference(text)), waits };
  }
  const marked = recorded.map((change) =>
    change.after ? { ...change, after: { ...change.after, ...pending } } : change,
  );
  return { changes: marked, waits, late: null };
}

interface Planned {
  readonly changes: readonly PlannedChange[];
  /** It names an object that the plan has yet to create, or to bind. */
  readonly waits: boolean;
  /** What an existing entry gets once that object is there. */
  readonly late: PlannedChange | null;
}

const settledPlan = (changes: readonly PlannedChange[]): Planned => ({ changes, waits: false, late: null });

const emptyImage: Image = { parent: null, name: '', enabled: null, attributes: {} };
const exact = { managed: [], sameName: (left: string, right: string): boolean => left === right };

/** Entries of the target at the places where unlinked objects would be created: for the rule `path`. */
async function findPlaced(
  run: Run,
  staging: Staging,
  kind: ObjectKind,
  page: readonly EgressCandidate[],
  nodes: SourceNodes,
  units: UnitResolver,
): Promise<(StagedObject | null)[]> {
  const { ofScope } = externalNodes(run);
  const places = page.map((candidate) => {
    if (candidate.link || candidate.staged || candidate.conflict) return null;
    if (!run.specification.match[kind].includes('path')) return null;
    const node = nodes[candidate.scope] ?? null;
    const isBelow = hasUnits(run) && candidate.directory.parentId !== node;
    const parentId = isBelow ? candidate.directory.parentId : null;
    const parentReference = parentId === null ? '' : units.referenceOf(parentId);
    if (parentReference === undefined) return null;
    const mapped = mapQuietly(run, kind, egressSource(kind, candidate.objectId, candidate.directory));
    const name = mapped ? projectedName(run, kind, mapped) : null;
    // Right below a node the place does not say which one it is.
    const below = parentReference === '' && hasUnits(run) ? (ofScope[candidate.scope] ?? null) : null;
    return name === null ? null : { parentReference, node: below, nameKey: matchKey(name) };
  });
  const asked = places.filter((place) => place !== null);
  if (asked.length === 0) return page.map(() => null);
  const found = await staging.findStagedByPlace(kind, asked);
  // An entry is bound once, and a match rule goes before its place.
  const bound = new Set(page.map(({ staged }) => staged?.externalId));
  let index = 0;
  return places.map((place) => {
    if (!place) return null;
    const staged = found.get(index++);
    if (!staged || bound.has(staged.externalId)) return null;
    bound.add(staged.externalId);
    return staged;
  });
}

function projectedName(run: Run, kind: ObjectKind, mapped: Attributes): string | null {
  try {
    return run.endpoint.project(kind, mapped, null).name;
  } catch (error) {
    if (error instanceof LockstepError) return null;
    throw error;
  }
}

/** What is known of a kind from reading the target, and who wants to know what there is in the directory. */
export interface TargetRead {
  readonly complete: boolean;
  /** There are entries that no object is linked to. */
  readonly unlinked: boolean;
  readonly survey: SourceSurvey;
}

/** What came of planning a kind. */
export interface PlannedKind {
  /** How many objects were looked at; the others are as they were. */
  readonly looked: number;
  /** How many objects are not known to be equal, late references left aside. */
  readonly notSame: number;
  /** Some name objects that the plan has yet to create, or to bind: their references are planned behind these. */
  readonly waits: boolean;
}

/** Plans the objects of one kind. */
export async function planEgressKind(
  run: Run,
  staging: Staging,
  kind: ObjectKind,
  nodes: SourceNodes,
  units: UnitResolver,
  writer: ChangeWriter,
  { complete, unlinked, survey }: TargetRead,
): Promise<PlannedKind> {
  let looked = 0;
  let notSame = 0;
  let waits = false;
  const shared = new SharedPlaces(externalNodes(run));
  for await (const page of staging.egressCandidates(kind)) {
    run.signal.throwIfAborted();
    looked += page.length;
    for (const { directory } of page) survey.note(kind, directory.attributes);
    await units.load(page.flatMap(({ staged }) => staged?.parents.slice(0, 1) ?? []));
    await units.loadReferences(
      page.flatMap(({ directory }) => (directory.parentId === null ? [] : [directory.parentId])),
    );
    const placed = unlinked ? await findPlaced(run, staging, kind, page, nodes, units) : [];
    await units.load(placed.flatMap((staged) => staged?.parents.slice(0, 1) ?? []));
    const refreshed: Parameters<Staging['refreshLinks']>[0][number][] = [];
    const settled: { kind: ObjectKind; externalId: string; objectId: string | null }[] = [];
    const changes: PlannedChange[] = [];
    const late: PlannedChange[] = [];
    page.forEach((candidate, index) => {
      const byPlace = placed[index] ?? null;
      const staged = candidate.staged ?? byPlace;
      // A linked entry that an incomplete read did not bring may well be there: leave it alone.
      if (candidate.link && !staged && !complete) {
        notSame += 1;
        return;
      }
      const planned = planCandidate(
        run,
        candidate,
        staged,
        byPlace !== null,
        nodes[candidate.scope] ?? null,
        units,
        shared,
      );
      const failed = planned.changes.some(({ outcome }) => outcome?.result === 'failed');
      if (staged && !candidate.link) {
        settled.push({ kind, externalId: staged.externalId, objectId: failed ? null : candidate.objectId });
      }
      waits ||= planned.waits;
      if (planned.late) late.push(planned.late);
      if (planned.changes.length > 0) notSame += 1;
      else if (staged) {
        refreshed.push({
          kind,
          externalId: staged.externalId,
          objectId: candidate.objectId,
          link: {
            ...staged.link,
            scope: candidate.scope,
            ...(planned.waits ? { fingerprint: null } : {}),
          },
          revision: candidate.directory.revision,
          contribution: null,
        });
      } else notSame += 1;
      changes.push(...planned.changes);
    });
    if (settled.length > 0) await staging.settleStaged(settled);
    if (refreshed.length > 0) await staging.refreshLinks(refreshed);
    await writer.write(changes);
    await writer.writeLate(late);
    if (kind === 'organizationalUnit') units.forget();
  }
  return { looked, notSame, waits };
}

/** What becomes of an entry of the target whose directory object is gone or out of scope. */
export function planEgressMissing(run: Run, missing: MissingLink): PlannedChange[] {
  const { kind, staged } = missing;
  if (!staged) return [];
  const base = {
    kind,
    label: missing.label,
    externalId: missing.externalId,
    objectId: missing.objectId,
    revision: missing.directory?.revision ?? 0,
    link: missing.link,
    releasesLink: true,
  };
  // Where it is its label says: units are not looked up for it, and no place is not the top.
  const { [parentAttribute]: _, ...before } = imageToJson({
    parent: null,
    name: staged.name,
    enabled: staged.enabled,
    attributes: attributesFromJson(staged.attributes),
  });
  const { onMissing } = run.sync;
  if (onMissing !== 'ignore' && !isAllowed(run.specification.allowed, kind, onMissing)) return [];
  if (onMissing === 'delete') return [{ ...base, verb: 'delete', before, after: null }];
  if (onMissing !== 'disable' || kind !== 'user' || !run.endpoint.capabilities.disable) return [];
  if (staged.enabled === false) return [];
  return [{ ...base, verb: 'disable', before: { $enabled: ['true'] }, after: { $enabled: ['false'] } }];
}
