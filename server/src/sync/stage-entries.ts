import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import { attributesToJson } from '../directory/attributes.ts';
import type { AttributeValue, Attributes } from '../directory/attributes.ts';
import { counted } from '../kernel/counted.ts';
import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import type { Completeness, ExternalObject, RawEntry, ReadScope } from './connector.ts';
import { externalNodes } from './external-nodes.ts';
import { matchKey, matchTexts } from './match-key.ts';
import type { ProgressNotes } from './progress-notes.ts';
import { mixFingerprints } from './fingerprint.ts';
import { isIndexable, isStorable, printable, requireShort, requireStorable } from './storable.ts';
import { plannedKinds, plansMemberships, readsChanges } from './run-context.ts';
import type { Run } from './run-context.ts';
import type { Absence, DirtyKey, StagedObject, Staging } from './sync-store.ts';

/** Objects of several batches are shipped together once they are so many: most batches have few, or none. */
const shippedTogether = 500;

/** So many batches are compared and staged at a time, while the next one is read. */
const batchesUnderWay = 2;

/** So many batches may wait for the touched links to be known. */
const batchesAhead = 8;

/** So many objects that look gone are looked for once more; where there are more, the guard is asked anyway. */
const mostLookedUp = 1000;

/** Ids named of those that moved during the read. */
const mostExamples = 3;

/** What a read brought. */
export interface Reading extends Completeness {
  readonly readCount: number;
  /** Objects whose bytes are what they were, by kind. */
  readonly clean: Readonly<Record<ObjectKind, number>>;
  readonly absence: Absence;
}

/** Turns one entry into what the run needs of it; throws LockstepError for one that cannot be used. */
export type Interpret = (
  kind: ObjectKind,
  entry: ExternalObject,
) => {
  readonly name: string;
  readonly label: string;
  readonly attributes: Attributes;
  /** Ingress: see `StagedObject.keys`. */
  readonly keys: StagedObject['keys'];
  readonly matchValues: readonly { readonly rule: number; readonly values: readonly AttributeValue[] }[];
};

function stageOne(raw: RawEntry, fingerprint: string, dirty: DirtyKey, interpret: Interpret): StagedObject {
  const base = {
    kind: raw.kind,
    externalId: raw.externalId,
    objectId: dirty.objectId ?? newId(raw.kind),
    linked: dirty.objectId !== null,
  };
  let entry: ExternalObject | null = null;
  try {
    entry = requireStorable(raw.decode());
    const { name, label, attributes, keys, matchValues } = interpret(raw.kind, entry);
    const nameKey = matchKey(name);
    requireShort(nameKey, 'its name', entry.location);
    return {
      ...base,
      link: linkOf(entry, raw.scope, fingerprint),
      parents: entry.parents,
      label,
      name,
      nameKey,
      enabled: entry.enabled ?? null,
      attributes: attributesToJson(attributes),
      keys: base.linked ? null : keys,
      matchValues: base.linked
        ? []
        : matchValues.flatMap(({ rule, values }) => matchTexts(values).map((value) => ({ rule, value }))),
      members: entry.members ?? null,
      memberChanges: entry.memberChanges ?? null,
      error: null,
    };
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return {
      ...base,
      link: entry
        ? linkOf(entry, raw.scope, null)
        : { reference: null, alias: null, location: null, scope: raw.scope, fingerprint: null },
      parents: entry?.parents ?? [],
      label: printable(entry?.location ?? raw.externalId),
      name: '',
      nameKey: '',
      enabled: null,
      attributes: {},
      keys: null,
      matchValues: [],
      members: null,
      memberChanges: null,
      error: { code: error.code, message: printable(error.message) },
    };
  }
}

function linkOf(entry: ExternalObject, scope: number, fingerprint: string | null): StagedObject['link'] {
  return {
    reference: entry.reference,
    alias: entry.alias ?? null,
    location: entry.location,
    scope,
    fingerprint,
  };
}

async function stageBatch(
  run: Run,
  staging: Staging,
  marked: Promise<void>,
  batch: readonly RawEntry[],
  interpret: Interpret,
): Promise<void> {
  const { version } = run.specification;
  const fingerprints = batch.map((raw) => mixFingerprints(raw.fingerprint, version));
  const keys = batch.map((raw, index) => ({
    kind: raw.kind,
    externalId: raw.externalId,
    fingerprint: fingerprints[index] as string,
  }));
  await marked;
  const dirty = await staging.see(keys);
  for (const key of dirty) {
    const raw = batch[key.index] as RawEntry;
    staging.stage(stageOne(raw, fingerprints[key.index] as string, key, interpret));
  }
  await staging.ship(shippedTogether);
}

/** Ingress: why who looks gone may not be: some changed scopes while these were read one after the other. */
async function doubtMoved(run: Run, staging: Staging): Promise<string | null> {
  const { sync, specification, endpoint, signal } = run;
  if (sync.direction === 'egress' || specification.scopes.length < 2 || !endpoint.findPresent) return null;
  const unseen = await staging.listUnseen(plannedKinds(run), mostLookedUp);
  if (unseen.length === 0) return null;
  try {
    const moved = await endpoint.findPresent(readScopes(run), unseen, signal);
    if (moved.length === 0) return null;
    const examples = moved.slice(0, mostExamples).map(({ externalId }) => externalId);
    const who = counted(moved.length, 'record was met in no scope', 'records were met in no scope');
    return `${who}, having moved between them while these were read: ${examples.join(', ')}`;
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'IncompleteRead') throw error;
    return error.message;
  }
}

