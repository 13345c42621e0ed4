import { LockstepError } from '../../kernel/errors.ts';
import { refreshReplicaStatistics } from '../../store/replica/replica-statistics.ts';
import { writeScimRecords, type ScimWrite, type WrittenRecord } from '../../store/queries/scim-writes.ts';
import type { Store } from '../../store/store.ts';
import { mergeWrites } from './merge-writes.ts';

/** So many writes share a transaction at most: one that fails is done again alone, and so are the others with it. */
const mostTogether = 64;

interface Waiting {
  readonly write: ScimWrite;
  readonly resolve: (written: WrittenRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** A change has the version of its own, also where others of the same record were written with it. */
function asWritten(
  { expectedRevision, changes }: ScimWrite,
  written: WrittenRecord | undefined,
): WrittenRecord | undefined {
  return written && { ...written, revision: expectedRevision + changes };
}

/** What is written to one connection: a transaction at a time, in which everything goes that came during the one before. */
class Queue {
  readonly #store: Store;
  readonly #connectionSerial: number;
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** Members that came and went since this process began. */
  #members = 0;

  constructor(store: Store, connectionSerial: number) {
    this.#store = store;
    this.#connectionSerial = connectionSerial;
  }

  async add(write: ScimWrite): Promise<WrittenRecord | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const { count } = mergeWrites(this.#waiting.slice(0, mostTogether).map(({ write }) => write));
      const together = this.#waiting.slice(0, count);
      this.#waiting = this.#waiting.slice(count);
      if ((await this.#write(together)) === 'apart') await this.#writeApart(together);
    }
    this.#isWriting = false;
  }

  async #writeApart(together: readonly Waiting[]): Promise<void> {
    let left = together;
    for (let [next] = left; next !== undefined; [next] = left) {
      left = left.slice(1);
      // Each would wait for a database that is not there.
      if ((await this.#write([next], left)) === 'unreachable') return;
    }
  }

  /**
   * @param behind those who are told as well when the database cannot be reached
   * @returns `apart` when several failed and are to be written one by one
   */
  async #write(
    together: readonly Waiting[],
    behind: readonly Waiting[] = [],
  ): Promise<'done' | 'apart' | 'unreachable'> {
    const { db } = this.#store;
    try {
      const { merged: writes } = mergeWrites(together.map(({ write }) => write));
      const { sequence, written } = await writeScimRecords(db, this.#connectionSerial, writes);
      const byId = new Map(written.map((each) => [each.id, each]));
      for (const { write, resolve } of together) resolve(asWritten(write, byId.get(write.id)));
      // What was written stays written, whatever becomes of the statistics.
      await this.#refreshStatistics(writes, sequence).catch(() => undefined);
      return 'done';
    } catch (error) {
      const isGone = error instanceof LockstepError && error.kind === 'unavailable';
      if (together.length > 1 && !isGone) return 'apart';
      for (const { reject } of isGone ? [...together, ...behind] : together) reject(error);
      return isGone ? 'unreachable' : 'done';
    }
  }

  /** Thousands of members may come with one change. */
  async #refreshStatistics(writes: readonly ScimWrite[], sequence: number): Promise<void> {
    const { db } = this.#store;
    const members = writes.reduce(
      (sum, { members: { added, removed } }) => sum + added.length + removed.length,
      this.#members,
    );
    const before = this.#members;
    this.#members = members;
    await refreshReplicaStatistics(db, sequence - 1, sequence);
    if (members > before) await refreshReplicaStatistics(db, before, members);
  }
}

const queues = new WeakMap<Store, Map<number, Queue>>();

/**
 * Writes a record, in one transaction with what else is pushed to the connection at this time: numbers of changes are
 * given out one transaction after the other, so that each of its own would wait for a disk.
 * @returns undefined when somebody else changed the record before, or a member is not there, and it was not written
 * @throws the database's error, when it refuses this record
 */
export async function writeTogether(
  store: Store,
  connectionSerial: number,
  write: ScimWrite,
): Promise<WrittenRecord | undefined> {
  const ofStore = queues.get(store) ?? new Map<number, Queue>();
  queues.set(store, ofStore);
  const queue = ofStore.get(connectionSerial) ?? new Queue(store, connectionSerial);
  ofStore.set(connectionSerial, queue);
  return queue.add(write);
}
