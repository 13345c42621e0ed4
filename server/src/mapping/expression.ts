import { EvaluationError, ParseError, TypeError as CheckError } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import type { AttributeValue } from '../directory/attributes.ts';
import { LockstepError } from '../kernel/errors.ts';
import { functionNames, mappingEnvironment, NoValue } from './functions.ts';

/** A CEL expression, checked, with the source attributes that it reads. */
export interface Expression {
  readonly text: string;
  /** Names as written, without duplicates, in the order of their appearance. */
  readonly attributes: readonly string[];
  /**
   * @param lookup gives the values of the attribute with this index in `attributes`, or undefined.
   * @returns the values; empty when the expression has none. Raises whatever the evaluation raised.
   */
  evaluate(lookup: (index: number) => readonly AttributeValue[] | undefined): readonly AttributeValue[];
}

/** Where in an expression an offset lies, 1-based. */
export function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

function refuse(
  text: string,
  field: string,
  offset: number,
  problem: string,
  remedy?: string,
): LockstepError {
  const position = positionAt(text, offset);
  return new LockstepError(
    'InvalidExpression',
    `${field}: ${problem} (line ${position.line}, column ${position.column} of the expression)`,
    { field, position, remedy: remedy ?? 'See docs/mapping.md for the language and its functions.' },
  );
}

function childrenOf(value: unknown): ASTNode[] {
  if (Array.isArray(value)) return value.flatMap(childrenOf);
  if (typeof value === 'object' && value !== null && 'op' in value) return [value as ASTNode];
  return [];
}

/** The attribute that a node reads (`source.x`, `source["x"]`), or undefined for any other node. */
function attributeRead(node: ASTNode): string | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [left, right] = node.args;
  if (left.op !== 'id' || left.args !== 'source') return undefined;
  if (typeof right === 'string') return right;
  return right.op === 'value' && typeof right.args === 'string' ? right.args : undefined;
}

interface Reading {
  readonly attributes: string[];
  /** Names that are exchanged for others as long, so that every position stays. */
  readonly exchanges: { readonly offset: number; readonly by: string }[];
  /** Literal regular expressions with their offsets. */
  readonly patterns: { readonly pattern: string; readonly offset: number }[];
}

function inspect(node: ASTNode, text: string, field: string, found: Reading): void {
  const name = attributeRead(node);
  if (name !== undefined) {
    if (!found.attributes.includes(name)) found.attributes.push(name);
    return;
  }
  if (node.op === 'id' && node.args === 'source') {
    const remedy = 'Write source.name or source["name"] with the name of one attribute.';
    throw refuse(text, field, node.start, '`source` stands alone or with a computed name', remedy);
  }
  if (node.op === 'call' && node.args[0] === 'has') found.exchanges.push({ offset: node.start, by: 'any' });
  const given = node.op === 'rcall' && node.args[0] === 'matches' ? node.args[2][0] : undefined;
  if (given !== undefined)
    found.exchanges.push({ offset: text.lastIndexOf('matches', given.start - 1), by: 'isFound' });
  if ((node.op === 'call' || node.op === 'rcall') && node.args[0] === 'matches') {
    const pattern = childrenOf(node.args).at(-1);
    if (pattern?.op === 'value' && typeof pattern.args === 'string') {
      found.patterns.push({ pattern: pattern.args, offset: pattern.start });
    }
  }
  for (const child of childrenOf(node.args)) inspect(child, text, field, found);
}

function checkPatterns(text: string, field: string, found: Reading): void {
  for (const { pattern, offset } of found.patterns) {
    try {
      RegExp(pattern, 'u');
    } catch {
      throw refuse(text, field, offset, `${JSON.stringify(pattern)} is not a regular expression`);
    }
  }
}

/** What the library found wrong, in the words of the mapping's author. */
function translate(error: unknown, text: string, field: string, unknownFunction?: string): LockstepError {
  if (error instanceof LockstepError) return error;
  if (!(error instanceof ParseError || error instanceof CheckError || error instanceof EvaluationError))
    throw error;
  const problem =
    unknownFunction === undefined
      ? error.summary.replaceAll("'any(", "'has(").replaceAll('isFound(', 'matches(')
      : `unknown function ${unknownFunction}`;
  const remedy = problem.startsWith('Unknown variable')
    ? 'The attributes of an object are read from `source`, as in source.mail[0]; a fixed text belongs in quotes.'
    : undefined;
  return refuse(text, field, error.range?.start ?? 0, problem, remedy);
}

