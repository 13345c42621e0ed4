import { LockstepError } from '../kernel/errors.ts';

const [quote, backslash, comma] = ['"', '\\', ','].map((text) => text.charCodeAt(0));
const [openObject, closeObject, openList, closeList] = ['{', '}', '[', ']'].map((text) => text.charCodeAt(0));

/** Where a string ends that begins at a quotation mark. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}

/** Names that an open object has had; undefined for an open list. */
type Open = Set<string> | undefined;

/**
 * Refuses an object in which a name stands twice: RFC 8259 section 4 leaves open which one counts, so the sides may
 * differ about what was asked for. The text must be valid JSON. @throws LockstepError InvalidRequest.
 */
export function refuseDuplicateNames(text: string): void {
  const open: Open[] = [];
  // The next string is a name, and not a value.
  let expectsName = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfString(text, at);
      if (expectsName) addName(open.at(-1), text.slice(at, end + 1));
      expectsName = false;
      at = end;
    } else if (code === openObject || code === openList) {
      open.push(code === openObject ? new Set() : undefined);
      expectsName = code === openObject;
    } else if (code === closeObject || code === closeList) {
      open.pop();
      expectsName = false;
    } else if (code === comma) expectsName = open.at(-1) !== undefined;
  }
}

/** @param written a string of JSON, in its quotation marks */
function addName(names: Open, written: string): void {
  const name = written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);
  if (names?.has(name) === true) {
    throw new LockstepError('InvalidRequest', `the body has the name ${JSON.stringify(name)} twice`, {
      field: 'body',
      remedy: 'Give it once.',
    });
  }
  names?.add(name);
}
