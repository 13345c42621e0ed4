import { expect, test } from 'vitest';
import type { SyncView } from '@lockstep/contract/sync.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { refusal, serveAuthentik } from './authentik-api.ts';

const request = { name: 'names', expression: '{"displayName": source.displayName[0], "department": null}' };

describeOnServerStore('property mappings in the authentik API', (makeStore) => {
  test('a mapping becomes the map of the providers that use it, and follows its changes', async () => {
    await using api = await serveAuthentik(await makeStore());
    const names = await api.old.mappings.propertymappingsProviderMicrosoftEntraCreate({
      microsoftEntraProviderMappingRequest: request,
    });
    expect(names).toMatchObject({
      name: 'names',
      metaModelName: 'authentik_providers_microsoft_entra.microsoftentraprovidermapping',
    });
    const mail = await api.now.mappings.propertymappingsProviderMicrosoftEntraCreate({
      microsoftEntraProviderMappingRequest: {
        name: 'mail',
        expression: '{"mail": lower(source.mail)}',
        managed: 'm',
      },
    });
    const provider = await api.now.providers.providersMicrosoftEntraCreate({
      microsoftEntraProviderRequest: {
        name: 'P',
        clientId: 'c',
        clientSecret: 's',
        tenantId: 't',
        propertyMappings: [names.pk, mail.pk],
        propertyMappingsGroup: [mail.pk],
      },
    });
    expect(provider.propertyMappings).toEqual([names.pk, mail.pk]);
    const map = async () => (await api.client.json<SyncView>('GET', '/syncs/p')).configuration.map;
    expect(await map()).toEqual({
      user: {
        displayName: { cel: 'source.displayName[0]' },
        department: null,
        mail: { cel: 'lower(source.mail)' },
      },
      group: { mail: { cel: 'lower(source.mail)' } },
    });
    expect(await api.now.mappings.propertymappingsAllUsedByList({ pmUuid: mail.pk })).toEqual([
      {
        app: 'authentik_providers_microsoft_entra',
        modelName: 'microsoftentraprovider',
        pk: String(provider.pk),
        name: 'P',
        action: 'cascade_many',
      },
    ]);
    await api.old.mappings.propertymappingsProviderMicrosoftEntraPartialUpdate({
      pmUuid: names.pk,
      patchedMicrosoftEntraProviderMappingRequest: { expression: '{"title": "x"}' },
    });
    await api.now.mappings.propertymappingsAllDestroy({ pmUuid: mail.pk });
    expect(await map()).toEqual({ user: { title: { cel: '"x"' } } });
    await api.now.providers.providersMicrosoftEntraPartialUpdate({
      id: provider.pk,
      patchedMicrosoftEntraProviderRequest: { propertyMappings: [] },
    });
    expect(await map()).toBeUndefined();
  });

  test('Python is refused, and the answer says what is read instead', async () => {
    await using api = await serveAuthentik(await makeStore());
    for (const expression of [
      'return {"displayName": request.user.name}',
      'request.user.name',
      '{"a": unknown(1)}',
    ]) {
      const refused = await refusal(
        api.old.mappings.propertymappingsProviderMicrosoftEntraCreate({
          microsoftEntraProviderMappingRequest: { name: 'x', expression },
        }),
      );
      expect(refused.status).toBe(400);
      expect(refused.body).toEqual({
        expression: [expect.stringContaining('CEL here, Python is not evaluated')],
      });
    }
    const create = async () =>
      api.now.mappings.propertymappingsProviderScimCreate({ sCIMMappingRequest: request });
    const { pk: pmUuid } = await create();
    expect(await refusal(create())).toEqual({ status: 400, body: { name: ['This field must be unique.'] } });
    // A mapping of another kind of provider is not there.
    expect(
      (await refusal(api.now.mappings.propertymappingsProviderMicrosoftEntraRetrieve({ pmUuid }))).status,
    ).toBe(404);
    expect((await api.now.mappings.propertymappingsAllList({ managedIsnull: true })).results).toHaveLength(1);
    expect((await api.now.mappings.propertymappingsAllList({ managed: ['a', 'b'] })).results).toEqual([]);
    expect(await api.now.mappings.propertymappingsAllTypesList()).toHaveLength(3);
  });

  test('a mapping can be tried with a user', async () => {
    await using api = await serveAuthentik(await makeStore());
    const user = await api.client.json<{ serial: number }>('POST', '/directory/users', {
      name: 'ada',
      attributes: { displayName: ['Ada L.'], mail: ['Ada@Example.com'] },
    });
    const make = async (name: string, expression: string) =>
      api.now.mappings.propertymappingsProviderMicrosoftEntraCreate({
        microsoftEntraProviderMappingRequest: { name, expression },
      });
    const run = async (pmUuid: string, body: { user?: number }) =>
      api.now.mappings.propertymappingsAllTestCreate({ pmUuid, propertyMappingTestRequest: body });
    const { pk } = await make('a', '{"mail": lower(source.mail), "name": first(source.displayName)}');
    expect(await run(pk, { user: user.serial })).toEqual({
      result: '{"mail":["ada@example.com"],"name":["Ada L."]}',
      successful: true,
    });
    expect(await run(pk, {})).toEqual({ result: '{}', successful: true });
    const failing = await make('b', '{"n": string(int(source.displayName[0]))}');
    expect(await run(failing.pk, { user: user.serial })).toMatchObject({ successful: false });
    expect(await refusal(run(pk, { user: 4711 }))).toEqual({
      status: 400,
      body: { user: ['Invalid pk "4711" - object does not exist.'] },
    });
  });
});
