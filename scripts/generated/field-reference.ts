import { alternatives, configurationJsonSchema } from '../../server/src/config/json-schema.ts';
import type { JsonSchema } from '../../server/src/config/json-schema.ts';

interface Row {
  readonly field: string;
  readonly type: string;
  readonly needed: string;
  readonly description: string;
}

const names: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  null: 'null',
};

function typeOf(schema: JsonSchema): string {
  const forms = alternatives(schema);
  if (forms.length > 1) return [...new Set(forms.map(typeOf))].join(', or ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'values' : typeOf(schema.items)}`;
  if (schema.type !== 'object') return names[schema.type ?? ''] ?? 'value';
  const keys = Object.keys(schema.properties ?? {});
  return keys.length === 0 ? 'fields' : `{${keys.join(', ')}}`;
}

function neededOf(name: string, field: JsonSchema, parent: JsonSchema): string {
  if (field.default !== undefined) return `\`${JSON.stringify(field.default)}\``;
  return parent.required?.includes(name) === true ? 'required' : '';
}

/** Groups that are written out field by field: those with named fields and one form. */
function innerOf(schema: JsonSchema): JsonSchema | undefined {
  const [only, second] = alternatives(schema);
  if (only === undefined || second !== undefined) return undefined;
  if (only.type === 'array' && only.items !== undefined) return innerOf(only.items);
  return only.properties === undefined ? undefined : only;
}

function rowsOf(schema: JsonSchema, prefix: string): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const inner = innerOf(field);
    const row: Row = {
      field: path,
      type: inner === undefined ? typeOf(field) : field.type === 'array' ? 'list of fields' : 'fields',
      needed: neededOf(name, field, schema),
      description: field.description ?? '',
    };
    return inner === undefined ? [row] : [row, ...rowsOf(inner, field.type === 'array' ? `${path}[]` : path)];
  });
}

const escape = (text: string): string => text.replaceAll('|', '\\|');

function table(schema: JsonSchema): string {
  const lines = rowsOf(schema, '').map(
    ({ field, type, needed, description }) =>
      `| \`${field}\` | ${escape(type)} | ${escape(needed)} | ${escape(description)} |`,
  );
  return `| field | value | default | meaning |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`;
}

function entriesOf(name: string): readonly JsonSchema[] {
  const inner = configurationJsonSchema.properties?.[name]?.additionalProperties;
  return typeof inner === 'object' ? alternatives(inner) : [];
}

function sectionsOf(schema: JsonSchema): string[] {
  const type = schema.properties?.['type']?.const;
  return [`### Connection of type \`${String(type)}\`\n`, table(schema)];
}

/** The field reference of docs/configuration.md. */
export function renderFieldReference(): string {
  return [
    ...entriesOf('connections').flatMap(sectionsOf),
    '### Sync\n',
    ...entriesOf('syncs').map(table),
    '### Top of the file\n',
    table(configurationJsonSchema),
  ].join('\n');
}
