import type {
  Direction,
  JobMode,
  JobStatus,
  Kind,
  ObjectKind,
  OnMissing,
  Statistics,
  Verb,
} from '@lockstep/contract/vocabulary.ts';
import type { Attributes, JsonAttributes } from '../directory/attributes.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { MemberChanges, ObjectKey, PlannedWork, TargetChange, UnitMove } from './connector.ts';
import type { GuardVerdict, PlannedLoss } from './guard.ts';
import type { LinkData, NamedObjects, PlannedChange } from './planned-change.ts';
import type { KnownReferences } from './references.ts';
import type { UndoCandidate } from './plan-undo.ts';
import type { JobSelection } from './selection.ts';

/** A job as the engine needs it. */
export interface RunnableJob {
  readonly id: string;
  readonly serial: number;
  readonly tenantId: string;
  readonly syncId: string;
  readonly mode: JobMode;
  readonly phase: 'read' | 'plan' | 'apply' | 'record' | 'over';
  readonly approvesJobId: string | null;
  /** The job whose changes this one takes back. */
  readonly undoesJobId: string | null;
  /** Which taking-up of the job this is: what an earlier one writes from now on is refused. */
  readonly attempt: number;
  readonly appliedOrdinal: number;
  readonly intendedOrdinal: number;
  readonly lastOrdinal: number;
  /** What planning found; null until the plan is committed. */
  readonly totals: PlanTotals | null;
  /** The only objects that the run may touch; null: a whole run. */
  readonly selection: JobSelection | null;
  /** Everything shall be read again, also where the system could tell what changed. */
  readonly full: boolean;
}

/** The sync of a job, with its place in the store. */
export interface RunnableSync {
  readonly tenantId: string;
  readonly syncId: string;
  readonly serial: number;
  readonly connectionId: string;
  readonly direction: Direction;
  readonly onMissing: OnMissing;
  /** Where the next read of changes begins; null: it has to read everything. */
  readonly readPosition: ReadPosition | null;
  /** Serials of the tenant's ingress syncs whose users say, as a rule, if the account is enabled. */
  readonly accountStatesFrom: readonly number[];
}

/** What a read of everything, and those of changes after it, came to. */
export interface ReadPosition {
  /** The connected system's own word for it. */
  readonly position: unknown;
  /** `readVersion` of that read: under another one everything is read again. */
  readonly version: string;
  /** When everything was read last, in ISO 8601. */
  readonly wholeAt: string;
  /** The read brought changes only. */
  readonly changesOnly: boolean;
  /** Objects that the run did not get done with: the next one looks at them again. */
  readonly again?: readonly ObjectKey[] | undefined;
}

/**
 * What absence means: an object that was not seen is gone (whole), one is gone when the system says so (told), or nothing
 * can be said (nothing).
 */
export type Absence = 'whole' | 'told' | 'nothing';

/** A key that was read, to be compared with what the sync saw last time. */
export interface SeenKey {
  readonly kind: ObjectKind;
  readonly externalId: string;
  /** 32 hexadecimal digits. */
  readonly fingerprint: string;
}

/** A key that needs a second look: new, changed, or touched on the other side. */
export interface DirtyKey {
  /** Index into the keys asked about. */
  readonly index: number;
  readonly objectId: string | null;
}

/** What a read has brought, each key counted once. */
export interface SeenCounts {
  readonly seen: Readonly<Record<ObjectKind, number>>;
  /** Of these, objects that need a second look. */
  readonly staged: Readonly<Record<ObjectKind, number>>;
  /** Records that have the id of another record and are not that record. */
  readonly doubled: { readonly count: number; readonly examples: readonly string[] };
}

