import type { Completeness } from '../../sync/connector.ts';

const mostGaps = 5;
const mostWarnings = 100;

/** What kept a read from being complete, and what could not be understood. Few of each are kept: a directory may hold a million odd entries. */
export class Findings {
  readonly #gaps = new Set<string>();
  readonly #warnings: string[] = [];
  #more = 0;

  /** Something was not read: what is not seen is not believed to be gone. */
  miss(text: string): void {
    if (this.#gaps.size < mostGaps) this.#gaps.add(text);
  }

  warn(text: string): void {
    if (this.#warnings.length < mostWarnings) this.#warnings.push(text);
    else this.#more += 1;
  }

  completeness(): Completeness {
    if (this.#more > 0) this.#warnings.push(`and ${this.#more} more`);
    const reason = this.#gaps.size === 0 ? undefined : [...this.#gaps].join('; ');
    return { complete: this.#gaps.size === 0, reason, warnings: this.#warnings };
  }
}
