import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { lockstep, LockstepProcess } from '../../../test/cli/lockstep-process.ts';
import { writeCompany, writeConfiguration } from '../../../test/cli/sample-company.ts';
import { startPostgres, type PostgresServer } from '../../../test/servers/postgres.ts';

let folder: string;
let postgres: PostgresServer;
let databaseUrl: string;
let store: readonly string[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-workers-'));
  postgres = await startPostgres();
  databaseUrl = await postgres.createDatabase();
  const key = join(folder, 'key');
  writeFileSync(key, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  store = ['--database-url', databaseUrl, '--key-file', key];
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

function startWorker(): LockstepProcess {
  const worker = new LockstepProcess(['worker', ...store]);
  onTestFinished(() => worker.kill('SIGKILL'));
  return worker;
}

test('when a worker is killed in the middle of a job another one takes it over and ends it', async () => {
  writeCompany(join(folder, 'in.ldif'), 4000);
  const file = writeConfiguration(folder);
  const applied = await lockstep('apply', '-f', file, '--yes', ...store, '--data', join(folder, 'data'));
  expect(applied.code, applied.stderr).toBe(0);

  const first = startWorker();
  await first.waitFor('stderr', /waiting for jobs/);
  // Where the database is named by the environment it is a worker's job all the same.
  const request = new LockstepProcess(['run', 'company-in', '--json', ...store.slice(2)], {
    LOCKSTEP_DATABASE_URL: databaseUrl,
  });
  const requested = await request.finished();
  const { job } = JSON.parse(requested.stdout) as { job: ShownJob };
  expect(job.status).not.toBe('success');
  // Stopped where it is, so that the kill meets it in the middle.
  first.kill('SIGSTOP');
  const second = startWorker();
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

test.each([
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)(
  'a backup that %s interrupts says no more than that, and leaves nothing',
  async (signal, ended) => {
    const file = join(folder, 'store.gz');
    const unfinished = `${file}.unfinished`;
    // Nobody reads it, so that the backup waits in the middle.
    execFileSync('mkfifo', [unfinished]);
    const reader = await open(unfinished, constants.O_RDONLY | constants.O_NONBLOCK);
    const backup = new LockstepProcess(['backup', file, ...store]);
    const begun = () => reader.read(Buffer.alloc(1)).then(({ bytesRead }) => bytesRead > 0);
    while (!(await begun().catch(() => false))) await delay(20);
    backup.kill(signal);
    const { code, stderr } = await backup.finished();
    await reader.close();
    expect([code, stderr]).toEqual([ended, 'error: The command was ended.\n  code:   Cancelled\n']);
    expect([file, unfinished].filter((path) => existsSync(path))).toEqual([]);
  },
);

test('a store that has been worked with is not opened by a new key of another user', async () => {
  const shared = ['--database-url', await postgres.createDatabase(), '--data', join(folder, 'first')];
  const homes = ['one', 'two'].map((name) => ({ XDG_CONFIG_HOME: join(folder, name), LOCKSTEP_KEY: '' }));
  const list = async (home?: NodeJS.ProcessEnv) =>
    new LockstepProcess(['accounts', 'list', ...shared], home).finished();
  const made = await list(homes[0]);
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('A master key was made')]);
  expect(await list(homes[0])).toMatchObject({ code: 0, stderr: '' });
  const refused = await list(homes[1]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('There is no master key')]);
  expect(existsSync(join(folder, 'two', 'lockstep', 'master.key'))).toBe(false);
});
