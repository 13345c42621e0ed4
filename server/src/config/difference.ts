import type { ConfigurationState, LoadedConnection, LoadedSync } from './loaded.ts';

/** One field whose value differs, ready to be shown. */
export interface FieldDifference {
  readonly field: string;
  /** undefined: the field is not there. Secrets are masked. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface Difference {
  readonly change: 'added' | 'changed' | 'removed';
  readonly resource: 'connection' | 'sync' | 'precedence' | 'order';
  readonly name: string;
  readonly fields: readonly FieldDifference[];
}

type Flat = Map<string, string>;

function flatten(value: unknown, path: string, into: Flat): Flat {
  const scalars = Array.isArray(value) && value.every((item) => typeof item !== 'object');
  if (typeof value !== 'object' || value === null || scalars) {
    if (value !== undefined) into.set(path, JSON.stringify(value));
    return into;
  }
  for (const [key, inner] of Object.entries(value)) {
    const step = Array.isArray(value) ? `[${key}]` : path === '' ? key : `.${key}`;
    flatten(inner, path + step, into);
  }
  return into;
}

function fieldsOfConnection({ settings, type }: LoadedConnection): Flat {
  return flatten({ type, ...settings }, '', new Map());
}

const mask = '(secret)';

function secretDifferences(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): FieldDifference[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return fields
    .filter((field) => before[field] !== after[field])
    .map((field) => ({
      field,
      before: before[field] === undefined ? undefined : mask,
      after: after[field] === undefined ? undefined : before[field] === undefined ? mask : '(another secret)',
    }));
}

function fieldDifferences(before: Flat, after: Flat): FieldDifference[] {
  const fields = [...new Set([...before.keys(), ...after.keys()])];
  return fields
    .filter((field) => before.get(field) !== after.get(field))
    .map((field) => ({ field, before: before.get(field), after: after.get(field) }));
}

interface Shown {
  readonly name: string;
  readonly fields: Flat;
  readonly secrets: Readonly<Record<string, string>>;
}

function compareAll(
  resource: Difference['resource'],
  current: readonly Shown[],
  wanted: readonly Shown[],
): Difference[] {
  const found: Difference[] = [];
  const currentByName = new Map(current.map((item) => [item.name, item]));
  for (const item of wanted) {
    const before = currentByName.get(item.name);
    const fields = [
      ...fieldDifferences(before?.fields ?? new Map(), item.fields),
      ...secretDifferences(before?.secrets ?? {}, item.secrets),
    ];
    if (before === undefined) found.push({ change: 'added', resource, name: item.name, fields });
    else if (fields.length > 0) found.push({ change: 'changed', resource, name: item.name, fields });
  }
  const kept = new Set(wanted.map((item) => item.name));
  for (const item of current) {
    if (!kept.has(item.name)) found.push({ change: 'removed', resource, name: item.name, fields: [] });
  }
  return found;
}

const shownConnection = (connection: LoadedConnection): Shown => ({
  name: connection.name,
  fields: fieldsOfConnection(connection),
  secrets: connection.secrets,
});
const shownSync = ({ name, settings }: LoadedSync): Shown => ({
  name,
  fields: flatten(settings, '', new Map()),
  secrets: {},
});
const shownPrecedence = (precedence: ConfigurationState['precedence']): Shown[] =>
  Object.entries(precedence).map(([name, syncs]) => ({
    name,
    fields: new Map([['syncs', JSON.stringify(syncs)]]),
    secrets: {},
  }));

const namesAlsoIn = (syncs: readonly LoadedSync[], others: readonly LoadedSync[]): string => {
  const known = new Set(others.map((sync) => sync.name));
  return syncs.flatMap(({ name }) => (known.has(name) ? [name] : [])).join(', ');
};

/** The order of syncs is their precedence; it counts among those that stay. */
function compareOrder(current: readonly LoadedSync[], wanted: readonly LoadedSync[]): Difference[] {
  const before = namesAlsoIn(current, wanted);
  const after = namesAlsoIn(wanted, current);
  if (before === after) return [];
  return [
    { change: 'changed', resource: 'order', name: 'of syncs', fields: [{ field: 'syncs', before, after }] },
  ];
}

/** What has to change so that the current configuration becomes the wanted one; empty when they are equal. */
export function compareConfigurations(current: ConfigurationState, wanted: ConfigurationState): Difference[] {
  return [
    ...compareAll(
      'connection',
      current.connections.map(shownConnection),
      wanted.connections.map(shownConnection),
    ),
    ...compareAll('sync', current.syncs.map(shownSync), wanted.syncs.map(shownSync)),
    ...compareOrder(current.syncs, wanted.syncs),
    ...compareAll('precedence', shownPrecedence(current.precedence), shownPrecedence(wanted.precedence)),
  ];
}

const signs = { added: '+', changed: '~', removed: '-' } as const;

function renderField({ field, before, after }: FieldDifference): string {
  if (before === undefined) return `    + ${field}: ${after}`;
  if (after === undefined) return `    - ${field}: ${before}`;
  return `    ~ ${field}: ${before} -> ${after}`;
}

/** The same as text for a terminal, one line for each field; a sentence when nothing changes. Shows no secret. */
export function renderDifference(current: ConfigurationState, wanted: ConfigurationState): string {
  const differences = compareConfigurations(current, wanted);
  if (differences.length === 0) return 'No changes.\n';
  const lines = differences.flatMap(({ change, resource, name, fields }) => [
    `${signs[change]} ${resource} ${name}`,
    ...fields.map(renderField),
  ]);
  return `${lines.join('\n')}\n`;
}
