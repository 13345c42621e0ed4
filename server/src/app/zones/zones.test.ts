import { expect, test } from 'vitest';
import { openIdleApplication } from '../../../../test/servers/application.ts';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { localAdministrator } from '../authentication.ts';
import { applyConfiguration } from '../configuration.ts';
import { listZones } from './zones.ts';

const corp = { name: 'corp', type: 'file', settings: { path: 'a.ldif', type: 'file' }, secrets: {} };
const office = { name: 'office', settings: { type: 'ssid' as const, connections: ['corp'] } };

function configuration(...authZones: (typeof office)[]) {
  return { connections: [corp], syncs: [], precedence: {}, authZones };
}

describeOnSharedStores('authorization zones of a configuration', (makeStore) => {
  test('are made, changed and removed with it, and say so', async () => {
    const app = await openIdleApplication(await makeStore());
    const actor = await localAdministrator(app);
    const apply = async (...zones: (typeof office)[]) =>
      (await applyConfiguration(app, actor, configuration(...zones))).changes.filter(
        ({ resource }) => resource === 'authZone',
      );
    expect(await apply(office)).toMatchObject([{ action: 'create', name: 'office' }]);
    expect(await apply(office)).toEqual([]);
    const [zone] = (await listZones(app, actor, { limit: 10 })).items;
    expect(zone?.configuration).toEqual(office.settings);
    const open = { name: 'office', settings: { ...office.settings, connections: [] } };
    expect(await apply(open)).toMatchObject([{ action: 'update', fields: [{ field: 'connections' }] }]);
    const [changed] = (await listZones(app, actor, { limit: 10 })).items;
    expect(changed).toMatchObject({ id: zone?.id, configuration: { connections: [] } });
    expect(await apply()).toMatchObject([{ action: 'delete', name: 'office' }]);
    expect((await listZones(app, actor, { limit: 10 })).items).toEqual([]);
  });

  test('name connections that there are', async () => {
    const app = await openIdleApplication(await makeStore());
    const actor = await localAdministrator(app);
    const wrong = { name: 'office', settings: { ...office.settings, connections: ['lab'] } };
    await expect(applyConfiguration(app, actor, configuration(wrong))).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      field: 'authZones.office.connections',
    });
    expect((await listZones(app, actor, { limit: 10 })).items).toEqual([]);
  });
});
