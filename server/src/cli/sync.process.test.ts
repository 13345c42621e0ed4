import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { kinds, operations } from '@lockstep/contract/vocabulary.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher, lockstep, LockstepProcess, type Finished } from '../../../test/cli/lockstep-process.ts';
import { writeCompany, writeConfiguration } from '../../../test/cli/sample-company.ts';
import type { ReportedJob } from './sync-report.ts';

let folder: string;
let configuration: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-sync-'));
  configuration = writeConfiguration(folder, '    guard: { user: { count: 3 } }');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const input = () => join(folder, 'in.ldif');
const data = () => join(folder, 'data');

function sync(...args: string[]): Promise<Finished> {
  return lockstep('sync', '-f', configuration, ...args);
}

/** `blocks` of 512 bytes are the largest file: what does not fit fails as on a full disk. */
async function withFilesOf(blocks: number, ...args: string[]): Promise<{ said: string; code: unknown }> {
  const command = `ulimit -f ${blocks}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, launcher, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { said, code };
}

function reportOf(finished: Finished): ReportedJob[] {
  expect(finished.stderr).not.toContain('defect');
  return (JSON.parse(finished.stdout) as { jobs: ReportedJob[] }).jobs;
}

function count(
  job: ReportedJob | undefined,
  kind: (typeof kinds)[number],
  operation: (typeof operations)[number],
) {
  const { total, success, failed, skipped } = job?.statistics[kind][operation] ?? {
    total: -1,
    success: -1,
    failed: -1,
    skipped: -1,
  };
  expect(total).toBe(success + failed + skipped);
  return { total, success, failed, skipped };
}

describe('sync as a process, without a server', () => {
  test('an unknown sync is refused before anything is made', async () => {
    writeCompany(input(), 20);
    const finished = await sync('nowhere');
    expect(finished.code).toBe(1);
    expect(finished.stdout).toBe('');
    expect(finished.stderr).toContain('There is no sync "nowhere"');
    expect(finished.stderr).toContain('company-in, export-out');
    expect(existsSync(data())).toBe(false);
  });

  test('one that is not enabled is left out, and by name refused before anything is made', async () => {
    const off = join(folder, 'off.yaml');
    const text = readFileSync(configuration, 'utf8');
    writeFileSync(off, text.replace('direction: egress', 'direction: egress\n    enabled: false'));
    const named = await lockstep('sync', '-f', off, 'company-in', 'export-out', '--json');
    expect([named.code, named.stdout]).toEqual([1, '']);
    expect(named.stderr).toContain('The sync "export-out" is not enabled.');
    expect(existsSync(data())).toBe(false);
    const all = await lockstep('sync', '-f', off, '--data', join(folder, 'off'), '--json');
    expect(all.stderr).toContain('export-out: left out, it is not enabled');
    expect(reportOf(all).map((job) => job.sync)).toEqual(['company-in']);
  });

  test('an invalid file is refused with its position, and nothing is applied', async () => {
    const broken = join(folder, 'broken.yaml');
    writeFileSync(broken, 'connections:\n  a:\n    type: floppy\n');
    const finished = await lockstep('sync', '-f', broken, '--data', data());
    expect(finished.code).toBe(1);
    expect(finished.stdout).toBe('');
    expect(finished.stderr).toMatch(/broken\.yaml:3:\d+/);
    expect(finished.stderr).not.toMatch(/^\s+at .*\.ts:/m);
    expect(existsSync(data())).toBe(false);
  });

  test('a dry run finds differences, exits with 2 and writes nothing', async () => {
    const finished = await sync('--dry-run', '--json');
    expect(finished.code).toBe(2);
    expect(finished.stderr).toContain('dry run: each sync is planned against the directory as it is now');
    expect(count(reportOf(finished)[0], 'user', 'created').total).toBe(20);
    const users = await lockstep('directory', 'list', 'users', '--data', data(), '--json');
    expect(JSON.parse(users.stdout)).toEqual({ objects: [], next: null });
    expect(existsSync(join(folder, 'out.ldif'))).toBe(false);
  });

  test('the first run creates everything, in the order of the file, and answers one document', async () => {
    const finished = await sync('--json', 'export-out', 'company-in');
    expect(finished.code, finished.stderr).toBe(0);
    const jobs = reportOf(finished);
    expect(jobs.map(({ sync, direction, status }) => [sync, direction, status])).toEqual([
      ['company-in', 'ingress', 'success'],
      ['export-out', 'egress', 'success'],
    ]);
    for (const job of jobs) {
      expect(Object.keys(job)).toEqual([
        'id',
        'sync',
        'direction',
        'status',
        'statistics',
        'errors',
        'complete',
        'note',
        'guard',
      ]);
      expect(job).toMatchObject({ complete: true, guard: { tripped: false } });
      expect(job.id).toMatch(/^sync_[0-9a-v]{40}$/);
      expect(Object.keys(job.statistics)).toEqual(['user', 'organizationalUnit', 'group', 'membership']);
      for (const kind of kinds) {
        expect(Object.keys(job.statistics[kind])).toEqual([...operations]);
        for (const operation of operations) count(job, kind, operation);
      }
      expect(job.errors).toEqual([]);
    }
    expect(count(jobs[0], 'user', 'created')).toEqual({ total: 20, success: 20, failed: 0, skipped: 0 });
    expect(count(jobs[0], 'membership', 'created').success).toBe(20);
    expect(count(jobs[1], 'user', 'exported').success).toBe(20);
    const written = readFileSync(join(folder, 'out.ldif'), 'utf8');
    expect(written).toContain('dn: uid=p7,ou=People,dc=out,dc=org');
    expect(written).toContain('member: uid=p7,ou=People,dc=out,dc=org');
  });

  test('too many deletions are held, exit code 4, and approved by hand', async () => {
    writeCompany(input(), 10);
    const dry = await sync('--dry-run', '--json', 'company-in');
    expect(dry.code, dry.stderr).toBe(2);
    expect(reportOf(dry)[0]?.guard).toMatchObject({
      tripped: true,
      findings: [{ kind: 'user', destructive: 10, linked: 20 }],
    });
    const finished = await sync('--json', 'company-in');
    expect(finished.code, finished.stderr).toBe(4);
    const [job] = reportOf(finished);
    expect(job?.status).toBe('held');
    expect(job?.errors).toEqual([]);
    expect(count(job, 'user', 'deleted')).toEqual({ total: 10, success: 0, failed: 0, skipped: 10 });

    const approved = await lockstep('jobs', 'approve', job?.id ?? '', '--data', data(), '--json');
    expect(approved.code, approved.stderr).toBe(0);
    expect(JSON.parse(approved.stdout)).toMatchObject({ status: 'success', approvesJobId: job?.id });
    const listed = await lockstep('syncs', 'list', '--data', data());
    expect(listed.stdout).toMatch(/^company-in +ingress .* success \d{4}-/m);
  });

  test('a file that is no backup is refused, and leaves no data directory', async () => {
    const restored = join(folder, 'restored');
    for (const [file, reason] of [
      [input(), 'it is no backup'],
      [folder, 'it is no file'],
      [join(folder, 'none.gz'), 'ENOENT'],
    ] as const) {
      const finished = await lockstep('restore', file, '--data', restored);
      expect(finished.code).toBe(1);
      expect(finished.stderr).toContain(`error: The backup ${file} cannot be read (${reason}).`);
      expect(existsSync(restored)).toBe(false);
    }
  });

  test('a plan that cannot be made does not say that there is nothing to change', async () => {
    renameSync(input(), `${input()}.away`);
    const finished = await lockstep('plan', 'company-in', '--data', data());
    renameSync(`${input()}.away`, input());
    expect(finished).toMatchObject({ code: 1, stdout: '' });
    expect(finished.stderr).toContain('does not exist');
  });

  test('jobs of a sync that there is not are no empty list', async () => {
    const finished = await lockstep('jobs', 'list', '--sync', 'company-inn', '--data', data());
    expect(finished).toMatchObject({ code: 1, stdout: '' });
    expect(finished.stderr).toContain('there is no sync "company-inn"');
    expect(finished.stderr).toContain('syncs list');
  });

  test('a data directory that is a file is no defect', async () => {
    const finished = await lockstep('serve', '--data', configuration, '--listen', '127.0.0.1:0');
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain(`error: ${configuration} cannot be used: there is something else`);
  });

  test('a command that reads makes no new store', async () => {
    const finished = await lockstep('jobs', 'list', '--data', join(folder, 'mistyped'));
    expect(finished.code).toBe(1);
    expect(finished.stderr).toContain('There is no data directory');
    expect(existsSync(join(folder, 'mistyped'))).toBe(false);
  });
});

describe('sync as a process, through the server that holds the data directory', () => {
  let server: LockstepProcess;
  beforeAll(async () => {
    writeCompany(input(), 10);
    server = new LockstepProcess(['serve', '--data', data(), '--listen', '127.0.0.1:0']);
    await server.waitFor('stdout', /listening on/);
  });
  afterAll(async () => {
    server.kill('SIGTERM');
    await server.finished();
  });

  test('what was held can be looked at, and is not approved twice', async () => {
    const listed = await lockstep('jobs', 'list', '--status', 'held', '--data', data(), '--json');
    const held = (JSON.parse(listed.stdout) as { jobs: { id: string }[] }).jobs;
    expect(held).toHaveLength(1);
    const id = held[0]?.id ?? '';
    const shown = await lockstep('jobs', 'show', id, '--data', data());
    expect(shown.stdout).toContain(
      'guard:\n  10 of 20 linked objects of kind user would be deleted, disabled or removed (more than 3)\n',
    );
    expect(shown.stdout).toMatch(/^ {2}Approved by administrator: job sync_\w+ applies it\.$/m);
    expect(shown.stdout).not.toContain('unmanaged');
    expect(shown.stdout).not.toContain('{"');
    const changes = await lockstep('jobs', 'changes', id, '--kind', 'user', '--data', data());
    expect(changes.stdout.match(/skipped: delete user/g)).toHaveLength(10);
    const twice = await lockstep('jobs', 'approve', id, '--data', data());
    expect(twice.code).toBe(1);
    expect(twice.stderr).toContain('code:   PlanSuperseded');
    const users = await lockstep('directory', 'list', 'users', '--data', data(), '--json');
    expect((JSON.parse(users.stdout) as { objects: unknown[] }).objects).toHaveLength(10);
  });

  test('a run that changes nothing finds everything the same; so does a dry run', async () => {
    expect((await sync('--json')).code).toBe(0);
    const again = await sync('--json');
    expect(again.code, again.stderr).toBe(0);
    expect(count(reportOf(again)[0], 'user', 'same').success).toBe(10);
    expect(count(reportOf(again)[0], 'user', 'created').total).toBe(0);
    expect((await sync('--dry-run', '--json')).code).toBe(0);
  });

  test('without --json there is a table on stdout and progress on stderr', async () => {
    const finished = await sync();
    expect(finished.code).toBe(0);
    expect(finished.stdout).toMatch(/^SYNC +STATUS +KIND +SAME/);
    expect(finished.stderr).toContain('company-in: success');
    expect(finished.stderr).not.toContain('\u001b');
  });

  test('one object that fails is partial success, exit code 3, with its error', async () => {
    writeCompany(
      input(),
      11,
      'dn: uid=P3,ou=Groups,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: P3\ncn: Other\nsn: Other\n',
    );
    const finished = await sync('--json', 'company-in');
    expect(finished.code, finished.stderr).toBe(3);
    const [job] = reportOf(finished);
    expect(job?.status).toBe('partial_success');
    expect(job?.errors).toHaveLength(1);
    expect(Object.keys(job?.errors[0] ?? {})).toEqual(['kind', 'verb', 'object', 'code', 'message']);
    expect(job?.errors[0]).toMatchObject({ kind: 'user' });
  });

  test('a source that is not there fails, exit code 1, and the others are run all the same', async () => {
    rmSync(input());
    const finished = await sync('--json');
    expect(finished.code).toBe(1);
    const jobs = reportOf(finished);
    expect(jobs.map(({ status }) => status)).toEqual(['failed', 'success']);
    expect(jobs[0]?.errors[0]).toMatchObject({ kind: null, verb: null, object: null });
    expect(count(jobs[0], 'user', 'deleted').total).toBe(0);
    expect(count(jobs[1], 'user', 'exported').success).toBe(1);
  });

  test('plan says each change in a sentence', async () => {
    writeCompany(input(), 12);
    const finished = await lockstep('plan', 'company-in', '--values', '--data', data());
    expect(finished.code, finished.stderr).toBe(2);
    expect(finished.stdout).toMatch(
      /^create user "p11" in .*\n( {4}.*\n)* {4}mail: \(none\) -> "p11@example.com"$/m,
    );
    expect(finished.stdout).toMatch(/^add user "p11" to group "all"$/m);
    expect(finished.stderr).not.toContain('applying');
  });

  test('a sync is run by its name, and what it did is shown', async () => {
    const run = await lockstep('run', 'company-in', '--wait', '--data', data(), '--json');
    expect(run.code, run.stderr).toBe(0);
    const { job } = JSON.parse(run.stdout) as { job: { id: string } };
    const shown = await lockstep('jobs', 'show', job.id, '--data', data());
    expect(shown.stdout).toMatch(/^status: +success$/m);
    const user = await lockstep('directory', 'show', 'user', 'p11', '--data', data());
    expect(user.stdout).toMatch(/mail: p11@example\.com +\(from company-in\)/);
    const undo = ['jobs', 'undo', job.id, '--wait', '--data', data()];
    const preview = await lockstep(...undo, '--dry-run');
    expect(preview.code, preview.stderr).toBe(2);
    expect(preview.stdout).toMatch(/^undoes: +sync_/m);
    const undone = await lockstep(...undo, '--json');
    expect(undone.code, undone.stderr).toBe(0);
    const gone = count(JSON.parse(undone.stdout), 'user', 'deleted');
    expect(gone.success).toBeGreaterThan(0);
    expect((await lockstep('directory', 'show', 'user', 'p11', '--data', data())).code).toBe(1);
  });

  test('what a job warned of is shown with it, and listed by level', async () => {
    const misspelt = join(folder, 'misspelt.yaml');
    const text = readFileSync(configuration, 'utf8');
    const map = '    map: { user: { title: titel } }\n    onMissing';
    writeFileSync(misspelt, text.replace('    onMissing', map));
    const store = ['--data', join(folder, 'misspelt')];
    const [job] = reportOf(await lockstep('sync', '-f', misspelt, 'company-in', ...store, '--json'));
    const warning = /^[-0-9]+ [:0-9]+Z warning: no user has a value for titel, /m;
    expect((await lockstep('jobs', 'show', job?.id ?? '', ...store)).stdout).toMatch(warning);
    const of = (level: string) => lockstep('jobs', 'messages', job?.id ?? '', '--level', level, ...store);
    expect((await of('warning')).stdout).toMatch(warning);
    expect((await of('info')).stdout).not.toMatch(warning);
  });

  test('a run goes on to its end when nobody reads standard error any more', async () => {
    writeCompany(input(), 13);
    const run = new LockstepProcess(['sync', '-f', configuration, '--json']);
    await run.waitFor('stderr', /company-in: reading/);
    run.child.stderr?.destroy();
    const finished = await run.finished();
    expect(finished.code).toBe(0);
    expect(reportOf(finished).map(({ status }) => status)).toEqual(['success', 'success']);
  });

  test('results that cannot be written are an error and no defect', async () => {
    const command = 'exec "$0" "$@" > /dev/full';
    const child = spawn('sh', ['-c', command, launcher, 'jobs', 'list', '--data', data()]);
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(said).toMatch(/^error: standard output cannot be used: the disk is full/);
    expect(said).not.toMatch(/^\s+at /m);
  });

  test('a lock that cannot be written is an error and no defect, and leaves nothing', async () => {
    const made = join(folder, 'without-lock');
    const { said, code } = await withFilesOf(0, 'sync', '-f', configuration, '--data', made);
    expect(code).toBe(1);
    expect(said).toMatch(/^error: A file that this command writes cannot be used: .*EFBIG/);
    expect(readdirSync(made)).toEqual([]);
  });

  test('a restore that finds no room says so, and leaves nothing', async () => {
    const file = join(folder, 'whole.gz');
    expect((await lockstep('backup', file, '--data', data())).code).toBe(0);
    const made = join(folder, 'without-room');
    const { said, code } = await withFilesOf(2048, 'restore', file, '--data', made);
    expect(code).toBe(1);
    expect(said).toMatch(/^error: The embedded store in .* does not open: /);
    expect(existsSync(made)).toBe(false);
  });
});
