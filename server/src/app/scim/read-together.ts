import { findScimRecords } from '../../store/queries/scim-list.ts';
import type { ScimKind, ScimRecord, ScimRecordKey } from '../../store/queries/scim-record.ts';
import type { Store } from '../../store/store.ts';

/** So many records are read by one statement at most. */
const mostTogether = 64;

interface Waiting {
  readonly id: string;
  readonly resolve: (record: ScimRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** What is read by id of one kind: a statement at a time, for all who came during the one before. */
class Reader {
  readonly #store: Store;
  readonly #of: { readonly connectionSerial: number; readonly kind: ScimKind };
  readonly #withRelated: boolean;
  #waiting: Waiting[] = [];
  #isReading = false;

  constructor(store: Store, { connectionSerial, kind }: ScimRecordKey, withRelated: boolean) {
    this.#store = store;
    this.#of = { connectionSerial, kind };
    this.#withRelated = withRelated;
  }

  async find(id: string): Promise<ScimRecord | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject });
      if (!this.#isReading) void this.#readAll();
    });
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    while (this.#waiting.length > 0) {
      const together = this.#waiting.slice(0, mostTogether);
      this.#waiting = this.#waiting.slice(mostTogether);
      try {
        const ids = [...new Set(together.map(({ id }) => id))];
        const found = await findScimRecords(this.#store.db, this.#of, ids, this.#withRelated);
        const byId = new Map(found.map((record) => [record.id, record]));
        for (const { id, resolve } of together) resolve(byId.get(id));
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#isReading = false;
  }
}

const readers = new WeakMap<Store, Map<string, Reader>>();

/**
 * Finds a record by its id, in one statement with what else is asked for at this time. It is as it was when it was asked
 * for, or newer.
 * @param withRelated with the members of a group, or the groups of a user
 */
export async function readTogether(
  store: Store,
  key: ScimRecordKey,
  withRelated: boolean,
): Promise<ScimRecord | undefined> {
  const ofStore = readers.get(store) ?? new Map<string, Reader>();
  readers.set(store, ofStore);
  const name = `${key.connectionSerial} ${key.kind} ${withRelated}`;
  const reader = ofStore.get(name) ?? new Reader(store, key, withRelated);
  ofStore.set(name, reader);
  return reader.find(key.id);
}
