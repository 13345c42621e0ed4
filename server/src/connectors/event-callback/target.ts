import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { TargetChange, TargetOutcome, TargetSession } from '../../sync/connector.ts';
import type { Replica } from '../../sync/replica.ts';
import type { Delivery } from './delivery.ts';
import { eventId, type Event } from './event.ts';
import { memberEvents, objectEvents, type Aspect } from './event-types.ts';
import { runInOrder, type Claims } from './in-order.ts';
import { Ledger } from './ledger.ts';
import { recordFromJson, recordToJson, renderRecord, sameRecords, type ToldRecord } from './record.ts';
import { idNames } from './vocabulary.ts';

export interface TellingOptions {
  readonly job: string;
  readonly replica: Replica;
  readonly open: () => Promise<Delivery>;
  readonly concurrency: number;
  /** Whether the application is told of organizational units. */
  readonly tree: boolean;
}

type ObjectChange = TargetChange & { readonly kind: ObjectKind };

interface Batch {
  readonly recovering: boolean;
  readonly signal: AbortSignal;
}

/** Tells an application of changes, and writes down what it was told. */
export class TellingSession implements TargetSession {
  readonly #options: TellingOptions;
  readonly #ledger: Ledger;
  #opening: Promise<Delivery> | undefined;
  /** Objects that the application missed an event of: what comes after it would be out of order. */
  readonly #missed = new Set<string>();

