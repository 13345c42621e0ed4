import { isUtf8 } from 'node:buffer';
import type { AttributeValue } from '../../../directory/attributes.ts';
import { isBinaryAttribute } from '../../../directory/inet-org-person.ts';
import { decodeBytes } from '../../../directory/decode-bytes.ts';
import { recordError } from '../errors.ts';
import { positionOf, type LogicalLine } from './logical-lines.ts';

/** One `name: value` line (attrval-spec of RFC 2849). */
export interface AttributeLine {
  readonly name: string;
  /** The name in lower case. */
  readonly key: string;
  /** As it stands: base64 when `base64` is set. */
  readonly text: string;
  readonly base64: boolean;
  readonly logical: LogicalLine;
}

// attribute type or OID, with options (RFC 4512 section 2.5; underscores as servers use them).
const attributeName = /^[A-Za-z0-9][A-Za-z0-9._-]*(;[A-Za-z0-9_-]+(=[A-Za-z0-9_-]*)?)*$/;
const base64Text = /^[A-Za-z0-9+/]*={0,2}$/;

/** Lower-case form of names that were checked: a file uses the same few in every record. */
const checkedNames = new Map<string, string>();
const mostNames = 10_000;

function checkName(logical: LogicalLine, name: string): string {
  const known = checkedNames.get(name);
  if (known !== undefined) return known;
  if (!attributeName.test(name)) fail(logical, 0, `'${name.slice(0, 80)}' is not the name of an attribute`);
  if (checkedNames.size >= mostNames) checkedNames.clear();
  const key = name.toLowerCase();
  checkedNames.set(name, key);
  return key;
}

function skipBlanks(text: string, from: number): number {
  let start = from;
  while (text.charCodeAt(start) === 32) start++;
  return start;
}

function fail(logical: LogicalLine, offset: number, message: string, remedy?: string): never {
  const { line, column } = positionOf(logical, offset);
  throw recordError(message, line, column, remedy);
}

function checkBase64(logical: LogicalLine, start: number, text: string): void {
  if (text.length % 4 === 0 && base64Text.test(text)) return;
  const wrong = text.search(/[^A-Za-z0-9+/=]/);
  const message = wrong < 0 ? 'the base64 value is cut off or badly padded' : 'not a character of base64';
  fail(logical, start + (wrong < 0 ? text.length : wrong), message);
}

/** @throws LockstepError InvalidRecord with line and column. */
export function parseAttributeLine(logical: LogicalLine): AttributeLine {
  const { text } = logical;
  const colon = text.indexOf(':');
  if (colon < 0) fail(logical, 0, "a line must be 'name: value'");
  const name = text.slice(0, colon);
  const key = checkName(logical, name);
  const mark = text.charAt(colon + 1);
  if (mark === '<') {
    fail(
      logical,
      colon + 1,
      `the value of ${name} is a URL, which is not followed`,
      'Write the value itself, as base64.',
    );
  }
  const base64 = mark === ':';
  const start = skipBlanks(text, colon + (base64 ? 2 : 1));
  const value = base64 ? text.slice(start).trimEnd() : text.slice(start);
  if (base64) checkBase64(logical, start, value);
  return { name, key, text: value, base64, logical };
}

export function decodeValue(line: AttributeLine): AttributeValue {
  if (line.base64) return decodeBytes(line.name, Buffer.from(line.text, 'base64'));
  return isBinaryAttribute(line.name) ? Buffer.from(line.text, 'utf8') : line.text;
}

/** The value as text; @throws LockstepError InvalidRecord when it is not valid UTF-8 (a DN must be). */
export function decodeText(line: AttributeLine): string {
  if (!line.base64) return line.text;
  const bytes = Buffer.from(line.text, 'base64');
  if (!isUtf8(bytes)) fail(line.logical, 0, `the value of ${line.name} is not valid UTF-8`);
  return bytes.toString('utf8');
}
