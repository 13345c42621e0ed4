import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openIdleApplication } from '../../servers/application.ts';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { openEiamClient, type CheckedAnswer, type EiamClient } from './eiam-client.ts';

const nowhere = 'ou_aaaaaaaaaaaaaaaaaaaaaaaaaa';
const standard = {
  ApplicationName: 'Shop',
  ApplicationSourceType: 'urn:alibaba:idaas:app:source:standard',
  SsoType: 'oidc',
};
const scim = {
  ProvisionProtocolType: 'scim2',
  ScimProvisioningConfig: {
    ScimBaseUrl: 'https://shop.example.com/scim',
    ProvisioningActions: ['urn:alibaba:idaas:app:scim:User:CREATE', 'urn:alibaba:idaas:app:scim:User:UPDATE'],
    FullPushScopes: ['urn:alibaba:idaas:app:scim:User:PUSH'],
    AuthnConfiguration: {
      AuthnMode: 'oauth2',
      GrantType: 'bearer_token',
      AuthnParam: { AccessToken: 'top-secret' },
    },
  },
};

async function newUnit(
  client: EiamClient,
  ParentId: string,
  OrganizationalUnitName: string,
): Promise<string> {
  return (await client.call('CreateOrganizationalUnit', { ParentId, OrganizationalUnitName }))
    .OrganizationalUnitId;
}

async function newApplication(client: EiamClient, more = {}): Promise<string> {
  return (await client.call('CreateApplication', { ...standard, ...more })).ApplicationId;
}

