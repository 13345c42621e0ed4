import { BlockList, isIP, isIPv4 } from 'node:net';
import type { Conditions } from './policy-document.ts';
import { fitsWildcard } from './wildcard.ts';

/** What conditions can ask of a request. */
export interface RequestFacts {
  /** The caller's address. */
  readonly sourceIp: string;
  readonly now: Date;
  /** Whether the request came over TLS. */
  readonly secureTransport: boolean;
}

/** `unknown` where the operator, the key or a value is not understood. */
export type Verdict = boolean | 'unknown';

/** IPv4 in IPv6 (RFC 4291 section 2.5.5.2) is IPv4. */
function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped !== undefined && isIPv4(mapped) ? mapped : address;
}

function lies(address: string, range: string): Verdict {
  const [base = '', length, ...rest] = range.split('/');
  const family = isIP(base);
  if (family === 0 || rest.length > 0) return 'unknown';
  const bits = family === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : bits + 1;
  if (prefix > bits || isIP(address) === 0) return 'unknown';
  if (isIP(address) !== family) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(base, prefix, type);
  return list.check(address, type);
}

const isoDate = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

function compareDates(fits: (difference: number) => boolean): Operator {
  return (fact, value) => {
    const limit = isoDate.test(value) ? Date.parse(value) : Number.NaN;
    return Number.isNaN(limit) ? 'unknown' : fits(Date.parse(fact) - limit);
  };
}

type Operator = (fact: string, value: string) => Verdict;
interface OperatorDefinition {
  readonly test: Operator;
  /** The keys that the operator can be asked of. */
  readonly keys: 'address' | 'date' | 'boolean' | 'any';
  /** True when no value fits, instead of when one does. */
  readonly negated?: true;
}

const address: Operator = (fact, range) => lies(plainAddress(fact), range);
const equals: Operator = (fact, value) => fact === value;
const equalsIgnoringCase: Operator = (fact, value) => fact.toLowerCase() === value.toLowerCase();
const like: Operator = (fact, value) => fitsWildcard(value, fact);
const bool: Operator = (fact, value) =>
  /^(true|false)$/i.test(value) ? fact === value.toLowerCase() : 'unknown';

const operators: ReadonlyMap<string, OperatorDefinition> = new Map(
  Object.entries({
    IpAddress: { test: address, keys: 'address' },
    NotIpAddress: { test: address, keys: 'address', negated: true },
    DateEquals: { test: compareDates((difference) => difference === 0), keys: 'date' },
    DateNotEquals: { test: compareDates((difference) => difference === 0), keys: 'date', negated: true },
    DateLessThan: { test: compareDates((difference) => difference < 0), keys: 'date' },
    DateLessThanEquals: { test: compareDates((difference) => difference <= 0), keys: 'date' },
    DateGreaterThan: { test: compareDates((difference) => difference > 0), keys: 'date' },
    DateGreaterThanEquals: { test: compareDates((difference) => difference >= 0), keys: 'date' },
    StringEquals: { test: equals, keys: 'any' },
    StringNotEquals: { test: equals, keys: 'any', negated: true },
    StringEqualsIgnoreCase: { test: equalsIgnoringCase, keys: 'any' },
    StringNotEqualsIgnoreCase: { test: equalsIgnoringCase, keys: 'any', negated: true },
    StringLike: { test: like, keys: 'any' },
    StringNotLike: { test: like, keys: 'any', negated: true },
    Bool: { test: bool, keys: 'boolean' },
  } satisfies Record<string, OperatorDefinition>),
);

interface Fact {
  readonly text: string;
  readonly type: 'address' | 'date' | 'boolean';
}

/** Condition keys are compared without letter case. */
function findFact(facts: RequestFacts, key: string): Fact | undefined {
  switch (key.toLowerCase()) {
    case 'acs:sourceip':
      return { text: facts.sourceIp, type: 'address' };
    case 'acs:currenttime':
      return { text: facts.now.toISOString(), type: 'date' };
    case 'acs:securetransport':
      return { text: String(facts.secureTransport), type: 'boolean' };
    default:
      return undefined;
  }
}

/** Values are alternatives: true as soon as one fits. */
function either(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(true)) return true;
  return verdicts.includes('unknown') ? 'unknown' : false;
}

function judgeKey(
  operatorName: string,
  key: string,
  values: readonly string[],
  facts: RequestFacts,
): Verdict {
  const operator = operators.get(operatorName);
  const fact = findFact(facts, key);
  if (operator === undefined || fact === undefined) return 'unknown';
  if (operator.keys !== 'any' && operator.keys !== fact.type) return 'unknown';
  const verdict = either(values.map((value) => operator.test(fact.text, value)));
  return operator.negated === true && verdict !== 'unknown' ? !verdict : verdict;
}

/** Whether a request meets all conditions; `unknown` when that hangs on one that is not understood. */
export function judgeConditions(conditions: Conditions, facts: RequestFacts): Verdict {
  const verdicts = Object.entries(conditions).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => judgeKey(operator, key, values, facts)),
  );
  if (verdicts.includes(false)) return false;
  return verdicts.includes('unknown') ? 'unknown' : true;
}
