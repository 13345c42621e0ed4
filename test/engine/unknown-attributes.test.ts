import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listMessages } from '../../server/src/app/jobs.ts';
import { startSlapd, type Slapd } from '../servers/slapd.ts';
import { describeOnBothStores } from '../servers/stores.ts';
import { connectThrough, makeWorkbench } from '../workbench.ts';

let folder: string;
let server: Slapd;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-unknown-'));
  server = await startSlapd({ dbnosync: true });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

describeOnBothStores('attributes that the target does not have', (makeStore) => {
  test('are said by the plan, with the names that were meant', async () => {
    const bench = await makeWorkbench(await makeStore());
    const path = join(folder, 'in.jsonl');
    await writeFile(path, `${JSON.stringify({ kind: 'user', id: 'u', name: 'ann', title: 'Dr.' })}\n`);
    const { url, adminDn: bindDn, password, suffix } = server;
    const ldap = { type: 'ldap', url, bindDn, password, baseDn: suffix } as const;
    await connectThrough(bench, { type: 'file', path }, ldap, suffix);
    await bench.run('in');
    const plan = async (user: Record<string, string | null>): Promise<string[]> => {
      const scopes = [{ source: '/', target: suffix }];
      await bench.sync('out', { connection: 'out', direction: 'egress', scopes, map: { user } });
      const { id } = await bench.run('out', 'dryRun');
      const { items } = await listMessages(bench.app, bench.actor, id, { limit: 10 }, ['warning']);
      return items.map(({ text }) => text);
    };
    expect(await plan({ titel: 'title', description: 'title', taile: null })).toEqual([
      'the connected system has no attribute titel, which the mapping writes. Did you mean title?',
    ]);
    expect(await plan({ description: 'title' })).toEqual([]);
  });
});