describeOnServerStore('EIAM applications', (makeStore) => {
  async function open(): Promise<EiamClient & { readonly root: string }> {
    const client = await openEiamClient(await openIdleApplication(await makeStore()));
    const { OrganizationalUnit } = await client.call('GetRootOrganizationalUnit');
    return { ...client, root: OrganizationalUnit.OrganizationalUnitId };
  }

  test('applications are made, listed, switched and deleted', async () => {
    await using client = await open();
    const ApplicationId = await newApplication(client, { Description: 'sells', LogoUrl: 'https://x/l.png' });
    expect(ApplicationId).toMatch(/^app_[a-z2-7]{26}$/);
    await newApplication(client, {
      ApplicationName: 'Office',
      SsoType: 'saml2',
      ApplicationIdentityType: 'agent',
    });
    expect((await client.call('GetApplication', { ApplicationId })).Application).toMatchObject({
      ...standard,
      Description: 'sells',
      Status: 'enabled',
      ApplicationIdentityType: 'application',
    });
    const names = async (filter: object): Promise<string[]> =>
      (await client.call('ListApplications', filter as never)).Applications.map(
        (one: { ApplicationName: string }) => one.ApplicationName,
      );
    expect(await names({})).toEqual(['Shop']);
    expect(await names({ ApplicationIdentityType: 'all', PageSize: 1 })).toEqual(['Shop']);
    expect(await names({ ApplicationIdentityType: 'all', SsoType: 'saml2,oauth2/m2m' })).toEqual(['Office']);
    expect(await names({ ApplicationName: 'sh' })).toEqual(['Shop']);
    expect(await names({ ApplicationIds: ['app_x'] })).toEqual([]);
    expect(await names({ ServiceManaged: true })).toEqual([]);
    await client.call('DisableApplication', { ApplicationId });
    expect(await names({ Status: 'enabled' })).toEqual([]);
    await client.call('EnableApplication', { ApplicationId });
    await client.call('DeleteApplication', { ApplicationId });
    for (const action of ['GetApplication', 'DeleteApplication', 'GetApplicationProvisioningConfig']) {
      expect(await client.refusal(action, { ApplicationId })).toBe('404 ResourceNotFound.Application');
    }
    expect(await client.refusal('CreateApplication', { ...standard, SsoType: 'x' })).toBe(
      '400 InvalidParameter.SsoType',
    );
  });

  test('what is said of provisioning becomes a connection with an egress sync, and secrets are never shown', async () => {
    await using client = await open();
    const top = await newUnit(client, client.root, 'top');
    const low = await newUnit(client, top, 'low');
    const ApplicationId = await newApplication(client);
    expect(await client.refusal('EnableApplicationProvisioning', { ApplicationId })).toBe(
      '409 OperationDenied.ProvisioningConfigMissing',
    );
    const run = { TargetType: 'application', TargetId: ApplicationId };
    expect(await client.refusal('RunSynchronizationJob', run)).toBe(
      '409 OperationDenied.ProvisioningConfigMissing',
    );
    await client.call('SetApplicationProvisioningConfig', { ApplicationId, ...scim });
    const connection = await client.api.json('GET', `/connections/${ApplicationId}`);
    expect(connection).toMatchObject({ name: 'shop', type: 'scim', secrets: ['token'] });
    expect(await client.api.json('GET', '/syncs')).toMatchObject({ items: [] });

    await client.call('SetApplicationProvisioningScope', {
      ApplicationId,
      OrganizationalUnitIds: [top, low],
    });
    const sync = async (): Promise<CheckedAnswer> =>
      (await client.api.json<{ items: unknown[] }>('GET', '/syncs')).items[0];
    expect(await sync()).toMatchObject({
      direction: 'egress',
      enabled: false,
      configuration: {
        scopes: [{ source: '/top', target: '' }],
        kinds: ['user'],
        actions: { user: ['create', 'update', 'move', 'disable', 'enable'] },
        onMissing: 'delete',
        continuous: true,
      },
    });
    await client.call('EnableApplicationProvisioning', { ApplicationId });
    expect((await sync()).enabled).toBe(true);
    const { ApplicationProvisioningConfig: shown } = await client.call('GetApplicationProvisioningConfig', {
      ApplicationId,
    });
    expect(shown).toMatchObject({
      Status: 'enabled',
      ProvisionProtocolType: 'scim2',
      ScimProvisioningConfig: { ScimBaseUrl: 'https://shop.example.com/scim' },
    });
    expect(JSON.stringify(shown)).not.toContain('top-secret');
    const { rows } =
      await sql`select 1 from application where provisioning::text like '%top-secret%'`.execute(
        client.app.store.db,
      );
    expect(rows).toEqual([]);
    const asked = { TargetType: 'application', TargetId: ApplicationId };
    const { SynchronizationJobId } = await client.call('RunSynchronizationJob', asked);
    const { SynchronizationJob } = await client.call('GetSynchronizationJob', { SynchronizationJobId });
    expect(SynchronizationJob).toMatchObject(asked);
    expect(await client.refusal('DeleteApplication', { ApplicationId })).toBe('409 OperationDenied.Conflict');
    await client.api.send('POST', `/jobs/${SynchronizationJobId}/cancel`);

    await client.call('DisableApplication', { ApplicationId });
    expect((await sync()).enabled).toBe(false);
    await client.call('EnableApplication', { ApplicationId });
    await client.call('DisableApplicationProvisioning', { ApplicationId });
    expect((await sync()).enabled).toBe(false);
    await client.call('DeleteApplication', { ApplicationId });
    expect(await client.api.json('GET', '/connections')).toMatchObject({ items: [] });
    // Its jobs stay what they were.
    const job = await client.call('GetSynchronizationJob', { SynchronizationJobId });
    expect(job.SynchronizationJob).toMatchObject(asked);
    const listed = await client.call('ListSynchronizationJobs', { TargetType: 'application' });
    expect(listed.SynchronizationJobs).toMatchObject([asked]);
    const others = await client.call('ListSynchronizationJobs', { TargetType: 'identity_provider' });
    expect(others.TotalCount).toBe(0);
  });

  test('event callbacks are configured, and the scope says which units are in it', async () => {
    await using client = await open();
    const sales = await newUnit(client, client.root, 'Sales');
    const inside = await newUnit(client, sales, 'inside');
    const ApplicationId = await newApplication(client);
    const EncryptKey = 'ab'.repeat(32);
    const CallbackProvisioningConfig = {
      CallbackUrl: 'https://shop.example.com/events',
      EncryptRequired: true,
      ListenEventScopes: ['urn:alibaba:idaas:app:event:ud:user:create'],
    };
    await client.call('SetApplicationProvisioningConfig', {
      ApplicationId,
      ProvisionProtocolType: 'idaas_callback',
      CallbackProvisioningConfig: { ...CallbackProvisioningConfig, EncryptKey },
    });
    const { ApplicationProvisioningConfig: shown } = await client.call('GetApplicationProvisioningConfig', {
      ApplicationId,
    });
    expect(shown.CallbackProvisioningConfig).toEqual(CallbackProvisioningConfig);
    await client.call('SetApplicationProvisioningScope', { ApplicationId, OrganizationalUnitIds: [sales] });
    const scope = await client.call('GetApplicationProvisioningScope', { ApplicationId });
    expect(scope.ApplicationProvisioningScope).toEqual({ OrganizationalUnitIds: [sales], GroupIds: [] });
    const allowed = async (UserPrimaryOrganizationalUnitId: string): Promise<boolean> =>
      (
        await client.call('CheckApplicationProvisioningUserPrimaryOrganizationalUnit', {
          ApplicationId,
          UserPrimaryOrganizationalUnitId,
        })
      ).CheckApplicationProvisioningUserPrimaryOuResult.AllowAuthorization;
    expect([await allowed(sales), await allowed(inside), await allowed(client.root)]).toEqual([
      true,
      true,
      false,
    ]);
    const primary = { ApplicationId, UserPrimaryOrganizationalUnitId: inside };
    await client.call('SetApplicationProvisioningUserPrimaryOrganizationalUnit', primary);
    expect(
      await client.call('GetApplicationProvisioningUserPrimaryOrganizationalUnit', { ApplicationId }),
    ).toMatchObject({ UserPrimaryOrganizationalUnitId: inside });
    const protocols = await client.call('ListApplicationSupportedProvisionProtocolTypes', { ApplicationId });
    expect(protocols.ApplicationSupportedProvisionProtocolType.ProvisionProtocolType).toHaveLength(2);

    for (const [action, parameters, code] of [
      [
        'SetApplicationProvisioningScope',
        { OrganizationalUnitIds: [nowhere] },
        '404 ResourceNotFound.OrganizationalUnit',
      ],
      ['SetApplicationProvisioningScope', {}, '400 MissingParameter.OrganizationalUnitIds'],
      [
        'SetApplicationProvisioningScope',
        { OrganizationalUnitIds: [sales], GroupIds: ['g'] },
        '400 InvalidParameter.GroupIds',
      ],
      [
        'SetApplicationProvisioningConfig',
        { ProvisionProtocolType: 'scim2' },
        '400 MissingParameter.ScimProvisioningConfig',
      ],
      [
        'SetApplicationProvisioningConfig',
        { ProvisionProtocolType: 'x' },
        '400 InvalidParameter.ProvisionProtocolType',
      ],
      ['SetApplicationProvisioningConfig', scim, '409 OperationDenied.Conflict'],
    ] as const) {
      expect(await client.refusal(action, { ApplicationId, ...parameters }), action).toBe(code);
    }
  });

  test('a connection that was made elsewhere is an application too', async () => {
    await using client = await open();
    const made = await client.api.json<{ id: string }>('PUT', '/connections/crm', {
      type: 'scim',
      url: 'https://crm.example.com',
      token: 't',
    });
    expect(await client.call('ListApplications')).toMatchObject({
      TotalCount: 1,
      Applications: [{ ApplicationId: made.id, ApplicationName: 'crm' }],
    });
    await client.call('DisableApplication', { ApplicationId: made.id });
    expect((await client.call('GetApplication', { ApplicationId: made.id })).Application.Status).toBe(
      'disabled',
    );
    expect((await client.call('ListApplications')).TotalCount).toBe(1);
    await client.call('DeleteApplication', { ApplicationId: made.id });
    expect(await client.api.json('GET', '/connections')).toMatchObject({ items: [] });
  });
});
