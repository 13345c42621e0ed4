import { AsyncLocalStorage } from 'node:async_hooks';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openIdleApplication } from '../../../../test/servers/application.ts';
import { makePush } from '../../../../test/servers/scim-push.ts';
import { urn } from '../../../../test/servers/scim-client.ts';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { parseProjection, type Projection } from '../../scim/projection.ts';
import type { PatchOperation } from '../../scim/patch/request.ts';
import type { Json } from '../../scim/resource.ts';
import { inLine } from './edit-line.ts';
import { lineOf } from './edit-record.ts';
import { modelOf, type Push } from './push.ts';
import {
  createScimResource,
  deleteScimResource,
  getScimResource,
  patchScimResource,
  replaceScimResource,
} from './resources.ts';

const add = (...values: string[]): PatchOperation => ({
  op: 'add',
  path: 'members',
  value: values.map((value) => ({ value })),
});
const remove = (value: string): PatchOperation => ({ op: 'remove', path: `members[value eq "${value}"]` });

/** Begins changes, and on a server lets none be written before all are computed. */
async function atOnce<Result>(
  { push, group }: Scene,
  begin: () => readonly Promise<Result>[],
): Promise<PromiseSettledResult<Result>[]> {
  const { store } = push.app;
  const settled = async () => {
    const all = Promise.allSettled(begin());
    let isComputed = false;
    const behind = inLine(lineOf(push, { type: 'Group', id: group }), async (line) =>
      line.turn(async () => {
        isComputed = true;
        await Promise.resolve();
      }),
    );
    await expect.poll(() => isComputed, { timeout: 10_000 }).toBe(true);
    await behind;
    return { all };
  };
  if (store.engine === 'embedded') return (await settled()).all;
  const outside = AsyncLocalStorage.snapshot();
  const { all } = await store.transaction(async (trx) => {
    await sql`select from replica where connection_serial = ${push.connection.serial} for update`.execute(
      trx,
    );
    return outside(settled);
  });
  return all;
}

const versionOrCode = (each: PromiseSettledResult<string>): string =>
  each.status === 'fulfilled' ? each.value : (each.reason as { code: string }).code;

interface Scene {
  readonly push: Push;
  readonly all: Projection;
  readonly users: readonly string[];
  readonly group: string;
  readonly change: (...operations: PatchOperation[]) => Promise<string>;
  readonly members: () => Promise<string[]>;
}

describeOnSharedStores('changes of a group that come at once', (makeStore) => {
  async function open(): Promise<Scene> {
    const push = await makePush(await openIdleApplication(await makeStore()));
    const all = parseProjection({}, modelOf(push, 'Group'));
    const users: string[] = [];
    for (const userName of ['ada', 'bob', 'eve', 'joe', 'kim']) {
      const made = await createScimResource(push, 'User', { schemas: [urn.user], userName }, all);
      users.push(made.id);
    }
    const { id: group } = await createScimResource(
      push,
      'Group',
      { schemas: [urn.group], displayName: 'team', members: [{ value: users[0] ?? '' }] },
      all,
    );
    const target = { type: 'Group', id: group } as const;
    return {
      push,
      all,
      users,
      group,
      change: async (...operations) =>
        (await patchScimResource(push, target, operations, {}, undefined)).version,
      members: async () => {
        const shown = await getScimResource(push, target, all, {});
        const found = shown === 'not_modified' ? [] : ((shown.resource['members'] ?? []) as Json[]);
        return found.map((member) => users.indexOf((member as { value: string }).value).toString());
      },
    };
  }

  test('build upon each other in their order, each with its version', async () => {
    const scene = await open();
    const { users, change, members } = scene;
    const [, bob = '', eve = '', joe = ''] = users;
    const answers = await atOnce(scene, () => [
      change(add(bob)),
      change(add(eve), { op: 'replace', path: 'displayName', value: 'first' }),
      change(remove(bob)),
      change(add(eve, joe)),
      change(remove(eve)),
      change(add(eve)),
    ]);
    expect(answers.map(versionOrCode)).toEqual(['2', '3', '4', '5', '6', '7']);
    expect(await members()).toEqual(['0', '2', '3']);
  });

  test('are refused each by itself', async () => {
    const scene = await open();
    const { users, change, members } = scene;
    const [ada = '', bob = '', eve = ''] = users;
    const answers = await Promise.allSettled([
      change(add(bob)),
      change(add('nobody')),
      change(add(bob)),
      change({ op: 'remove', path: 'members[value eq "nobody"]' }, add(eve)),
      change(remove(ada)),
      change({ op: 'replace', path: 'members', value: [{ value: eve }, { value: bob }] }),
    ]);
    expect(answers.map(versionOrCode)).toEqual(['2', 'InvalidValue', '2', '3', '4', '4']);
    expect(await members()).toEqual(['1', '2']);
  });

  test('and the removal of a member: nobody is a member who is not there', async () => {
    const { push, all, users, group, change, members } = await open();
    for (const [at, user] of users.entries()) {
      const others = users.slice(at + 1).map((value) => ({ value }));
      const body = { schemas: [urn.group], displayName: 'team', members: others };
      const answers = await Promise.allSettled([
        change(add(...users.slice(at))),
        deleteScimResource(push, { type: 'User', id: user }, {}),
        change(add(user)),
        replaceScimResource(push, { type: 'Group', id: group }, body, {}, all),
        createScimResource(push, 'Group', { ...body, members: [{ value: user }] }, all),
      ]);
      for (const each of answers)
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'InvalidValue' });
      expect(await members()).toEqual(users.map((_, other) => `${other}`).slice(at + 1));
    }
  });
});
