import type { DirectoryObject } from './state/directory-object.ts';

/** How a simulator behaves within what the documentation allows. All may be changed while it runs. */
export interface Behaviour {
  /** How many reads, references and lists do not know an object made by a request; Infinity: until `replicate()`. */
  hideNewObjectsFor: number;
  /** Objects of a page of a list when nothing else is asked for. */
  listPageSize: number;
  /** Objects of a page of a delta query when nothing else is asked for. */
  deltaPageSize: number;
  /** Most `members@delta` of one object in one page; the object comes again in a later page with more. */
  deltaMembersPerObject: number;
  /** Empty pages with a nextLink before the first page of a delta round. */
  deltaEmptyPages: number;
  /** Each object comes again in a later page of the same round. */
  deltaRepeatsObjects: boolean;
  /** Objects come in an order of chance; the number is the seed. */
  deltaShuffleSeed: number | undefined;
  /** A round tells the changes of the round before once more. */
  deltaReplays: boolean;
  /** Later rounds have only changed properties, as if each request said `Prefer: return=minimal`. */
  deltaChangedPropertiesOnly: boolean;
  /** The first round has `@removed` objects too: those in the deleted items. */
  deltaTellsDeletedAtFirst: boolean;
  /** How long a delta link lives; seven days is documented. */
  deltaTokenSeconds: number;
  /** Every page of a list or delta round has a nextLink: `same`: to itself; `fresh`: ever new tokens. */
  endlessNextLinks: 'same' | 'fresh' | undefined;
  /** Origin of the nextLinks and deltaLinks of all pages instead of the simulator's own. */
  linkOrigin: string | undefined;
  /** RateLimit-Limit, -Remaining and -Reset with each answer, where there is a quota; not documented for directories. */
  rateLimitHeaders: boolean;
  /** Answers of a batch come in the reverse order. */
  batchReversesAnswers: boolean;
}

export const defaultBehaviour: Readonly<Behaviour> = {
  hideNewObjectsFor: 0,
  listPageSize: 100,
  deltaPageSize: 200,
  deltaMembersPerObject: 200,
  deltaEmptyPages: 0,
  deltaRepeatsObjects: false,
  deltaShuffleSeed: undefined,
  deltaReplays: false,
  deltaChangedPropertiesOnly: false,
  deltaTellsDeletedAtFirst: false,
  deltaTokenSeconds: 7 * 24 * 3600,
  endlessNextLinks: undefined,
  linkOrigin: undefined,
  rateLimitHeaders: false,
  batchReversesAnswers: false,
};

/** The behaviour, and which new objects are not replicated yet. */
export class GraphControl {
  readonly behaviour: Behaviour;
  readonly #hidden = new Map<string, number>();

  constructor(behaviour: Partial<Behaviour>) {
    this.behaviour = { ...defaultBehaviour, ...behaviour };
  }

  /** Called for an object that a request has just made. */
  created(object: DirectoryObject): void {
    if (this.behaviour.hideNewObjectsFor > 0) this.#hidden.set(object.id, this.behaviour.hideNewObjectsFor);
  }

  /** Whether this look at the object misses it; counts the look. */
  hides(id: string): boolean {
    const left = this.#hidden.get(id);
    if (left === undefined) return false;
    if (left > 0) this.#hidden.set(id, left - 1);
    if (left <= 0) this.#hidden.delete(id);
    return left > 0;
  }

  /** As hides, without counting: for lists. */
  isHidden(id: string): boolean {
    return (this.#hidden.get(id) ?? 0) > 0;
  }

  /** All objects are known everywhere from now on. */
  replicate(): void {
    this.#hidden.clear();
  }
}
