import { isUtf8 } from 'node:buffer';
import { LockstepError } from '../../kernel/errors.ts';

export type DnValue = string | Uint8Array;

/**
 * Reads the string form of a distinguished name (RFC 4514 section 3) and, since servers still send them, the older
 * spellings of RFC 2253 section 4: quoted values, `;` between RDNs, `OID.` before a numeric type, blanks around
 * separators. Characters that RFC 4514 wants escaped and that cannot be misread are taken as they are.
 */
export class DnScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipBlanks();
  }

  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  type(): string {
    this.#skipBlanks();
    const start = this.#at;
    const equals = this.#text.indexOf('=', start);
    if (equals < 0) throw this.#error('an attribute type and "=" belong here');
    const name = this.#text
      .slice(start, equals)
      .trimEnd()
      .replace(/^oid\./i, '');
    if (!/^(?:[A-Za-z][\w-]*|\d+(?:\.\d+)*)(?:;[\w-]+)*$/.test(name))
      throw this.#error(`"${name}" is no attribute type`);
    this.#at = equals + 1;
    this.#skipBlanks();
    return name;
  }

  value(): DnValue {
    const first = this.#text[this.#at];
    const value = first === '#' ? this.#hex() : first === '"' ? this.#quoted() : this.#plain();
    this.#skipBlanks();
    return value;
  }

  /** Takes the separator behind a value; `null` at the end of the name. */
  separator(): '+' | ',' | null {
    if (this.done) return null;
    const character = this.#text[this.#at];
    if (character !== ',' && character !== ';' && character !== '+')
      throw this.#error('"," or "+" belongs here');
    this.#at += 1;
    return character === '+' ? '+' : ',';
  }

  #plain(): DnValue {
    const start = this.#at;
    const parts: string[] = [];
    let from = start;
    let lastEscape = start;
    for (; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at]!;
      if (character === ',' || character === '+' || character === ';') break;
      if (character !== '\\') continue;
      parts.push(this.#text.slice(from, this.#at), this.#escape());
      from = this.#at + 1;
      lastEscape = from;
    }
    const tail = this.#text.slice(from, this.#at);
    // Blanks before a separator belong to it, unless they are escaped.
    parts.push(lastEscape === from || parts.length === 0 ? tail.replace(/ +$/, '') : tail);
    return joinEscapes(parts);
  }

  #quoted(): DnValue {
    const parts: string[] = [];
    this.#at += 1;
    let from = this.#at;
    for (; this.#text[this.#at] !== '"'; this.#at += 1) {
      if (this.done) throw this.#error('the closing quotation mark is missing');
      if (this.#text[this.#at] !== '\\') continue;
      parts.push(this.#text.slice(from, this.#at), this.#escape());
      from = this.#at + 1;
    }
    parts.push(this.#text.slice(from, this.#at));
    this.#at += 1;
    return joinEscapes(parts);
  }

  /** At a backslash: moves to the last character of the escape and gives `\XX` or the character meant. */
  #escape(): string {
    const pair = this.#text.slice(this.#at + 1, this.#at + 3);
    if (/^[0-9a-fA-F]{2}$/.test(pair)) {
      this.#at += 2;
      return `\\${pair}`;
    }
    const code = this.#text.codePointAt(this.#at + 1);
    if (code === undefined) throw this.#error('nothing follows the backslash');
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character === '\\' ? '\\5c' : character;
  }

  #hex(): Uint8Array {
    const digits = /^(?:[0-9a-fA-F]{2})+/.exec(this.#text.slice(this.#at + 1))?.[0];
    if (digits === undefined) throw this.#error('hexadecimal digits in pairs belong behind "#"');
    this.#at += 1 + digits.length;
    return Buffer.from(digits, 'hex');
  }

  #skipBlanks(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\n' || this.#text[this.#at] === '\r')
      this.#at += 1;
  }

  #error(message: string): LockstepError {
    const position = { line: 1, column: this.#at + 1 };
    return new LockstepError(
      'InvalidDn',
      `"${this.#text.slice(0, 200)}", character ${this.#at + 1}: ${message}`,
      {
        position,
        remedy:
          'Write it as in uid=jdoe,ou=People,dc=example,dc=com and escape , + " \\ < > ; by a backslash.',
      },
    );
  }
}

/** Odd parts are escapes: `\XX` for an octet, else a character. Octets that are no UTF-8 become a BER OCTET STRING. */
function joinEscapes(parts: readonly string[]): DnValue {
  if (!parts.some((part, index) => index % 2 === 1 && part.length === 3)) return parts.join('');
  const bytes = Buffer.concat(
    parts.map((part, index) =>
      index % 2 === 1 && part.length === 3 ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part),
    ),
  );
  if (isUtf8(bytes)) return bytes.toString();
  return Buffer.concat([berOctetStringHeader(bytes.length), bytes]);
}

function berOctetStringHeader(length: number): Buffer {
  if (length < 0x80) return Buffer.from([0x04, length]);
  return Buffer.from([0x04, 0x83, length >>> 16, (length >>> 8) & 0xff, length & 0xff]);
}
