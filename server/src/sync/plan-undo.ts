import type { ObjectKind, Verb } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson, sameValues, valueFromJson } from '../directory/attributes.ts';
import type { JsonAttributes, JsonValue } from '../directory/attributes.ts';
import {
  directoryImage,
  enabledAttribute,
  imageToJson,
  nameAttribute,
  parentAttribute,
  readPseudoAttributes,
  withoutPseudoAttributes,
} from './image.ts';
import { objectKeys } from './object-keys.ts';
import type { FormerLink, LinkData, PlannedChange } from './planned-change.ts';
import type { DirectoryState } from './sync-store.ts';

/** A change of a job that succeeded, as it is recorded. */
export interface RecordedChange {
  readonly kind: ObjectKind;
  readonly verb: Verb;
  readonly objectId: string;
  readonly externalId: string | null;
  readonly label: string;
  readonly before: JsonAttributes | null;
  readonly after: JsonAttributes | null;
  readonly link: LinkData;
  /** The source had lost the object. */
  readonly releasesLink: boolean;
  /** The link that a bind took the place of, or that an unbind gave back. */
  readonly formerLink: FormerLink | null;
}

/** What is to be taken back, with what has become of its object since. */
export interface UndoCandidate {
  readonly change: RecordedChange;
  /** The object as it is now; null: it is gone. */
  readonly directory: DirectoryState | null;
  /** What ties the object to the sync's source now. */
  readonly link:
    (LinkData & { readonly externalId: string; readonly contribution: JsonAttributes | null }) | null;
  /** Another ingress sync feeds the object. */
  readonly fed: boolean;
  /** What such syncs say of it, as far as that was written down. */
  readonly othersSay: readonly JsonAttributes[];
  /** The object is in a group, or has a member, since and not by that job. */
  readonly joined: boolean;
  /** The source's record belongs to another object by now. */
  readonly claimed: boolean;
}

type Matched = Readonly<Record<ObjectKind, readonly string[]>>;

const noLink: LinkData = { reference: null, alias: null, location: null, scope: 0, fingerprint: null };

function sameJson(left: readonly JsonValue[], right: readonly JsonValue[]): boolean {
  return sameValues(left.map(valueFromJson), right.map(valueFromJson));
}

function heldBy(kind: ObjectKind, directory: DirectoryState): JsonAttributes {
  return imageToJson(directoryImage(kind, directory));
}

/** Without a leading `$`, as a person calls it. */
const wordFor: Readonly<Record<string, string>> = {
  [parentAttribute]: 'the place',
  [nameAttribute]: 'the name',
  [enabledAttribute]: 'the account state',
};

function conflict({ kind, label, externalId }: RecordedChange, verb: Verb, message: string): PlannedChange[] {
  const outcome = { result: 'failed' as const, code: 'UndoConflict' as const, message };
  return [{ kind, verb, objectId: null, externalId, label, outcome }];
}

function describe(names: readonly string[]): string {
  return names.map((name) => wordFor[name] ?? name).join(', ');
}

/** Names of what differs between two images. */
function differences(left: JsonAttributes, right: JsonAttributes): string[] {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].filter((name) => !sameJson(left[name] ?? [], right[name] ?? [])).sort();
}

function undoCreation({ change, directory, link, fed, joined }: UndoCandidate): PlannedChange[] {
  const { kind, label, objectId } = change;
  if (directory === null) return [];
  const before = heldBy(kind, directory);
  const changed = differences(before, change.after ?? {});
  if (changed.length > 0)
    return conflict(change, 'delete', `it stays: ${describe(changed)} changed since it was created`);
  if (fed) return conflict(change, 'delete', 'it stays: another sync feeds it by now');
  if (joined) return conflict(change, 'delete', 'it stays: members or groups were given to it since');
  return [
    {
      kind,
      verb: 'delete',
      objectId,
      externalId: link?.externalId ?? null,
      label,
      parentId: directory.parentId,
      before,
      after: null,
      revision: directory.revision,
      link: link ?? noLink,
      releasesLink: true,
    },
  ];
}

function undoDeletion({ change, directory, claimed }: UndoCandidate, matched: Matched): PlannedChange[] {
  const { kind, label, objectId, externalId, link } = change;
  if (directory !== null) return [];
  if (claimed) return conflict(change, 'create', 'its record in the source belongs to another object by now');
  const after = change.before ?? {};
  const { parent, name } = readPseudoAttributes(after);
  const attributes = attributesFromJson(withoutPseudoAttributes(after));
  return [
    {
      kind,
      verb: 'create',
      objectId,
      externalId,
      label,
      parentId: parent ?? null,
      before: null,
      after,
      keys: objectKeys(name, attributes, matched[kind]),
      revision: 0,
      link: { ...link, fingerprint: null },
    },
  ];
}

