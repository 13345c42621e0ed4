import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CreatedTenant } from '@lockstep/contract/tenant.ts';
import { expect, test } from 'vitest';
import { lockstep, LockstepProcess } from '../../../test/cli/lockstep-process.ts';

const person = (uid: string) =>
  `\ndn: uid=${uid},dc=x\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: ${uid}\n`;

/** A command that succeeds. */
const run = async (...words: string[]) => {
  const { code, stdout, stderr } = await lockstep(...words);
  expect(code, `${words.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
};

test('a tenant of the command line has a directory, syncs and accounts of its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-tenants-'));
  const data = ['--data', join(folder, 'data')];
  const acme = ['--tenant', 'Acme & Söhne', ...data];
  const yaml = (uid: string) => {
    writeFileSync(join(folder, `${uid}.ldif`), `dn: dc=x\nobjectClass: domain\ndc: x\n${person(uid)}`);
    writeFileSync(
      join(folder, `${uid}.yaml`),
      `connections:\n  hr: {type: file, path: ${uid}.ldif, baseDn: dc=x}\nsyncs:\n  in: {connection: hr, direction: ingress, scopes: [{source: dc=x, target: /}]}\n`,
    );
    return ['-f', join(folder, `${uid}.yaml`)];
  };
  const users = async (...words: string[]) => {
    const { objects } = JSON.parse(await run('directory', 'list', 'users', '--json', ...words)) as {
      objects: { name: string }[];
    };
    return objects.map(({ name }) => name);
  };
  await run('sync', ...yaml('ada'), ...data);
  const made = JSON.parse(await run('tenants', 'create', 'Acme & Söhne', '--json', ...data)) as CreatedTenant;
  await run('sync', ...yaml('bob'), ...acme);
  expect(await users(...data)).toEqual(['ada']);
  expect(await users(...acme)).toEqual(['bob']);
  expect(await users('--tenant', made.id, ...data)).toEqual(['bob']);

  const server = new LockstepProcess(['serve', ...data, '--listen', '127.0.0.1:0']);
  try {
    const url = (await server.waitFor('stdout', /^listening on (http:\/\/127\.0\.0\.1:\d+)$/m))[1] ?? '';
    expect(await users(...acme)).toEqual(['bob']);
    await run('accounts', 'put', 'auditor', '--role', 'reader', ...acme);
    const token = (await run('accounts', 'token', 'auditor', '--label', 'laptop', ...acme)).trim();
    const get = async (path: string) =>
      fetch(`${url}/lockstep/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
    expect(await (await get('/identity')).json()).toMatchObject({ tenantId: made.id, role: 'reader' });
    expect(await (await get('/directory/users')).json()).toMatchObject({ items: [{ name: 'bob' }] });
    expect(await run('accounts', 'list', ...acme)).toMatch(/auditor +reader/);
    expect(await run('accounts', 'list', ...data)).not.toContain('auditor');
    expect(await run('tenants', 'list', ...data)).toMatch(/default[^]*Acme & Söhne/);
    const { tokens } = JSON.parse(await run('accounts', 'token', 'list', 'auditor', '--json', ...acme)) as {
      tokens: { id: string }[];
    };
    expect(tokens).toMatchObject([{ label: 'laptop', status: 'active' }]);
    await run('accounts', 'token', 'revoke', 'auditor', tokens[0]?.id ?? '', ...acme);
    expect((await get('/identity')).status).toBe(401);
    await run('accounts', 'delete', 'auditor', ...acme);
    const last = await lockstep('accounts', 'delete', 'administrator', ...acme);
    expect([last.code, last.stderr]).toEqual([1, expect.stringContaining('only administrator')]);
    const unknown = await lockstep('jobs', 'list', '--tenant', 'nobody', ...data);
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringMatching(/no tenant "nobody"[^]*tenants/),
    ]);
  } finally {
    server.kill('SIGKILL');
    await server.finished();
    rmSync(folder, { recursive: true, force: true });
  }
});
