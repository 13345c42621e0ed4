import { createContext, Script } from 'node:vm';
import { Environment } from '@marcbachmann/cel-js';
import { LockstepError } from '../kernel/errors.ts';

/** Raised inside an expression that needs a value which is not there: the whole expression then has no value. */
export class NoValue extends Error {}

/** Expressions come with a handful of patterns; a bound all the same, since a pattern may be computed. */
const rememberedPatterns = 1000;
const patterns = new Map<string, RegExp>();

function patternOf(source: string): RegExp {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    pattern = new RegExp(source, 'u');
    if (patterns.size >= rememberedPatterns) patterns.clear();
    patterns.set(source, pattern);
  }
  return pattern;
}

/** Milliseconds for one match, and for another try: what stood still may have been the whole process. */
const matchPatience = [100, 1000] as const;
/** What a script runs can be interrupted, a call cannot; that costs some tenths of a millisecond. */
const interruptible = { match: (): boolean => false };
const interruptibleContext = createContext(interruptible);
const interruptibleCall = new Script('match()');

/** Steps that end in a moment. */
const fewSteps = 10_000_000;

/**
 * Backtracking takes exponential time where a group is repeated; else each repetition may go through the text once for
 * each place that those before it have come to, and the whole begins at each place.
 */
function mayTakeLong(value: string, pattern: string): boolean {
  if (/\)[*+{]|\\[1-9k]/.test(pattern)) return true;
  const repetitions = pattern.match(/[*+?{]/g)?.length ?? 0;
  return value.length ** (repetitions + 1) > fewSteps;
}

/** @returns undefined if it takes longer */
function matchWithin(milliseconds: number, expression: RegExp, value: string): boolean | undefined {
  interruptible.match = () => expression.test(value);
  try {
    return Boolean(interruptibleCall.runInContext(interruptibleContext, { timeout: milliseconds }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
}

/**
 * Whether a pattern is found in a text. Without a limit one text from a source could stop the process for ever, and again
 * after each start, since the job is carried on.
 * @throws LockstepError InvalidExpression (one object's row)
 */
function isFound(value: string, pattern: string): boolean {
  const expression = patternOf(pattern);
  if (!mayTakeLong(value, pattern)) return expression.test(value);
  for (const milliseconds of matchPatience) {
    const found = matchWithin(milliseconds, expression, value);
    if (found !== undefined) return found;
  }
  throw new LockstepError(
    'InvalidExpression',
    `the pattern ${pattern} takes too long on a text of ${value.length} characters`,
  );
}

/** A list of an expression may hold bytes, which only a copy of the whole list can carry. */
function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new LockstepError('InvalidExpression', 'a value is binary, and an expression computes with text', {
    remedy: 'Copy a binary attribute by its name instead of computing with it.',
  });
}

const firstOf = (list: readonly unknown[]): string => {
  if (list.length === 0) throw new NoValue();
  return text(list[0]);
};

const distinct = (list: readonly unknown[]): string[] => [...new Set(list.map(text))];

/** One function of the mapping language: signature as CEL sees it, what it gives, an example. */
export interface MappingFunction {
  readonly signature: string;
  readonly description: string;
  readonly example: string;
  readonly handler: (...args: never[]) => unknown;
}

/** Functions on top of those of CEL itself; docs/mapping.md lists them from here. */
export const mappingFunctions: readonly MappingFunction[] = [
  {
    signature: 'first(list<string>): string',
    description: 'The first value; no value when the list is empty.',
    example: 'first(source.mail)',
    handler: (list: unknown[]) => firstOf(list),
  },
  {
    signature: 'first(list<string>, string): string',
    description: 'The first value, or the second argument when the list is empty.',
    example: 'first(source.title, "Staff")',
    handler: (list: unknown[], otherwise: string) => (list.length === 0 ? otherwise : text(list[0])),
  },
  {
    signature: 'join(list<string>, string): string',
    description: 'All values in one text with a separator between them; no value when the list is empty.',
    example: 'join(source.ou, ", ")',
    handler: (list: unknown[], separator: string) => {
      if (list.length === 0) throw new NoValue();
      return list.map(text).join(separator);
    },
  },
  {
    signature: 'lower(string): string',
    description: 'Lower case, of all scripts.',
    example: 'lower(source.mail[0])',
    handler: (value: string) => value.toLowerCase(),
  },
  {
    signature: 'lower(list<string>): list<string>',
    description: 'Every value in lower case.',
    example: 'lower(source.mail)',
    handler: (list: unknown[]) => list.map((value) => text(value).toLowerCase()),
  },
  {
    signature: 'upper(string): string',
    description: 'Upper case, of all scripts.',
    example: 'upper(source.c[0])',
    handler: (value: string) => value.toUpperCase(),
  },
  {
    signature: 'upper(list<string>): list<string>',
    description: 'Every value in upper case.',
    example: 'upper(source.c)',
    handler: (list: unknown[]) => list.map((value) => text(value).toUpperCase()),
  },
  {
    signature: 'trim(string): string',
    description: 'Without blanks at both ends.',
    example: 'trim(source.cn[0])',
    handler: (value: string) => value.trim(),
  },
  {
    signature: 'trim(list<string>): list<string>',
    description: 'Every value without blanks at both ends.',
    example: 'trim(source.telephoneNumber)',
    handler: (list: unknown[]) => list.map((value) => text(value).trim()),
  },
  {
    signature: 'replace(string, string, string): string',
    description: 'Every occurrence of the second argument replaced by the third; no patterns.',
    example: 'replace(source.telephoneNumber[0], " ", "")',
    handler: (value: string, search: string, by: string) => value.replaceAll(search, () => by),
  },
  {
    signature: 'replace(list<string>, string, string): list<string>',
    description: 'The same for every value.',
    example: 'replace(source.telephoneNumber, " ", "")',
    handler: (list: unknown[], search: string, by: string) =>
      list.map((value) => text(value).replaceAll(search, () => by)),
  },
  {
    signature: 'split(string, string): list<string>',
    description: 'The pieces between the separators.',
    example: 'split(source.mail[0], "@")[1]',
    handler: (value: string, separator: string) => value.split(separator),
  },
  {
    signature: 'matches(string, string): bool',
    description: 'Whether a regular expression is found in the text; anchor it with ^ and $.',
    example: 'matches(source.uid[0], "^[a-z]+$") ? source.uid[0] : ""',
    handler: isFound,
  },
  {
    signature: 'distinct(list<string>): list<string>',
    description: 'The values in their order, each once.',
    example: 'distinct(lower(source.mail))',
    handler: (list: unknown[]) => distinct(list),
  },
  {
    // Stands for CEL's `has`, whose built-in form would call an attribute without values present: see expression.ts.
    signature: 'any(list): bool',
    description: 'Written `has(source.x)`: whether the attribute has values.',
    example: 'has(source.mail) ? source.mail[0] : source.uid[0] + "@example.com"',
    handler: (list: unknown[]) => list.length > 0,
  },
];

function environment(): Environment {
  const made = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 2000, maxDepth: 60 },
  });
  made.registerVariable('source', 'map<string, list<string>>');
  for (const { signature, handler } of mappingFunctions) {
    made.registerFunction(signature, handler as (...args: unknown[]) => unknown);
  }
  // Stands for CEL's own `text.matches(pattern)`, which has no limit: see expression.ts.
  made.registerFunction('string.isFound(string): bool', isFound);
  return made;
}

export const mappingEnvironment = environment();

/** Names of every function that an expression may call, CEL's own among them. */
export const functionNames: ReadonlySet<string> = new Set(
  mappingEnvironment.getDefinitions().functions.map((definition) => definition.name),
);
