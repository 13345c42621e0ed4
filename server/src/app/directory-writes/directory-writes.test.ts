import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openIdleApplication, type IdleApplication } from '../../../../test/servers/application.ts';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Actor } from '../actor.ts';
import { getDirectoryObject, listMembers } from '../directory.ts';
import { writeDirectory } from './directory-write.ts';
import { createGroup, deleteGroup, updateGroup } from './groups.ts';
import { addMembers, removeMembers } from './memberships.ts';
import {
  createOrganizationalUnit,
  deleteOrganizationalUnit,
  deleteUnitChildren,
  updateOrganizationalUnit,
} from './organizational-units.ts';
import { addUser, changeFurtherUnits, createUser, deleteUser, deleteUsers, updateUser } from './users.ts';

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LockstepError) return error.code;
  throw new Error(`expected a LockstepError and not ${String(error)}`);
}

interface World {
  readonly app: IdleApplication;
  readonly actor: Actor;
  log(): Promise<string[]>;
  matchKeys(id: string): Promise<string[]>;
}

async function insertLinks(app: IdleApplication, tenantId: string, objectId: string): Promise<void> {
  await sql`
    insert into connection (id, tenant_id, name, type, settings) values ('idp_a', ${tenantId}, 'a', 'file', '{}')`.execute(
    app.store.db,
  );
  for (const [place, direction] of ['ingress', 'egress'].entries()) {
    await sql`
      insert into sync (id, tenant_id, connection_id, name, direction, position, settings)
      values (${`syn_${direction}`}, ${tenantId}, 'idp_a', ${direction}, ${direction}, ${place}, '{}')`.execute(
      app.store.db,
    );
    await sql`
      insert into link (sync_serial, kind, external_id, object_id)
      select serial, 'user', 'x', ${objectId} from sync where name = ${direction}`.execute(app.store.db);
  }
}

