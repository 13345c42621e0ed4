import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { makeCompany } from './company.ts';

describe('the command', () => {
  it('prints where it is, holds a company, and leaves nothing behind', async () => {
    const script = join(import.meta.dirname, 'serve.ts');
    const server = spawn(
      process.execPath,
      [script, '--port', '0', '--users', '20', '--client-secret', 's3cret'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const ended = once(server, 'exit');
    try {
      const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
      const where = JSON.parse(line) as Record<string, string>;
      expect(Object.keys(where).sort()).toEqual(
        'authorityUrl caFile clientId clientSecret graphUrl tenantId'.split(' '),
      );
      expect(where['clientSecret']).toBe('s3cret');
      expect(readFileSync(where['caFile']!, 'utf8')).toContain('BEGIN CERTIFICATE');
      expect(await countUsers(where)).toBe(20);
      server.kill('SIGTERM');
      await ended;
      expect(existsSync(where['caFile']!)).toBe(false);
    } finally {
      server.kill('SIGKILL');
    }
  });
});

/** In a process of its own that trusts the authority by NODE_EXTRA_CA_CERTS, as other programs would. */
async function countUsers(where: Readonly<Record<string, string>>): Promise<number> {
  const script = `
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: ${JSON.stringify(where['clientId'])},
      client_secret: ${JSON.stringify(where['clientSecret'])}, scope: 'https://graph.microsoft.com/.default' });
    const answer = await fetch(${JSON.stringify(`${where['authorityUrl']}/${where['tenantId']}/oauth2/v2.0/token`)}, { method: 'POST', body: form });
    const { access_token } = await answer.json();
    const users = await fetch(${JSON.stringify(`${where['graphUrl']}/v1.0/users`)}, { headers: { authorization: 'Bearer ' + access_token } });
    console.log((await users.json()).value.length);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: where['caFile'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return Number(line);
}

describe('a made-up company', () => {
  it('is the same for the same options, with managers, guests, nesting and units', () => {
    const options = { users: 120, domain: 'contoso.example' };
    const company = makeCompany(options);
    expect(makeCompany(options)).toEqual(company);
    expect(company.users).toHaveLength(120);
    expect(new Set(company.users?.map((user) => user.userPrincipalName)).size).toBe(120);
    expect(company.users?.filter((user) => user.manager)).toHaveLength(108);
    expect(company.users?.filter((user) => user['userType'] === 'Guest')).toHaveLength(1);
    expect(company.users?.filter((user) => user.accountEnabled === false)).toHaveLength(2);
    expect(company.groups?.find((group) => group.displayName === 'All departments')?.members).toHaveLength(8);
    expect(company.administrativeUnits).toHaveLength(5);
  });
});
