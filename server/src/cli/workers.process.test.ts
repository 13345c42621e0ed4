import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockstep, LockstepProcess } from '../../../test/cli/lockstep-process.ts';
import { writeCompany, writeConfiguration } from '../../../test/cli/sample-company.ts';
import { startPostgres, type PostgresServer } from '../../../test/servers/postgres.ts';

let folder: string;
let postgres: PostgresServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-workers-'));
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface ShownJob {
  readonly id: string;
  readonly status: string;
  readonly progress: { readonly phase: string };
  readonly statistics: { readonly user: { readonly created: object } };
}

test('when a worker is killed in the middle of a job another one takes it over and ends it', async () => {
  writeCompany(join(folder, 'in.ldif'), 4000);
  const file = writeConfiguration(folder);
  writeFileSync(join(folder, 'key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const store = ['--database-url', await postgres.createDatabase(), '--key-file', join(folder, 'key')];
  const applied = await lockstep('apply', '-f', file, '--yes', ...store, '--data', join(folder, 'data'));
  expect(applied.code, applied.stderr).toBe(0);

  const first = new LockstepProcess(['worker', ...store]);
  await first.waitFor('stderr', /waiting for jobs/);
  const requested = await lockstep('run', 'company-in', '--json', ...store);
  const { job } = JSON.parse(requested.stdout) as { job: ShownJob };
  // Stopped where it is, so that the kill meets it in the middle.
  first.kill('SIGSTOP');
  const second = new LockstepProcess(['worker', ...store]);
  await second.waitFor('stderr', /waiting for jobs/);
  first.kill('SIGKILL');
  await first.finished();

  const deadline = Date.now() + 60_000;
  let shown: ShownJob;
  do {
    expect(Date.now(), 'nobody took the job over').toBeLessThan(deadline);
    const answer = await lockstep('jobs', 'show', job.id, '--json', ...store);
    shown = JSON.parse(answer.stdout) as ShownJob;
  } while (shown.status === 'running' || shown.status === 'pending');
  second.kill('SIGTERM');
  await second.finished();
  expect(shown.status).toBe('success');
  expect(shown.statistics.user.created).toEqual({ total: 4000, success: 4000, failed: 0, skipped: 0 });
});
