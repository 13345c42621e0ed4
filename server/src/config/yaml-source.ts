import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, Scalar, YAMLMap } from 'yaml';
import type { ErrorCode, Problem } from '../kernel/errors.ts';
import { renderPath } from './field-path.ts';
import type { FieldPath } from './field-path.ts';
import { substitute } from './substitute.ts';
import type { Environment } from './substitute.ts';

/** Aliases may repeat a part often; a file that unfolds to more values than this is refused. */
const mostValues = 100_000;

export interface Position {
  readonly line: number;
  readonly column: number;
}

interface Place {
  readonly key: Node | null;
  readonly value: Node | null;
}

interface Fault {
  readonly code?: ErrorCode;
  readonly path: FieldPath;
  readonly at: Position;
  readonly message: string;
  readonly remedy: string;
}

/** A YAML text as plain data, with variables put in, that knows where each value stood. */
export class YamlSource {
  readonly problems: Problem[] = [];
  /** Plain data; undefined when the text is not YAML. */
  readonly value: unknown;
  readonly #text: string;
  readonly #file: string;
  readonly #environment: Environment;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  readonly #places = new Map<string, Place>();
  #values = 0;

  constructor(text: string, file: string, environment: Environment) {
    this.#text = text;
    this.#file = file;
    this.#environment = environment;
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
    });
    this.#refuseSyntax();
    this.value = this.problems.length > 0 ? undefined : this.#convert(this.#document.contents, null, [], []);
  }

  /** Keys of the mapping at a path in the order of the file, which plain data loses for keys that look like numbers. */
  keysOf(path: FieldPath): string[] {
    const node = this.#places.get(renderPath(path))?.value;
    const keys = isMap(node) ? node.items.map((pair) => keyText(pair)) : [];
    return [...new Set(keys)].filter((key) => key !== undefined);
  }

  /** Notes what is wrong with the value (or the key) at a path; where there is none, at its nearest container. The first fault of a value counts. */
  refuse(
    path: FieldPath,
    message: string,
    remedy: string,
    options: { code?: ErrorCode; atKey?: boolean } = {},
  ): void {
    const field = renderPath(path);
    if (this.problems.some((problem) => problem.field === field)) return;
    this.#add({ ...options, path, at: this.positionOf(path, options.atKey), message, remedy });
  }

  /** The same at a position inside a text: an expression. */
  refuseInside(path: FieldPath, inside: Position, message: string, remedy: string, code: ErrorCode): void {
    this.#add({ code, path, at: this.#inside(path, inside), message, remedy });
  }

  positionOf(path: FieldPath, atKey = false): Position {
    for (let length = path.length; length >= 0; length -= 1) {
      const place = this.#places.get(renderPath(path.slice(0, length)));
      if (place === undefined) continue;
      const whole = length === path.length && !atKey;
      const node = (whole ? place.value : place.key) ?? place.value ?? place.key;
      if (node?.range) return this.#at(node.range[0]);
    }
    return { line: 1, column: 1 };
  }

  #add({ code, path, at, message, remedy }: Fault): void {
    const position = { file: this.#file, ...at };
    this.problems.push({
      code: code ?? 'InvalidConfiguration',
      message,
      remedy,
      field: renderPath(path),
      position,
    });
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(Math.min(offset, this.#text.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** The first fault of the syntax alone: what a parser says of the text behind it follows from that one. */
  #refuseSyntax(): void {
    const [error] = this.#document.errors.toSorted((left, right) => left.pos[0] - right.pos[0]);
    if (error === undefined) return;
    const at = this.#at(error.pos[0]);
    const reason =
      error.code === 'MULTIPLE_DOCS' ? 'a second document begins here' : error.message.split('\n')[0];
    const message = `not valid YAML: ${reason}`;
    this.#add({ path: [], at, message, remedy: syntaxRemedy(error.code, this.#lineAt(at)) });
  }

  #lineAt({ line }: Position): string {
    return this.#text.split('\n')[line - 1] ?? '';
  }

  #convert(node: Node | null, key: Node | null, path: FieldPath, above: readonly Node[]): unknown {
    const resolved = this.#resolve(node, path, above);
    this.#places.set(renderPath(path), { key, value: resolved ?? node });
    this.#values += 1;
    if (this.#values > mostValues) {
      if (this.#values === mostValues + 1) this.refuse([], 'too many values', 'Use fewer aliases.');
      return null;
    }
    if (resolved === null) return null;
    const inner = [...above, resolved];
    if (isMap(resolved)) return this.#convertMap(resolved, path, inner);
    if (isSeq(resolved)) {
      return resolved.items.map((item, index) =>
        this.#convert(item as Node | null, null, [...path, index], inner),
      );
    }
    return isScalar(resolved) ? this.#convertScalar(resolved, path) : null;
  }

  #resolve(node: Node | null, path: FieldPath, above: readonly Node[]): Node | null {
    if (!isAlias(node)) return node;
    const target = node.resolve(this.#document) ?? null;
    if (target !== null && !above.includes(target)) return target;
    const at = node.range ? this.#at(node.range[0]) : this.positionOf(path);
    const message =
      target === null ? `there is no anchor &${node.source} before this` : 'an alias of what contains it';
    this.#add({ path, at, message, remedy: 'Write the value out.' });
    return null;
  }

  #convertMap(map: YAMLMap, path: FieldPath, above: readonly Node[]): Record<string, unknown> {
    const converted: Record<string, unknown> = {};
    for (const pair of map.items) {
      const name = keyText(pair);
      const key = pair.key as Node | null;
      if (name === undefined || name === '__proto__') {
        const at = key?.range ? this.#at(key.range[0]) : this.positionOf(path);
        this.#add({ path, at, message: 'this is not the name of a field', remedy: 'Use a plain text.' });
        continue;
      }
      if (name === '<<') {
        const at = key?.range ? this.#at(key.range[0]) : this.positionOf(path);
        const remedy = 'Write the fields out; an alias can stand for a whole value.';
        this.#add({ path: [...path, name], at, message: 'fields of another value are not merged', remedy });
        continue;
      }
      if (Object.hasOwn(converted, name)) {
        const at = key?.range ? this.#at(key.range[0]) : this.positionOf(path);
        const message = `the field \`${name}\` stands twice in the same place`;
        this.#add({ path: [...path, name], at, message, remedy: 'Take one of the two away.' });
        continue;
      }
      converted[name] = this.#convert(pair.value as Node | null, key, [...path, name], above);
    }
    return converted;
  }

  #convertScalar(scalar: Scalar, path: FieldPath): unknown {
    if (typeof scalar.value !== 'string') return scalar.value;
    const { text, unresolved } = substitute(scalar.value, this.#environment);
    const [start, end] = scalar.range ?? [0, 0];
    if (text.includes('\0') || !text.isWellFormed()) {
      const message = 'this contains U+0000 or half of a surrogate pair';
      this.#add({ path, at: this.#at(start), message, remedy: 'Take it out: no system can hold it.' });
    }
    let from = start;
    for (const { written, variable } of unresolved) {
      const found = this.#text.slice(0, end).indexOf(written, from);
      from = found < 0 ? from : found + written.length;
      const at = this.#at(found < 0 ? start : found);
      if (variable === undefined) {
        const message = `${JSON.stringify(written)} names no variable`;
        this.#add({ path, at, message, remedy: 'Write ${NAME}, or $${ for the characters themselves.' });
      } else {
        const message = `the environment variable ${variable} is not set`;
        const remedy = `Set it: ${variable}=... lockstep ..., or export it before.`;
        this.#add({ code: 'SecretNotFound', path, at, message, remedy });
      }
    }
    return text;
  }

  /** Line and column of a text's own line and column: exact for plain, quoted and literal texts without escapes. */
  #inside(path: FieldPath, inside: Position): Position {
    const node = this.#places.get(renderPath(path))?.value;
    if (!isScalar(node) || !node.range) return this.positionOf(path);
    const [start, end] = node.range;
    const written = this.#text.slice(start, end);
    if (node.type === 'BLOCK_LITERAL') {
      const indent = /\n( *)\S/.exec(written)?.[1]?.length ?? 0;
      return { line: this.#at(start).line + inside.line, column: indent + inside.column };
    }
    const quoted = written.startsWith('"') || written.startsWith("'");
    if (inside.line > 1 || written.includes('\n') || written.includes('\\')) return this.#at(start);
    return this.#at(start + (quoted ? 1 : 0) + inside.column - 1);
  }
}

/** A variable without quotes between braces or brackets is the mistake that is made most. */
function syntaxRemedy(code: string, line: string): string {
  if (code === 'TAB_AS_INDENT') return 'Indent with blanks.';
  if (code === 'MULTIPLE_DOCS') return 'Keep one document in the file; `---` stands before it at most.';
  if (/[{[,:]\s*[^'"\s]*\$\{/.test(line) && /[{[]/.test(line.replaceAll('${', '')))
    return "Between { } and [ ] a variable needs quotes: '${NAME}'.";
  return 'Correct the YAML; a text with special characters belongs in quotes.';
}

function keyText(pair: Pair): string | undefined {
  const value = isScalar(pair.key) ? pair.key.value : undefined;
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
