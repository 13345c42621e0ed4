import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { JobView } from '@lockstep/contract/job.ts';
import { LockstepProcess } from '../../../test/cli/lockstep-process.ts';

const data = mkdtempSync(join(tmpdir(), 'lockstep-demo-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

test('the worked example comes in, goes out to a file and to a simulated tenant, and says where to look', async () => {
  const demo = new LockstepProcess(['demo', '--entra', '--data', data, '--port', '0']);
  const [, url, token] = await demo.waitFor('stdout', /^Console: +(http:\S+)\/#token=(\S+)$/m);
  await demo.waitFor('stdout', /Ctrl-C ends it/);
  const answer = await fetch(`${url}/lockstep/v1/jobs`, { headers: { authorization: `Bearer ${token}` } });
  const { items } = (await answer.json()) as { items: JobView[] };
  const ended = Object.fromEntries(items.map((job) => [job.sync, job]));
  expect(Object.keys(ended).toSorted()).toEqual(['company-in', 'entra-out', 'export-out']);
  // The example has mistakes in it, which the report names.
  expect(ended['company-in']?.statistics.user.created.success).toBeGreaterThan(1000);
  expect(ended['entra-out']?.statistics.user.created.success).toBeGreaterThan(10);
  expect(ended['entra-out']?.statistics.user.created.failed).toBe(0);
  demo.kill('SIGTERM');
  expect((await demo.finished()).code).toBe(0);
});
