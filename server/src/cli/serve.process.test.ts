import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockstep, LockstepProcess } from '../../../test/cli/lockstep-process.ts';
import { writeCompany, writeConfiguration } from '../../../test/cli/sample-company.ts';

let folder: string;
let data: string;
let server: LockstepProcess;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-serve-'));
  data = join(folder, 'data');
  writeCompany(join(folder, 'in.ldif'), 5);
  const file = writeConfiguration(folder);
  server = new LockstepProcess(['serve', '--data', data, '--listen', '127.0.0.1:0', '-f', file]);
  url = (await server.waitFor('stdout', /^listening on (http:\/\/127\.0\.0\.1:\d+)$/m))[1] ?? '';
});
afterAll(async () => {
  server.kill('SIGKILL');
  await server.finished();
  rmSync(folder, { recursive: true, force: true });
});

function credentials(): { apiToken: string } {
  return JSON.parse(readFileSync(join(data, 'admin.json'), 'utf8')) as { apiToken: string };
}

test('a new store gets an administrator, whose credentials only this user reads', async () => {
  expect(statSync(join(data, 'admin.json')).mode & 0o777).toBe(0o600);
  expect(Object.keys(credentials())).toEqual([
    'tenantId',
    'accountId',
    'accessKeyId',
    'accessKeySecret',
    'apiToken',
  ]);
  expect(credentials().apiToken).toMatch(/^[0-9a-f]{40}$/);
  const api = `${url}/lockstep/v1/syncs`;
  expect((await fetch(api)).status).toBe(401);
  const answer = await fetch(api, { headers: { authorization: `Bearer ${credentials().apiToken}` } });
  expect(answer.status).toBe(200);
  expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(2);
});

test('the socket is for this user alone', () => {
  expect(statSync(join(data, 'lockstep.sock')).mode & 0o077).toBe(0);
});

test('commands work through the running server', async () => {
  const run = await lockstep('run', 'company-in', '--wait', '--data', data, '--json');
  expect(run.code, run.stderr).toBe(0);
  const { job } = JSON.parse(run.stdout) as { job: { id: string; status: string } };
  expect(job.status).toBe('success');
  const answer = await fetch(`${url}/lockstep/v1/jobs/${job.id}`, {
    headers: { authorization: `Bearer ${credentials().apiToken}` },
  });
  expect(answer.status).toBe(200);
  const listed = await lockstep('jobs', 'list', '--data', data, '--json');
  expect((JSON.parse(listed.stdout) as { jobs: { id: string }[] }).jobs[0]?.id).toBe(job.id);
});

test('a directory that is named beside the variable of a database is what counts, and that is said', async () => {
  const database = { LOCKSTEP_DATABASE_URL: 'postgres://127.0.0.1:1/x' };
  const { code, stderr } = await new LockstepProcess(['serve', '--data', data], database).finished();
  const said = /LOCKSTEP_DATABASE_URL is not used\.\n[^]*DataDirectoryLocked/;
  expect([code, stderr]).toEqual([1, expect.stringMatching(said)]);
});

test('sync uses the running server', async () => {
  const finished = await lockstep('sync', '-f', join(folder, 'lockstep.yaml'), '--data', data, '--json');
  expect(finished.code, finished.stderr).toBe(0);
  expect((JSON.parse(finished.stdout) as { jobs: unknown[] }).jobs).toHaveLength(2);
});

test('a dry run of an undo is waited for: its exit code tells whether there is something to take back', async () => {
  const listed = await lockstep('jobs', 'list', '--sync', 'company-in', '--data', data, '--json');
  const first = (JSON.parse(listed.stdout) as { jobs: { id: string }[] }).jobs.at(-1)?.id ?? '';
  const preview = await lockstep('jobs', 'undo', first, '--dry-run', '--data', data);
  expect(preview.code, preview.stderr).toBe(2);
  expect(preview.stdout).toMatch(/^undoes: +sync_/m);
});

