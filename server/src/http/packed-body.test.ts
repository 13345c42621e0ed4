import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { serveApplication } from '../../../test/servers/api-client.ts';
import { openIdleApplication } from '../../../test/servers/application.ts';
import { describeOnServerStore } from '../../../test/servers/shared-store.ts';

const form = 'application/x-www-form-urlencoded';

describeOnServerStore('bodies in a content coding', (makeStore) => {
  test('are refused by its name in every dialect, and as they are they are read', async () => {
    await using client = await serveApplication(await openIdleApplication(await makeStore()));
    await client.json('PUT', '/connections/hr', { type: 'scim_server' });
    const { token } = await client.json<{ token: string }>('POST', '/connections/hr/tokens', {});
    const administrator = client.app.credentials.apiToken;
    for (const [path, credential, type, status] of [
      ['/lockstep/v1/directory/users', administrator, 'application/json', 415],
      ['/scim/v2/hr/Users', token, 'application/scim+json', 415],
      ['/api/v3/providers/scim/', administrator, 'application/json', 415],
      ['/api/v1/organizations/1/actionBatches', administrator, 'application/json', 400],
      ['/', administrator, form, 415],
      ['/oauth/token', administrator, form, 400],
    ] as const) {
      const send = async (coding: string, body: Buffer) =>
        fetch(`${client.url}${path}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${credential}`,
            'content-type': type,
            'content-encoding': coding,
          },
          body: new Uint8Array(body),
        });
      const body = Buffer.from(JSON.stringify({ name: 'amy', userName: 'amy' }));
      const packed = await send('gzip', gzipSync(body));
      expect([packed.status, packed.headers.get('accept-encoding')], path).toEqual([status, 'identity']);
      expect(await packed.text(), path).toContain('gzip');
      expect(await (await send('Identity', body)).text(), path).not.toContain('coding');
    }
  });
});
