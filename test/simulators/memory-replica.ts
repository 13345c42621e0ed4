import { createHash } from 'node:crypto';
import type { ObjectKind } from '../../contract/src/vocabulary.ts';
import type {
  Replica,
  ReplicaChange,
  ReplicaEntry,
  ReplicaReadOptions,
} from '../../server/src/sync/replica.ts';

interface Stored {
  attributes: Record<string, unknown>;
  sequence: number;
  round: number;
  removed: boolean;
}
interface Member {
  sequence: number;
  round: number;
  removed: boolean;
}
type Progress = Parameters<Replica['write']>[1];

/** A replica in memory, for tests: as the store keeps it, with ways to make it fail. */
export class MemoryReplica implements Replica {
  cursor: unknown = null;
  whole = false;
  sequence = 0;
  /** Every write, in order. */
  readonly written: { readonly changes: readonly ReplicaChange[]; readonly progress: Progress }[] = [];
  /** Called before each write; what it throws is the write's failure. */
  beforeWrite: (changes: readonly ReplicaChange[], progress: Progress) => void = () => undefined;
  readonly #records = new Map<ObjectKind, Map<string, Stored>>([
    ['user', new Map()],
    ['group', new Map()],
    ['organizationalUnit', new Map()],
  ]);
  readonly #members = new Map<string, Map<string, Member>>();
  #round = 0;
  #turn: Promise<unknown> = Promise.resolve();

  state() {
    return Promise.resolve({ cursor: this.cursor, whole: this.whole, sequence: this.sequence });
  }

  async write(changes: readonly ReplicaChange[], progress?: Progress): Promise<void> {
    await Promise.resolve();
    this.beforeWrite(changes, progress);
    this.written.push({ changes, progress });
    const round = progress?.round;
    if (round === 'begin' || round === 'only') this.#round += 1;
    this.sequence += 1;
    for (const change of changes) this.#apply(change);
    if (round === 'end' || round === 'only') this.#removeUnseen();
    if (progress === undefined) return;
    // As the store does: what is kept is JSON.
    this.cursor = JSON.parse(JSON.stringify(progress.cursor ?? null));
    this.whole ||= round === 'end' || round === 'only';
  }

  async *read({ kinds, members, after, through = Infinity, again = [] }: ReplicaReadOptions) {
    await Promise.resolve();
    for (const kind of kinds) {
      const entries: ReplicaEntry[] = [];
      for (const [externalId, stored] of [...this.#of(kind)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        const isAsked = again.some((key) => key.kind === kind && key.externalId === externalId);
        const unchanged = stored.sequence <= (after ?? 0) || stored.sequence > through;
        if (after === undefined ? stored.removed : unchanged && !isAsked) continue;
        entries.push(this.#entry(kind, externalId, stored, members, isAsked ? undefined : after));
      }
      if (entries.length > 0) yield entries;
    }
  }

  find(kind: ObjectKind, externalIds: readonly string[]): Promise<readonly ReplicaEntry[]> {
    const found = externalIds.flatMap((id) => {
      const stored = this.#of(kind).get(id);
      return stored === undefined || stored.removed ? [] : [this.#entry(kind, id, stored, false, undefined)];
    });
    return Promise.resolve(found);
  }

  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Attributes and members of what is there, by id. */
  contents(kind: ObjectKind): Record<string, Record<string, unknown>> {
    const there = [...this.#of(kind)].filter(([, { removed }]) => !removed);
    return Object.fromEntries(
      there.map(([id, { attributes }]) => [
        id,
        kind === 'group' ? { ...attributes, members: this.#memberIds(id) } : attributes,
      ]),
    );
  }

  #of(kind: ObjectKind): Map<string, Stored> {
    return this.#records.get(kind) as Map<string, Stored>;
  }

  #entry(
    kind: ObjectKind,
    externalId: string,
    { attributes, sequence, removed }: Stored,
    members: boolean,
    after: number | undefined,
  ): ReplicaEntry {
    const fingerprint = createHash('md5').update(`${externalId} ${sequence}`).digest('hex');
    const base = { kind, externalId, attributes, fingerprint, removed };
    if (!members || kind !== 'group') return base;
    if (after === undefined) return { ...base, members: this.#memberIds(externalId) };
    const changed = [...(this.#members.get(externalId) ?? [])].filter(
      ([, member]) => member.sequence > after,
    );
    const ids = (gone: boolean) => changed.filter(([, member]) => member.removed === gone).map(([id]) => id);
    return { ...base, memberChanges: { added: ids(false), removed: ids(true) } };
  }

  #memberIds(groupId: string): string[] {
    const members = [...(this.#members.get(groupId) ?? [])];
    return members
      .filter(([, { removed }]) => !removed)
      .map(([id]) => id)
      .toSorted();
  }

  #apply(change: ReplicaChange): void {
    if ('groupId' in change) return this.#applyMember(change);
    const records = this.#of(change.kind);
    const stored = records.get(change.externalId);
    if (change.verb === 'remove') {
      if (stored === undefined || stored.removed) return undefined;
      Object.assign(stored, { removed: true, sequence: this.sequence });
      if (change.kind === 'group') this.#removeMembers(change.externalId, () => true);
      return undefined;
    }
    const keeps = change.verb === 'merge' && stored?.removed === false && stored.round === this.#round;
    const merged = Object.entries({ ...(keeps ? stored.attributes : {}), ...change.attributes });
    const attributes = Object.fromEntries(merged.filter(([, value]) => value !== null));
    const same = stored?.removed === false && canonical(stored.attributes) === canonical(attributes);
    const sequence = same ? stored.sequence : this.sequence;
    records.set(change.externalId, { attributes, sequence, round: this.#round, removed: false });
    return undefined;
  }

  #applyMember({ verb, groupId, memberId }: Extract<ReplicaChange, { groupId: string }>): void {
    const members = this.#members.get(groupId) ?? new Map<string, Member>();
    this.#members.set(groupId, members);
    const removed = verb === 'removeMember';
    const before = members.get(memberId);
    if (before === undefined && removed) return;
    if (before?.removed === removed) {
      before.round = this.#round;
      return;
    }
    members.set(memberId, { sequence: this.sequence, round: this.#round, removed });
    this.#touch(groupId);
  }

  #touch(groupId: string): void {
    const group = this.#of('group').get(groupId);
    if (group) group.sequence = this.sequence;
  }

  #removeMembers(groupId: string, which: (member: Member) => boolean): void {
    for (const member of this.#members.get(groupId)?.values() ?? []) {
      if (member.removed || !which(member)) continue;
      Object.assign(member, { removed: true, sequence: this.sequence });
      this.#touch(groupId);
    }
  }

  #removeUnseen(): void {
    for (const groupId of this.#members.keys())
      this.#removeMembers(groupId, ({ round }) => round < this.#round);
    for (const records of this.#records.values()) {
      for (const stored of records.values()) {
        if (stored.round < this.#round && !stored.removed)
          Object.assign(stored, { removed: true, sequence: this.sequence });
      }
    }
  }
}

function canonical(attributes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
