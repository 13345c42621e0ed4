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

/**
 * The path that a field's text names in plain data, as far as there is such a value: `renderPath` backwards, where an
 * index may also stand behind a dot (`scopes.0`) and names may have dots of their own.
 */
export function parseField(value: unknown, field: string): FieldPath {
  const path: (string | number)[] = [];
  let rest = field;
  let current = value;
  while (rest !== '' && typeof current === 'object' && current !== null) {
    const isList = Array.isArray(current);
    const steps = Object.keys(current).map((key) => (isList ? Number(key) : key));
    const found = steps
      .flatMap((step) => spellings(step).map((spelling) => ({ step, spelling })))
      .filter(({ spelling }) => rest.startsWith(spelling) && /^(?:$|[.[])/.test(rest.slice(spelling.length)))
      .toSorted((left, right) => right.spelling.length - left.spelling.length)[0];
    if (found === undefined) break;
    path.push(found.step);
    current = valueAt(current, [found.step]);
    rest = rest.slice(found.spelling.length).replace(/^\./, '');
  }
  return path;
}

function spellings(step: string | number): string[] {
  return typeof step === 'number' ? [`[${step}]`, String(step)] : [step, `[${JSON.stringify(step)}]`];
}
