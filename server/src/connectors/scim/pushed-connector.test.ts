import { expect, test } from 'vitest';
import { describeOnServerStore } from '../../../../test/servers/shared-store.ts';
import { makeWorkbench } from '../../../../test/workbench.ts';
import type { Connector } from '../../sync/connector.ts';
import { scimServerConnector } from './pushed-connector.ts';

describeOnServerStore('records that are pushed', (makeStore) => {
  test('are synced as they come: a filter of a scope, which nothing would look at, is refused', async () => {
    const pushed = new Map([['scim_server', scimServerConnector as Connector]]);
    const bench = await makeWorkbench(await makeStore(), pushed);
    await bench.connection('hr', { type: 'scim_server' });
    const sync = async (filter: string) =>
      bench.sync('in', {
        connection: 'hr',
        direction: 'ingress',
        scopes: [{ source: '/', target: '/', filter }],
      });
    await sync('');
    await expect(sync('userName sw "a"')).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      field: 'syncs.in.scopes.0.filter',
    });
  });
});
