import { LockstepError } from '../../../kernel/errors.ts';
import { isStorableText } from '../../json-body.ts';

/**
 * Parameters of a query as they came. Names with brackets (`x[]`, `x[0]`) are lists; what is not known is ignored; of a
 * value that is given twice the first counts, since clients repeat their own parameters behind those of a link.
 */
export class Query {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /** @throws LockstepError InvalidRequest for text that no database can hold. */
  constructor(search: string) {
    const values = new Map<string, string[]>();
    for (const [name, value] of new URLSearchParams(search)) {
      const plain = name.replace(/\[\d*\]$/, '');
      if (!isStorableText(name) || !isStorableText(value))
        throw new LockstepError('InvalidRequest', `'${plain.replaceAll('\0', '')}' contains U+0000`, {
          field: plain,
        });
      values.set(plain, [...(values.get(plain) ?? []), value]);
    }
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name)?.[0];
    return value === '' ? undefined : value;
  }

  /** All values of a list, however it is written; undefined when it is not given. */
  list(name: string): string[] | undefined {
    const values = this.#values.get(name);
    return values?.flatMap((value) => value.split(',')).filter((value) => value !== '');
  }

  /** @throws LockstepError InvalidRequest for what is no whole number. */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
    throw new LockstepError('InvalidRequest', `'${name}' must be an integer`, { field: name });
  }

  /** Name and values, by name. */
  entries(): [string, readonly string[]][] {
    return [...this.#values].sort(([left], [right]) => (left < right ? -1 : 1));
  }
}
