import dns from 'node:dns';
import { isIP } from 'node:net';
import * as authentik from '@goauthentik/api';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openNpmClient, type NpmClient } from '../interop/meraki/npm-client.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulators/graph/simulator.ts';
import { eventually, startInstallation, type Installation } from './installation.ts';

interface Sync {
  readonly idpSyncId: string;
  readonly status: string;
  readonly message: string;
}

/** Lets a connection that a vendor's client made talk to the simulator; all else stays as that client said. */
async function pointAtSimulator(lockstep: Installation, name: string, graph: GraphSimulator): Promise<void> {
  const { configuration } = await lockstep.api<{ configuration: Record<string, unknown> }>(
    'GET',
    `/connections/${encodeURIComponent(name)}`,
  );
  const { graphUrl, authorityUrl, caFile } = graph;
  await lockstep.api('PUT', `/connections/${encodeURIComponent(name)}`, {
    ...configuration,
    graphUrl,
    authorityUrl,
    caFile,
  });
}

async function connectionName(lockstep: Installation): Promise<string> {
  const { items } = await lockstep.api<{ items: { name: string; type: string }[] }>('GET', '/connections');
  const found = items.find(({ type }) => type === 'entra_id');
  if (found === undefined) throw new Error('no connection to Entra ID was made');
  return found.name;
}

describe('a Meraki client and Entra ID', () => {
  let graph: GraphSimulator;
  let lockstep: Installation;
  let client: NpmClient;

  beforeAll(async () => {
    [graph, lockstep] = await Promise.all([startGraphSimulator(), startInstallation()]);
    graph.directory.seed({
      users: ['ada', 'bob', 'cyd'].map((name) => ({
        userPrincipalName: `${name}@contoso.example`,
        displayName: name,
        mail: `${name}@contoso.example`,
      })),
      groups: [{ displayName: 'staff', members: ['ada@contoso.example'] }],
    });
    client = openNpmClient(lockstep.address, lockstep.credentials.apiToken);
  });

  afterAll(async () => {
    await client[Symbol.asyncDispose]();
    await lockstep[Symbol.asyncDispose]();
    await graph.stop();
  });

  test('creates an "Azure AD" IdP, triggers syncs and reads history', async () => {
    const organizations = await client.request<{ id: string }[]>('get', '/organizations');
    const iam = `/organizations/${organizations.data[0]?.id}/iam/users`;
    const { tenantId, clientId, clientSecret } = graph;
    const made = await client.request<{ idpId: string; type: string }>('post', `${iam}/idps`, {
      data: { name: 'Contoso', type: 'Azure AD', idpConfig: { tenantId, clientId, clientSecret } },
    });
    expect(made).toMatchObject({ status: 201, data: { type: 'Azure AD' } });
    await pointAtSimulator(lockstep, await connectionName(lockstep), graph);

    const tested = await client.request('post', `${iam}/idps/testConnectivity`, {
      data: { idpId: made.data.idpId },
    });
    expect(tested.data).toEqual({ result: 'success', errors: [] });

    const sync = async (data: object): Promise<Sync> => {
      const started = await client.request<Sync>('post', `${iam}/idps/${made.data.idpId}/sync`, { data });
      expect(started.status).toBe(201);
      return eventually('the end of the sync', async () => {
        const latest = await client.request<Sync>('get', `${iam}/idps/${made.data.idpId}/sync/latest`);
        return ['Queued', 'In Progress'].includes(latest.data.status) ? undefined : latest.data;
      });
    };
    expect(await sync({ emails: ['ada@contoso.example'] })).toMatchObject({ status: 'Completed' });
    const found = await client.request<{ items: { upn: string }[] }>('post', `${iam}/search`, { data: {} });
    expect(found.data.items.map(({ upn }) => upn)).toEqual(['ada@contoso.example']);
    expect((await sync({})).status).toBe('Completed');
    graph.requests.reset();
    expect((await sync({ force: true })).status).toBe('Completed');
    expect(graph.requests.list({ path: '/users/delta' })[0]?.query).not.toMatch(/deltatoken/i);

    const history = await client.request<{ items: Sync[]; meta: { counts: { items: { total: number } } } }>(
      'get',
      `${iam}/idps/sync/history`,
      { params: { perPage: 3 } },
    );
    expect(history.data.meta.counts.items.total).toBe(3);
    expect(history.data.items.map(({ status }) => status)).toEqual(['Completed', 'Completed', 'Completed']);
  });

  test('a secret that is refused is told by the code of the login service', async () => {
    graph.loginFaults.clear();
    const name = await connectionName(lockstep);
    const { configuration } = await lockstep.api<{ configuration: Record<string, unknown> }>(
      'GET',
      `/connections/${encodeURIComponent(name)}`,
    );
    await lockstep.api('PUT', `/connections/${encodeURIComponent(name)}`, {
      ...configuration,
      clientSecret: 'wrong',
    });
    const { ok, steps } = await lockstep.api<{ ok: boolean; steps: { step: string; detail: string }[] }>(
      'POST',
      `/connections/${encodeURIComponent(name)}/test`,
      {},
    );
    expect(ok).toBe(false);
    expect(steps.at(-1)).toMatchObject({ step: 'token', detail: expect.stringContaining('AADSTS7000215') });
  });
});

