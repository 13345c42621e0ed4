import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { startJackson, type JacksonServer } from '../scim/jackson/server.ts';
import type { Parameter } from './eiam-client.ts';
import { openScene, type Scene } from './provisioning-scene.ts';

const scimAction = (name: string): string => `urn:alibaba:idaas:app:scim:User:${name}`;

const scim = ({ url, token }: JacksonServer, more: Record<string, Parameter> = {}) => ({
  ProvisionProtocolType: 'scim2',
  ScimProvisioningConfig: {
    ScimBaseUrl: url,
    AuthnConfiguration: {
      AuthnMode: 'oauth2',
      GrantType: 'bearer_token',
      AuthnParam: { AccessToken: token },
    },
    ...more,
  },
});

const byOauth = (param: Record<string, Parameter>) => ({
  ProvisionProtocolType: 'scim2',
  ScimProvisioningConfig: {
    ScimBaseUrl: 'https://shop.example.com/scim',
    AuthnConfiguration: { AuthnMode: 'oauth2', GrantType: 'client_credentials', AuthnParam: param },
  },
});

describeOnServerStore('EIAM applications with SCIM', (makeStore) => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await openScene(await makeStore());
  });
  afterEach(async () => {
    await scene[Symbol.asyncDispose]();
  });

  test('accounts are provisioned by SCIM, and the jobs are listed with their statistics', async () => {
    await using jackson = await startJackson();
    const north = await scene.call('CreateOrganizationalUnit', {
      ParentId: scene.root,
      OrganizationalUnitName: 'North',
    });
    const ada = await scene.newUser('ada');
    await scene.newUser('bob', { PrimaryOrganizationalUnitId: north.OrganizationalUnitId });
    await scene.newUser('outside', { PrimaryOrganizationalUnitId: scene.root });
    const id = await scene.newApplication(scim(jackson), [scene.sales, north.OrganizationalUnitId]);
    const job = await scene.synchronize(id);
    expect(job).toMatchObject({
      Status: 'success',
      TargetType: 'application',
      Direction: 'egress',
      Result: {
        UserStatistics: { Created: { Total: 2, Success: 2 }, Pushed: { Success: 2 } },
        GroupStatistics: { Created: { Total: 0 } },
      },
    });
    const again = await scene.synchronize(id);
    expect(again.Result.UserStatistics).toMatchObject({ Same: { Success: 2 }, Pushed: { Total: 0 } });
    await scene.call('DeleteUser', { UserId: ada });
    const last = await scene.synchronize(id);
    expect(last.Result.UserStatistics.Deleted).toMatchObject({ Total: 1, Success: 1 });
  });

  test('only the actions that are asked for are done', async () => {
    await using jackson = await startJackson();
    const ada = await scene.newUser('ada');
    const bob = await scene.newUser('bob');
    const id = await scene.newApplication(scim(jackson, { ProvisioningActions: [scimAction('CREATE')] }));
    expect((await scene.synchronize(id)).Result.UserStatistics.Created.Success).toBe(2);
    await scene.call('UpdateUser', { UserId: ada, DisplayName: 'Countess' });
    await scene.call('DeleteUser', { UserId: bob });
    await scene.newUser('carol');
    const more = await scene.synchronize(id);
    expect(more).toMatchObject({
      Status: 'success',
      Result: { UserStatistics: { Created: { Success: 1 }, Updated: { Total: 0 }, Deleted: { Total: 0 } } },
    });
    await scene.call('SetApplicationProvisioningConfig', {
      ApplicationId: id,
      ...scim(jackson, { ProvisioningActions: [scimAction('UPDATE')] }),
    });
    await scene.newUser('dora');
    const updates = await scene.synchronize(id);
    expect(updates.Result.UserStatistics).toMatchObject({ Created: { Total: 0 }, Updated: { Success: 1 } });
  });

  test('tokens may be asked of an authorization server, and secrets that are left out stay', async () => {
    const AuthnParam = {
      TokenEndpoint: 'https://login.example.com/token',
      ClientId: 'lockstep',
      ClientSecret: 'top-secret',
      AuthnMethod: 'client_secret_basic',
    };
    const ApplicationId = await scene.newApplication(byOauth(AuthnParam));
    const connection = (): Promise<object> => scene.api.json('GET', `/connections/${ApplicationId}`);
    const oauth = { tokenUrl: 'https://login.example.com/token', clientId: 'lockstep', method: 'basic' };
    expect(await connection()).toMatchObject({ secrets: ['oauth.clientSecret'], configuration: { oauth } });
    const { ClientSecret: _, ...rest } = AuthnParam;
    await scene.call('SetApplicationProvisioningConfig', { ApplicationId, ...byOauth(rest) });
    expect(await connection()).toMatchObject({ secrets: ['oauth.clientSecret'] });
    const { TokenEndpoint: __, ...incomplete } = AuthnParam;
    const at = 'ScimProvisioningConfig.AuthnConfiguration.AuthnParam.TokenEndpoint';
    expect(
      await scene.refusal('SetApplicationProvisioningConfig', { ApplicationId, ...byOauth(incomplete) }),
    ).toBe(`400 MissingParameter.${at}`);
  });
});
