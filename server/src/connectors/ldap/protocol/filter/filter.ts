import { isUtf8 } from 'node:buffer';
import { tags } from '../ber/reader.ts';
import type { BerWriter } from '../ber/writer.ts';
import { LockstepError } from '../../../../kernel/errors.ts';

export type FilterValue = string | Uint8Array;

/** A search filter (RFC 4511 section 4.5.1.7). `and` without parts is true, `or` without parts is false (RFC 4526). */
export type Filter =
  | { readonly type: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly type: 'not'; readonly filter: Filter }
  | { readonly type: 'present'; readonly attribute: string }
  | {
      readonly type: 'equality' | 'greaterOrEqual' | 'lessOrEqual' | 'approximate';
      readonly attribute: string;
      readonly value: FilterValue;
    }
  | {
      readonly type: 'substrings';
      readonly attribute: string;
      readonly initial?: FilterValue | undefined;
      readonly any: readonly FilterValue[];
      readonly final?: FilterValue | undefined;
    }
  | {
      readonly type: 'extensible';
      readonly attribute?: string | undefined;
      readonly rule?: string | undefined;
      readonly dnAttributes: boolean;
      readonly value: FilterValue;
    };

export function equality(attribute: string, value: FilterValue): Filter {
  return { type: 'equality', attribute, value };
}

export function present(attribute: string): Filter {
  return { type: 'present', attribute };
}

export function and(...filters: readonly Filter[]): Filter {
  return { type: 'and', filters };
}

export function or(...filters: readonly Filter[]): Filter {
  return { type: 'or', filters };
}

export function not(filter: Filter): Filter {
  return { type: 'not', filter };
}

/** Deeper filters than anybody writes; the limit keeps hostile text from exhausting the stack. */
const maxDepth = 200;

/**
 * Parses the string form (RFC 4515). Blanks between parentheses are skipped, and the outermost parentheses may be
 * left out, as OpenLDAP's tools allow. @throws LockstepError InvalidFilter with the position.
 */
export function parseFilter(text: string): Filter {
  const parser = new FilterParser(text);
  return parser.parse();
}

class FilterParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Filter {
    this.#skipBlanks();
    const filter = this.#text[this.#at] === '(' ? this.#filter(0) : this.#item(this.#text.length);
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw this.#error('nothing may follow the filter');
    return filter;
  }

  #filter(depth: number): Filter {
    if (depth > maxDepth) throw this.#error(`filters may be nested ${maxDepth} deep`);
    this.#take('(');
    this.#skipBlanks();
    const filter = this.#component(depth);
    this.#take(')');
    return filter;
  }

  #component(depth: number): Filter {
    const operator = this.#text[this.#at];
    if (operator === '&' || operator === '|') {
      this.#at += 1;
      return { type: operator === '&' ? 'and' : 'or', filters: this.#list(depth) };
    }
    if (operator === '!') {
      this.#at += 1;
      this.#skipBlanks();
      const filter = this.#filter(depth + 1);
      this.#skipBlanks();
      return { type: 'not', filter };
    }
    const close = this.#text.indexOf(')', this.#at);
    return this.#item(close < 0 ? this.#text.length : close);
  }

  #list(depth: number): Filter[] {
    const filters: Filter[] = [];
    for (;;) {
      this.#skipBlanks();
      if (this.#text[this.#at] !== '(') return filters;
      filters.push(this.#filter(depth + 1));
    }
  }

  /** One comparison, up to `end`; the value may hold no unescaped parenthesis. */
  #item(end: number): Filter {
    const equals = this.#text.indexOf('=', this.#at);
    if (equals < 0 || equals >= end) throw this.#error('a comparison such as (cn=value) belongs here');
    const before = this.#text[equals - 1] ?? '';
    const marked = equals > this.#at && '~<>:'.includes(before);
    const left = this.#text.slice(this.#at, marked ? equals - 1 : equals).trim();
    const start = this.#at;
    const value = this.#text.slice(equals + 1, end);
    this.#at = equals + 1;
    const filter =
      marked && before === ':'
        ? this.#extensible(left, value, start)
        : this.#comparison(left, marked ? before : '', value, start);
    this.#at = end;
    return filter;
  }

  #comparison(attribute: string, operator: string, value: string, start: number): Filter {
    this.#checkAttribute(attribute, start);
    if (operator === '~') return { type: 'approximate', attribute, value: this.#value(value, 0) };
    if (operator === '>') return { type: 'greaterOrEqual', attribute, value: this.#value(value, 0) };
    if (operator === '<') return { type: 'lessOrEqual', attribute, value: this.#value(value, 0) };
    if (value === '*') return { type: 'present', attribute };
    if (!value.includes('*')) return { type: 'equality', attribute, value: this.#value(value, 0) };
    return this.#substrings(attribute, value);
  }

  #substrings(attribute: string, value: string): Filter {
    const parts: (FilterValue | undefined)[] = [];
    let offset = 0;
    for (const part of value.split('*')) {
      parts.push(part === '' ? undefined : this.#value(part, offset));
      offset += part.length + 1;
    }
    const any = parts.slice(1, -1);
    if (any.includes(undefined) || parts.every((part) => part === undefined)) {
      throw this.#error('a part between two asterisks is empty');
    }
    return {
      type: 'substrings',
      attribute,
      initial: parts[0],
      any: any as FilterValue[],
      final: parts.at(-1),
    };
  }

  /** `attribute:dn:rule`, each part but one of attribute and rule optional (RFC 4515 section 3, `extensible`). */
  #extensible(left: string, value: string, start: number): Filter {
    const [first = '', ...rest] = left.split(':');
    const dnAttributes = rest[0]?.toLowerCase() === 'dn';
    if (dnAttributes) rest.shift();
    const rule = rest.shift();
    if (rest.length > 0 || (first === '' && rule === undefined)) {
      throw this.#error('an extensible match is attribute:dn:rule:=value', start);
    }
    if (first !== '') this.#checkAttribute(first, start);
    if (rule !== undefined) this.#checkAttribute(rule, start);
    const attribute = first === '' ? undefined : first;
    return { type: 'extensible', attribute, rule, dnAttributes, value: this.#value(value, 0) };
  }

  /** Resolves `\XX` escapes of a value, of which `offset` characters lie behind the current position. */
  #value(text: string, offset: number): FilterValue {
    const odd = /[(*)\0]|\\(?![0-9a-fA-F]{2})/.exec(text);
    if (odd) {
      const what =
        odd[0] === '\\' ? 'a backslash takes two hexadecimal digits' : 'this character must be escaped';
      throw this.#error(what, this.#at + offset + odd.index);
    }
    return text.includes('\\') ? unescapeHex(text) : text;
  }

  #checkAttribute(name: string, start: number): void {
    // Underscores are not allowed by RFC 4512 section 1.4 and yet in use.
    if (!/^(?:[A-Za-z][\w-]*|\d+(?:\.\d+)*)(?:;[\w-]+)*$/.test(name)) {
      throw this.#error(`"${name}" is no attribute name`, start);
    }
  }

  #take(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#error(`"${character}" belongs here`);
    this.#at += 1;
  }

  #skipBlanks(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at += 1;
  }

  #error(message: string, at: number = this.#at): LockstepError {
    const before = this.#text.slice(0, at).split('\n');
    const position = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    return new LockstepError('InvalidFilter', `filter, character ${at + 1}: ${message}`, { position });
  }
}

function unescapeHex(text: string): FilterValue {
  const parts = text.split(/\\([0-9a-fA-F]{2})/);
  const bytes = Buffer.concat(
    parts.map((part, index) => Buffer.from(part, index % 2 === 1 ? 'hex' : 'utf8')),
  );
  return isUtf8(bytes) ? bytes.toString() : bytes;
}

