import { invalid } from './errors.ts';
import { parseUuid } from './uuid.ts';

/** Checks one value. @returns it, or the messages about it. */
type Check<T> = (value: unknown) => { readonly value: T } | { readonly errors: readonly string[] };

/** A member of a body. */
export interface Field<T = unknown> {
  readonly required: boolean;
  readonly nullable: boolean;
  readonly check: Check<T>;
}
export type Fields = Readonly<Record<string, Field>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
/** What a body gave; what it left out is absent. */
export type Body<F extends Fields> = { readonly [Name in keyof F]?: ValueOf<F[Name]> };

const wrong = (...errors: string[]): { errors: string[] } => ({ errors });

function field<T>(check: Check<T>): Field<T> {
  return { required: false, nullable: false, check };
}

export function required<T>(inner: Field<T>): Field<T> {
  return { ...inner, required: true };
}

export function nullable<T>(inner: Field<T>): Field<T | null> {
  return { ...inner, nullable: true };
}

interface TextRules {
  readonly blank?: boolean;
  readonly longest?: number;
  readonly form?: readonly [RegExp, string];
}

/** Numbers and the like are taken for the text that they are written as; blanks at both ends do not count. */
export function text({ blank = false, longest, form }: TextRules = {}): Field<string> {
  return field((value) => {
    if (typeof value !== 'string' && typeof value !== 'number') return wrong('Not a valid string.');
    const trimmed = String(value).trim();
    if (trimmed === '' && !blank) return wrong('This field may not be blank.');
    if (longest !== undefined && trimmed.length > longest) {
      return wrong(`Ensure this field has no more than ${longest} characters.`);
    }
    return form !== undefined && !form[0].test(trimmed) ? wrong(form[1]) : { value: trimmed };
  });
}

export const email = text({
  longest: 254,
  form: [/^[^\s@]+@[^\s@]+\.[^\s@.]+$/, 'Enter a valid email address.'],
});
export const url = text({ form: [/^https?:\/\/[^\s/?#@]+([/?#][^\s]*)?$/i, 'Enter a valid URL.'] });

/** Text that is kept as it came, blanks and line breaks included. */
export const code: Field<string> = field((value) => {
  if (typeof value !== 'string') return wrong('Not a valid string.');
  return value.trim() === '' ? wrong('This field may not be blank.') : { value };
});

const truths = new Set<unknown>([true, 'true', 'True', 'TRUE', 't', 'yes', 'y', 'on', '1', 1]);
const untruths = new Set<unknown>([false, 'false', 'False', 'FALSE', 'f', 'no', 'n', 'off', '0', 0]);

export const boolean: Field<boolean> = field((value) => {
  if (truths.has(value)) return { value: true };
  return untruths.has(value) ? { value: false } : wrong('Must be a valid boolean.');
});

export function integer(least?: number): Field<number> {
  return field((value) => {
    const given = typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
    if (!Number.isSafeInteger(given)) return wrong('A valid integer is required.');
    if (least !== undefined && (given as number) < least) {
      return wrong(`Ensure this value is greater than or equal to ${least}.`);
    }
    return { value: given as number };
  });
}

export function choice<const T extends string>(values: readonly T[]): Field<T> {
  return field((value) =>
    values.includes(value as T) ? { value: value as T } : wrong(`"${String(value)}" is not a valid choice.`),
  );
}

/** The number of another resource. */
export const serial: Field<number> = field((value) =>
  Number.isSafeInteger(value) || (typeof value === 'string' && /^\d{1,15}$/.test(value))
    ? { value: Number(value) }
    : wrong(`Incorrect type. Expected pk value, received ${typeName(value)}.`),
);

/** The UUID of another resource. */
export const uuid: Field<string> = field((value) => {
  const parsed = typeof value === 'string' ? parseUuid(value) : undefined;
  return parsed === undefined ? wrong(`“${shown(value)}” is not a valid UUID.`) : { value: parsed };
});

export function list<T>(item: Field<T>): Field<T[]> {
  return field((value) => {
    if (!Array.isArray(value)) return wrong(`Expected a list of items but got type "${typeName(value)}".`);
    const items: T[] = [];
    for (const one of value as unknown[]) {
      const checked = item.check(one);
      if ('errors' in checked) return checked;
      items.push(checked.value);
    }
    return { value: items };
  });
}

export const json: Field<Readonly<Record<string, unknown>>> = field((value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { value: value as Record<string, unknown> }
    : wrong('Value must be a dictionary, but got something else.'),
);

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** As Python calls it, which the vendor's messages do. */
function typeName(value: unknown): string {
  if (value === null) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return { string: 'str', boolean: 'bool', object: 'dict' }[typeof value as 'string' | 'boolean' | 'object'];
}

function checkMember(
  definition: Field,
  value: unknown,
  partial: boolean,
): { value: unknown } | { errors: readonly string[] } | undefined {
  if (value === undefined)
    return definition.required && !partial ? wrong('This field is required.') : undefined;
  if (value === null) return definition.nullable ? { value } : wrong('This field may not be null.');
  return definition.check(value);
}

/**
 * Reads a body; members that are not known are passed over.
 * @param partial whether required members may be left out (PATCH)
 * @throws AuthentikError 400 with all that is wrong.
 */
export function readBody<const F extends Fields>(fields: F, given: unknown, partial = false): Body<F> {
  const body = given ?? {};
  if (typeof body !== 'object' || Array.isArray(body)) {
    const message = `Invalid data. Expected a dictionary, but got ${typeName(body)}.`;
    throw invalid({ non_field_errors: [message] });
  }
  const values: [string, unknown][] = [];
  const errors: [string, readonly string[]][] = [];
  for (const [name, definition] of Object.entries(fields)) {
    const member = Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined;
    const checked = checkMember(definition, member, partial);
    if (checked === undefined) continue;
    if ('errors' in checked) errors.push([name, checked.errors]);
    else values.push([name, checked.value]);
  }
  if (errors.length > 0) throw invalid(Object.fromEntries(errors));
  return Object.fromEntries(values) as Body<F>;
}
