import type { Replica } from '../../sync/replica.ts';
import { entraKinds } from './select.ts';

/** What an object of the copy was made for, in the copy alone: no property of Graph has such a name. */
const madeFor = '@made.for';

/** What earlier attempts of a job made, as far as the copy was told of it before they were cut off. */
export class MadeEarlier {
  readonly #replica: Replica;
  readonly #job: string;
  #ids: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(replica: Replica, job: string) {
    this.#replica = replica;
    this.#job = job;
  }

  /** What the copy keeps with an object that a change of this job made. */
  mark(ordinal: number): Readonly<Record<string, string>> {
    return { [madeFor]: this.#text(ordinal) };
  }

  /** The id of what an earlier attempt made for a change; the copy is looked through once. */
  async find(ordinal: number): Promise<string | undefined> {
    this.#ids ??= this.#load();
    return (await this.#ids).get(this.#text(ordinal));
  }

  #text(ordinal: number): string {
    return `${this.#job} ${ordinal}`;
  }

  async #load(): Promise<ReadonlyMap<string, string>> {
    const ids = new Map<string, string>();
    for await (const page of this.#replica.read({ kinds: entraKinds, members: false })) {
      for (const { externalId, attributes } of page) {
        const mark = attributes[madeFor];
        if (typeof mark === 'string') ids.set(mark, externalId);
      }
    }
    return ids;
  }
}
