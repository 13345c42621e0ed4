import { expect, test } from 'vitest';
import type { DirectoryObjectDetail } from '@lockstep/contract/directoryObject.ts';
import { openIdleApplication } from '../../../test/servers/application.ts';
import { expectProblem, serveApplication, type ApiClient } from '../../../test/servers/api-client.ts';
import { describeOnSharedStores } from '../../../test/servers/shared-store.ts';

async function refusal(client: ApiClient, status: number, method: string, path: string, body?: unknown) {
  const { code, field } = await expectProblem(await client.send(method, path, body), status);
  return field === undefined ? code : `${code} ${field}`;
}

const bytes = (text: string) => ({ $base64: Buffer.from(text, 'latin1').toString('base64') });

describeOnSharedStores('writes to the directory over the native API', (makeStore) => {
  async function start(): Promise<ApiClient> {
    return serveApplication(await openIdleApplication(await makeStore()));
  }

  test('objects are made, changed and deleted by id, path or user name', async () => {
    await using client = await start();
    const made = await client.send('POST', '/directory/organizationalUnits', { name: 'Sales' });
    expect(made.status).toBe(201);
    const ann = await client.json<DirectoryObjectDetail>('POST', '/directory/users', {
      name: 'ann',
      parent: '/Sales',
      attributes: { mail: ['a@x'], photo: [{ $base64: '/9j/' }] },
    });
    expect(ann).toMatchObject({ path: '/Sales/ann', attributes: { photo: [{ $base64: '/9j/' }] } });
    const moved = await client.json<DirectoryObjectDetail>('PATCH', '/directory/users/ann', {
      parent: '/',
      attributes: { mail: [] },
      revision: ann.revision,
    });
    expect(moved).toMatchObject({ path: '/ann', attributes: { photo: [{ $base64: '/9j/' }] } });
    const stale = `/directory/users/ann?revision=${ann.revision}`;
    expect(await refusal(client, 409, 'DELETE', stale)).toBe('Conflict revision');
    expect((await client.send('DELETE', '/directory/users/%2Fann')).status).toBe(204);
    expect(await refusal(client, 404, 'DELETE', '/directory/users/ann')).toBe('NotFound');
  });

  test('values are kept in the form in which sources bring them, and what is no base64 is refused', async () => {
    await using client = await start();
    const attributes = { title: [bytes('Engineer'), bytes('\xff'), bytes('a\0')], jpegPhoto: ['GIF'] };
    expect(await client.json('POST', '/directory/users', { name: 'ann', attributes })).toMatchObject({
      attributes: { title: ['Engineer', bytes('\xff'), bytes('a\0')], jpegPhoto: [bytes('GIF')] },
    });
    for (const $base64 of ['%%%', 'YQ', 'YR==', '_w=='])
      expect(
        await refusal(client, 400, 'PATCH', '/directory/users/ann', { attributes: { title: [{ $base64 }] } }),
      ).toBe('InvalidRequest attributes.title');
  });

  test('units are emptied only when asked for', async () => {
    await using client = await start();
    await client.json('POST', '/directory/organizationalUnits', { name: 'Sales' });
    await client.json('POST', '/directory/users', { name: 'ann', parent: '/Sales' });
    const sales = '/directory/organizationalUnits/Sales';
    expect(await refusal(client, 409, 'DELETE', sales)).toBe('Conflict');
    expect(await refusal(client, 400, 'PATCH', sales, { parent: '/Sales' })).toBe('ParentCycle parentId');
    await client.json('DELETE', `${sales}?contents=delete`);
    expect(await client.json('GET', '/directory/users')).toMatchObject({ items: [] });
  });

  test('members are put into groups and taken out', async () => {
    await using client = await start();
    await client.json('POST', '/directory/users', { name: 'ann' });
    for (const name of ['staff', 'all']) await client.json('POST', '/directory/groups', { name });
    await client.json('PUT', '/directory/groups/staff/members/ann');
    await client.json('PUT', '/directory/groups/all/members/staff?memberKind=group');
    expect(await client.json('GET', '/directory/groups/staff/members')).toMatchObject({
      items: [{ name: 'ann', kind: 'user' }],
    });
    const around = '/directory/groups/staff/members/all?memberKind=group';
    expect(await refusal(client, 400, 'PUT', around)).toBe('ParentCycle member');
    await client.json('DELETE', '/directory/groups/staff/members/ann');
    expect(await refusal(client, 404, 'DELETE', '/directory/groups/staff/members/ann')).toBe('NotFound');
    expect(await refusal(client, 400, 'PUT', '/directory/users/ann/members/ann')).toBe('InvalidRequest kind');
  });

  test('bad requests name what is wrong', async () => {
    await using client = await start();
    await client.json('POST', '/directory/users', { name: 'ann' });
    expect(await refusal(client, 409, 'POST', '/directory/users', { name: 'Ann' })).toBe(
      'UsernameTaken username',
    );
    const nowhere = { name: 'bob', parent: '/nowhere' };
    expect(await refusal(client, 404, 'POST', '/directory/users', nowhere)).toBe('NotFound path');
    const unknown = { name: 'bob', parent: 'ou_x' };
    expect(await refusal(client, 404, 'POST', '/directory/users', unknown)).toBe('ParentNotFound parentId');
    const enabled = { name: 'g', enabled: false };
    expect(await refusal(client, 400, 'POST', '/directory/groups', enabled)).toBe('InvalidRequest enabled');
    const odd = { name: 'bob', attributes: { $parent: ['x'] } };
    expect(await refusal(client, 400, 'POST', '/directory/users', odd)).toBe(
      'InvalidRequest attributes.$parent',
    );
    expect(await refusal(client, 400, 'PATCH', '/directory/users/ann', { odd: 1 })).toBe(
      'InvalidRequest body.odd',
    );
  });
});
