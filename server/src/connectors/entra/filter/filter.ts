import { type Token, invalidFilter, tokenize } from './tokens.ts';

type Literal = string | boolean | number | null;

/** A condition on the properties of one object. */
export type Condition =
  | { readonly op: 'and'; readonly parts: readonly Condition[] }
  | { readonly op: 'or'; readonly parts: readonly Condition[] }
  | { readonly op: 'not'; readonly part: Condition }
  | { readonly op: 'eq' | 'ne' | 'in'; readonly property: string; readonly values: readonly Literal[] }
  | { readonly op: 'startswith' | 'endswith' | 'contains'; readonly property: string; readonly text: string };

const functions = ['startswith', 'endswith', 'contains'] as const;
const deepest = 50;

class Parser {
  readonly #tokens: readonly Token[];
  readonly #length: number;
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
    this.#length = text.length;
  }

  parse(): Condition {
    const condition = this.#any();
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw invalidFilter(`has ${JSON.stringify(rest.text)} too many`, rest.at);
    return condition;
  }

  #any(): Condition {
    return this.#joined('or', () => this.#joined('and', () => this.#single()));
  }

  #joined(op: 'and' | 'or', part: () => Condition): Condition {
    const parts = [part()];
    while (this.#skipWord(op)) parts.push(part());
    return parts.length === 1 ? (parts[0] as Condition) : { op, parts };
  }

  #single(): Condition {
    this.#depth += 1;
    if (this.#depth > deepest) throw invalidFilter('is nested too deep', this.#at());
    try {
      if (this.#skipWord('not')) return { op: 'not', part: this.#single() };
      if (!this.#skipMark('(')) return this.#comparison();
      const inner = this.#any();
      this.#mark(')');
      return inner;
    } finally {
      this.#depth -= 1;
    }
  }

  #comparison(): Condition {
    const name = this.#word('a property');
    const call = functions.find((known) => known === name.toLowerCase());
    if (call !== undefined && this.#skipMark('(')) return this.#call(call);
    const property = name.replaceAll('/', '.');
    if (this.#skipWord('in')) return { op: 'in', property, values: this.#list() };
    if (this.#skipWord('ne')) return { op: 'ne', property, values: [this.#literal()] };
    if (this.#skipWord('eq')) return { op: 'eq', property, values: [this.#literal()] };
    throw invalidFilter(`expects eq, ne or in after ${name}`, this.#at());
  }

  #call(op: (typeof functions)[number]): Condition {
    const property = this.#word('a property').replaceAll('/', '.');
    this.#mark(',');
    const text = this.#literal();
    if (typeof text !== 'string') throw invalidFilter(`expects a text in ${op}`, this.#at());
    this.#mark(')');
    return { op, property, text };
  }

  #list(): Literal[] {
    this.#mark('(');
    const values = [this.#literal()];
    while (this.#skipMark(',')) values.push(this.#literal());
    this.#mark(')');
    return values;
  }

  #literal(): Literal {
    const token = this.#tokens[this.#next];
    if (token === undefined || token.kind === 'mark') throw invalidFilter('expects a value', this.#at());
    this.#next += 1;
    if (token.kind === 'string') return token.text;
    if (token.text === 'null') return null;
    if (token.text === 'true' || token.text === 'false') return token.text === 'true';
    if (Number.isNaN(Number(token.text)))
      throw invalidFilter(`expects a value and not ${token.text}; texts stand in single quotes`, token.at);
    return Number(token.text);
  }

  #at(): number {
    return this.#tokens[this.#next]?.at ?? this.#length;
  }

  #word(what: string): string {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'word') throw invalidFilter(`expects ${what}`, this.#at());
    this.#next += 1;
    return token.text;
  }

  #skipWord(word: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'word' || token.text.toLowerCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  #skipMark(mark: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'mark' || token.text !== mark) return false;
    this.#next += 1;
    return true;
  }

  #mark(mark: string): void {
    if (!this.#skipMark(mark)) throw invalidFilter(`expects ${mark}`, this.#at());
  }
}

/** A condition in the part of OData that is documented. @throws LockstepError InvalidFilter */
export function parseCondition(text: string): Condition {
  return new Parser(text).parse();
}

/** Names of the properties that a condition looks at. */
export function propertiesOf(condition: Condition): string[] {
  if ('parts' in condition) return condition.parts.flatMap(propertiesOf);
  return 'part' in condition ? propertiesOf(condition.part) : [condition.property];
}
