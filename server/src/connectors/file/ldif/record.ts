import { hash } from 'node:crypto';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue, Attributes } from '../../../directory/attributes.ts';
import { normaliseDn } from '../../../directory/dn/dn.ts';
import { readObjectClasses } from '../../../directory/inet-org-person.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { recordError } from '../errors.ts';
import type { MemberValue, ParsedRecord, RawRecord } from '../record.ts';
import { positionOf, unfold, type LogicalLine } from './logical-lines.ts';
import { idOfDn, splitDn } from './place.ts';
import { decodeText, decodeValue, parseAttributeLine, type AttributeLine } from './value.ts';

const memberAttributes: ReadonlyMap<string, string> = new Map([
  ['member', 'member'],
  ['uniquemember', 'uniqueMember'],
  ['memberuid', 'memberUid'],
]);

export interface LdifReading {
  /** How a disabled account shows. */
  readonly disabled?: { readonly attribute: string; readonly value: string } | undefined;
}

/** Parses the records of one LDIF content file (RFC 2849) in their order. */
export class LdifParser {
  readonly #reading: LdifReading;
  #first = true;
  #unusable = false;

  constructor(reading: LdifReading) {
    this.#reading = reading;
  }

  /** Undefined when there is nothing in it: comments, or the version line alone. @throws LockstepError InvalidRecord */
  parse(raw: RawRecord): ParsedRecord | undefined {
    const logical = unfold(raw);
    if (this.#first) this.#takeVersion(logical);
    const lines = logical.map(parseAttributeLine);
    const dnLine = lines.shift();
    if (dnLine === undefined) return undefined;
    if (isChangeRecord(lines[0])) {
      this.#unusable = true;
      rejectChangeRecord(lines[0]);
    }
    return parseContent(raw, dnLine, lines, this.#reading);
  }

  /** Whether what was met shows that the file as a whole is not of a kind that can be read. */
  get unusable(): boolean {
    return this.#unusable;
  }

  get isBlank(): boolean {
    return this.#first;
  }

  #takeVersion(logical: LogicalLine[]): void {
    const [head] = logical;
    if (head === undefined) return;
    this.#first = false;
    if (!/^version:/i.test(head.text)) return;
    if (!/^version: *1 *$/i.test(head.text)) {
      this.#unusable = true;
      throw recordError(`'${head.text}': only version 1 of LDIF is known`, head.line);
    }
    logical.shift();
  }
}

function parseContent(
  raw: RawRecord,
  dnLine: AttributeLine,
  lines: readonly AttributeLine[],
  reading: LdifReading,
): ParsedRecord {
  if (dnLine.key !== 'dn') {
    throw recordError(
      "a record must begin with 'dn:'",
      dnLine.logical.line,
      1,
      'Keep entries alone in the file: ldapsearch -LLL writes no summary behind them.',
    );
  }
  refuseSecond(lines);
  const dn = decodeText(dnLine);
  const reference = normaliseAt(dn, dnLine);
  if (reference === '') throw recordError('the entry has an empty DN', dnLine.logical.line);
  const { name, parent } = splitDn(dn);
  const entryUuid = lines.find((line) => line.key === 'entryuuid');
  const uuid = entryUuid === undefined ? '' : decodeText(entryUuid).trim().toLowerCase();
  return {
    raw,
    kind: kindOf(lines),
    externalId: uuid === '' ? externalIdOfDn(reference) : uuid.slice(0, 1000),
    reference,
    location: dn,
    name,
    parent,
    enabled: enabledState(lines, reading),
    attributes: () => collect(lines),
    members: () => collectMembers(lines),
  };
}

/** Two entries that nothing parts would be one, and the second of them gone. */
function refuseSecond(lines: readonly AttributeLine[]): void {
  const second = lines.find((line) => line.key === 'dn');
  if (second === undefined) return;
  throw recordError(
    "a second 'dn:' in one record",
    second.logical.line,
    1,
    'Part entries by an empty line, one without blanks.',
  );
}

/** The external id of an entry that has no entryUUID. */
export function externalIdOfDn(normalised: string): string {
  return idOfDn(normalised, (text) => hash('sha256', text));
}

function normaliseAt(dn: string, line: AttributeLine): string {
  try {
    return normaliseDn(dn);
  } catch (error) {
    const { line: at, column } = positionOf(line.logical, 0);
    throw recordError(error instanceof LockstepError ? error.message : String(error), at, column);
  }
}

function isChangeRecord(line: AttributeLine | undefined): line is AttributeLine {
  const name = line?.key;
  return name === 'changetype' || name === 'control';
}

function rejectChangeRecord(line: AttributeLine): never {
  throw recordError(
    'this is a change record; only content records (entries as they are) can be read',
    line.logical.line,
    1,
    'Export the entries themselves, for example with slapcat or ldapsearch -LLL.',
  );
}

function kindOf(lines: readonly AttributeLine[]): ObjectKind | 'other' {
  const classes = new Set<string>();
  for (const line of lines) {
    if (line.key === 'objectclass') classes.add(decodeText(line).trim().toLowerCase());
  }
  for (const kind of ['user', 'group', 'organizationalUnit'] as const) {
    if (readObjectClasses[kind].some((name) => classes.has(name))) return kind;
  }
  return 'other';
}

function enabledState(lines: readonly AttributeLine[], { disabled }: LdifReading): boolean | undefined {
  if (disabled === undefined) return undefined;
  const name = disabled.attribute.toLowerCase();
  return !lines.some((line) => line.key === name && decodeText(line) === disabled.value);
}

function collect(lines: readonly AttributeLine[]): Attributes {
  const lists = new Map<string, { readonly name: string; readonly values: AttributeValue[] }>();
  for (const line of lines) {
    const lower = line.key;
    if (memberAttributes.has(lower)) continue;
    const list = lists.get(lower);
    if (list === undefined) lists.set(lower, { name: line.name, values: [decodeValue(line)] });
    else list.values.push(decodeValue(line));
  }
  return Object.fromEntries([...lists.values()].map(({ name, values }) => [name, values]));
}

function collectMembers(lines: readonly AttributeLine[]): MemberValue[] {
  const members: MemberValue[] = [];
  for (const line of lines) {
    const attribute = memberAttributes.get(line.key);
    if (attribute === undefined) continue;
    const text = decodeText(line);
    if (text !== '') members.push({ attribute, text, reference: memberReference(attribute, text) });
  }
  return members;
}

/** @returns the normalised DN; for memberUid `uid:` and the lower-case uid; a value that is no DN as it is. */
export function memberReference(attribute: string, text: string): string {
  if (attribute === 'memberUid') return aliasOfUid(text);
  try {
    return normaliseDn(attribute === 'uniqueMember' ? text.replace(/#'[01]*'B$/, '') : text);
  } catch {
    return text;
  }
}

/** The second name by which memberUid refers to a user (RFC 2307). */
export function aliasOfUid(uid: string): string {
  return `uid:${uid.toLowerCase()}`;
}
