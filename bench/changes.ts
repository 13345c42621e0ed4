import { open } from 'node:fs/promises';
import { generateDirectory, type DirectoryOptions } from './generate/directory.ts';

/**
 * Writes the change records (RFC 2849) that turn one made-up directory into another with the same entries, for
 * ldapmodify. Gives the number of entries that change.
 * @throws Error when the two do not have the same entries in the same order
 */
export async function writeChanges(
  from: DirectoryOptions,
  to: DirectoryOptions,
  path: string,
): Promise<number> {
  const before = recordsOf(from);
  let changed = 0;
  await using file = await open(path, 'w');
  for (const after of recordsOf(to)) {
    const old = before.next().value ?? '';
    if (old === after) continue;
    changed += 1;
    await file.write(renderChange(old, after));
  }
  return changed;
}

function* recordsOf(options: DirectoryOptions): Generator<string, void> {
  let rest = '';
  for (const text of generateDirectory(options)) {
    const records = (rest + text).split('\n\n');
    rest = records.pop() ?? '';
    yield* records;
  }
  yield rest.trimEnd();
}

/** The lines of a record by attribute, as they stand, the DN's among them. */
function linesByAttribute(record: string): Map<string, string[]> {
  const lines = record.replaceAll('\n ', '').split('\n');
  return Map.groupBy(lines, (line) => line.slice(0, line.indexOf(':')));
}

function renderChange(before: string, after: string): string {
  const old = linesByAttribute(before);
  const [dn, ...attributes] = linesByAttribute(after);
  if (dn === undefined || String(old.get('dn')) !== String(dn[1])) throw new Error('not the same entry');
  const parts = attributes
    .filter(([name, lines]) => String(old.get(name)) !== String(lines))
    .map(([name, lines]) => `replace: ${name}\n${lines.join('\n')}\n-\n`);
  return `${dn[1].join('\n')}\nchangetype: modify\n${parts.join('')}\n`;
}
