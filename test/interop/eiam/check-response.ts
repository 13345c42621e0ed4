import { readFileSync } from 'node:fs';

/** The vendor's words for a value's type, or the members of an object, or a list of one of these. */
type Shape = string | readonly [Shape] | { readonly [member: string]: Shape };

/** What each operation answers with, by its documents: names and types. */
export const responseShapes = JSON.parse(
  readFileSync(new URL('./responses.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, { readonly [member: string]: Shape }>>;

function isOfType(value: unknown, type: string): boolean {
  return type === 'integer' ? Number.isSafeInteger(value) : typeof value === type;
}

function faults(value: unknown, shape: Shape, path: string): string[] {
  if (typeof shape === 'string') return isOfType(value, shape) ? [] : [`${path} is no ${shape}`];
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((item, index) => faults(item, (shape as [Shape])[0], `${path}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`];
  const members = shape as { readonly [member: string]: Shape };
  return Object.entries(value).flatMap(([name, member]) => {
    const expected = members[name];
    return expected === undefined
      ? [`${path}.${name} is not declared`]
      : faults(member, expected, `${path}.${name}`);
  });
}

/** What an answer has that the vendor's document has otherwise, or not at all. */
export function responseFaults(operation: string, body: unknown): string[] {
  const shape = responseShapes[operation];
  if (shape === undefined) return [`${operation} is not documented`];
  const found = faults(body, shape, operation);
  const requestId = (body as { RequestId?: unknown } | null)?.RequestId;
  return typeof requestId === 'string' ? found : [...found, 'RequestId is missing'];
}
