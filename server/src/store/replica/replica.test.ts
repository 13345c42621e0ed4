import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import type { ReplicaEntry, ReplicaReadOptions } from '../../sync/replica.ts';
import { sql } from 'kysely';
import type { Store } from '../store.ts';
import { openReplica } from './replica.ts';

async function makeConnection(store: Store, name: string): Promise<number> {
  await sql`insert into tenant (id, name) values ('tenant_1', 'one') on conflict do nothing`.execute(
    store.db,
  );
  const { rows } = await sql<{ serial: number }>`
    insert into connection (id, tenant_id, name, type, settings) values (${`idp_${name}`}, 'tenant_1', ${name}, 'entra_id', '{}')
    returning serial`.execute(store.db);
  return rows[0]?.serial ?? 0;
}

const user = (id: string, attributes: Record<string, unknown>) =>
  ({ verb: 'merge', kind: 'user', externalId: id, attributes }) as const;
const group = (id: string) =>
  ({ verb: 'merge', kind: 'group', externalId: id, attributes: { displayName: id } }) as const;
const member = (verb: 'addMember' | 'removeMember', groupId: string, memberId: string) =>
  ({ verb, groupId, memberId }) as const;
const shown = (entries: readonly ReplicaEntry[]) =>
  entries.map(({ kind, externalId, attributes, members }) => ({ kind, externalId, attributes, members }));

