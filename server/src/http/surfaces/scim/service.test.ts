import { expect, test } from 'vitest';
import { openIdleApplication } from '../../../../../test/servers/application.ts';
import {
  patchOf,
  pushUser,
  serveScim,
  urn,
  type ScimClient,
} from '../../../../../test/servers/scim-client.ts';
import { describeOnServerStore } from '../../../../../test/servers/shared-store.ts';
import { createCustomField } from '../../../app/custom-fields.ts';

/** Makes a group with a group that is made beside it. */
const group = (name: string, member: string) => ({
  method: 'POST',
  path: '/Groups',
  bulkId: name,
  data: {
    schemas: [urn.group],
    displayName: name,
    members: [{ type: 'Group', value: `bulkId:${member}` }],
  },
});
describeOnServerStore('SCIM service', (makeStore) => {
  async function start(settings = {}, options?: Parameters<typeof serveScim>[2]): Promise<ScimClient> {
    return serveScim(await openIdleApplication(await makeStore()), settings, options);
  }

  test('describes itself (RFC 7644 section 4)', async () => {
    await using client = await start();
    const config = await client.expect(200, 'GET', '/ServiceProviderConfig');
    expect(config.body).toMatchObject({
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 4 * 1024 * 1024 },
      filter: { supported: true, maxResults: 1000 },
      changePassword: { supported: false },
      sort: { supported: true },
      etag: { supported: true },
      pagination: { cursor: true, index: true },
      authenticationSchemes: [{ type: 'oauthbearertoken' }],
    });
    const types = await client.expect(200, 'GET', '/ResourceTypes');
    expect(types.body.Resources.map(({ id }: { id: string }) => id)).toEqual(['User', 'Group']);
    await client.expect(200, 'GET', '/ResourceTypes/user');
    const schemas = await client.expect(200, 'GET', '/Schemas');
    expect(schemas.body.totalResults).toBe(schemas.body.Resources.length);
    expect((await client.expect(200, 'GET', `/Schemas/${urn.enterprise}`)).body.name).toBe('EnterpriseUser');
    await client.expect(404, 'GET', '/Schemas/urn:none');
    await client.expect(403, 'GET', '/Schemas?filter=id%20pr');
    expect((await client.expect(501, 'GET', '/Me')).body).toMatchObject({
      schemas: [urn.error],
      status: '501',
    });
    await client.expect(501, 'PATCH', '/Me', patchOf());
    await client.expect(501, 'GET', '/Me/emails');
  });

  test('has the custom fields of the tenant as an extension', async () => {
    await using client = await start();
    const { app } = client.api;
    const { tenantId, accountId } = app.credentials;
    const actor = { tenantId, accountId, tenantName: '', accountName: '', role: 'administrator' as const };
    const field = {
      displayName: '',
      description: 'Where they sit',
      items: [],
      defaultValue: null,
      required: false,
      unique: false,
    };
    const shown = { displayType: 'input' as const, userPermission: 'hide' as const };
    await createCustomField(app, actor, { ...field, ...shown, name: 'desk', dataType: 'string' });
    await createCustomField(app, actor, { ...field, ...shown, name: 'floor', dataType: 'number' });
    const custom = 'urn:lockstep:params:scim:schemas:extension:custom:2.0:User';
    const schema = await client.expect(200, 'GET', `/Schemas/${custom}`);
    expect(schema.body.attributes).toMatchObject([
      { name: 'desk', type: 'string', description: 'Where they sit' },
      { name: 'floor', type: 'decimal' },
    ]);
    const id = await pushUser(client, 'ada', { [custom]: { desk: 'A 1', floor: 3 } });
    const found = await client.expect(
      200,
      'GET',
      `/Users?filter=${encodeURIComponent(`${custom}:floor ge 3`)}`,
    );
    expect(found.body.Resources).toMatchObject([
      { id, schemas: [urn.user, custom], [custom]: { desk: 'A 1', floor: 3 } },
    ]);
    await client.expect(400, 'POST', '/Users', {
      schemas: [urn.user],
      userName: 'b',
      [custom]: { floor: [] as never[], desk: {} },
    });
  });

  test('bulk makes what refers to each other, in circles too (RFC 7644 section 3.7)', async () => {
    await using client = await start();

    const { body } = await client.expect(200, 'POST', '/Bulk', {
      schemas: [urn.bulk],
      Operations: [
        group('a', 'b'),
        group('b', 'a'),
        {
          method: 'POST',
          path: '/Users',
          bulkId: 'alice',
          data: {
            schemas: [urn.user],
            userName: 'alice',
            [urn.enterprise]: { manager: { value: 'bulkId:bob' } },
          },
        },
        { method: 'POST', path: '/Users', bulkId: 'bob', data: { schemas: [urn.user], userName: 'bob' } },
        {
          method: 'PATCH',
          path: '/Groups/bulkId:a',
          data: patchOf({ op: 'add', path: 'members', value: [{ value: 'bulkId:bob' }] }),
        },
      ],
    });
    const results = body.Operations as {
      status: string;
      location: string;
      bulkId: string;
      version: string;
    }[];
    expect(results.map(({ status }) => status)).toEqual(['201', '201', '201', '201', '200']);
    const [a, b, alice, bob] = results.map(({ location }) => location.slice(client.baseUrl.length));
    const members = async (path = '') =>
      ((await client.expect(200, 'GET', path)).body.members as { $ref: string }[]).map(({ $ref }) =>
        $ref.slice(client.baseUrl.length),
      );
    expect(await members(b)).toEqual([a]);
    expect(new Set(await members(a))).toEqual(new Set([b, bob]));
    const { body: shown } = await client.expect(200, 'GET', alice ?? '');
    expect(`/Users/${shown[urn.enterprise].manager.value}`).toBe(bob);

    const self = await client.expect(200, 'POST', '/Bulk', {
      schemas: [urn.bulk],
      Operations: [group('self', 'self'), group('fan', 'self')],
    });
    expect(self.body.Operations).toMatchObject([
      { bulkId: 'self', status: '400', response: { scimType: 'invalidValue' } },
      { bulkId: 'fan', status: '201' },
    ]);
    const left = await client.expect(
      200,
      'GET',
      '/Groups?filter=displayName sw "self" or displayName eq "fan"',
    );
    expect(left.body.Resources).toHaveLength(1);
    expect(left.body.Resources[0]).not.toHaveProperty('members');

    const mixed = await client.expect(200, 'POST', '/Bulk', {
      schemas: [urn.bulk],
      failOnErrors: 2,
      Operations: [
        { method: 'PUT', path: alice, version: 'W/"9"', data: { schemas: [urn.user], userName: 'x' } },
        { method: 'DELETE', path: bob, version: 'W/"1"' },
        { method: 'POST', path: '/Nowhere', data: {} },
        { method: 'DELETE', path: alice },
      ],
    });
    expect(mixed.body.Operations).toMatchObject([
      { method: 'PUT', status: '412', response: { schemas: [urn.error], status: '412' } },
      { method: 'DELETE', status: '204' },
      { method: 'POST', status: '404' },
    ]);
    await client.expect(200, 'GET', alice ?? '');
    await client.expect(404, 'GET', bob ?? '');
    const operations = Array.from({ length: 1001 }, () => ({ method: 'DELETE', path: '/Users/x' }));
    await client.expect(413, 'POST', '/Bulk', { schemas: [urn.bulk], Operations: operations });
    await client.expect(400, 'POST', '/Bulk', { schemas: [urn.bulk] });
  });

  test('speaks both media types and no other', async () => {
    await using client = await start({ profile: 'strict' });
    const body = JSON.stringify({ schemas: [urn.user], userName: 'ada' });
    for (const type of ['application/xml', 'text/plain', 'application/x-www-form-urlencoded']) {
      const refused = await client.expect(415, 'POST', '/Users', body, { 'content-type': type });
      expect(refused.body).toMatchObject({ schemas: [urn.error], status: '415' });
    }
    const made = await client.expect(201, 'POST', '/Users', body, {
      'content-type': 'application/json; charset=utf-8',
      accept: 'application/json',
    });
    expect(made.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  test('refuses what it cannot read', async () => {
    await using client = await start({}, { bodyLimit: 20_000 });
    const post = async (status: number, body: unknown) =>
      (await client.expect(status, 'POST', '/Users', body)).body;
    const syntax = { schemas: [urn.error], status: '400', scimType: 'invalidSyntax' };
    expect(await post(400, '{"userName":')).toMatchObject(syntax);
    expect(await post(400, '')).toMatchObject({ status: '400' });
    expect(await post(400, '[]')).toMatchObject(syntax);
    expect(await post(400, 'null')).toMatchObject({ status: '400' });
    expect((await post(400, '{"userName":"a","userName":"b"}')).detail).toContain('"userName" twice');
    expect((await post(400, '{"x":[{"a":1},{"\\u0061":1,"a":2}]}')).detail).toContain('"a" twice');
    expect(
      await post(201, '{"userName":"a","name":{"givenName":"userName"},"title":"{\\"a\\":1,\\"a\\":2}"}'),
    ).toMatchObject({ userName: 'a' });
    expect(await post(400, '{"userName":"a\\u0000"}')).toMatchObject(syntax);
    expect(
      await post(400, Buffer.concat([Buffer.from('{"userName":"'), Buffer.of(0xff), Buffer.from('"}')])),
    ).toMatchObject(syntax);
    expect(await post(400, `${'['.repeat(5000)}${']'.repeat(5000)}`)).toMatchObject(syntax);
    expect(await post(400, '{"__proto__":{"userName":"p"},"constructor":1}')).toMatchObject({
      status: '400',
    });
    expect(await post(413, { userName: 'x'.repeat(30_000) })).toMatchObject({ status: '413' });
    expect(await post(400, { userName: 'x'.repeat(2000) })).toMatchObject({ scimType: 'invalidValue' });
    expect(await post(400, { userName: '' })).toMatchObject({ scimType: 'invalidValue' });
    for (const path of [
      '/Users?filter=userName%20eq%20%22a%00b%22',
      '/Users?filter=userName%20eq%20%22a%5Cu0000b%22',
      '/Users/a%00b',
      `/Users/${'x'.repeat(5000)}`,
      '/Users/%ff',
    ]) {
      const { status, body } = await client.send('GET', path);
      expect([200, 400, 404], path).toContain(status);
      expect(body.schemas).toEqual([status === 200 ? urn.list : urn.error]);
    }
    const deep = `${'('.repeat(3000)}userName pr${')'.repeat(3000)}`;
    expect((await client.expect(400, 'POST', '/Users/.search', { filter: deep })).body.scimType).toBe(
      'invalidFilter',
    );
    const { body } = await client.expect(200, 'POST', '/Bulk', {
      schemas: [urn.bulk],
      Operations: ['/Users/%', '/Users/%00', '/Users', '/Users/a/b'].map((path) => ({
        method: 'DELETE',
        path,
      })),
    });
    expect(body.Operations.map(({ status }: { status: string }) => status)).toEqual([
      '400',
      '404',
      '400',
      '404',
    ]);
    const nul = await fetch(`${client.api.url}/scim/v2/a%00b/Users`, {
      headers: { authorization: 'Bearer x' },
    });
    expect(nul.status).toBe(401);
    await client.expect(404, 'GET', '/Nowhere');
    const wrong = await client.expect(405, 'PATCH', '/Users', patchOf());
    expect(wrong.headers.get('allow')).toBe('GET, POST');
    expect((await client.expect(405, 'DELETE', '/Schemas')).body.status).toBe('405');
  });
});
