import facts from './answer-facts.json' with { type: 'json' };

/** What the vendor's documents say of answers, by version: names, types, `*` for required, `?` for nullable members. */
type Shape =
  | string
  | { readonly list: Shape; readonly nullable?: boolean }
  | { readonly enum: readonly string[]; readonly nullable?: boolean };
interface Facts {
  readonly operations: Readonly<Record<string, { readonly status: number; readonly body: Shape | null }>>;
  readonly schemas: Readonly<Record<string, Readonly<Record<string, Shape>>>>;
}
const versions = facts as unknown as Readonly<Record<string, Facts>>;

/** Secrets are never in answers, though one version demands them. */
const withheld = new Set(['client_secret', 'token']);

const simple: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  uuid: (value) => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(value),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  any: () => true,
};

function schemaMembers(version: Facts, name: string): Map<string, { shape: Shape; required: boolean }> {
  const members = Object.entries(version.schemas[name] ?? {}).map(
    ([key, shape]) => [key.replace('*', ''), { shape, required: key.endsWith('*') }] as const,
  );
  return new Map(members);
}

/** Names of all schemas that a name stands for in the other versions: some were renamed. */
const renamed: Readonly<Record<string, string>> = {
  PartialUser: 'GroupMember',
  GroupMember: 'PartialUser',
  PartialGroup: 'UserGroup',
  UserGroup: 'PartialGroup',
};

function knownSomewhere(schema: string, member: string): boolean {
  return Object.values(versions).some((version) =>
    [schema, renamed[schema] ?? schema].some((name) => schemaMembers(version, name).has(member)),
  );
}

function ofObject(version: Facts, name: string, value: unknown, path: string): string[] {
  if (!simple['object']?.(value)) return [`${path} is no object`];
  const given = value as Record<string, unknown>;
  const members = schemaMembers(version, name);
  const open = members.size === 0 || /^Paginated.*|^Autocomplete$/.test(name);
  const found: string[] = [];
  for (const [member, { shape, required }] of members) {
    if (Object.hasOwn(given, member))
      found.push(...check(version, shape, given[member], `${path}.${member}`));
    else if (required && !withheld.has(member)) found.push(`${path}.${member} is missing`);
  }
  for (const member of open ? [] : Object.keys(given)) {
    if (!knownSomewhere(name, member)) found.push(`${path}.${member} is in no document`);
  }
  return found;
}

function check(version: Facts, shape: Shape, value: unknown, path: string): string[] {
  if (typeof shape === 'object') {
    if (value === null) return shape.nullable === true ? [] : [`${path} is null`];
    if ('enum' in shape) return shape.enum.includes(value as string) ? [] : [`${path} is none of the values`];
    if (!Array.isArray(value)) return [`${path} is no array`];
    return value.flatMap((item, index) => check(version, shape.list, item, `${path}[${index}]`));
  }
  if (shape.endsWith('?') && value === null) return [];
  const type = shape.replace('?', '');
  if (type.startsWith('@')) return ofObject(version, type.slice(1), value, path);
  return simple[type]?.(value) === true ? [] : [`${path} is no ${shape}: ${JSON.stringify(value)}`];
}

/** The documented operation of an address; undefined for one that no version has. */
function findOperation(version: Facts, method: string, path: string) {
  const exact = version.operations[`${method} ${path}`];
  if (exact !== undefined) return exact;
  const key = Object.keys(version.operations).find((one) => {
    const [itsMethod, itsPath = ''] = one.split(' ');
    const pattern = itsPath.replaceAll(/\{\w+\}/g, '[^/]+');
    return itsMethod === method && new RegExp(`^${pattern}$`).test(path);
  });
  return key === undefined ? undefined : version.operations[key];
}

/** How a successful answer differs from what the documents of all versions that have the operation say of it. */
export function findDeviations(method: string, path: string, status: number, body: unknown): string[] {
  return Object.entries(versions).flatMap(([name, version]) => {
    const operation = findOperation(version, method, path);
    if (operation === undefined) return [];
    const at = `${name} ${method} ${path}`;
    if (operation.status !== status) return [`${at} answered ${status}`];
    if (operation.body === null) return body === undefined ? [] : [`${at} has a body`];
    return check(version, operation.body, body, at);
  });
}
