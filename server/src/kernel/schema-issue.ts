import type { z } from 'zod';
import { closestName } from './closest-name.ts';

type Issue = z.core.$ZodIssue;

/** What is wrong with an input, in words for who wrote it. */
export interface ExplainedIssue {
  /** Names of members and indexes of lists, from the top. */
  readonly path: readonly string[];
  /** Goes on behind the name of the field: `must not be empty`. */
  readonly message: string;
  readonly remedy: string;
}

/**
 * The first thing that a schema refuses.
 * @param value what was checked.
 * @param members names that the value may have at its top, where they are known.
 */
export function explainIssue(
  error: z.ZodError,
  value: unknown,
  members: readonly string[] = [],
): ExplainedIssue {
  const issue = innermost(error.issues[0] as Issue, []);
  const unknown = issue.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : undefined;
  if (unknown !== undefined) {
    const near = issue.path.length === 0 ? closestName(unknown, members) : undefined;
    const listed =
      members.length === 0 || issue.path.length > 0 ? 'Leave it out.' : `Known are ${members.join(', ')}.`;
    const remedy = near === undefined ? listed : `Did you mean ${near}?`;
    return { path: [...issue.path.map(String), unknown], message: 'is not known here', remedy };
  }
  const path: string[] = [];
  let given = value;
  // What a schema takes as a list of one was written without an index.
  for (const step of issue.path) {
    if (given !== undefined && (typeof given !== 'object' || given === null)) break;
    path.push(String(step));
    given = (given as Readonly<Record<PropertyKey, unknown>> | undefined)?.[step];
  }
  return { path, ...explain(issue, given) };
}

/** In place of a union the form of it that fits best: the fewest faults, and none of them about the whole. */
function innermost(issue: Issue, above: readonly PropertyKey[]): Issue {
  const path = [...above, ...issue.path];
  const forms =
    issue.code === 'invalid_union' ? issue.errors : issue.code === 'invalid_key' ? [issue.issues] : [];
  const inside = forms.filter(
    ([first]) =>
      first !== undefined &&
      (first.path.length > 0 || forms.length === 1 || first.code === 'unrecognized_keys'),
  );
  const [best] = inside.toSorted((left, right) => left.length - right.length);
  return best?.[0] === undefined ? { ...issue, path } : innermost(best[0], path);
}

function explain(issue: Issue, given: unknown): { message: string; remedy: string } {
  if (given === undefined) return { message: 'is missing', remedy: `Give ${expected(issue)}.` };
  const choices = choicesOf(issue);
  if (choices !== undefined) {
    const near = typeof given === 'string' ? closestName(given, choices) : undefined;
    const remedy = near === undefined ? `Give ${expected(issue)}.` : `Did you mean ${near}?`;
    return { message: `cannot be ${brief(given)}`, remedy };
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') return outOfBounds(issue);
  if (issue.code === 'invalid_type')
    return { message: `is ${typeName(given)}`, remedy: `Give ${expected(issue)}.` };
  // What is in a text of another form is not repeated: it may be a secret.
  const isOwn = !/^(Invalid|Unrecognized)/.test(issue.message);
  const message = isOwn ? issue.message : 'has another form than it must have';
  return { message, remedy: isOwn ? 'Correct the value.' : `Give ${expected(issue)}.` };
}

function outOfBounds(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): {
  message: string;
  remedy: string;
} {
  const isSmall = issue.code === 'too_small';
  const bound = isSmall ? issue.minimum : issue.maximum;
  const most = `${isSmall ? 'at least' : 'at most'} ${bound}`;
  if (isSmall && issue.origin !== 'number' && issue.origin !== 'int' && Number(bound) === 1)
    return { message: 'must not be empty', remedy: 'Give a value, or leave it out.' };
  if (issue.origin === 'string')
    return {
      message: `must have ${most} characters`,
      remedy: `Give a ${isSmall ? 'longer' : 'shorter'} one.`,
    };
  if (issue.origin === 'array')
    return { message: `must have ${most} entries`, remedy: `Give ${isSmall ? 'more' : 'fewer'}.` };
  return {
    message: `must be ${issue.inclusive === false ? (isSmall ? 'more than' : 'less than') + ` ${bound}` : most}`,
    remedy: `Give a ${isSmall ? 'larger' : 'smaller'} number.`,
  };
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

/** In words: `a text`, `a list`. */
function typeName(value: unknown): string {
  if (value === null) return 'null';
  return typeNames[Array.isArray(value) ? 'array' : typeof value] ?? 'no value';
}

function choicesOf(issue: Issue): string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return issue.code === 'invalid_union' && 'options' in issue ? issue.options?.map(String) : undefined;
}

function expected(issue: Issue): string {
  const choices = choicesOf(issue);
  if (choices !== undefined) return `${choices.length === 1 ? '' : 'one of '}${choices.join(', ')}`;
  if (issue.code === 'invalid_type') return typeNames[issue.expected] ?? 'a value';
  if (issue.code === 'invalid_format' && issue.format === 'datetime') return 'a time as 2026-01-31T08:00:00Z';
  if (issue.code === 'invalid_format' && issue.format === 'url')
    return 'an address as https://example.com/path';
  return 'a value as the documentation says';
}

function brief(given: unknown): string {
  const text = JSON.stringify(given) ?? '';
  return text.length > 80 ? typeName(given) : text;
}
