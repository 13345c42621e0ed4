import { baseName, type LdapShape } from './config.ts';
import { findId, namesByDn } from './externalId.ts';
import type { Findings } from './findings.ts';
import type { LdapClient } from './protocol/client/client.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import { readSchema } from './schema.ts';

/** `dn`: the entry has no id, and is told by its DN. `unsure`: ask again after `learn`. `refused`: it must not be used. */
export type Verdict = { readonly id: string } | 'dn' | 'unsure' | 'refused';

/**
 * Tells what identifies the entries of one read. An entry without the id that others have would be taken for a new one,
 * and the one that it was for gone: it is left out, and the read is then incomplete.
 */
export class Identity {
  readonly #shape: LdapShape;
  readonly #findings: Findings;
  readonly #byDn: boolean;
  /** Whether the server's schema has the id attribute; undefined: not asked yet. */
  #expected: boolean | undefined;
  #told = false;
  #untold: string | undefined;

  constructor(shape: LdapShape, findings: Findings) {
    this.#shape = shape;
    this.#findings = findings;
    this.#byDn = namesByDn(shape);
    if (this.#byDn) this.#expected = false;
  }

  judge(entry: RawSearchEntry): Verdict {
    const id = this.#byDn ? undefined : findId(entry, this.#shape);
    if (id !== undefined && id !== '') {
      this.#told = true;
      return { id };
    }
    if (id === '') return this.#refuse(entry, 'is empty');
    if (this.#byDn) return 'dn';
    if (this.#expected === undefined && !this.#told) return 'unsure';
    if (this.#told || this.#expected === true) return this.#refuse(entry, 'is missing');
    this.#untold ??= entry.dn();
    return 'dn';
  }

  /** Looks up whether the server knows the id attribute (RFC 4512 section 4.2); one that shows no schema does not say. */
  async learn(client: LdapClient, signal: AbortSignal): Promise<void> {
    if (this.#expected !== undefined) return;
    const schema = await readSchema(client, signal);
    this.#expected = schema?.knows(baseName(this.#shape.externalIdAttribute)) ?? false;
  }

  /** To be called when all was read: ids that came later than entries without one throw doubt on these. */
  conclude(): void {
    if (this.#told && this.#untold !== undefined)
      this.#findings.miss(this.#sentence(this.#untold, 'is missing'));
  }

  #refuse(entry: RawSearchEntry, what: string): 'refused' {
    this.#findings.miss(this.#sentence(entry.dn(), what));
    this.#findings.warn(`"${entry.dn()}" was left out: its ${this.#shape.externalIdAttribute} ${what}`);
    return 'refused';
  }

  #sentence(dn: string, what: string): string {
    const attribute = this.#shape.externalIdAttribute;
    return `${attribute} of "${dn}" ${what}, so that it cannot be told from others: let the bind DN read ${attribute}, or set externalIdAttribute (\`dn\` where the server has no ids)`;
  }
}
