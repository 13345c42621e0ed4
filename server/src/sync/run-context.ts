import type { Kind, ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { CompiledMapping } from '../mapping/compile.ts';
import type { MatchRules } from '../mapping/rules.ts';
import type { AllowedActions } from './allowed-actions.ts';
import type { Endpoint } from './connector.ts';
import type { ResolvedGuard } from './guard-limits.ts';
import type { OwnRules } from './source-survey.ts';
import type { SourceFilter, RunnableJob, RunnableSync, SyncStore } from './sync-store.ts';

/** What a saved sync asks for, compiled. */
export interface SyncSpecification {
  readonly scopes: readonly {
    readonly source: string;
    readonly target: string;
    readonly filter?: string | undefined;
  }[];
  readonly kinds: readonly Kind[];
  readonly mapping: CompiledMapping;
  readonly match: MatchRules;
  readonly own: OwnRules;
  readonly guard: ResolvedGuard;
  /** Egress; without it everything may be done. */
  readonly allowed?: AllowedActions | undefined;
  /** Egress: passwords that were set through an API are written. */
  readonly passwords?: boolean | undefined;
  /** 32 hexadecimal digits over mapping, scopes, filters and the settings that change what is read. */
  readonly version: string;
  /** Egress: which directory objects are in scope at all; null: all of them. */
  readonly sourceFilter: SourceFilter | null;
  /** Attributes by which some sync of the tenant matches objects. */
  readonly matchAttributes: Readonly<Record<ObjectKind, readonly string[]>>;
  /** Serials of the ingress syncs that may set an attribute, best first. */
  precedence(attribute: string): readonly number[];
  /** Attributes that another ingress sync of the tenant manages. */
  managedBy(syncSerial: number, kind: ObjectKind): readonly string[];
}

/** One run: the job, its sync, the open endpoint and where its state is kept. */
export interface Run {
  readonly job: RunnableJob;
  readonly sync: RunnableSync;
  readonly specification: SyncSpecification;
  readonly endpoint: Endpoint;
  readonly store: SyncStore;
  /** When the run began. */
  readonly startedAt: Date;
  readonly signal: AbortSignal;
}

/** Kinds of objects that this run plans: asked for, and held by the target. */
export function plannedKinds(run: Run): ObjectKind[] {
  const held: readonly Kind[] =
    run.sync.direction === 'egress' ? run.endpoint.capabilities.kinds : objectKinds;
  return objectKinds.filter((kind) => run.specification.kinds.includes(kind) && held.includes(kind));
}

export function plansMemberships(run: Run): boolean {
  if (!run.specification.kinds.includes('membership')) return false;
  return run.sync.direction === 'ingress' || run.endpoint.capabilities.kinds.includes('membership');
}

/** Everything is read again after so many milliseconds, so that what reads of changes missed is found. */
const wholeReadEvery = 24 * 60 * 60_000;

/** With another mapping all records are looked at again, and who is gone when that means something else. */
export function readVersion({ specification, sync }: Run): string {
  return `${specification.version} ${sync.onMissing}`;
}

/** Whether the run reads what changed since the last one; else it reads everything. */
export function readsChanges(run: Run): boolean {
  const { readPosition } = run.sync;
  return (
    run.sync.direction === 'ingress' &&
    run.endpoint.capabilities.changes === true &&
    run.job.selection === null &&
    !run.job.full &&
    readPosition !== null &&
    readPosition.version === readVersion(run) &&
    run.startedAt.getTime() - Date.parse(readPosition.wholeAt) < wholeReadEvery
  );
}

/** The nodes in the connected system: sources on ingress, targets on egress. */
export function externalNode(run: Run, scope: number): string {
  const pair = run.specification.scopes[scope];
  if (!pair) return '';
  return run.sync.direction === 'ingress' ? pair.source : pair.target;
}
