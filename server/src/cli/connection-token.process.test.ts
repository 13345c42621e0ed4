import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockstep, LockstepProcess } from '../../../test/cli/lockstep-process.ts';

test('a token of the command line opens the connection to a system that pushes, until it is revoked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-token-'));
  const data = ['--data', join(folder, 'data')];
  const file = join(folder, 'lockstep.yaml');
  writeFileSync(file, 'connections:\n  hr-push:\n    type: scim_server\n');
  const server = new LockstepProcess(['serve', ...data, '--listen', '127.0.0.1:0', '-f', file]);
  try {
    const url = (await server.waitFor('stdout', /^listening on (http:\/\/127\.0\.0\.1:\d+)$/m))[1] ?? '';
    const made = await lockstep('connections', 'token', 'hr-push', '--label', 'hr', ...data);
    expect(made.stdout, made.stderr).toMatch(/^scim_[A-Za-z0-9]{43}\n$/);
    const push = async (userName: string) =>
      fetch(`${url}/scim/v2/hr-push/Users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${made.stdout.trim()}`, 'content-type': 'application/scim+json' },
        body: JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName }),
      });
    const pushed = await push('ada');
    expect(pushed.status).toBe(201);
    expect(pushed.headers.get('location')).toContain(`${url}/scim/v2/hr-push/Users/`);
    const listed = await lockstep('connections', 'token', 'list', 'hr-push', '--json', ...data);
    const { tokens } = JSON.parse(listed.stdout) as { tokens: { id: string; label: string }[] };
    expect(tokens).toMatchObject([{ label: 'hr', status: 'active' }]);
    const revoked = await lockstep('connections', 'token', 'revoke', 'hr-push', tokens[0]?.id ?? '', ...data);
    expect(revoked.code, revoked.stderr).toBe(0);
    expect((await push('bob')).status).toBe(401);
  } finally {
    server.kill('SIGKILL');
    await server.finished();
    rmSync(folder, { recursive: true, force: true });
  }
});
