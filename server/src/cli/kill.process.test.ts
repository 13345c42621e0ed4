import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockstep, LockstepProcess } from '../../../test/cli/lockstep-process.ts';
import { writeCompany, writeConfiguration } from '../../../test/cli/sample-company.ts';
import type { ReportedJob } from './sync-report.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-kill-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a killed sync is carried on by the next one, as the same job', async () => {
  writeCompany(join(folder, 'in.ldif'), 1500);
  const file = writeConfiguration(folder);
  const first = new LockstepProcess(['sync', '-f', file, 'company-in', '--json']);
  await first.waitFor('stderr', /company-in: (reading|planning|applying)/);
  first.kill('SIGKILL');
  expect((await first.finished()).stdout).toBe('');

  const second = await lockstep('sync', '-f', file, 'company-in', '--json');
  expect(second.code, second.stderr).toBe(0);
  const { jobs } = JSON.parse(second.stdout) as { jobs: ReportedJob[] };
  expect(second.stderr).toContain(`job ${jobs[0]?.id} is under way`);
  expect(jobs[0]?.statistics.user.created).toEqual({ total: 1500, success: 1500, failed: 0, skipped: 0 });
  expect(jobs[0]?.statistics.membership.created.success).toBe(1500);

  const listed = await lockstep('jobs', 'list', '--data', join(folder, 'data'), '--json');
  expect((JSON.parse(listed.stdout) as { jobs: unknown[] }).jobs).toHaveLength(1);
});
