import { z } from 'zod';
import { configurationSchema } from '@lockstep/contract/configuration.ts';
import type { FieldPath } from './field-path.ts';

/** The part of JSON Schema that the configuration uses. */
export interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** JSON Schema of the configuration file, for editors and for error messages. */
export const configurationJsonSchema: JsonSchema = {
  title: 'Lockstep configuration',
  ...(z.toJSONSchema(configurationSchema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema),
};

/** The forms that a value may take: the schema itself, or the alternatives in it. */
export function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const inner = schema.anyOf ?? schema.oneOf;
  return inner === undefined ? [schema] : inner.flatMap(alternatives);
}

/** An alternative that says another `type` than the value does is not meant. */
function meant(schema: JsonSchema, value: unknown): boolean {
  const type = schema.properties?.['type']?.const;
  if (type === undefined || typeof value !== 'object' || value === null || !('type' in value)) return true;
  return value.type === type;
}

function step(schema: JsonSchema, name: string | number): JsonSchema | undefined {
  if (typeof name === 'number') return schema.items;
  const open = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  return schema.properties?.[name] ?? open;
}

/** Schemas that the value at a path may have, given the data around it. */
export function schemasAt(data: unknown, path: FieldPath): readonly JsonSchema[] {
  let schemas = alternatives(configurationJsonSchema).filter((schema) => meant(schema, data));
  let value = data;
  for (const name of path) {
    value =
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, unknown>)[name]
        : undefined;
    schemas = schemas
      .map((schema) => step(schema, name))
      .filter((schema) => schema !== undefined)
      .flatMap((schema) => alternatives(schema))
      .filter((schema) => meant(schema, value));
  }
  return schemas;
}

/** What the field at a path means, in the words of the schema. */
export function descriptionAt(data: unknown, path: FieldPath): string | undefined {
  const name = path.at(-1);
  if (name === undefined) return undefined;
  for (const schema of schemasAt(data, path.slice(0, -1))) {
    const description = step(schema, name)?.description;
    if (description !== undefined) return description;
  }
  return undefined;
}