  constructor(options: TellingOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options.replica);
  }

  async apply(changes: readonly TargetChange[], batch: Batch): Promise<readonly TargetOutcome[]> {
    const outcomes = new Map<number, TargetOutcome>();
    for (const run of runsOf(changes)) {
      // oxlint-disable-next-line no-await-in-loop -- units before users, users before their memberships
      const records = await this.#findRecords(run);
      const claims = (change: TargetChange): Claims => claimsOf(change);
      // oxlint-disable-next-line no-await-in-loop -- units before users, users before their memberships
      await runInOrder(run, claims, this.#options.concurrency, async (change) => {
        outcomes.set(change.ordinal, await this.#tell(change, records, batch));
      });
    }
    return changes.flatMap(({ ordinal }) => outcomes.get(ordinal) ?? []);
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #findRecords(run: readonly TargetChange[]): Promise<Map<string, ToldRecord>> {
    const kind = run[0]?.kind;
    if (kind === undefined || kind === 'membership') return new Map();
    const ids = run.map((change) => this.#idOf(change as ObjectChange));
    const found = await this.#options.replica.find(kind, [...new Set(ids)]);
    return new Map(found.map(({ externalId, attributes }) => [externalId, recordFromJson(attributes)]));
  }

  /** The directory's id; one that the job and the place in its plan decide where the mapping leaves it out. */
  #idOf({ kind, externalId, ordinal, set }: ObjectChange): string {
    if (externalId !== null) return externalId;
    const id = set[idNames[kind]]?.[0];
    return typeof id === 'string' && id !== ''
      ? id
      : eventId(this.#options.job, ordinal).replace('evnt_', '');
  }

  #tell(change: TargetChange, records: Map<string, ToldRecord>, batch: Batch): Promise<TargetOutcome> {
    if (change.kind === 'membership') return this.#tellMembership(change, batch);
    return this.#tellObject(change as ObjectChange, records, batch);
  }

  async #tellObject(
    change: ObjectChange,
    records: Map<string, ToldRecord>,
    batch: Batch,
  ): Promise<TargetOutcome> {
    const { kind, verb, ordinal } = change;
    const id = this.#idOf(change);
    const before = records.get(id);
    const place = { ordinal, ok: true, externalId: id, location: id, reference: id } as const;
    if (verb === 'delete') {
      if (before === undefined) return place;
      const dead = await this.#deliver(
        change,
        id,
        [objectEvents[kind].delete],
        { [idNames[kind]]: id },
        batch,
      );
      if (dead !== undefined) return dead;
      records.delete(id);
      await this.#ledger.enter({ verb: 'remove', kind, externalId: id });
      return place;
    }
    if (verb !== 'create' && before === undefined) return neverTold(change, id);
    const after = recordAfter(change, before);
    // After a crash: it was told before its outcome was recorded.
    if (batch.recovering && before !== undefined && sameRecords(before, after)) return place;
    const data = renderRecord(kind, id, after, this.#options.tree);
    const types = aspectsOf(change, before, after).map((aspect) => objectEvents[kind][aspect]);
    const dead = await this.#deliver(change, id, types, data, batch);
    if (dead !== undefined) return dead;
    records.set(id, after);
    await this.#ledger.enter({ verb: 'replace', kind, externalId: id, attributes: recordToJson(after) });
    return place;
  }

  async #tellMembership(change: TargetChange, batch: Batch): Promise<TargetOutcome> {
    const { ordinal, externalId: groupId, member } = change;
    const memberId = member?.externalId ?? member?.reference ?? null;
    if (groupId === null || member === undefined || memberId === null)
      return neverTold(change, groupId ?? '');
    const verb = change.verb === 'addMember' ? 'addMember' : 'removeMember';
    const data = { groupId, [member.kind === 'user' ? 'userId' : 'memberGroupId']: memberId };
    const dead = await this.#deliver(
      change,
      groupId,
      [memberEvents[member.kind][verb]],
      data,
      batch,
      memberId,
    );
    if (dead !== undefined) return dead;
    await this.#ledger.enter({ verb, groupId, memberId });
    return { ordinal, ok: true };
  }

  /** Delivers events of one change in their order. @returns the outcome where that fails */
  async #deliver(
    { ordinal }: TargetChange,
    id: string,
    types: readonly string[],
    data: object,
    { signal }: Batch,
    memberId?: string,
  ): Promise<TargetOutcome | undefined> {
    const missed = [id, memberId].find((each) => each !== undefined && this.#missed.has(each));
    if (missed !== undefined) {
      const message = `not told: the application missed an earlier event of ${missed}`;
      return { ordinal, ok: false, code: 'DependencyFailed', message };
    }
    const delivery = await this.#delivery();
    for (const type of new Set(types)) {
      const event: Event = { id: eventId(this.#options.job, ordinal, type), type, objectId: id, data };
      // oxlint-disable-next-line no-await-in-loop -- events of one object are told in their order
      const dead = await delivery.deliver(event, signal);
      if (dead === undefined) continue;
      this.#missed.add(id);
      return { ordinal, ok: false, ...dead };
    }
    return undefined;
  }

  #delivery(): Promise<Delivery> {
    this.#opening ??= this.#options.open();
    return this.#opening;
  }
}

/** Cuts a batch where the kind changes. */
function runsOf(changes: readonly TargetChange[]): TargetChange[][] {
  const runs: TargetChange[][] = [];
  for (const change of changes) {
    const last = runs.at(-1);
    if (last?.[0]?.kind === change.kind) last.push(change);
    else runs.push([change]);
  }
  return runs;
}

/** Stands for the tree while units are deleted: from below, in the order of the plan. */
const wholeTree = '\0';

/**
 * Changes of one object follow each other, and what lies below a unit follows the unit. Members of one group come and go
 * side by side, after the group and themselves.
 */
function claimsOf({ kind, verb, externalId, parentLocation, set, member }: TargetChange): Claims {
  if (kind === 'membership') {
    const needed = [externalId, member?.externalId ?? member?.reference ?? null].filter((id) => id !== null);
    return { owned: [needed.join('\0')], needed };
  }
  const own = externalId ?? set[idNames[kind]]?.[0];
  const owned = typeof own === 'string' ? [own] : [];
  if (kind !== 'organizationalUnit') return { owned, needed: [] };
  if (verb === 'delete') return { owned: [...owned, wholeTree], needed: [] };
  return { owned, needed: [wholeTree, ...(parentLocation === null ? [] : [parentLocation])] };
}

function recordAfter(
  { kind, verb, set, parentLocation, enabled }: ObjectChange,
  before: ToldRecord | undefined,
): ToldRecord {
  const kept = verb === 'create' ? {} : before?.attributes;
  const attributes = Object.entries({ ...kept, ...set }).filter(([, values]) => values.length > 0);
  return {
    attributes: Object.fromEntries(attributes),
    parent: parentLocation ?? before?.parent ?? '',
    enabled: kind === 'user' ? (enabled ?? (verb === 'create' ? true : (before?.enabled ?? true))) : null,
  };
}

/** What the events of a change say, in their order: where it is, what it is, whether it may be used. */
function aspectsOf({ verb, set }: ObjectChange, before: ToldRecord | undefined, after: ToldRecord): Aspect[] {
  if (verb === 'create' || before === undefined) return ['create'];
  const aspects: Aspect[] = [];
  if (after.parent !== before.parent) aspects.push('move');
  if (Object.keys(set).length > 0) aspects.push('update');
  if (after.enabled !== before.enabled) aspects.push(after.enabled === false ? 'disable' : 'enable');
  return aspects.length === 0 ? ['update'] : aspects;
}

function neverTold({ ordinal, kind }: TargetChange, id: string): TargetOutcome {
  return {
    ordinal,
    ok: false,
    code: 'NotFound',
    message: `the application was never told of the ${kind} ${id}`,
  };
}
