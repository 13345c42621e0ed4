import { malformed } from '../graph-error.ts';
import { tokenize, type FilterToken } from './filter-tokens.ts';

export type FilterValue = string | number | boolean | null;
export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';
export type TextFunction = 'startswith' | 'endswith' | 'contains';

/** A $filter expression as a tree. */
export type Filter =
  | { readonly kind: 'and'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly kind: 'not'; readonly inner: Filter }
  | {
      readonly kind: 'compare';
      readonly path: string;
      readonly operator: Comparison;
      readonly value: FilterValue;
    }
  | { readonly kind: 'text'; readonly path: string; readonly name: TextFunction; readonly value: FilterValue }
  | { readonly kind: 'in'; readonly path: string; readonly values: readonly FilterValue[] }
  | {
      readonly kind: 'any';
      readonly path: string;
      readonly variable: string;
      readonly inner: Filter | undefined;
    };

const comparisons: readonly string[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'];
const textFunctions: readonly string[] = ['startswith', 'endswith', 'contains'];

/** @throws GraphError 400 (BadRequest) with the position of a syntax error. */
export function parseFilter(text: string): Filter {
  const parser = new FilterParser(text);
  return parser.parse();
}

class FilterParser {
  readonly #text: string;
  readonly #tokens: readonly FilterToken[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): Filter {
    const filter = this.#or();
    if (this.#next < this.#tokens.length) this.#fail();
    return filter;
  }

  #or(): Filter {
    let left = this.#and();
    while (this.#takeName('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Filter {
    let left = this.#unary();
    while (this.#takeName('and')) left = { kind: 'and', left, right: this.#unary() };
    return left;
  }

  #unary(): Filter {
    if (this.#takeName('not')) return { kind: 'not', inner: this.#unary() };
    if (!this.#take('(')) return this.#predicate();
    const inner = this.#or();
    this.#expect(')');
    return inner;
  }

  #predicate(): Filter {
    const name = this.#name();
    if (textFunctions.includes(name.toLowerCase()) && this.#take('(')) return this.#textFunction(name);
    if (name.endsWith('/any') && this.#take('(')) return this.#any(name.slice(0, -'/any'.length));
    if (this.#takeName('in')) return { kind: 'in', path: name, values: this.#list() };
    const operator = this.#name();
    if (!comparisons.includes(operator)) this.#fail();
    return { kind: 'compare', path: name, operator: operator as Comparison, value: this.#value() };
  }

  #textFunction(name: string): Filter {
    const path = this.#name();
    this.#expect(',');
    const value = this.#value();
    this.#expect(')');
    return { kind: 'text', path, name: name.toLowerCase() as TextFunction, value };
  }

  #any(path: string): Filter {
    if (this.#take(')')) return { kind: 'any', path, variable: '', inner: undefined };
    const variable = this.#name();
    this.#expect(':');
    const inner = this.#or();
    this.#expect(')');
    return { kind: 'any', path, variable, inner };
  }

  #list(): FilterValue[] {
    this.#expect('(');
    const values = [this.#value()];
    while (this.#take(',')) values.push(this.#value());
    this.#expect(')');
    return values;
  }

  #name(): string {
    const token = this.#tokens[this.#next++];
    return token?.kind === 'name' ? token.text : this.#fail();
  }

  #value(): FilterValue {
    const token = this.#tokens[this.#next++];
    return token?.kind === 'value' ? token.value : this.#fail();
  }

  #take(punctuation: string): boolean {
    const token = this.#tokens[this.#next];
    const fits = token?.kind === 'punctuation' && token.text === punctuation;
    if (fits) this.#next += 1;
    return fits;
  }

  #takeName(name: string): boolean {
    const token = this.#tokens[this.#next];
    const fits = token?.kind === 'name' && token.text === name;
    if (fits) this.#next += 1;
    return fits;
  }

  #expect(punctuation: string): void {
    if (!this.#take(punctuation)) this.#fail();
  }

  #fail(): never {
    throw malformed(`Invalid filter clause: there is an error in '${this.#text}'.`);
  }
}
