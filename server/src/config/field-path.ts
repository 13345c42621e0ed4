/** Where a value is: names of fields and indexes of lists, from the top. */
export type FieldPath = readonly (string | number)[];

/** `syncs.corp-in.scopes[0].source`; a name with other characters in quotes: `map.user["a b"]`. */
export function renderPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\p{L}\p{N}_-]+$/u.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** The value at a path of plain data; undefined when there is none. */
export function valueAt(value: unknown, path: FieldPath): unknown {
  let current: unknown = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}
