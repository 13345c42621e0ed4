import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launcher, lockstep, LockstepProcess } from '../../../test/cli/lockstep-process.ts';
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

test('a sync that is interrupted says what becomes of its job', async () => {
  const home = mkdtempSync(join(folder, 'interrupted-'));
  writeCompany(join(home, 'in.ldif'), 1500);
  const sync = new LockstepProcess(['sync', '-f', writeConfiguration(home), 'company-in']);
  await sync.waitFor('stderr', /company-in: reading/);
  sync.kill('SIGINT');
  const { code, stderr } = await sync.finished();
  expect(code).toBe(130);
  const said =
    /error: The command was ended\.\n  remedy: .*: (bin\/lockstep jobs cancel sync_.*)\n  code:   Cancelled\n$/;
  expect(stderr).toMatch(said);
  expect(stderr).not.toContain('went away');
  const [, ...cancel] = said.exec(stderr)?.[1]?.split(' ') ?? [];
  expect(await lockstep(...cancel)).toMatchObject({ code: 0 });
  const again = await lockstep('sync', '-f', join(home, 'lockstep.yaml'), 'company-in');
  expect(again.stderr).toContain('is under way and is being cancelled; a new one follows');
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('1500')]);
});

test('a restore that is interrupted leaves nothing', async () => {
  const home = mkdtempSync(join(folder, 'restored-'));
  const [backup, data] = [join(home, 'backup.gz'), join(home, 'new')];
  await lockstep('apply', '-f', writeConfiguration(home));
  const written = await lockstep('backup', backup, '--data', join(home, 'data'));
  expect(written.code, written.stderr).toBe(0);
  for (const [signal, expected] of [['SIGINT', 130] as const, ['SIGHUP', 129] as const]) {
    const restore = new LockstepProcess(['restore', backup, '--data', data]);
    while (!existsSync(data)) await delay(5);
    restore.kill(signal);
    const { code, stderr } = await restore.finished();
    expect([code, stderr]).toEqual([expected, 'error: The command was ended.\n  code:   Cancelled\n']);
    expect(existsSync(data)).toBe(false);
  }
});

test('a backup goes where a link leads, and takes the place of nothing but a file', async () => {
  const home = mkdtempSync(join(folder, 'places-'));
  const [pipe, link, file] = [join(home, 'pipe'), join(home, 'link'), join(home, 'file')];
  const lost = join(home, 'lost');
  const store = ['--data', join(home, 'data')];
  execFileSync('mkfifo', [pipe]);
  symlinkSync('file', link);
  symlinkSync('nowhere', lost);
  writeFileSync(file, 'an older one');
  await lockstep('apply', '-f', writeConfiguration(home));
  for (const place of [pipe, lost]) {
    const refused = await lockstep('backup', place, ...store);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('is no file')]);
  }
  expect(lstatSync(pipe).isFIFO()).toBe(true);
  expect(lstatSync(lost).isSymbolicLink()).toBe(true);
  const written = await lockstep('backup', link, ...store);
  expect(written.code, written.stderr).toBe(0);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(statSync(file).size).toBeGreaterThan(100);
});

test('what nohup has started outlives its terminal, and what it has not is closed', async () => {
  for (const nohup of [true, false]) {
    const script = `${nohup ? "trap '' HUP; " : ''}exec "$0" "$@"`;
    const options = ['--data', join(folder, 'data'), '--listen', '127.0.0.1:0'];
    const server = spawn('sh', ['-c', script, launcher, 'serve', ...options], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(server, 'exit');
    await once(server.stdout, 'data');
    server.kill('SIGHUP');
    if (nohup) {
      expect(await Promise.race([ended, delay(500, 'runs')])).toBe('runs');
      server.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
    expect(existsSync(join(folder, 'data', 'lock'))).toBe(false);
  }
});
