import type { ChangeView } from '@lockstep/contract/change.ts';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { Page } from '@lockstep/contract/page.ts';
import { renderSentence } from '@lockstep/contract/sentence.ts';
import {
  kinds,
  operationOfVerb,
  verbs,
  type Kind,
  type Operation,
  type Result,
  type Verb,
} from '@lockstep/contract/vocabulary.ts';
import {
  selectChanges,
  selectSameMemberships,
  selectSameObjects,
  type ChangeRow,
  type SameRow,
} from '../store/queries/changes.ts';
import { findConnection } from '../store/queries/connections.ts';
import type { JobRow } from '../store/queries/jobs.ts';
import { findSync } from '../store/queries/syncs.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import type { UnitPaths } from './directory-path.ts';
import { getJobRow } from './jobs.ts';
import { pastUnitPaths } from './past-unit-paths.ts';
import { cutPage, decodeKey, decodeOrdinal, encodeKey, type PageRequest } from './page.ts';

export interface ChangeListFilter {
  readonly kind?: Kind | undefined;
  readonly operation?: Operation | undefined;
  readonly verb?: Verb | undefined;
  readonly result?: Result | undefined;
}

/** The recorded parent is an id; people read paths. */
function withParentPath(image: JsonAttributeMap | null, paths: UnitPaths): JsonAttributeMap | null {
  const parent = image?.$parent?.[0];
  if (image === null || typeof parent !== 'string') return image;
  return { ...image, $parent: [paths(parent === '' ? null : parent) ?? parent] };
}

/** Ids of the units that images name. */
function parentIds(rows: readonly Pick<ChangeRow, 'before' | 'after'>[]): string[] {
  return rows
    .flatMap((row) => [row.before?.$parent?.[0], row.after?.$parent?.[0]])
    .filter((value): value is string => typeof value === 'string' && value !== '');
}

/** Paths of all units that the images of these rows name. */
export async function pathsOfImages(
  app: Application,
  tenantId: string,
  rows: readonly Pick<ChangeRow, 'before' | 'after'>[],
): Promise<UnitPaths> {
  return pastUnitPaths(app.store.db, tenantId, parentIds(rows));
}

export function showChange(row: ChangeRow, paths: UnitPaths): ChangeView {
  const change = {
    ordinal: row.ordinal,
    kind: row.kind,
    verb: row.verb,
    operation: operationOfVerb[row.verb],
    objectId: row.objectId,
    externalId: row.externalId,
    label: row.label,
    memberId: row.memberId,
    memberKind: row.memberKind,
    before: withParentPath(row.before, paths),
    after: withParentPath(row.after, paths),
    result: row.result,
    error: row.errorCode === null ? null : { code: row.errorCode, message: row.errorMessage ?? '' },
  };
  return { ...change, sentence: renderSentence(change) };
}

function showSame(row: SameRow): ChangeView {
  const change = {
    ...row,
    ordinal: null,
    verb: null,
    operation: 'same' as const,
    before: null,
    after: null,
    result: 'success' as const,
    error: null,
  };
  return { ...change, sentence: renderSentence(change) };
}

/**
 * Verbs behind an operation; null: no change of this job can be one. Pushed and exported are what egress wrote, to a
 * system and to a file.
 */
async function verbsOf(
  app: Application,
  job: JobRow,
  operation: Exclude<Operation, 'same'>,
): Promise<readonly Verb[] | null> {
  if (operation !== 'pushed' && operation !== 'exported') {
    return verbs.filter((verb) => operationOfVerb[verb] === operation);
  }
  if (job.direction !== 'egress') return null;
  const connection = await findConnection(app.store.db, job.tenantId, job.connectionId);
  const writes = connection?.type === 'file' ? 'exported' : 'pushed';
  return writes === operation ? verbs : null;
}

async function filterVerbs(
  app: Application,
  job: JobRow,
  filter: ChangeListFilter,
): Promise<readonly Verb[] | null | undefined> {
  const { operation, verb } = filter;
  if (operation === undefined || operation === 'same') return verb === undefined ? undefined : [verb];
  const behind = await verbsOf(app, job, operation);
  return verb === undefined ? behind : (behind?.filter((one) => one === verb) ?? null);
}

/** What a list behind a number holds: all changes, where no number is asked about. */
function countedBy(operation: Operation | undefined): 'inOperation' | 'asWritten' | undefined {
  if (operation === undefined) return undefined;
  return operation === 'pushed' || operation === 'exported' ? 'asWritten' : 'inOperation';
}

const nothing: Page<ChangeView> = { items: [], next: null };

/**
 * Changes of a job in the order of its plan. Operation `same` lists what the sync has linked and the job did not
 * touch; it is right for the newest job of a sync.
 */
export async function listChanges(
  app: Application,
  actor: Actor,
  jobId: string,
  filter: ChangeListFilter,
  page: PageRequest,
): Promise<Page<ChangeView>> {
  const job = await getJobRow(app, actor, jobId);
  if (filter.operation === 'same') return listSame(app, job, filter, page);
  const verbsAsked = await filterVerbs(app, job, filter);
  if (verbsAsked === null || verbsAsked?.length === 0) return nothing;
  const after = decodeOrdinal(page.after);
  const rows = await selectChanges(
    app.store.db,
    job,
    { kind: filter.kind, verbs: verbsAsked, result: filter.result, counted: countedBy(filter.operation) },
    { after, limit: page.limit + 1 },
  );
  const paths = await pathsOfImages(app, job.tenantId, rows);
  return cutPage(
    rows,
    page.limit,
    (row) => showChange(row, paths),
    (row) => String(row.ordinal),
  );
}

async function listSame(
  app: Application,
  job: JobRow,
  filter: ChangeListFilter,
  page: PageRequest,
): Promise<Page<ChangeView>> {
  const sync = await findSync(app.store.db, job.tenantId, job.syncId);
  if (sync === undefined || filter.verb !== undefined || (filter.result ?? 'success') !== 'success')
    return nothing;
  const asked = filter.kind === undefined ? kinds : [filter.kind];
  // A job that is over and counted none (a kind it did not plan, a read that broke off) has none to list.
  const wanted = asked.filter((kind) => job.statistics === null || job.statistics[kind].same.total > 0);
  const key = decodeKey(page.after, 3)?.map(String);
  const rows = await selectSame(
    app,
    { serial: job.serial, syncSerial: sync.serial },
    wanted,
    key,
    page.limit + 1,
  );
  return cutPage(rows, page.limit, showSame, (row) =>
    row.kind === 'membership'
      ? encodeKey(['membership', row.objectId, row.externalId])
      : encodeKey(['object', row.kind, row.externalId]),
  );
}

/** Objects first, memberships behind them; the first part of the key says where the page before ended. */
async function selectSame(
  app: Application,
  job: { serial: number; syncSerial: number },
  wanted: readonly Kind[],
  key: string[] | undefined,
  limit: number,
): Promise<SameRow[]> {
  const [part, first = '', second = ''] = key ?? [];
  const objects =
    part === 'membership'
      ? []
      : await selectSameObjects(app.store.db, job, {
          kinds: wanted.filter((kind) => kind !== 'membership'),
          after: part === undefined ? undefined : { kind: first, externalId: second },
          limit,
        });
  if (objects.length >= limit || !wanted.includes('membership')) return objects;
  const memberships = await selectSameMemberships(app.store.db, job, {
    after: part === 'membership' ? { groupId: first, reference: second } : undefined,
    limit: limit - objects.length,
  });
  return [...objects, ...memberships];
}
