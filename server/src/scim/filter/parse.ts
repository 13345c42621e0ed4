import { findAttributePath } from '../path/attribute-path.ts';
import type { ScimProfile } from '../profile.ts';
import {
  type AttributePath,
  type CompareOperator,
  compareOperators,
  type Filter,
  type FilterValue,
} from './ast.ts';
import { filterFault, type Token, tokenize } from './tokens.ts';

export interface FilterOptions {
  /** With `textualValues`, `True` and `NULL` are literals in any case. */
  readonly profile?: ScimProfile;
  /** In characters; 16,384 unless told. */
  readonly maxLength?: number;
  /** Parentheses and brackets within each other; 32 unless told. */
  readonly maxDepth?: number;
}

/**
 * Parses a filter (RFC 7644 section 3.4.2.2) in linear time. Beyond the RFC, `emails[type eq "work"].value eq "x"` is
 * understood as `emails[type eq "work" and value eq "x"]`, which is what clients that write it mean.
 * @throws {LockstepError} InvalidFilter with the place.
 */
export function parseFilter(text: string, options: FilterOptions = {}): Filter {
  const { maxLength = 16_384 } = options;
  if (text.length > maxLength) {
    throw filterFault('InvalidFilter', `A filter has ${maxLength} characters at most`, maxLength);
  }
  const parser = new FilterParser(tokenize(text, 'InvalidFilter'), 'InvalidFilter', options);
  const filter = parser.parseAlternatives();
  parser.expect('end', 'Expected "and", "or" or the end');
  return filter;
}

const numeral = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const literals: ReadonlyMap<string, FilterValue> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Recursive descent over tokens; also used for the filter inside a path of PATCH. */
export class FilterParser {
  readonly #tokens: readonly Token[];
  readonly #code: 'InvalidFilter' | 'InvalidPath';
  readonly #maxDepth: number;
  readonly #anyCaseLiterals: boolean;
  #next = 0;
  #depth = 0;
  #inBrackets = false;

  constructor(tokens: readonly Token[], code: 'InvalidFilter' | 'InvalidPath', options: FilterOptions) {
    this.#tokens = tokens;
    this.#code = code;
    this.#maxDepth = options.maxDepth ?? 32;
    this.#anyCaseLiterals = options.profile?.textualValues === true;
  }

  get current(): Token {
    return this.#tokens[this.#next] as Token;
  }

  fault(message: string, at = this.current.at): Error {
    return filterFault(this.#code, message, at);
  }

  expect(kind: Token['kind'], message: string): Token {
    const token = this.current;
    if (token.kind !== kind) throw this.fault(message);
    this.#next += 1;
    return token;
  }

  /** A word in front, taken if it passes. */
  takeWord(accept: (word: string) => boolean): string | undefined {
    const token = this.current;
    if (token.kind !== 'word' || !accept(token.text)) return undefined;
    this.#next += 1;
    return token.text;
  }

  parseAlternatives(): Filter {
    return this.#parseChain('or', () => this.#parseChain('and', () => this.#parseTerm()));
  }

  /** The filter between brackets, with them. */
  parseBrackets(): Filter {
    if (this.#inBrackets) throw this.fault('Brackets within brackets are not allowed');
    this.#inBrackets = true;
    const filter = this.#nested('[', ']');
    this.#inBrackets = false;
    return filter;
  }

  #parseChain(kind: 'and' | 'or', parseOperand: () => Filter): Filter {
    const first = parseOperand();
    const operands = [first];
    while (this.takeWord((word) => word.toLowerCase() === kind) !== undefined) operands.push(parseOperand());
    return operands.length === 1 ? first : { kind, operands };
  }

  #parseTerm(): Filter {
    const token = this.current;
    if (token.kind === '(') return this.#nested('(', ')');
    if (token.kind !== 'word') throw this.fault('Expected the name of an attribute');
    this.#next += 1;
    if (token.text.toLowerCase() === 'not' && this.current.kind === '(') {
      return { kind: 'not', operand: this.#nested('(', ')') };
    }
    const path = findAttributePath(token.text);
    if (path === undefined) throw this.fault(`"${token.text}" is not the name of an attribute`, token.at);
    return this.current.kind === '[' ? this.#parseValuePath(path) : this.#parseComparison(path);
  }

  #parseValuePath(path: AttributePath): Filter {
    const filter = this.parseBrackets();
    const suffix = this.takeWord((word) => word.startsWith('.'));
    if (suffix === undefined) return { kind: 'valuePath', path, filter };
    const name = findAttributePath(suffix.slice(1));
    if (name === undefined || name.subAttribute !== undefined || name.schema !== undefined) {
      throw this.fault(`"${suffix}" is not a sub-attribute`);
    }
    return {
      kind: 'valuePath',
      path,
      filter: { kind: 'and', operands: [filter, this.#parseComparison(name)] },
    };
  }

  #parseComparison(path: AttributePath): Filter {
    const at = this.current.at;
    const word = this.takeWord(() => true)?.toLowerCase();
    if (word === 'pr') return { kind: 'present', path };
    const operator: CompareOperator | undefined = compareOperators.find((each) => each === word);
    if (operator === undefined) {
      throw this.fault(`Expected one of pr, ${compareOperators.join(', ')}`, at);
    }
    return { kind: 'compare', path, operator, value: this.#parseValue() };
  }

  #parseValue(): FilterValue {
    const token = this.current;
    this.#next += token.kind === 'end' ? 0 : 1;
    if (token.kind === 'string') return token.value;
    if (token.kind === 'word') {
      const literal = literals.get(this.#anyCaseLiterals ? token.text.toLowerCase() : token.text);
      if (literal !== undefined) return literal;
      if (numeral.test(token.text)) return Number(token.text);
    }
    throw this.fault('Expected a string in double quotes, a number, true, false or null', token.at);
  }

  #nested(open: '(' | '[', close: ')' | ']'): Filter {
    this.#depth += 1;
    if (this.#depth > this.#maxDepth) throw this.fault(`A filter is nested ${this.#maxDepth} times at most`);
    this.expect(open, `Expected "${open}"`);
    const filter = this.parseAlternatives();
    this.expect(close, `Expected "${close}"`);
    this.#depth -= 1;
    return filter;
  }
}
