import type { AttributeValue, Attributes } from '../directory/attributes.ts';

/** Values by slot; undefined where the object does not have the attribute. */
export type SourceValues = readonly (readonly AttributeValue[] | undefined)[];

/** Entries with invented attribute names must not grow the memory of spellings without bound. */
const rememberedSpellings = 10_000;

interface Target {
  readonly slot: number;
  readonly exact: boolean;
}
const unwanted: readonly Target[] = [];

/**
 * Takes the attributes that rules name out of an object, one pass over the object and one look-up for each of its
 * attributes. Names are compared without letter case (RFC 4512 section 2.5); where an object has several spellings,
 * the one that is spelled as in the rule counts.
 */
export class SourceReader {
  readonly #slots = new Map<string, number>();
  /** Copied for each object: much cheaper than building a list of that length. */
  readonly #blank: (readonly AttributeValue[] | undefined)[] = [];
  readonly #spellings = new Map<string, readonly Target[]>();

  /** The slot of an attribute; the same name has the same slot. */
  slot(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    this.#slots.set(name, slot);
    this.#blank.push(undefined);
    this.#spellings.clear();
    return slot;
  }

  names(): string[] {
    return [...this.#slots.keys()];
  }

  read(source: Attributes): SourceValues {
    const values = this.#blank.slice();
    for (const name in source) {
      const list = source[name];
      if (list === undefined || list.length === 0) continue;
      const targets = this.#spellings.get(name) ?? this.#learn(name);
      for (let index = 0; index < targets.length; index += 1) {
        const { slot, exact } = targets[index] as Target;
        if (exact || values[slot] === undefined) values[slot] = list;
      }
    }
    return values;
  }

  #learn(name: string): readonly Target[] {
    const key = name.toLowerCase();
    const targets: Target[] = [];
    for (const [wanted, slot] of this.#slots) {
      if (wanted.toLowerCase() === key) targets.push({ slot, exact: wanted === name });
    }
    if (this.#spellings.size >= rememberedSpellings) this.#spellings.clear();
    const found = targets.length === 0 ? unwanted : targets;
    this.#spellings.set(name, found);
    return found;
  }
}
