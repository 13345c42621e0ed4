import type { Completed } from './entry.ts';
import { baseName } from './config.ts';
import type { LdapClient } from './protocol/client/client.ts';
import { parseRange, readRanges } from './protocol/client/ranges.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';

const mark = Buffer.from(';range=');

/** Whether an entry may hold an attribute of which the server sent a range only; rarely true without one. */
export function hasRange(bytes: Buffer): boolean {
  return bytes.includes(mark);
}

/**
 * Reads the attributes of which the server sent a part to their end ([MS-ADTS] section 3.1.1.3.1.3.3), over a
 * connection of its own. A part may be the whole: `range=0-*`.
 */
export async function completeRanges(
  client: LdapClient,
  entry: RawSearchEntry,
): Promise<Completed | undefined> {
  const { dn, attributes } = entry.decode();
  const completed = new Map<string, readonly string[]>();
  for (const [description, values] of attributes) {
    const range = parseRange(description);
    if (range === undefined) continue;
    const isWhole = range.from === 0 && range.to === undefined;
    const all = isWhole ? values : await readAllParts(client, dn, range.attribute);
    completed.set(
      baseName(range.attribute),
      all.filter((value) => typeof value === 'string'),
    );
  }
  return completed.size === 0 ? undefined : completed;
}

async function readAllParts(client: LdapClient, dn: string, attribute: string): Promise<(string | Buffer)[]> {
  const values: (string | Buffer)[] = [];
  for await (const part of readRanges(client, dn, attribute)) values.push(...part);
  return values;
}
