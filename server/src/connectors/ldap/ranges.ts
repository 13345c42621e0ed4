import type { Completed } from './entry.ts';
import { baseName } from './config.ts';
import type { LdapClient } from './protocol/client/client.ts';
import { incompleteAttributes, readRanges } from './protocol/client/ranges.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';

const mark = Buffer.from(';range=');

/** Whether an entry may hold an attribute of which the server sent a range only; rarely true without one. */
export function hasRange(bytes: Buffer): boolean {
  return bytes.includes(mark);
}

/**
 * Reads the attributes of which the server sent a part to their end ([MS-ADTS] section 3.1.1.3.1.3.3), over a
 * connection of its own.
 */
export async function completeRanges(
  client: LdapClient,
  entry: RawSearchEntry,
): Promise<Completed | undefined> {
  const decoded = entry.decode();
  const completed = new Map<string, string[]>();
  for (const { attribute } of incompleteAttributes(decoded)) {
    const values: string[] = [];
    for await (const part of readRanges(client, decoded.dn, attribute)) {
      values.push(...part.filter((value) => typeof value === 'string'));
    }
    completed.set(baseName(attribute), values);
  }
  return completed.size === 0 ? undefined : completed;
}
