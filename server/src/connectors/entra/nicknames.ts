import type { Replica } from '../../sync/replica.ts';
import { uniqueNickname } from './nickname.ts';

/** The nicknames of a tenant, to make new ones unique; read from the copy when the first one is made. */
export class Nicknames {
  readonly #replica: Replica;
  #taken: Promise<Set<string>> | undefined;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** A nickname that nobody has, taken at once. */
  async take(base: string): Promise<string> {
    this.#taken ??= this.#load();
    const taken = await this.#taken;
    const nickname = uniqueNickname(base, (candidate) => taken.has(candidate.toLowerCase()));
    taken.add(nickname.toLowerCase());
    return nickname;
  }

  async #load(): Promise<Set<string>> {
    const taken = new Set<string>();
    for await (const page of this.#replica.read({ kinds: ['user', 'group'], members: false })) {
      for (const { attributes } of page) {
        const nickname = attributes['mailNickname'];
        if (typeof nickname === 'string') taken.add(nickname.toLowerCase());
      }
    }
    return taken;
  }
}