/** An object of the connected system that needs a second look. */
export interface StagedObject {
  readonly kind: ObjectKind;
  readonly externalId: string;
  /** The linked directory object, or the id that it would get. */
  readonly objectId: string;
  readonly linked: boolean;
  readonly link: LinkData;
  readonly parents: readonly string[];
  readonly label: string;
  readonly name: string;
  /** Normalised name, by which places and user names are compared. */
  readonly nameKey: string;
  readonly enabled: boolean | null;
  /** Ingress: the desired attributes; egress: the target's attributes as they are. */
  readonly attributes: JsonAttributes;
  /** Ingress, unlinked: what the creation of the object would say as `PlannedChange.keys`. */
  readonly keys: PlannedChange['keys'] | null;
  /** Values by which an unlinked object may be matched: number of the rule and normalised value. */
  readonly matchValues: readonly { readonly rule: number; readonly value: string }[];
  readonly members: readonly string[] | null;
  /** In a run of changes, instead of `members`. */
  readonly memberChanges: MemberChanges | null;
  /** The record could not be understood or mapped. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

/** What a directory object is, as a page of candidates brings it. */
export interface DirectoryState {
  readonly parentId: string | null;
  readonly name: string;
  readonly enabled: boolean;
  readonly attributes: JsonAttributes;
  readonly revision: number;
}

/** What another ingress sync says of the same object; null contribution: all that the object has. */
export interface OtherContribution {
  readonly syncSerial: number;
  readonly contribution: JsonAttributes | null;
}

/** Where creations hang: references of the units above, the nearest first. */
export interface CreatedPlace {
  readonly number: number;
  readonly parents: readonly string[];
  readonly scope: number;
}

export interface SettledPlace {
  readonly number: number;
  /** Null: the root. */
  readonly parentId: string | null;
  /** Why nothing can be created there; null: it can. */
  readonly conflict: string | null;
}

/** Creations that one transaction plans: those in a run of blocks of the staging table. */
export interface CreatesPart {
  readonly block: number;
  readonly count: number;
}

/** A staged object with its verdict and the directory's side. */
export interface IngressCandidate {
  readonly staged: StagedObject;
  readonly depth: number;
  readonly linkState: 'live' | 'missing' | null;
  readonly matchedBy: number | null;
  readonly conflict: { readonly code: ErrorCode; readonly message: string } | null;
  readonly directory: DirectoryState | null;
  readonly others: readonly OtherContribution[];
  readonly ownContribution: JsonAttributes | null;
}

/** A directory object that was found by its place, and what other syncs say of it. */
export interface PlacedObject {
  readonly objectId: string;
  readonly directory: DirectoryState;
  readonly others: readonly OtherContribution[];
}

/** A directory object in scope that needs a second look, with the target's side where there is one. */
export interface EgressCandidate {
  readonly kind: ObjectKind;
  readonly objectId: string;
  readonly scope: number;
  readonly depth: number;
  readonly directory: DirectoryState;
  /** The link of this sync, whether its entry was seen or not. */
  readonly link: (LinkData & { readonly externalId: string }) | null;
  /** The target's entry, when it was seen: by link, or found by a match. */
  readonly staged: StagedObject | null;
  readonly matchedBy: number | null;
  readonly conflict: { readonly code: ErrorCode; readonly message: string } | null;
  /** The objects that its attributes name, as far as they are in scope. */
  readonly references: KnownReferences;
}

/** A link whose source object is gone. */
export interface MissingLink {
  readonly kind: ObjectKind;
  readonly externalId: string;
  readonly objectId: string;
  readonly label: string;
  readonly depth: number;
  readonly link: LinkData;
  /** Null when the directory object is gone itself (egress). */
  readonly directory: DirectoryState | null;
  /** Egress: the target's entry as it was seen; null when it is gone as well. */
  readonly staged: StagedObject | null;
  readonly others: readonly OtherContribution[];
  readonly ownContribution: JsonAttributes | null;
}

/** A record that did not change, and that names another object than before. */
export interface Referrer {
  readonly kind: ObjectKind;
  readonly externalId: string;
  readonly objectId: string;
  readonly link: LinkData;
  readonly directory: DirectoryState;
  /** Whom it names now. */
  readonly named: NamedObjects;
  readonly others: readonly OtherContribution[];
  readonly ownContribution: JsonAttributes | null;
}

export interface PlanTotals {
  readonly lastOrdinal: number;
  readonly same: Record<Kind, number>;
  readonly unmanaged: Record<Kind, number>;
  readonly readCount: number;
  readonly complete: boolean;
  /** Why the read was not complete. */
  readonly reason: string | null;
  /** Where the next run may go on once this one has ended; null: it reads everything. */
  readonly readPosition: ReadPosition | null;
  readonly verdict: GuardVerdict;
}

/** How far the making of a plan is. */
export interface PlanProgress {
  readonly phase: 'read' | 'plan';
  /** Objects read. */
  readonly read: number;
  /** Changes found. */
  readonly planned: number;
}

/** Where changes stand until it is known what the plan has before them. */
export const lateOrdinal = 2 ** 40;

/** What planning references to objects that the plan creates or binds came to. */
export interface PlannedReferences {
  /** The last ordinal used. */
  readonly last: number;
  /** Existing objects of which the plan changes nothing else, by kind. */
  readonly unchanged: Readonly<Record<ObjectKind, number>>;
}

/** What planning passwords came to. */
export interface PlannedPasswords {
  /** The last ordinal used. */
  readonly last: number;
  /** Users of whom the plan changes nothing else. */
  readonly unchanged: number;
}

export interface BatchOutcome {
  readonly ordinal: number;
  readonly kind: Kind;
  readonly verb: Verb;
  readonly result: 'success' | 'failed' | 'skipped';
  readonly code?: ErrorCode | undefined;
  readonly message?: string | undefined;
  readonly externalId?: string | undefined;
  readonly location?: string | undefined;
  readonly reference?: string | undefined;
  readonly alias?: string | undefined;
  /** Of the password that was written: it waits no longer. */
  readonly passwordVersion?: string | undefined;
  /** Of what the entry became, versioned; without it the next run looks at the entry again. */
  readonly fingerprint?: string | undefined;
  /** References of entries that did not follow the move, and are to be looked at again. */
  readonly unfollowed?: readonly string[] | undefined;
}

/** A batch for a connected system: changes with every location resolved, and those that cannot be attempted. */
export interface TargetBatch {
  readonly through: number;
  readonly changes: readonly TargetChange[];
  /** Bind rows, which need no write outside, and rows whose parent or member never came to be. */
  readonly settled: readonly BatchOutcome[];
  /** Objects that get a place by this batch: what hangs on them can be loaded when its outcomes are recorded. */
  readonly placed: ReadonlySet<string>;
}

export interface SubtreeScope {
  readonly index: number;
  /** The organizational unit that the scope names; null is the root. */
  readonly organizationalUnitId: string | null;
}

/** The staging area of one job. Nothing in it outlives the job; the plan that is made from it does. */
export interface Staging extends AsyncDisposable {
  /** Marks links whose directory object changed since this sync last looked, so that equal bytes do not hide it. */
  markTouched(): Promise<void>;
  /** Notes the keys as seen and returns those that need a second look. May be called while another call is under way. */
  see(keys: readonly SeenKey[]): Promise<readonly DirtyKey[]>;
  /** After the read: leaves each key staged once, and counts. */
  settleSeen(): Promise<SeenCounts>;
  /** Ingress, after `settleSeen`: live links whose object a read of everything did not meet, so many at most. */
  listUnseen(kinds: readonly ObjectKind[], most: number): Promise<readonly ObjectKey[]>;
  /** Fails planned places of units that would hang below themselves. */
  refuseUnitCycles(): Promise<void>;
  /** Takes an object into the staging area; it is there once it has been shipped. */
  stage(object: StagedObject): void;
  /** Ships what was staged so far, if it is so many objects. May be called while another call is under way. */
  ship(least: number): Promise<void>;
  /** Notes objects that the connected system says are gone. */
  noteGone(keys: readonly ObjectKey[]): Promise<void>;
  /** After the read: finds what the unlinked staged objects match, and which of them conflict. */
  matchIngress(rules: Readonly<Record<ObjectKind, readonly string[]>>, absence: Absence): Promise<void>;
  /** Ingress: attributes that name other objects by reference name them by id from here on. */
  resolveReferences(kinds: readonly ObjectKind[], absence: Absence): Promise<void>;
  /** Ingress, after `resolveReferences`: who names another object than before though its record did not change. */
  referrers(kind: ObjectKind): AsyncIterable<readonly Referrer[]>;
  /**
   * Ingress: the places of users that nothing is tied to and nothing is wrong with. They are planned within the store:
   * read these, settle them, and call `divideCreates`.
   */
  createdPlaces(): AsyncIterable<readonly CreatedPlace[]>;
  settlePlaces(rows: readonly SettledPlace[]): Promise<void>;
  /** Divides the creations of those users; what is staged of them stays as it is from here on. */
  divideCreates(): Promise<readonly CreatesPart[]>;
  /** Plans the creations from the given ordinal on; `planned` hears of progress. May go on while others are planned. */
  planCreates(
    parts: readonly CreatesPart[],
    firstOrdinal: number,
    planned: (ordinal: number) => Promise<void>,
  ): Promise<void>;
  /** All other staged objects. */
  ingressCandidates(kind: ObjectKind): AsyncIterable<readonly IngressCandidate[]>;
  /** Names the directory objects in scope and which of them need a second look; returns how many are in scope. */
  stageSource(
    scopes: readonly SubtreeScope[],
    kinds: readonly ObjectKind[],
    filter: SourceFilter | null,
  ): Promise<Record<ObjectKind, number>>;
  /** Puts match values of unlinked source objects beside those of the target's entries. */
  stageSourceMatches(
    rows: readonly { kind: ObjectKind; objectId: string; rule: number; value: string }[],
  ): Promise<void>;
  matchEgress(rules: Readonly<Record<ObjectKind, readonly string[]>>): Promise<void>;
  /** After the read: finds which directory objects in scope need a second look. */
  markNeeds(absence: Absence): Promise<void>;
  /** Kinds of which the read brought entries of the target that no object is linked to. */
  unlinkedKinds(): Promise<ReadonlySet<ObjectKind>>;
  unlinkedSources(
    kind: ObjectKind,
  ): AsyncIterable<readonly { objectId: string; directory: DirectoryState }[]>;
  /** In an order that puts parents first; a page never holds units of two depths. */
  egressCandidates(kind: ObjectKind): AsyncIterable<readonly EgressCandidate[]>;
  /** Directory ids of the units that references name; an empty id marks a unit that could not come to be. */
  resolveUnits(references: readonly string[]): Promise<Map<string, string>>;
  /** References by which the connected system knows units. */
  referencesOfUnits(ids: readonly string[]): Promise<Map<string, string>>;
  /**
   * Directory objects without a live link at the given places; keys as `placeKey` makes them. A link whose record is
   * gone is not in the way.
   */
  findByPlace(
    kind: 'organizationalUnit' | 'group',
    places: readonly { parentId: string | null; nameKey: string }[],
    absence: Absence,
  ): Promise<Map<string, PlacedObject>>;
  /** Unlinked staged target entries at the given places, by index. */
  findStagedByPlace(kind: ObjectKind, places: readonly TargetPlace[]): Promise<Map<number, StagedObject>>;
  /** Records which object a staged one became; null: none. */
  settleStaged(
    rows: readonly { kind: ObjectKind; externalId: string; objectId: string | null }[],
  ): Promise<void>;
  /** Names the live links whose source object is gone. */
  stageMissing(kinds: readonly ObjectKind[], absence: Exclude<Absence, 'nothing'>): Promise<void>;
  /** The links named by stageMissing, deepest first. */
  missing(kind: ObjectKind): AsyncIterable<readonly MissingLink[]>;
  /** Links whose object was compared and equal: their fingerprint and revision are brought up to date. */
  refreshLinks(rows: readonly RefreshedLink[]): Promise<void>;
  /** Links whose object is gone from the source and that ask for no change are live no more. */
  releaseLinks(rows: readonly { kind: ObjectKind; externalId: string }[]): Promise<void>;
  /** Takes a change into the plan; it is there once `writeChanges` has settled. */
  planChange(ordinal: number, change: PlannedChange): void;
  /** Writes the changes that were planned so far. @throws LockstepError JobTakenOver */
  writeChanges(): Promise<void>;
  /**
   * Egress: plans what objects say of others that the plan creates or binds, from the given ordinal on. Changes that
   * stand behind `lateOrdinal` get their numbers; those that come to nothing are dropped.
   */
  planPendingReferences(firstOrdinal: number): Promise<PlannedReferences>;
  /** Egress: plans the setting of passwords that wait and expire after `now`, from the given ordinal on. */
  planPasswords(firstOrdinal: number, now: Date): Promise<PlannedPasswords>;
  /** Plans additions of members from the given ordinal on; returns the last ordinal used. */
  planAddedMembers(firstOrdinal: number): Promise<number>;
  /**
   * Plans removals of members from the given ordinal on; returns the last ordinal used. Where absence means nothing they
   * are skipped and planned again by the next run.
   */
  planRemovedMembers(firstOrdinal: number, absence: Absence): Promise<number>;
  /**
   * Takes out of an unweighed plan what a partial run must not touch. A user who is selected by an address, and whose
   * record could not come in, stays: the job has to say so.
   */
  keepSelected(selection: JobSelection): Promise<void>;
  /** How many memberships were known and stay as they are. */
  countSameMemberships(): Promise<number>;
  /** Undo: notes which of the objects that an earlier job created have got members or groups otherwise. */
  noteJoined(undone: number): Promise<void>;
  /** Undo: what an earlier job did to objects of a kind by these verbs, the last change first, with what is there now. */
  undoCandidates(
    undone: number,
    kind: ObjectKind,
    verbs: readonly Verb[],
  ): AsyncIterable<readonly UndoCandidate[]>;
  /** Undo: plans what takes additions or removals of members back, from the given ordinal on; returns the last one used. */
  planMembersBack(undone: number, verb: 'addMember' | 'removeMember', firstOrdinal: number): Promise<number>;
  /** Undo: fails what of the plan has no place or no name in the directory as it is now. */
  refuseUndoConflicts(): Promise<void>;
  /** To be called when so many changes are planned: what follows looks things up in the plan. */
  analyzePlan(changes: number): Promise<void>;
  countLinked(): Promise<Record<Kind, number>>;
  countUnmanaged(): Promise<Record<Kind, number>>;
  /**
   * Makes the plan final, together with the links of all that was found equal: from here on it is carried out and
   * never made again.
   */
  commit(totals: PlanTotals): Promise<RunnableJob>;
}

export interface RefreshedLink {
  readonly kind: ObjectKind;
  readonly externalId: string;
  readonly objectId: string;
  readonly link: LinkData;
  readonly revision: number;
  readonly contribution: JsonAttributes | null;
}

/** Egress: whether a user or group of a scope is in scope at all. */
export interface SourceFilter {
  passes(kind: ObjectKind, scope: number, attributes: Attributes): boolean;
  /** What the conditions ask for in vain, a sentence for each attribute: once all objects were asked for. */
  findUnmet(): string[];
}

/** A place in the target. */
export interface TargetPlace {
  /** Empty: right below a node. */
  readonly parentReference: string;
  /** Index of the node as the target was read; null: any. */
  readonly node: number | null;
  readonly nameKey: string;
}

/** The key of a place: parent id (empty at the root), NUL, normalised name. */
export function placeKey(parent: string | null, nameKey: string): string {
  return `${parent ?? ''}\u0000${nameKey}`;
}

export interface SyncStore {
  getJob(jobId: string): Promise<RunnableJob>;
  /** @throws LockstepError JobTakenOver */
  isCancelRequested(job: RunnableJob): Promise<boolean>;
  /** Takes a job up: whoever ran it before can write no more. */
  takeUp(jobId: string): Promise<RunnableJob>;
  /** Forgets an unfinished plan, so that the job starts over from its read. */
  resetPlan(job: RunnableJob): Promise<void>;
  openStaging(job: RunnableJob, sync: RunnableSync): Promise<Staging>;
  /** The organizational unit at a path such as `/a/b`; null for the root; throws NotFound. */
  findUnitByPath(tenantId: string, path: string): Promise<string | null>;
  /** Makes an attribute one that objects can be matched by. */
  ensureMatchAttribute(tenantId: string, kind: ObjectKind, attribute: string): Promise<void>;
  /**
   * What the plan takes away, and how much it binds. `since`: with what the sync's jobs have taken away since then, so
   * that what goes in many small steps counts as what it comes to.
   */
  countLosses(job: RunnableJob, sync: RunnableSync, since: Date | null): Promise<Record<Kind, PlannedLoss>>;
  /** Marks the destructive part of the plan, or all of it, as skipped. */
  skipPlanned(
    job: RunnableJob,
    which: 'destructive' | 'all',
    code: ErrorCode,
    message: string,
  ): Promise<void>;
  /**
   * After a job broke off: a file is there as a whole or not at all, so what was written into one that did not come to be
   * is skipped as well. Nothing where the target is no file.
   */
  withdrawExports(job: RunnableJob, code: ErrorCode, message: string): Promise<void>;
  /** A digest over what a guard held of a plan (`held`), or over the part that it would hold: equal digests, equal plans. */
  planDigest(jobSerial: number, which: 'destructive' | 'all' | 'held'): Promise<string>;
  /** Skips the rows that do not belong to a held plan in the plan that is to apply it. */
  skipHarmless(job: RunnableJob): Promise<void>;
  findHeldJob(jobId: string): Promise<HeldJob>;
  /** Notes how far an unfinished plan is; a job that another process has taken up is left alone. */
  noteProgress(job: RunnableJob, progress: PlanProgress): Promise<void>;
  addMessage(job: RunnableJob, level: 'info' | 'warning' | 'error', text: string): Promise<void>;
  /** Applies the next batch to the directory and records its outcomes, in one transaction. Returns the ordinal reached. */
  applyToDirectory(job: RunnableJob, sync: RunnableSync, from: number, size: number): Promise<number>;
  /**
   * The next changes for the connected system. `unrecorded` are objects that earlier batches give a place without its
   * being recorded yet; null: the next change hangs on one of them.
   */
  loadTargetBatch(
    job: RunnableJob,
    sync: RunnableSync,
    from: number,
    size: number,
    nodes: readonly string[],
    unrecorded: ReadonlySet<string>,
  ): Promise<TargetBatch | null>;
  /** Units that this job has moved in the connected system so far, in their order. */
  listUnitMoves(job: RunnableJob, sync: RunnableSync): Promise<readonly UnitMove[]>;
  /** Changes of the plan that have no outcome. */
  countPlannedWork(job: RunnableJob): Promise<PlannedWork>;
  /** Notes that the job takes so many seconds from now on at least. */
  noteLeastSeconds(job: RunnableJob, seconds: number): Promise<void>;
  /** Commits the intent to write up to `through`, before anything is written outside. */
  recordIntent(job: RunnableJob, through: number): Promise<void>;
  /** Ordinals of creations whose entry is another object's: by its link, or by an earlier creation of the batch. */
  findTakenEntries(
    job: RunnableJob,
    sync: RunnableSync,
    outcomes: readonly BatchOutcome[],
  ): Promise<ReadonlySet<number>>;
  /** @throws LockstepError NotUndoable for a job whose images are kept no more. */
  requireImages(jobSerial: number): Promise<void>;
  /** Records the outcomes of a batch outside with the links it made, in one transaction. */
  recordOutcomes(
    job: RunnableJob,
    sync: RunnableSync,
    through: number,
    outcomes: readonly BatchOutcome[],
  ): Promise<void>;
  computeStatistics(jobSerial: number): Promise<Statistics>;
  /** After the plan was carried out: which members are still waited for, whichever run met them first. */
  findWaitingMembers(sync: RunnableSync): Promise<WaitingMembers>;
  /** Users that are disabled in the directory and linked to the connected system. */
  countDisabledAccounts(sync: RunnableSync): Promise<number>;
  /** Changes that an approval found and left to the next run. */
  countNotApproved(job: RunnableJob): Promise<number>;
  finish(job: RunnableJob, sync: RunnableSync | null, end: JobRecord): Promise<void>;
}

/** Ingress: members that groups name and that are not in the directory; they are added as soon as they are. */
export interface WaitingMembers {
  readonly count: number;
  /** A few of them, as `GROUP < REFERENCE`. */
  readonly examples: readonly string[];
}

export interface HeldJob {
  readonly serial: number;
  readonly hold: 'destructive' | 'all';
  /** A newer run of the same sync that superseded it. */
  readonly supersededBy: string | null;
}

export interface JobRecord {
  readonly status: JobStatus;
  readonly statistics: Statistics;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly note: string | null;
}
