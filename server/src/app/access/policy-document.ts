import { LockstepError } from '../../kernel/errors.ts';

/** Operator to condition key to values: `{"IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]}}`. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: Conditions;
}

/** A policy document of Alibaba Cloud RAM, version "1", taken apart. */
export interface Policy {
  readonly statements: readonly Statement[];
}

const mostStatements = 100;
const mostValues = 500;
/** Characters of a document; RAM takes 6144. */
export const longestPolicy = 65_536;

function invalid(message: string, field: string): LockstepError {
  return new LockstepError('InvalidRequest', `${field}: ${message}`, { field });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function requireKnown(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
  field: string,
): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(`${JSON.stringify(unknown)} is not supported`, field);
}

function parseTexts(value: unknown, field: string): string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.length === 0 || items.length > mostValues)
    throw invalid(`must have 1 to ${mostValues} values`, field);
  return items.map((item) => {
    if (typeof item === 'string' && item !== '') return item;
    throw invalid('must be text or a list of texts', field);
  });
}

/** A condition's values; `true` and numbers are taken as their text. */
function parseValues(value: unknown, field: string): string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return parseTexts(
    items.map((item) => (typeof item === 'boolean' || typeof item === 'number' ? String(item) : item)),
    field,
  );
}

function parseConditions(value: unknown, field: string): Conditions {
  if (value === undefined) return {};
  if (!isObject(value)) throw invalid('must be an object', field);
  return Object.fromEntries(
    Object.entries(value).map(([operator, keys]) => {
      if (!isObject(keys)) throw invalid('must be an object', `${field}.${operator}`);
      const values = Object.entries(keys).map(
        ([key, entry]) => [key, parseValues(entry, `${field}.${operator}.${key}`)] as const,
      );
      return [operator, Object.fromEntries(values)];
    }),
  );
}

function parseStatement(value: unknown, field: string): Statement {
  if (!isObject(value)) throw invalid('must be an object', field);
  requireKnown(value, ['Sid', 'Effect', 'Action', 'Resource', 'Condition'], field);
  const effect = value['Effect'];
  if (effect !== 'Allow' && effect !== 'Deny') throw invalid('must be "Allow" or "Deny"', `${field}.Effect`);
  return {
    effect,
    actions: parseTexts(value['Action'], `${field}.Action`),
    resources: parseTexts(value['Resource'], `${field}.Resource`),
    conditions: parseConditions(value['Condition'], `${field}.Condition`),
  };
}

/**
 * Reads a policy: `{"Version": "1", "Statement": [{"Effect", "Action", "Resource", "Condition"}]}`. Condition operators
 * and keys that are not known are kept; the evaluation never takes them for an allowance.
 * @throws LockstepError InvalidRequest.
 */
export function parsePolicy(document: unknown, field = 'document'): Policy {
  if (!isObject(document)) throw invalid('must be an object', field);
  requireKnown(document, ['Version', 'Statement'], field);
  if (document['Version'] !== '1') throw invalid('must be "1"', `${field}.Version`);
  const statements: readonly unknown[] = Array.isArray(document['Statement'])
    ? document['Statement']
    : [document['Statement']];
  if (statements.length === 0 || statements.length > mostStatements) {
    throw invalid(`must have 1 to ${mostStatements} statements`, `${field}.Statement`);
  }
  if (JSON.stringify(document).length > longestPolicy) {
    throw invalid(`must not be longer than ${longestPolicy} characters`, field);
  }
  return {
    statements: statements.map((entry, index) => parseStatement(entry, `${field}.Statement.${index}`)),
  };
}
