import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startSlapd } from './slapd.ts';

test('several servers start at once, hold what they were given, and leave nothing behind', async () => {
  const [first, second] = await Promise.all([
    startSlapd({ dbnosync: true, tls: true }),
    startSlapd({ suffix: 'o=Other', syncprov: true, dbnosync: true }),
  ]);
  await first.addLdif(
    `dn: ou=People,${first.suffix}\nobjectClass: organizationalUnit\nou: People\ndescription:: w6Q=\n`,
  );
  const people = (await first.entries()).find((entry) => entry.dn.startsWith('ou=People'));
  expect(people?.attributes['description']).toEqual(['ä']);
  expect(await second.tool('ldapsearch', ['-b', second.suffix, '-LLL', 'dn'])).toContain('dn: o=Other');

  const { pid } = first;
  await first.halt();
  await first.resume();
  expect(first.pid).not.toBe(pid);
  expect((await first.entries()).length).toBe(2);

  await Promise.all([first.stop(), second.stop()]);
  expect(existsSync(first.directory) || existsSync(second.directory)).toBe(false);
});
