import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSlapd, type Slapd } from '../servers/slapd.ts';
import { describeOnBothStores } from '../servers/stores.ts';
import { brief, connectThrough, makeWorkbench } from '../workbench.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-names-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** OpenLDAP tells a tab from a blank, which RFC 4518 takes for the same. */
const people = ['a b', 'a\tb'].map((name, at) => ({ kind: 'user', id: `u${at}`, name }));
const group = { kind: 'group', id: 'g', name: 'g', members: ['u0', 'u1'] };

describeOnBothStores('names that only the target tells apart', (makeStore) => {
  let server: Slapd;
  beforeAll(async () => {
    server = await startSlapd({ dbnosync: true });
  });
  afterAll(() => server.stop());

  test('are members of one group, and the job comes to its end', async () => {
    const bench = await makeWorkbench(await makeStore());
    const path = join(folder, 'in.jsonl');
    await writeFile(path, [...people, group].map((record) => `${JSON.stringify(record)}\n`).join(''));
    const { url, adminDn: bindDn, password, suffix } = server;
    const ldap = { type: 'ldap', url, bindDn, password, baseDn: suffix } as const;
    await connectThrough(bench, { type: 'file', path }, ldap, suffix);
    await bench.run('in');
    const job = await bench.run('out');
    expect(job.status).toBe('success');
    expect(brief(job.statistics)['membership created']).toBe('2/0/0');
    const found = (await server.entries()).find(({ dn }) => dn === `cn=g,${suffix}`);
    expect(found?.attributes['member']?.map(String).toSorted()).toEqual([
      `uid=a\tb,${suffix}`,
      `uid=a b,${suffix}`,
    ]);
    expect((await bench.run('out')).status).toBe('success');
  });
});
