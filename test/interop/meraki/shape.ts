import type { Shape } from './answer-facts.ts';

const simple: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  boolean: (value) => typeof value === 'boolean',
  time: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  any: () => true,
};

/** What a value has that the vendor's document does not say of it: wrong types, members that it does not list. */
export function findDeviations(shape: Shape, value: unknown, path = '$'): string[] {
  if (typeof shape === 'string') {
    if (shape.endsWith('?') && value === null) return [];
    const fits = simple[shape.replace('?', '')];
    if (fits === undefined) throw new Error(`unknown type ${shape}`);
    return fits(value) ? [] : [`${path} is no ${shape}: ${JSON.stringify(value)}`];
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${path} is no array`];
    return value.flatMap((item, index) => findDeviations(shape[0] as Shape, item, `${path}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`];
  const members = shape as Readonly<Record<string, Shape>>;
  return Object.entries(value).flatMap(([name, member]) => {
    const known = members[name];
    return known === undefined
      ? [`${path}.${name} is not in the document`]
      : findDeviations(known, member, `${path}.${name}`);
  });
}