test('connections are listed and tested', async () => {
  const tested = await lockstep('connections', 'test', 'company', '--data', data, '--json');
  expect(tested.code, tested.stderr).toBe(0);
  expect(JSON.parse(tested.stdout)).toMatchObject({ ok: true });
  const listed = await lockstep('connections', 'list', '--data', data);
  expect(listed.stdout).toMatch(/^company +file +\S+in\.ldif/m);
});

test('syncs are listed with how they start and how they last ended', async () => {
  const listed = await lockstep('syncs', 'list', '--data', data);
  expect(listed.code, listed.stderr).toBe(0);
  expect(listed.stdout).toMatch(/^company-in +ingress +company +on request +success \d{4}-/m);
  const { stdout } = await lockstep('syncs', 'list', '--data', data, '--json');
  const { syncs } = JSON.parse(stdout) as { syncs: { name: string; lastJob: { status: string } }[] };
  expect(syncs.map(({ name, lastJob }) => [name, lastJob.status])).toEqual(
    expect.arrayContaining([['company-in', 'success']]),
  );
});

test('apply finds no difference when there is none', async () => {
  const finished = await lockstep('apply', '-f', join(folder, 'lockstep.yaml'), '--data', data, '--dry-run');
  expect(finished.stdout).toBe('Nothing to change.\n');
  expect(finished.code).toBe(0);
});

test('a second server on the same directory is refused, and says who holds it', async () => {
  const second = await lockstep('serve', '--data', data, '--listen', '127.0.0.1:0');
  expect(second.code).toBe(1);
  expect(second.stdout).toBe('');
  expect(second.stderr).toContain('code:   DataDirectoryLocked');
  expect(second.stderr).toContain(String(server.child.pid));
});

test('SIGTERM ends it cleanly; nothing else is on stdout', async () => {
  server.kill('SIGTERM');
  const finished = await server.finished();
  expect(finished.code, finished.stderr).toBe(0);
  expect(finished.stdout).toBe(`listening on ${url}\n`);
  expect(existsSync(join(data, 'lockstep.sock'))).toBe(false);
});

test('what is there is read without a server just the same', async () => {
  const finished = await lockstep('directory', 'list', 'users', '--data', data, '--json');
  expect((JSON.parse(finished.stdout) as { objects: unknown[] }).objects).toHaveLength(5);
});

async function runAsJson(...args: string[]) {
  const { code, stdout, stderr } = await lockstep(...args, '--data', data, '--json');
  return { code, stderr, value: stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>) };
}

test('a key is made, bounded, listed without its secret, and revoked', async () => {
  const document = { Version: '1', Statement: [{ Effect: 'Allow', Action: 'eiam:Get*', Resource: '*' }] };
  const file = join(folder, 'policy.json');
  writeFileSync(file, JSON.stringify(document));
  expect((await runAsJson('policies', 'put', 'read-only', file)).value).toMatchObject({ document });
  const made = await runAsJson('keys', 'create', 'reporting', '--policy', 'read-only');
  expect(made.value).toMatchObject({ name: 'reporting', policies: ['read-only'], status: 'active' });
  const { id, secret } = made.value as { id: string; secret: string };
  expect(secret).toMatch(/^\w{30}$/);
  expect((await runAsJson('policies', 'delete', 'read-only')).code).not.toBe(0);
  expect((await runAsJson('policies', 'detach', 'read-only', id)).value).toMatchObject({ attached: false });
  expect((await runAsJson('keys', 'revoke', id)).value).toEqual({ id, status: 'revoked' });
  const listed = await runAsJson('keys', 'list');
  expect(JSON.stringify(listed.value)).not.toContain(secret);
  expect(listed.value['accessKeys']).toContainEqual(expect.objectContaining({ id, status: 'revoked' }));
  writeFileSync(file, '[]');
  expect((await runAsJson('policies', 'put', 'bad', file)).stderr).toContain('no JSON object');
});
