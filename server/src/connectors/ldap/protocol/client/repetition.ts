import { tags } from '../ber/reader.ts';

/** Names that are remembered at once: 65,536 of a search, evenly spread over it. */
const mostRemembered = 65_536;
/** An entry that is deleted and made again while the search runs may come twice; more than a few do not. */
const mostRepeated = 100;

/**
 * Notices a server that sends the same entries over and over. A search gives each entry once (RFC 4511 section 4.5.2),
 * and cookies say nothing: a server may keep its place on the connection and give the same cookie with each page.
 * Memory stays flat: once too many names are known, only every second of them (by their hash) is looked at from then
 * on. What is repeated as a whole is still met.
 */
export class Repetition {
  readonly #seen = new Set<number>();
  #mask = 0;
  #repeated = 0;

  /** Notes the entry whose contents lie from `start` to `stop`; true once too many came again. */
  note(buffer: Buffer, start: number, stop: number): boolean {
    let at = start + 2;
    let end = at + (buffer[start + 1] ?? 0);
    // A name that is long, or none: the octets of its length are then part of what is compared.
    if (buffer[start] !== tags.octetString || buffer[start + 1]! >= 0x80) {
      at = start;
      end = start + 1024;
    }
    if (end > stop) end = stop;
    let low = 0x811c9dc5;
    let high = 0x1e3779b9;
    for (; at < end; at += 1) {
      const octet = buffer[at]!;
      low = Math.imul(low ^ octet, 0x01000193);
      high = (Math.imul(high ^ octet, 0x85ebca6b) + low) | 0;
    }
    return (low & this.#mask) === 0 && this.#remember((high >>> 11) * 0x1_0000_0000 + (low >>> 0));
  }

  #remember(hash: number): boolean {
    if (this.#seen.has(hash)) {
      this.#repeated += 1;
      return this.#repeated > mostRepeated;
    }
    this.#seen.add(hash);
    if (this.#seen.size >= mostRemembered) this.#thinOut();
    return false;
  }

  #thinOut(): void {
    this.#mask = (this.#mask << 1) | 1;
    for (const hash of this.#seen) if ((hash & this.#mask) !== 0) this.#seen.delete(hash);
  }
}
