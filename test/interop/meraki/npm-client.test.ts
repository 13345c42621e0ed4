import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { composeRuntime } from '../../../server/src/main.ts';
import { startSlapd } from '../../servers/slapd.ts';
import { openNpmClient, type NpmClient } from './npm-client.ts';

interface Sync {
  idpSyncId: string;
  idpId: string;
  status: string;
  message: string;
}
interface List<Item> {
  items: Item[];
  meta: { counts: { items: { total: number; remaining: number } } };
}

const people = ['alice', 'bob', 'carol', 'dave', 'erin'];

function ldif(suffix: string): string {
  const entries = people.map((name) =>
    [
      `dn: uid=${name},ou=people,${suffix}`,
      'objectClass: inetOrgPerson',
      `uid: ${name}`,
      `cn: ${name} Example`,
      'sn: Example',
      `displayName: ${name} Example`,
      `mail: ${name}@corp.example`,
    ].join('\n'),
  );
  const unit = `dn: ou=people,${suffix}\nobjectClass: organizationalUnit\nou: people`;
  return `${[unit, ...entries].join('\n\n')}\n`;
}

async function waitForEnd(client: NpmClient, path: string): Promise<Sync> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { data } = await client.request<Sync>('get', path);
    if (!['Queued', 'In Progress'].includes(data.status)) return data;
    if (Date.now() > deadline) throw new Error(`the sync is still ${data.status}: ${data.message}`);
  }
}

test('an unchanged client of the vendor drives syncs of an LDAP server', async () => {
  const data = await mkdtemp(join(tmpdir(), 'lockstep-meraki-'));
  try {
    await using slapd = await startSlapd({ dbnosync: true });
    await slapd.addLdif(ldif(slapd.suffix));
    await using runtime = await composeRuntime({
      data,
      logLevel: 'error',
      roles: { http: { host: '127.0.0.1', port: 0 }, worker: { concurrency: 1 } },
    });
    const key = runtime.credentials?.apiToken ?? '';
    const native = async (path: string, body: unknown) => {
      const response = await fetch(`${runtime.address}/lockstep/v1${path}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status, await response.clone().text()).toBe(200);
      return (await response.json()) as { serial: number };
    };
    const { suffix, url, adminDn: bindDn, password } = slapd;
    const { serial } = await native('/connections/corp', {
      type: 'ldap',
      url,
      bindDn,
      password,
      baseDn: suffix,
    });
    await native('/syncs/corp', {
      connection: 'corp',
      direction: 'ingress',
      scopes: [{ source: `ou=people,${suffix}`, target: '/' }],
    });

    await using client = openNpmClient(runtime.address ?? '', key);
    const organizations = await client.request<{ id: string }[]>('get', '/organizations');
    const iam = `/organizations/${organizations.data[0]?.id}/iam/users`;
    const idps = await client.request<List<{ idpId: string; type: string }>>('post', `${iam}/idps/search`, {
      data: {},
    });
    expect(idps.data.items).toMatchObject([{ idpId: String(serial), type: 'LDAP' }]);
    const tested = await client.request('post', `${iam}/idps/testConnectivity`, {
      data: { idpId: String(serial) },
    });
    expect(tested.data).toEqual({ result: 'success', errors: [] });

    const statuses: string[] = [];
    for (let run = 0; run < 4; run += 1) {
      const started = await client.request<Sync>('post', `${iam}/idps/${serial}/sync`, { data: {} });
      expect(started.status).toBe(201);
      const ended = await waitForEnd(client, `${iam}/idps/${serial}/sync/latest`);
      expect(ended.idpSyncId).toBe(started.data.idpSyncId);
      statuses.push(`${ended.status}: ${ended.message}`);
    }
    expect(statuses[0]).toBe('Completed: 5 created');
    expect(statuses.slice(1)).toEqual(Array.from({ length: 3 }, () => 'Completed: 5 unchanged'));

    // It follows the links to the end and keeps the last page, with its own parameters behind those of the link.
    const last = await client.request<List<Sync>>('get', `${iam}/idps/sync/history`, {
      params: { perPage: 3 },
    });
    expect(last.data.items).toHaveLength(1);
    expect(last.data.meta.counts.items).toEqual({ total: 4, remaining: 0 });
    const users = await client.request<List<{ upn: string }>>('post', `${iam}/search`, {
      data: { perPage: 3 },
    });
    expect(users.data.items.map(({ upn }) => upn)).toEqual(['dave', 'erin']);

    const batch = await client.request<{ status: { completed: boolean } }>(
      'post',
      `/organizations/${organizations.data[0]?.id}/actionBatches`,
      {
        data: {
          confirmed: true,
          synchronous: true,
          actions: [
            { resource: `${iam}/idps/users`, operation: 'create', body: { email: 'frank@corp.example' } },
          ],
        },
      },
    );
    expect(batch.data.status.completed).toBe(true);
    const summary = await client.request('get', `${iam}/summaryPanel`);
    expect(summary.data).toEqual({ userCount: 6, userGroupCount: 0 });

    const errors: [string, string, object, number][] = [
      ['get', '/nowhere', {}, 404],
      ['get', '/organizations/77/iam/users/summaryPanel', {}, 404],
      ['post', `${iam}/idps`, { data: { name: 'x' } }, 400],
      ['delete', `${iam}/idps/77`, {}, 404],
    ];
    for (const [method, address, more, status] of errors) {
      const refused = await client.request<{ errors: string[] }>(method, address, more);
      expect(refused).toMatchObject({ status, data: { errors: [expect.any(String)] } });
      expect(refused.requestId).toMatch(/^[0-9a-f-]{36}$/);
    }
    await using stranger = openNpmClient(runtime.address ?? '', 'f'.repeat(40));
    expect(await stranger.request('get', '/organizations')).toMatchObject({
      status: 401,
      data: { errors: ['Incorrect API key'] },
    });
    const deleted = await client.request('delete', `${iam}/idps/${serial}`);
    expect(deleted.status).toBe(204);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