describe('an authentik client and Entra ID', () => {
  let graph: GraphSimulator;
  let lockstep: Installation;

  beforeAll(async () => {
    // Names lead nowhere: nothing of this leaves the machine.
    const lookup = dns.lookup.bind(dns) as (name: string, ...rest: readonly unknown[]) => void;
    vi.spyOn(dns, 'lookup').mockImplementation(((
      name: string,
      options: unknown,
      done: (error: Error) => void,
    ) => {
      if (name === 'localhost' || isIP(name) !== 0) lookup(name, options, done);
      else done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }));
    }) as typeof dns.lookup);
    [graph, lockstep] = await Promise.all([startGraphSimulator(), startInstallation()]);
    for (const username of ['ada', 'bob'])
      await lockstep.api('POST', '/directory/users', {
        name: username,
        attributes: { mail: [`${username}@contoso.example`], displayName: [username] },
      });
  });

  afterAll(async () => {
    await lockstep[Symbol.asyncDispose]();
    await graph.stop();
    vi.restoreAllMocks();
  });

  test('creates a Microsoft Entra provider and watches its status', async () => {
    const api = new authentik.ProvidersApi(
      new authentik.Configuration({
        basePath: `${lockstep.address}/api/v3`,
        headers: { Authorization: `Bearer ${lockstep.credentials.apiToken}` },
      }),
    );
    const provider = await api.providersMicrosoftEntraCreate({
      microsoftEntraProviderRequest: {
        name: 'contoso',
        clientId: graph.clientId,
        clientSecret: graph.clientSecret,
        tenantId: graph.tenantId,
      },
    });
    // As authentik does, the first run begins by itself; at that time the provider means the real address.
    const first = await eventually('the end of the first run', async () => {
      const found = await api.providersMicrosoftEntraSyncStatusRetrieve({ id: provider.pk });
      return found.isRunning || found.lastSyncStatus === undefined ? undefined : found;
    });
    expect(first.lastSyncStatus).toBe('error');
    await pointAtSimulator(lockstep, await connectionName(lockstep), graph);
    const { items } = await lockstep.api<{ items: { name: string }[] }>('GET', '/syncs');
    const job = await lockstep.run(items[0]?.name ?? '');
    expect(job).toMatchObject({ status: 'success', error: null });
    const status = await api.providersMicrosoftEntraSyncStatusRetrieve({ id: provider.pk });
    expect(status.isRunning).toBe(false);
    const users = await api.providersMicrosoftEntraUsersList({ providerId: provider.pk });
    expect(users.results).toHaveLength(2);
    expect(graph.directory.list('user').map(({ properties }) => properties['userPrincipalName'])).toEqual(
      expect.arrayContaining(['ada@contoso.example', 'bob@contoso.example']),
    );
  });
});