describeOnSharedStores('direct writes to the directory', (makeStore) => {
  async function open(): Promise<World> {
    const app = await openIdleApplication(await makeStore());
    const { tenantId, accountId } = app.credentials;
    await sql`insert into match_attribute values (${tenantId}, 'user', 'mail')`.execute(app.store.db);
    return {
      app,
      actor: { tenantId, accountId, tenantName: 'default', accountName: 'a', role: 'operator' },
      log: async () => {
        const { rows } = await sql<{ line: string }>`
          select concat_ws(' ', kind, verb, object_id, member_id) as line from directory_log order by seq`.execute(
          app.store.db,
        );
        return rows.map(({ line }) => line);
      },
      matchKeys: async (id) => {
        const { rows } = await sql<{ value: string }>`
          select attribute || '=' || value as value from match_key where object_id = ${id} order by 1`.execute(
          app.store.db,
        );
        return rows.map(({ value }) => value);
      },
    };
  }

  test('a user is made, changed, moved, disabled and deleted, and the log and the match keys follow', async () => {
    const { app, actor, log, matchKeys } = await open();
    const sales = await createOrganizationalUnit(app, actor, { name: 'Sales' });
    const ann = await createUser(app, actor, {
      username: 'Ann',
      attributes: { mail: [' Ann@Example.com'], displayName: ['Ann'], empty: [] },
    });
    expect(ann).toMatchObject({ name: 'Ann', path: '/Ann', parentId: null, enabled: true });
    expect(ann.attributes).toEqual({
      username: ['Ann'],
      mail: [' Ann@Example.com'],
      displayName: ['Ann'],
    });
    expect(await matchKeys(ann.id)).toEqual(['mail=ann@example.com']);

    const changed = await updateUser(app, actor, ann.id, {
      username: 'anna',
      parentId: sales.id,
      enabled: false,
      attributes: { mail: [], title: ['Head'] },
    });
    expect(changed).toMatchObject({ path: '/Sales/anna', enabled: false });
    expect(changed.attributes).toEqual({ username: ['anna'], displayName: ['Ann'], title: ['Head'] });
    expect(changed.revision).toBeGreaterThan(ann.revision);
    expect(await matchKeys(ann.id)).toEqual([]);

    await deleteUser(app, actor, ann.id);
    expect(await codeOf(getDirectoryObject(app, actor, 'user', ann.id))).toBe('NotFound');
    expect(await log()).toEqual([
      `organizationalUnit create ${sales.id}`,
      `user create ${ann.id}`,
      `user move ${ann.id}`,
      `user disable ${ann.id}`,
      `user delete ${ann.id}`,
    ]);
  });

  test('what is as wanted already is not written', async () => {
    const { app, actor, log } = await open();
    const ann = await createUser(app, actor, { username: 'ann', attributes: { mail: ['a@x'] } });
    const again = await updateUser(app, actor, ann.id, {
      username: 'ann',
      enabled: true,
      attributes: { mail: ['a@x'], title: [] },
      organizationalUnits: [],
    });
    expect(again.revision).toBe(ann.revision);
    expect(await log()).toHaveLength(1);
  });

  test('only the expected revision is changed or deleted', async () => {
    const { app, actor } = await open();
    const ann = await createUser(app, actor, { username: 'ann' });
    const next = await updateUser(app, actor, ann.id, { enabled: false }, { revision: ann.revision });
    const stale = { revision: ann.revision };
    expect(await codeOf(updateUser(app, actor, ann.id, { enabled: true }, stale))).toBe('Conflict');
    expect(await codeOf(deleteUser(app, actor, ann.id, stale))).toBe('Conflict');
    await deleteUser(app, actor, ann.id, { revision: next.revision });
  });

  test('names are unique: user names in the tenant, others in their place', async () => {
    const { app, actor } = await open();
    const unit = await createOrganizationalUnit(app, actor, { name: 'A' });
    await createUser(app, actor, { username: 'ann' });
    expect(await codeOf(createUser(app, actor, { username: ' ANN ', parentId: unit.id }))).toBe(
      'UsernameTaken',
    );
    const bob = await createUser(app, actor, { username: 'bob' });
    expect(await codeOf(updateUser(app, actor, bob.id, { username: 'Ann' }))).toBe('UsernameTaken');
    // A user's own name in another spelling is free.
    expect((await updateUser(app, actor, bob.id, { username: 'BOB' })).name).toBe('BOB');
    expect(await codeOf(createOrganizationalUnit(app, actor, { name: 'a' }))).toBe('NameTaken');
    await createGroup(app, actor, { name: 'G' });
    const inside = await createGroup(app, actor, { name: 'g', parentId: unit.id });
    expect(await codeOf(updateGroup(app, actor, inside.id, { parentId: null }))).toBe('NameTaken');
  });

  test('of two that take a name at once one is refused', async () => {
    const { app, actor } = await open();
    const results = await Promise.allSettled(
      ['ann', 'ANN'].map(async (username) => createUser(app, actor, { username })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const failed = results.find((result) => result.status === 'rejected');
    expect(failed?.reason).toMatchObject({ code: 'UsernameTaken' });
  });

  test('what cannot be is refused, and nothing of it stays', async () => {
    const { app, actor, log } = await open();
    expect(await codeOf(createUser(app, actor, { username: ' ' }))).toBe('InvalidRequest');
    expect(await codeOf(createUser(app, actor, { username: 'a\0' }))).toBe('InvalidRequest');
    for (const attributes of [{ $parent: ['x'] }, { username: ['x'] }, { mail: ['a\0'] }, { '': ['x'] }]) {
      expect(await codeOf(createUser(app, actor, { username: 'ann', attributes }))).toBe('InvalidRequest');
    }
    const nowhere = 'ou_aaaaaaaaaaaaaaaaaaaaaaaaaa';
    expect(await codeOf(createUser(app, actor, { username: 'ann', parentId: nowhere }))).toBe(
      'ParentNotFound',
    );
    expect(await codeOf(createUser(app, actor, { username: 'ann', organizationalUnits: [nowhere] }))).toBe(
      'NotFound',
    );
    expect(await codeOf(deleteUsers(app, actor, ['user_x']))).toBe('NotFound');
    const reader: Actor = { ...actor, role: 'reader' };
    expect(await codeOf(createUser(app, reader, { username: 'ann' }))).toBe('Forbidden');
    const twice = writeDirectory(app, actor, async (write) => {
      await addUser(write, { username: 'ann' });
      await addUser(write, { username: 'ann' });
    });
    expect(await codeOf(twice)).toBe('UsernameTaken');
    expect(await log()).toEqual([]);
  });

  test('another tenant has nothing of this one', async () => {
    const { app, actor } = await open();
    const ann = await createUser(app, actor, { username: 'ann' });
    const unit = await createOrganizationalUnit(app, actor, { name: 'A' });
    const group = await createGroup(app, actor, { name: 'G' });
    await sql`insert into tenant (id, name) values ('idaas_other', 'other')`.execute(app.store.db);
    const other: Actor = { ...actor, tenantId: 'idaas_other' };
    expect(await codeOf(updateUser(app, other, ann.id, { enabled: false }))).toBe('NotFound');
    expect(await codeOf(deleteUser(app, other, ann.id))).toBe('NotFound');
    expect(await codeOf(deleteOrganizationalUnit(app, other, unit.id))).toBe('NotFound');
    expect(await codeOf(deleteUnitChildren(app, other, unit.id))).toBe('NotFound');
    expect(await codeOf(addMembers(app, other, group.id, { kind: 'user', ids: [ann.id] }))).toBe('NotFound');
    expect(await codeOf(createUser(app, other, { username: 'x', parentId: unit.id }))).toBe('ParentNotFound');
    await createUser(app, other, { username: 'ann' });
  });

  test('further organizational units are put beside the primary one', async () => {
    const { app, actor, log } = await open();
    const [a, b, c] = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => (await createOrganizationalUnit(app, actor, { name })).id),
    );
    const units = async (): Promise<string[]> =>
      (await getDirectoryObject(app, actor, 'user', 'ann')).organizationalUnits;
    const ann = await createUser(app, actor, {
      username: 'ann',
      parentId: a,
      organizationalUnits: [a ?? '', b ?? ''],
    });
    expect(await units()).toEqual([b]);
    await changeFurtherUnits(app, actor, ann.id, { add: [c ?? ''], remove: [b ?? ''] });
    expect(await units()).toEqual([c]);
    expect((await log()).at(-1)).toBe(`user update ${ann.id}`);
    await updateUser(app, actor, ann.id, { parentId: c ?? null });
    expect(await units()).toEqual([]);
  });

  test('units keep their tree: no cycle, none deleted that holds anything, all below at once', async () => {
    const { app, actor, log } = await open();
    const top = await createOrganizationalUnit(app, actor, { name: 'top' });
    const middle = await createOrganizationalUnit(app, actor, { name: 'middle', parentId: top.id });
    const low = await createOrganizationalUnit(app, actor, { name: 'low', parentId: middle.id });
    const ann = await createUser(app, actor, { username: 'ann', parentId: low.id });
    const group = await createGroup(app, actor, { name: 'g', parentId: top.id });
    await createUser(app, actor, { username: 'elsewhere', organizationalUnits: [low.id] });
    for (const parentId of [top.id, low.id]) {
      expect(await codeOf(updateOrganizationalUnit(app, actor, top.id, { parentId }))).toBe('ParentCycle');
    }
    expect(await codeOf(deleteOrganizationalUnit(app, actor, low.id))).toBe('Conflict');
    const before = (await log()).length;
    await deleteUnitChildren(app, actor, top.id);
    expect((await log()).slice(before)).toEqual([
      `user delete ${ann.id}`,
      `group delete ${group.id}`,
      `organizationalUnit delete ${low.id}`,
      `organizationalUnit delete ${middle.id}`,
    ]);
    expect((await getDirectoryObject(app, actor, 'user', 'elsewhere')).organizationalUnits).toEqual([]);
    await deleteOrganizationalUnit(app, actor, top.id);
  });

  test('two moves that together would be a cycle are not both done', async () => {
    const { app, actor } = await open();
    const a = await createOrganizationalUnit(app, actor, { name: 'a' });
    const b = await createOrganizationalUnit(app, actor, { name: 'b' });
    const moves = await Promise.allSettled([
      updateOrganizationalUnit(app, actor, a.id, { parentId: b.id }),
      updateOrganizationalUnit(app, actor, b.id, { parentId: a.id }),
    ]);
    expect(moves.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('members come and go with a new revision of their group, and with what is deleted', async () => {
    const { app, actor, log } = await open();
    const group = await createGroup(app, actor, { name: 'g' });
    const outer = await createGroup(app, actor, { name: 'outer' });
    const ann = await createUser(app, actor, { username: 'ann' });
    const add = { kind: 'user', ids: [ann.id] } as const;
    expect(await addMembers(app, actor, group.id, add)).toEqual([ann.id]);
    const joined = await getDirectoryObject(app, actor, 'group', group.id);
    expect(joined.revision).toBeGreaterThan(group.revision);
    expect(await addMembers(app, actor, group.id, add)).toEqual([]);
    expect((await getDirectoryObject(app, actor, 'group', group.id)).revision).toBe(joined.revision);

    await addMembers(app, actor, outer.id, { kind: 'group', ids: [group.id] });
    const around = addMembers(app, actor, group.id, { kind: 'group', ids: [outer.id] });
    expect(await codeOf(around)).toBe('ParentCycle');
    const unknown = addMembers(app, actor, group.id, { kind: 'user', ids: [ann.id, 'user_x'] });
    expect(await codeOf(unknown)).toBe('NotFound');

    expect(await removeMembers(app, actor, group.id, [ann.id, 'user_x'])).toEqual([ann.id]);
    await addMembers(app, actor, group.id, add);
    await deleteUser(app, actor, ann.id);
    expect((await log()).slice(-2)).toEqual([
      `membership removeMember ${group.id} ${ann.id}`,
      `user delete ${ann.id}`,
    ]);
    await deleteGroup(app, actor, group.id);
    expect((await listMembers(app, actor, 'group', outer.id, { limit: 10 })).items).toEqual([]);
  });

  test('links of ingress syncs go with their object, those of egress syncs say what to delete there', async () => {
    const { app, actor } = await open();
    const ann = await createUser(app, actor, { username: 'ann', attributes: { mail: ['a@x'] } });
    await insertLinks(app, actor.tenantId, ann.id);
    await deleteUser(app, actor, ann.id);
    const { rows } = await sql<{ direction: string }>`
      select direction from link join sync on sync.serial = link.sync_serial`.execute(app.store.db);
    expect(rows).toEqual([{ direction: 'egress' }]);
    const { rows: keys } = await sql`select 1 from match_key`.execute(app.store.db);
    expect(keys).toEqual([]);
  });
});