describeOnSharedStores('a replica', (makeStore) => {
  async function open(name = 'a') {
    const store = await makeStore();
    const replica = openReplica(store, await makeConnection(store, name));
    const read = async (options: Partial<ReplicaReadOptions> = {}): Promise<ReplicaEntry[]> => {
      const entries: ReplicaEntry[] = [];
      const kinds = ['user', 'group'] as const;
      for await (const page of replica.read({ kinds, members: true, ...options })) entries.push(...page);
      return entries;
    };
    return { store, replica, read };
  }
  test('knows nothing before the first page', async () => {
    const { replica, read } = await open();
    expect(await replica.state()).toEqual({ cursor: null, whole: false, sequence: 0 });
    expect(await read()).toEqual([]);
  });

  test('merges what comes in pieces, in whatever order of records and members', async () => {
    const { replica, read } = await open();
    await replica.write([member('addMember', 'g', 'u')], { cursor: 1, round: 'begin' });
    await replica.write([user('u', { a: 1 }), group('g'), user('u', { b: [2] })], { cursor: 2 });
    await replica.write([user('u', { a: null, c: { d: null } }), member('addMember', 'g', 'v')], {
      cursor: { delta: 'x' },
      round: 'end',
    });
    expect(shown(await read())).toEqual([
      { kind: 'user', externalId: 'u', attributes: { b: [2], c: { d: null } }, members: undefined },
      { kind: 'group', externalId: 'g', attributes: { displayName: 'g' }, members: ['u', 'v'] },
    ]);
    expect(await replica.state()).toMatchObject({ cursor: { delta: 'x' }, whole: true });
  });

  test('a page that says what is known already changes nothing', async () => {
    const { replica, read } = await open();
    const page = [user('u', { a: 1 }), group('g'), member('addMember', 'g', 'u')];
    await replica.write(page);
    const before = await replica.state();
    const fingerprints = (await read()).map(({ fingerprint }) => fingerprint);
    await replica.write(page);
    await replica.write([member('removeMember', 'g', 'nobody')]);
    expect(await replica.state()).toEqual(before);
    expect((await read()).map(({ fingerprint }) => fingerprint)).toEqual(fingerprints);
  });

  test('a member that comes or goes changes the fingerprint of its group alone', async () => {
    const { replica, read } = await open();
    await replica.write([user('u', {}), group('g'), group('h')]);
    const [, g, h] = await read();
    await replica.write([member('addMember', 'g', 'u')]);
    const [, later, other] = await read();
    expect(later?.fingerprint).not.toEqual(g?.fingerprint);
    expect(other?.fingerprint).toEqual(h?.fingerprint);
  });

  test('what a whole round does not bring is removed at its end, and not before', async () => {
    const { replica, read } = await open();
    await replica.write([user('u', {}), user('v', {}), group('g'), member('addMember', 'g', 'u')], {
      cursor: 1,
      round: 'only',
    });
    await replica.write([user('v', {})], { cursor: 2, round: 'begin' });
    expect(await read()).toHaveLength(3);
    await replica.write([group('g')], { cursor: 3, round: 'end' });
    expect(shown(await read())).toEqual([
      { kind: 'user', externalId: 'v', attributes: {}, members: undefined },
      { kind: 'group', externalId: 'g', attributes: { displayName: 'g' }, members: [] },
    ]);
  });

  test('a whole round makes a record anew, and puts the pieces of it together', async () => {
    const { replica, read } = await open();
    await replica.write([user('u', { old: 1, kept: 1 })], { cursor: 1, round: 'only' });
    await replica.write([user('u', { kept: 2 })], { cursor: 2, round: 'begin' });
    await replica.write([user('u', { more: 3 })], { cursor: 3, round: 'end' });
    expect(shown(await read())).toMatchObject([{ externalId: 'u', attributes: { kept: 2, more: 3 } }]);
    expect((await read())[0]?.attributes).not.toHaveProperty('old');
  });

  test('a read of changes brings what changed in between, removed records by name, members as changes', async () => {
    const { replica, read } = await open();
    await replica.write([
      user('u', { a: 1 }),
      user('v', {}),
      user('w', {}),
      group('g'),
      member('addMember', 'g', 'u'),
    ]);
    const { sequence } = await replica.state();
    await replica.write([{ verb: 'remove', kind: 'user', externalId: 'u' }, user('v', { b: 1 })]);
    await replica.write([member('removeMember', 'g', 'u'), member('addMember', 'g', 'v')]);
    const through = (await replica.state()).sequence;
    await replica.write([user('w', { late: true })]);
    const changes = await read({ after: sequence, through });
    expect(
      changes.map(({ externalId, removed, memberChanges }) => ({ externalId, removed, memberChanges })),
    ).toEqual([
      { externalId: 'u', removed: true, memberChanges: undefined },
      { externalId: 'v', removed: false, memberChanges: undefined },
      { externalId: 'g', removed: false, memberChanges: { added: ['v'], removed: ['u'] } },
    ]);
  });

  test('a read of changes brings all members of a group that its sync has not linked', async () => {
    const { store, replica } = await open();
    await replica.write([
      group('g'),
      group('h'),
      member('addMember', 'g', 'u'),
      member('addMember', 'h', 'u'),
    ]);
    const { sequence } = await replica.state();
    await replica.write([member('addMember', 'g', 'v'), member('addMember', 'h', 'v')]);
    await sql`insert into link (sync_serial, kind, external_id, object_id) values (1, 'group', 'g', 'group_g')`.execute(
      store.db,
    );
    const { rows } = await sql<{ serial: number }>`select serial from connection`.execute(store.db);
    const forSync = openReplica(store, rows[0]?.serial ?? 0, 1);
    const given: unknown[] = [];
    for await (const page of forSync.read({ kinds: ['group'], members: true, after: sequence }))
      given.push(...page.map(({ members, memberChanges }) => ({ members, memberChanges })));
    expect(given).toEqual([
      { members: undefined, memberChanges: { added: ['v'], removed: [] } },
      { members: ['u', 'v'], memberChanges: undefined },
    ]);
  });

  test('a read of changes brings what is asked for again, a group with all its members', async () => {
    const { replica, read } = await open();
    await replica.write([user('u', {}), user('v', {}), group('g'), member('addMember', 'g', 'u')]);
    const { sequence } = await replica.state();
    await replica.write([member('addMember', 'g', 'v'), { verb: 'remove', kind: 'user', externalId: 'v' }]);
    const through = (await replica.state()).sequence;
    const asked = [
      { kind: 'user', externalId: 'u' },
      { kind: 'group', externalId: 'g' },
      { kind: 'user', externalId: 'g' },
    ] as const;
    const entries = await read({ after: sequence, through, again: asked });
    expect(
      entries.map(({ externalId, removed, members, memberChanges }) => [
        externalId,
        removed,
        members,
        memberChanges,
      ]),
    ).toEqual([
      ['u', false, undefined, undefined],
      ['v', true, undefined, undefined],
      ['g', false, ['u', 'v'], undefined],
    ]);
  });

  test('a record that comes back is made anew', async () => {
    const { replica, read } = await open();
    await replica.write([user('u', { a: 1 })]);
    await replica.write([{ verb: 'remove', kind: 'user', externalId: 'u' }]);
    await replica.write([user('u', { b: 1 })]);
    expect(shown(await read())).toEqual([
      { kind: 'user', externalId: 'u', attributes: { b: 1 }, members: undefined },
    ]);
    await replica.write([{ verb: 'remove', kind: 'user', externalId: 'u' }, user('u', { c: 1 })]);
    expect(shown(await read())).toMatchObject([{ attributes: { c: 1 } }]);
  });

  test('streams page by page, each record once', async () => {
    const { replica, read } = await open();
    const ids = Array.from({ length: 1201 }, (_, index) => `u${String(index).padStart(5, '0')}`);
    await replica.write(ids.map((id) => user(id, {})));
    expect((await read()).map(({ externalId }) => externalId)).toEqual(ids);
  });

  test('is filled by one at a time, and by the next when that one fails', async () => {
    const { replica } = await open();
    const { signal } = new AbortController();
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await replica.write([]);
      inside -= 1;
      throw new Error('failed');
    };
    const ends = await Promise.allSettled([1, 2, 3].map(async () => replica.exclusively(work, signal)));
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(most).toBe(1);
  });

  test('goes with its connection', async () => {
    const { store, replica, read } = await open('b');
    await replica.write([user('u', {}), group('g'), member('addMember', 'g', 'u')]);
    await sql`delete from connection where name = 'b'`.execute(store.db);
    expect(await read()).toEqual([]);
  });
});
