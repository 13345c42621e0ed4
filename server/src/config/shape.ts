import type { z } from 'zod';
import { configurationSchema } from '@lockstep/contract/configuration.ts';
import { closestName } from '../kernel/closest-name.ts';
import { valueAt } from './field-path.ts';
import type { FieldPath } from './field-path.ts';
import { alternatives, descriptionAt, schemasAt } from './json-schema.ts';
import type { JsonSchema } from './json-schema.ts';
import type { YamlSource } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;

function typeName(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of fields';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'no finite number';
  return typeof value === 'string' ? 'a text' : typeof value === 'boolean' ? 'true or false' : 'a number';
}

function expectedName(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  const names: Record<string, string> = {
    string: 'a text',
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    null: 'nothing',
  };
  if (schema.type !== 'object') return names[schema.type ?? ''] ?? 'a value';
  const keys = Object.keys(schema.properties ?? {});
  return keys.length === 0
    ? 'a group of fields'
    : `fields ${keys.slice(0, 4).join(', ')}${keys.length > 4 ? ', ...' : ''}`;
}

/** Of the many types of a connection no list of fields helps. */
function expectedNames(schemas: readonly JsonSchema[]): string {
  const types = schemas.filter((schema) => schema.properties?.['type']?.const !== undefined);
  if (types.length > 1) return 'a group of fields with a `type`';
  return [...new Set(schemas.map(expectedName))].join(', or ');
}

function keysAllowed(data: unknown, path: FieldPath): string[] {
  return [...new Set(schemasAt(data, path).flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

function sentence(text: string | undefined): string {
  return text ?? 'See docs/configuration.md.';
}

/** How well a value fits one form of a union: the fields of it that the form knows; less than nothing for another type. */
function fit(issues: readonly Issue[], value: unknown): number {
  if (issues.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type')) return -1;
  if (typeof value !== 'object' || value === null) return 1;
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [],
  );
  return Array.isArray(value) ? 1 : Object.keys(value).length - unknown.length;
}

class ShapeCheck {
  readonly #source: YamlSource;
  readonly #data: unknown;

  constructor(source: YamlSource) {
    this.#source = source;
    this.#data = source.value;
  }

  note(issue: Issue, above: FieldPath): void {
    const path = [...above, ...(issue.path as (string | number)[])];
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) this.#unknown(path, key);
    } else if (issue.code === 'invalid_union') {
      this.#union(issue, path);
    } else if (issue.code === 'invalid_key') {
      this.#source.refuse(path, issue.issues[0]?.message ?? 'not a name', 'Choose another name.', {
        atKey: true,
      });
    } else {
      this.#value(issue, path);
    }
  }

  #unknown(path: FieldPath, key: string): void {
    const allowed = keysAllowed(this.#data, path);
    if (allowed.includes(key)) {
      const message = `the field \`${key}\` does not go with the others here`;
      return this.#source.refuse([...path, key], message, 'Keep it or the others.', { atKey: true });
    }
    const near = closestName(key, allowed);
    const remedy =
      near === undefined ? `Fields here are ${allowed.join(', ')}.` : `Did you mean \`${near}\`?`;
    return this.#source.refuse([...path, key], `unknown field \`${key}\``, remedy, { atKey: true });
  }

  #missing(path: FieldPath): void {
    const fixed = schemasAt(this.#data, path).filter((schema) => schema.const !== undefined);
    const description =
      fixed.length > 0 ? `Use ${fixed.map(expectedName).join(' or ')}.` : descriptionAt(this.#data, path);
    const remedy = description === undefined ? 'Add it.' : `Add it. ${description}`;
    this.#source.refuse(path, `the field \`${String(path.at(-1))}\` is missing`, remedy);
  }

  #value(issue: Issue, path: FieldPath): void {
    const value = valueAt(this.#data, path);
    if (value === undefined) return this.#missing(path);
    const expected = expectedNames(schemasAt(this.#data, path));
    if (issue.code === 'invalid_type') {
      const message = `this is ${typeName(value)}; expected is ${expected}`;
      return this.#source.refuse(path, message, sentence(descriptionAt(this.#data, path)));
    }
    if (issue.code === 'invalid_value') {
      const near = typeof value === 'string' ? closestName(value, issue.values.map(String)) : undefined;
      const remedy = near === undefined ? `Use ${expected}.` : `Did you mean \`${near}\`?`;
      return this.#source.refuse(path, `${JSON.stringify(value)} is none of ${expected}`, remedy);
    }
    return this.#source.refuse(path, bounds(issue), sentence(descriptionAt(this.#data, path)));
  }

  #union(issue: z.core.$ZodIssueInvalidUnion, path: FieldPath): void {
    const value = valueAt(this.#data, path);
    if (value === undefined) return this.#missing(path);
    if (issue.errors.length === 0) return this.#discriminator(path, value);
    const best = issue.errors.toSorted((left, right) => fit(right, value) - fit(left, value))[0] ?? [];
    if (fit(best, value) > 0) {
      for (const inner of best) this.note(inner, path);
      return;
    }
    const written =
      typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
    if (fit(best, value) === 0 && written.length > 0) {
      for (const key of written) this.#unknown(path, key);
      return;
    }
    const expected = expectedNames(schemasAt(this.#data, path).flatMap(alternatives));
    const message = `this is ${typeName(value)}; expected is ${expected}`;
    this.#source.refuse(path, message, sentence(descriptionAt(this.#data, path)));
  }

  #discriminator(path: FieldPath, value: unknown): void {
    const types = alternatives(schemasAtConnection()).map((schema) =>
      String(schema.properties?.['type']?.const),
    );
    const near = typeof value === 'string' ? closestName(value, types) : undefined;
    const remedy = near === undefined ? `Types are ${types.join(', ')}.` : `Did you mean \`${near}\`?`;
    this.#source.refuse(path, `${JSON.stringify(value)} is no type of connection`, remedy);
  }
}

function schemasAtConnection(): JsonSchema {
  return { anyOf: schemasAt({}, ['connections', 'any']) };
}

function bounds(issue: Issue): string {
  if (issue.code === 'too_small') {
    if (issue.origin === 'array') return `at least ${issue.minimum} entry is needed`;
    if (issue.origin === 'string') return 'this must not be empty';
    return `this must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
  }
  if (issue.code === 'too_big') return `this must be at most ${issue.maximum}`;
  return issue.message;
}

/** Compares the data of a file with the schema and notes every difference. */
export function checkShape(source: YamlSource): void {
  const parsed = configurationSchema.safeParse(source.value);
  if (parsed.success) return;
  const check = new ShapeCheck(source);
  for (const issue of parsed.error.issues) check.note(issue, []);
}
