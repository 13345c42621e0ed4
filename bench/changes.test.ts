import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startSlapd } from '../test/servers/slapd.ts';
import { writeChanges } from './changes.ts';
import { generateDirectory, writeDirectory } from './generate/directory.ts';

test('turns a directory into the changed one, in a server', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-changes-'));
  const [ldif, changes] = [join(folder, 'before.ldif'), join(folder, 'changes.ldif')];
  try {
    const before = { users: 400, groups: 5 };
    const after = { ...before, changePercent: 10 };
    await writeDirectory(before, ldif);
    const changed = await writeChanges(before, after, changes);
    expect(changed).toBeGreaterThan(20);
    expect(changed).toBeLessThan(70);
    await using slapd = await startSlapd({ ldif: { path: ldif }, dbnosync: true });
    await slapd.addLdif(await readFile(changes, 'utf8'));
    await using wanted = await startSlapd({ ldif: [...generateDirectory(after)].join(''), dbnosync: true });
    const read = async (server: typeof slapd): Promise<string> =>
      server.tool('ldapsearch', ['-LLL', '-S', '', '-b', server.suffix, '(objectClass=*)']);
    expect(sortLines(await read(slapd))).toEqual(sortLines(await read(wanted)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** A replaced attribute goes to the end of its entry, so lines are compared without their order within an entry. */
function sortLines(ldif: string): string[] {
  return ldif.split('\n\n').map((record) => record.replaceAll('\n ', '').split('\n').sort().join('\n'));
}