function unknownFunctionAt(node: ASTNode, offset: number): string | undefined {
  if (
    (node.op === 'call' || node.op === 'rcall') &&
    node.start === offset &&
    !functionNames.has(node.args[0])
  ) {
    return node.args[0];
  }
  for (const child of childrenOf(node.args)) {
    const name = unknownFunctionAt(child, offset);
    if (name !== undefined) return name;
  }
  return undefined;
}

const scalarType = /^(list<)?(string|int|uint|double|bool|bytes|dyn|null|null_type|T)>?$|^list$/;

/** `has(` becomes `any(`, and `.matches(` becomes `.isFound(`: functions of ours instead of those of the library. */
function exchangeNames(text: string, { exchanges }: Reading): string {
  let exchanged = text;
  for (const { offset, by } of exchanges)
    exchanged = `${exchanged.slice(0, offset)}${by}${exchanged.slice(offset + by.length)}`;
  return exchanged;
}

function checked(text: string, field: string): { run: (context: object) => unknown; attributes: string[] } {
  const found: Reading = { attributes: [], exchanges: [], patterns: [] };
  let ast: ASTNode;
  try {
    ast = mappingEnvironment.parse(text).ast;
  } catch (error) {
    throw translate(error, text, field);
  }
  inspect(ast, text, field, found);
  checkPatterns(text, field, found);
  const parsed = mappingEnvironment.parse(exchangeNames(text, found));
  const verdict = parsed.check();
  if (!verdict.valid) {
    const unknown = unknownFunctionAt(ast, verdict.error?.range?.start ?? -1);
    throw translate(verdict.error, text, field, unknown);
  }
  if (!scalarType.test(verdict.type ?? 'dyn')) {
    const remedy = 'An expression gives a text, a number, a boolean or a list of them; string(...) converts.';
    throw refuse(text, field, 0, `the expression gives a ${verdict.type}`, remedy);
  }
  return { run: (context) => parsed(context), attributes: found.attributes };
}

/** Characters: more than any attribute holds, and little enough that a batch of them leaves the process its memory. */
const longestValue = 16 * 1024 * 1024;

function rendered(value: unknown): AttributeValue | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value === 'string' && value.length > longestValue)
    throw new LockstepError(
      'InvalidExpression',
      `the expression gave a text of ${value.length} characters; ${longestValue} are the most`,
    );
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw new LockstepError('InvalidExpression', `the expression gave ${describe(value)}, which is no value`, {
    remedy: 'An expression gives a text, a number, a boolean or a list of them.',
  });
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'a list inside a list' : `a ${value.constructor?.name ?? 'map'}`;
}

function renderedList(list: readonly unknown[]): AttributeValue[] {
  const values = new Set<AttributeValue>();
  for (const element of list) {
    const value = rendered(element);
    // Values of an attribute are a set (RFC 4511 section 4.1.7): a computed text counts once.
    if (value !== undefined) values.add(value);
  }
  return [...values];
}

function toValues(result: unknown): readonly AttributeValue[] {
  if (Array.isArray(result)) return renderedList(result);
  const value = rendered(result);
  return value === undefined ? [] : [value];
}

/** `source.mail[0]` of nobody's mail, and a key that a literal table does not have. */
function meansNoValue(error: unknown): boolean {
  if (error instanceof NoValue) return true;
  return (
    error instanceof EvaluationError && (error.code === 'index_out_of_bounds' || error.code === 'no_such_key')
  );
}

const empty: readonly AttributeValue[] = [];

/**
 * Compiles a CEL expression over `source`, a map of attribute names to lists of text. An absent attribute is an empty
 * list; an expression that takes an element which is not there has no value, whatever it would have done with it.
 * @param field names the rule in errors.
 * @throws LockstepError InvalidExpression with line and column inside the expression: syntax, types, unknown names.
 */
export function compileExpression(text: string, field: string): Expression {
  const { run, attributes } = checked(text, field);
  return {
    text,
    attributes,
    evaluate(lookup) {
      // A Map and no object: an attribute may be called `constructor`.
      const source = new Map<string, readonly AttributeValue[]>();
      for (let index = 0; index < attributes.length; index += 1) {
        source.set(attributes[index] as string, lookup(index) ?? empty);
      }
      try {
        return toValues(run({ source }));
      } catch (error) {
        if (meansNoValue(error)) return empty;
        throw error;
      }
    },
  };
}