function verbOf(after: JsonAttributes): Verb {
  if (after[parentAttribute] !== undefined || after[nameAttribute] !== undefined) return 'move';
  const { enabled } = readPseudoAttributes(after);
  return enabled === null ? 'update' : enabled ? 'enable' : 'disable';
}

/** The values that go back, of those that are still as the job left them; null: one of them is not. */
function inverse(change: RecordedChange, held: JsonAttributes) {
  const before: JsonAttributes = {};
  const after: JsonAttributes = {};
  const moved: string[] = [];
  for (const [name, did] of Object.entries(change.after ?? {})) {
    const was = change.before?.[name] ?? [];
    const now = held[name] ?? [];
    if (sameJson(now, was)) continue;
    if (!sameJson(now, did)) moved.push(name);
    before[name] = now;
    after[name] = was;
  }
  return { before, after, moved };
}

/**
 * A contribution of the sync to an object that others feed too, with the values from before. One that another sync
 * gives is left to that one: it shall follow what it says from now on.
 */
function contributionWith(
  contribution: JsonAttributes,
  after: JsonAttributes,
  othersSay: readonly JsonAttributes[],
): JsonAttributes {
  const merged: JsonAttributes = {};
  for (const [name, values] of Object.entries({ ...contribution, ...after })) {
    const isTheirs = after[name] && othersSay.some((each) => sameJson(each[name] ?? [], values));
    if (values.length > 0 && !isTheirs) merged[name] = values;
  }
  return merged;
}

function undoUpdate(candidate: UndoCandidate, matched: Matched): PlannedChange[] {
  const { change, directory, link, claimed, othersSay } = candidate;
  const { kind, label, objectId } = change;
  if (directory === null) return conflict(change, change.verb, 'it is not in the directory any more');
  const { before, after, moved } = inverse(change, heldBy(kind, directory));
  if (moved.length > 0) return conflict(change, verbOf(after), `${describe(moved)} changed since`);
  if (Object.keys(after).length === 0) return [];
  // An account that was disabled because its record was gone is tied to that record again.
  if (change.releasesLink && claimed)
    return conflict(change, verbOf(after), 'its record in the source belongs to another object by now');
  const tie = change.releasesLink ? { ...change.link, externalId: change.externalId } : link;
  const { parent, name } = readPseudoAttributes(after);
  const attributes = attributesFromJson(withoutPseudoAttributes(after));
  return [
    {
      kind,
      verb: verbOf(after),
      objectId,
      externalId: tie?.externalId ?? null,
      label,
      parentId: parent === undefined ? directory.parentId : parent,
      before,
      after,
      keys: objectKeys(name, attributes, matched[kind]),
      revision: directory.revision,
      // Whatever the source's bytes are, the next run looks at the object again.
      link: { ...(tie ?? noLink), fingerprint: null },
      contribution: link?.contribution ? contributionWith(link.contribution, after, othersSay) : null,
    },
  ];
}

function undoBinding({ change, link }: UndoCandidate): PlannedChange[] {
  const { kind, label, objectId, externalId, formerLink } = change;
  if (link === null || link.externalId !== externalId) return [];
  return [{ kind, verb: 'unbind', objectId, externalId, label, link, releasesLink: true, formerLink }];
}

/** An object was let go of by an undo, and that is taken back. */
function undoUnbinding({ change, directory, link, claimed }: UndoCandidate): PlannedChange[] {
  const { kind, label, objectId, externalId } = change;
  if (directory === null) return conflict(change, 'bind', 'it is not in the directory any more');
  if (link !== null && link.externalId !== change.formerLink?.externalId) return [];
  if (claimed) return conflict(change, 'bind', 'its record in the source belongs to another object by now');
  const { revision } = directory;
  return [
    {
      kind,
      verb: 'bind',
      objectId,
      externalId,
      label,
      revision,
      link: { ...change.link, fingerprint: null },
    },
  ];
}

/**
 * What takes one change of an ingress job back; nothing where that has happened already. A value that somebody changed
 * since stays, and with it the whole object: that is a failed change which names what moved. Pure.
 * @param matched attributes by which syncs of the tenant match objects
 */
export function planUndo(candidate: UndoCandidate, matched: Matched): PlannedChange[] {
  switch (candidate.change.verb) {
    case 'create':
      return undoCreation(candidate);
    case 'delete':
      return undoDeletion(candidate, matched);
    case 'update':
    case 'move':
    case 'enable':
    case 'disable':
      return undoUpdate(candidate, matched);
    case 'bind':
      return undoBinding(candidate);
    case 'unbind':
      return undoUnbinding(candidate);
    case 'addMember':
    case 'removeMember':
      // Memberships are planned in the store.
      return [];
  }
  return candidate.change.verb satisfies never;
}
