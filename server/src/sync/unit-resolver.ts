import type { Staging } from './sync-store.ts';

export type Parent = { readonly id: string | null } | { readonly failed: string };

const cacheLimit = 20_000;

/** Resolves organizational units by reference and back; a cache spares asking for the same unit for each of its users. */
export class UnitResolver {
  readonly #ids = new Map<string, string>();
  readonly #references = new Map<string, string>();
  readonly #staging: Staging;

  constructor(staging: Staging) {
    this.#staging = staging;
  }

  async load(references: Iterable<string>): Promise<void> {
    const missing = [...new Set(references)].filter((reference) => !this.#ids.has(reference));
    if (missing.length === 0) return;
    if (this.#ids.size > cacheLimit) this.#ids.clear();
    for (const [reference, id] of await this.#staging.resolveUnits(missing)) this.#ids.set(reference, id);
  }

  async loadReferences(ids: Iterable<string>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.#references.has(id));
    if (missing.length === 0) return;
    if (this.#references.size > cacheLimit) this.#references.clear();
    for (const [id, reference] of await this.#staging.referencesOfUnits(missing))
      this.#references.set(id, reference);
  }

  /** Forgets everything, after units were settled. */
  forget(): void {
    this.#ids.clear();
    this.#references.clear();
  }

  /** The nearest unit above that is kept in step, else the scope's node. An empty id marks a unit that could not be. */
  parent(parents: readonly string[], node: string | null): Parent {
    for (const reference of parents) {
      const id = this.#ids.get(reference);
      if (id === undefined) continue;
      return id === '' ? { failed: reference } : { id };
    }
    return { id: node };
  }

  /** The unit of exactly this reference; undefined when it is none that is kept in step. */
  exactly(reference: string): { readonly id: string } | undefined {
    const id = this.#ids.get(reference);
    return id === undefined || id === '' ? undefined : { id };
  }

  /** The reference by which the connected system knows a unit; undefined when it does not know it yet. */
  referenceOf(id: string): string | undefined {
    return this.#references.get(id);
  }
}