/**
 * What the read comes to. Ids that stand for several records, and records without a usable id, leave it in doubt what
 * was seen: then absence is not believed.
 */
async function conclude(
  run: Run,
  end: Completeness,
  read: {
    readonly staging: Staging;
    readonly readCount: number;
    readonly unusable: number;
  },
): Promise<Reading> {
  const { seen, staged, doubled } = await read.staging.settleSeen();
  const moved = end.complete && end.changesOnly !== true ? await doubtMoved(run, read.staging) : null;
  const doubts = [
    end.complete ? null : (end.reason ?? 'the read was cut off'),
    doubled.count > 0
      ? `${counted(doubled.count, 'record has', 'records have')} the id of another record: ${doubled.examples.join(', ')}`
      : null,
    read.unusable > 0
      ? `${counted(read.unusable, 'record has', 'records have')} an id that cannot be kept (a NUL, half a character, or too long)`
      : null,
    moved,
  ].filter((doubt) => doubt !== null);
  const clean: Record<ObjectKind, number> = { organizationalUnit: 0, user: 0, group: 0 };
  for (const kind of objectKinds) clean[kind] = seen[kind] - staged[kind];
  return {
    complete: doubts.length === 0,
    reason: doubts.length === 0 ? undefined : printable(doubts.join('; ')),
    warnings: end.warnings.map((warning) => printable(warning)),
    readCount: read.readCount,
    clean,
    absence: doubts.length > 0 ? 'nothing' : end.changesOnly === true ? 'told' : 'whole',
    position: end.position,
  };
}

/** A read may be long, or never end. @throws LockstepError Cancelled */
async function refuseCancelled(run: Run): Promise<void> {
  if (await run.store.isCancelRequested(run.job))
    throw new LockstepError('Cancelled', 'the job was cancelled while it read');
}

function readScopes(run: Run): ReadScope[] {
  if (run.sync.direction === 'egress') return externalNodes(run).nodes.map((node) => ({ node }));
  return run.specification.scopes.map(({ source, filter }) => ({
    node: source,
    ...(filter === undefined ? {} : { filter }),
  }));
}

/**
 * Reads the connected system and stages what needs a second look: objects that are new, whose bytes differ from the
 * fingerprint, or whose directory object was touched. Everything else is noted as seen and never decoded.
 * While batches are being compared the next one is read, and the first ones while touched links are `marked`.
 */
export async function stageEntries(
  run: Run,
  staging: Staging,
  marked: Promise<void>,
  interpret: Interpret,
  progress: ProgressNotes,
): Promise<Reading> {
  const { mapping } = run.specification;
  const kinds = plannedKinds(run);
  const attributes = run.sync.direction === 'ingress' ? mapping.attributesRead : mapping.attributesWritten;
  const reading = run.endpoint.read({
    scopes: readScopes(run),
    attributes,
    memberships: plansMemberships(run),
    asTarget: run.sync.direction === 'egress',
    // An approving job reads as the held one did, and what that one fetched is there.
    afresh: run.job.full && run.job.mode !== 'approve',
    ...(readsChanges(run)
      ? { since: run.sync.readPosition?.position, again: run.sync.readPosition?.again }
      : {}),
    signal: run.signal,
  });
  let readCount = 0;
  let unusable = 0;
  let isMarked = false;
  const noted = marked.then(() => {
    isMarked = true;
  });
  noted.catch(() => undefined);
  const underWay: Promise<void>[] = [];
  const settle = async (most: number): Promise<void> => {
    while (underWay.length > most) await underWay.shift();
  };
  try {
    for (;;) {
      const next = await reading.next();
      await settle((isMarked ? batchesUnderWay : batchesAhead) - 1);
      if (next.done) {
        await marked;
        await settle(0);
        await staging.ship(1);
        return await conclude(run, next.value, { staging, readCount, unusable });
      }
      const asked = next.value.filter((raw) => kinds.includes(raw.kind));
      const gone = asked.filter((raw) => raw.gone === true);
      if (gone.length > 0) await staging.noteGone(gone);
      const wanted = gone.length === 0 ? asked : asked.filter((raw) => raw.gone !== true);
      const batch = wanted.filter(({ externalId }) => isStorable(externalId) && isIndexable(externalId));
      unusable += wanted.length - batch.length;
      readCount += batch.length;
      run.signal.throwIfAborted();
      const staged = stageBatch(run, staging, marked, batch, interpret);
      staged.catch(() => undefined);
      underWay.push(staged);
      if (await progress.reading(readCount)) await refuseCancelled(run);
    }
  } finally {
    // A read that was left in the middle closes what it had open: files, searches.
    const left = reading.return({ complete: false, warnings: [] });
    await Promise.allSettled([noted, left, ...underWay]);
  }
}
