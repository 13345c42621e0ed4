import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { closestName } from '../kernel/closest-name.ts';
import type { CompiledMapping } from '../mapping/compile.ts';

/** What a sync's own settings ask a source for; its connector's defaults ask for what many sources do not have. */
export interface OwnRules {
  /** Target attributes that the sync's own `map` has rules for, by kind. */
  readonly mapped: Readonly<Record<ObjectKind, readonly string[]>>;
  /** Directory attributes that the sync's own `match` compares, by kind. */
  readonly matched: Readonly<Record<ObjectKind, readonly string[]>>;
  /** Source attributes that the connector's default mapping reads: names that may have been meant. */
  readonly usual: Readonly<Record<ObjectKind, readonly string[]>>;
}

/** Invented names must not grow the memory without bound. */
const rememberedNames = 10_000;

/** Which attributes the objects that a mapping read had values for. */
export class SourceSurvey {
  readonly #names: Record<ObjectKind, Set<string>> = {
    organizationalUnit: new Set(),
    user: new Set(),
    group: new Set(),
  };

  note(kind: ObjectKind, attributes: Readonly<Record<string, readonly unknown[]>>): void {
    const names = this.#names[kind];
    if (names.size >= rememberedNames) return;
    for (const name in attributes) if ((attributes[name]?.length ?? 0) > 0) names.add(name);
  }

  /**
   * What the rules ask for in vain, a sentence for each attribute: it is probably misspelt. Only to be asked once all
   * objects of the kind were looked at.
   * @param given names that every object has a value for, besides those noted
   */
  findUnmet(
    kind: ObjectKind,
    mapping: CompiledMapping,
    own: OwnRules,
    given: readonly string[] = [],
  ): string[] {
    // Nothing was read, or there is more than can be remembered.
    if (this.#names[kind].size === 0 || this.#names[kind].size >= rememberedNames) return [];
    const names = new Set([...this.#names[kind], ...given]);
    const known = [...new Set([...names, ...own.usual[kind]])];
    const met = folded(names);
    const [mapped, matched] = [folded(own.mapped[kind]), folded(own.matched[kind])];
    return mapping.explain(kind, {}).flatMap(({ target, read }) => {
      const unmet = Object.keys(read).filter((name) => !met.has(name.toLowerCase()));
      const inVain = (by: string): string[] =>
        unmet.map((name) => `no ${kind} has a value for ${name}, which ${by} reads${hint(name, known)}`);
      if (mapped.has(target.toLowerCase())) return inVain(`the mapping of ${target}`);
      const isUnmet = unmet.length === Object.keys(read).length;
      return isUnmet && matched.has(target.toLowerCase()) ? inVain(`the match rule ${target}`) : [];
    });
  }

  /**
   * Those of some names that no object of any kind has a value for, a sentence for each. Only to be asked once all
   * objects were looked at.
   * @param by what reads them
   */
  findUnknown(names: readonly string[], by: string): string[] {
    const known = Object.values(this.#names).flatMap((each) => [...each]);
    if (known.length === 0 || known.length >= rememberedNames) return [];
    const met = folded(known);
    return [...new Set(names)]
      .filter((name) => !met.has(name.toLowerCase()))
      .map((name) => `no object has a value for ${name}, which ${by} reads${hint(name, known)}`);
  }
}

function folded(names: Iterable<string>): Set<string> {
  return new Set([...names].map((name) => name.toLowerCase()));
}

function hint(name: string, known: readonly string[]): string {
  const near = closestName(name, known);
  return near === undefined || near.toLowerCase() === name.toLowerCase() ? '' : `. Did you mean ${near}?`;
}
