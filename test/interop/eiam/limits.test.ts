import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { CreatedAccessKey, SecurityTokenView } from '@lockstep/contract/access.ts';
import { openIdleApplication } from '../../servers/application.ts';
import { serveApplication } from '../../servers/api-client.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { openApiClient, openApiCore, popCore, VendorError } from './vendor-clients.ts';

async function caught(work: Promise<unknown>): Promise<VendorError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof VendorError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describeOnServerStore('limits of EIAM, as its clients see them', (makeStore) => {
  test('a throttled client learns when to come again', async () => {
    const stopped = new Date();
    const app = { ...(await openIdleApplication(await makeStore())), clock: { now: () => stopped } };
    await using client = await serveApplication(app, { eiamRequestsPerSecond: 2 });
    const call = openApiCore(new URL(client.url).host, app.credentials, 'v3');
    await call('ListRegions', {});
    await call('ListRegions', {});
    const refused = await caught(call('ListRegions', {}));
    expect(refused.code).toBe('Throttling.User');
    expect(refused.original).toMatchObject({ name: 'ThrottlingError', retryAfter: 500 });
  });

  test('a refused action is explained to both generations of clients', async () => {
    const app = await openIdleApplication(await makeStore());
    await using client = await serveApplication(app);
    const document = {
      Version: '1',
      Statement: [{ Effect: 'Allow', Action: 'eiam:ListRegions', Resource: '*' }],
    };
    await client.json('PUT', '/policies/regions-only', { document });
    const key = await client.json<CreatedAccessKey>('POST', '/access-keys', {
      name: 'bounded',
      policies: ['regions-only'],
    });
    const endpoint = new URL(client.url).host;
    const bounded = { accessKeyId: key.id, accessKeySecret: key.secret };
    for (const call of [openApiCore(endpoint, bounded, 'v3'), openApiClient(endpoint, bounded, 'v3')]) {
      expect(await call('ListRegions', {})).toMatchObject({ Regions: [{ RegionEndpoint: endpoint }] });
      const refused = await caught(call('GetInstance', { InstanceId: app.credentials.tenantId }));
      expect(refused.code).toBe('NoPermission');
      expect(refused.original).toMatchObject({
        statusCode: 403,
        accessDeniedDetail: { AuthAction: 'eiam:GetInstance', NoPermissionType: 'ImplicitDeny' },
      });
    }
  });

  test('a temporary key works with clients of every generation', async () => {
    const app = await openIdleApplication(await makeStore());
    await using client = await serveApplication(app);
    const { accessKeyId, accessKeySecret, securityToken } = await client.json<SecurityTokenView>(
      'POST',
      `/access-keys/${app.credentials.accessKeyId}/security-tokens`,
      {},
    );
    const endpoint = new URL(client.url).host;
    const temporary = { accessKeyId, accessKeySecret, securityToken };
    for (const call of [
      openApiCore(endpoint, temporary, 'v3'),
      openApiCore(endpoint, temporary, 'v2'),
      openApiClient(endpoint, temporary, 'v3'),
      popCore(endpoint, temporary, 'POST'),
    ]) {
      expect(await call('ListRegions', {})).toHaveProperty('Regions');
    }
  });

  test('the console stays at the root, beside the API', async () => {
    const app = await openIdleApplication(await makeStore());
    const consoleDirectory = fileURLToPath(new URL('../../../console/public', import.meta.url));
    await using client = await serveApplication(app, { consoleDirectory });
    const page = await fetch(client.url);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/html');
    const call = openApiCore(new URL(client.url).host, app.credentials, 'v3');
    expect(await call('ListRegions', {})).toHaveProperty('Regions');
    const unsigned = await fetch(`${client.url}/?Action=ListRegions&Version=2021-12-01`);
    expect(await unsigned.json()).toMatchObject({ Code: 'IncompleteSignature' });
  });
});