/** The string form (RFC 4515), to be parsed into an equal filter. */
export function renderFilter(filter: Filter): string {
  return `(${renderComponent(filter)})`;
}

const comparisonSigns = {
  equality: '=',
  greaterOrEqual: '>=',
  lessOrEqual: '<=',
  approximate: '~=',
} as const;

function renderComponent(filter: Filter): string {
  if ('filters' in filter) {
    return `${filter.type === 'and' ? '&' : '|'}${filter.filters.map(renderFilter).join('')}`;
  }
  if (filter.type === 'not') return `!${renderFilter(filter.filter)}`;
  if (filter.type === 'present') return `${filter.attribute}=*`;
  if (filter.type === 'substrings') {
    const parts = [filter.initial ?? '', ...filter.any, filter.final ?? ''];
    return `${filter.attribute}=${parts.map(escapeFilterValue).join('*')}`;
  }
  const value = escapeFilterValue(filter.value);
  if (filter.type !== 'extensible') return `${filter.attribute}${comparisonSigns[filter.type]}${value}`;
  const rule = filter.rule === undefined ? '' : `:${filter.rule}`;
  return `${filter.attribute ?? ''}${filter.dnAttributes ? ':dn' : ''}${rule}:=${value}`;
}

/** The attribute descriptions that a filter names. */
export function attributesOf(filter: Filter): string[] {
  if ('filters' in filter) return filter.filters.flatMap(attributesOf);
  if (filter.type === 'not') return attributesOf(filter.filter);
  return filter.attribute === undefined ? [] : [filter.attribute];
}

/** A value as it stands in the string form of a filter. */
export function escapeFilterValue(value: FilterValue): string {
  if (typeof value === 'string')
    return value.replaceAll(/[\0()*\\]/g, (character) => hexEscape(character.charCodeAt(0)));
  if (isUtf8(value)) return escapeFilterValue(Buffer.from(value).toString());
  return Array.from(value, hexEscape).join('');
}

function hexEscape(octet: number): string {
  return `\\${octet.toString(16).padStart(2, '0')}`;
}

const comparisonTags = {
  equality: 0xa3,
  greaterOrEqual: 0xa5,
  lessOrEqual: 0xa6,
  approximate: 0xa8,
} as const;

/** Writes the filter's BER form (RFC 4511 section 4.5.1.7). */
export function encodeFilter(filter: Filter, writer: BerWriter): void {
  switch (filter.type) {
    case 'and':
    case 'or':
      writer.begin(filter.type === 'and' ? 0xa0 : 0xa1);
      for (const part of filter.filters) encodeFilter(part, writer);
      writer.end();
      return;
    case 'not':
      writer.begin(0xa2);
      encodeFilter(filter.filter, writer);
      writer.end();
      return;
    case 'present':
      writer.octets(filter.attribute, 0x87);
      return;
    case 'substrings':
      encodeSubstrings(filter, writer);
      return;
    case 'extensible':
      writer.begin(0xa9);
      if (filter.rule !== undefined) writer.octets(filter.rule, 0x81);
      if (filter.attribute !== undefined) writer.octets(filter.attribute, 0x82);
      writer.octets(filter.value, 0x83);
      if (filter.dnAttributes) writer.boolean(true, 0x84);
      writer.end();
      return;
    case 'equality':
    case 'greaterOrEqual':
    case 'lessOrEqual':
    case 'approximate':
      writer.begin(comparisonTags[filter.type]);
      writer.octets(filter.attribute);
      writer.octets(filter.value);
      writer.end();
  }
}

function encodeSubstrings(filter: Extract<Filter, { type: 'substrings' }>, writer: BerWriter): void {
  writer.begin(0xa4);
  writer.octets(filter.attribute);
  writer.begin(tags.sequence);
  if (filter.initial !== undefined) writer.octets(filter.initial, 0x80);
  for (const part of filter.any) writer.octets(part, 0x81);
  if (filter.final !== undefined) writer.octets(filter.final, 0x82);
  writer.end();
  writer.end();
}
