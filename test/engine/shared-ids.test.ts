import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeOnBothStores } from '../servers/stores.ts';
import { brief, makeWorkbench, type Workbench } from '../workbench.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-ids-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Listed {
  readonly staff: readonly string[];
  readonly all: readonly string[];
}

/** As a database numbers them: user 1 and group 1 are two. */
function csv({ staff, all }: Listed): string {
  return [
    'kind,id,name,members,manager',
    'user,1,ann,,',
    'user,2,bob,,1',
    `group,1,staff,${staff.join('|')},`,
    `group,2,all,${all.join('|')},`,
    'group,g-3,guests,,',
    '',
  ].join('\n');
}

async function members(bench: Workbench): Promise<string[]> {
  const rows = await bench.app.store.db
    .selectFrom('membership as m')
    .innerJoin('directory_group as g', 'g.id', 'm.group_id')
    .leftJoin('directory_user as u', 'u.id', 'm.member_id')
    .leftJoin('directory_group as n', 'n.id', 'm.member_id')
    .select(['g.name as group', 'u.username as user', 'n.name as nested'])
    .execute();
  return rows.map(({ group, user, nested }) => `${group}: ${user ?? `group ${nested}`}`).toSorted();
}

describeOnBothStores('a file whose users and groups have the same ids', (makeStore) => {
  test('names users by their bare ids, groups where no user has them or with a prefix', async () => {
    const bench = await makeWorkbench(await makeStore());
    const path = join(folder, `${crypto.randomUUID()}.csv`);
    const run = async (listed: Listed) => {
      await writeFile(path, csv(listed));
      return bench.run('in');
    };
    await bench.connection('in', { type: 'file', path });
    const scopes = [{ source: '', target: '/' }];
    const guard = { membership: { percent: 100 } };
    await bench.sync('in', { connection: 'in', direction: 'ingress', scopes, guard });
    const first = await run({ staff: ['1', '2'], all: ['group:1', 'g-3'] });
    expect(first.status).toBe('success');
    expect(await members(bench)).toEqual([
      'all: group guests',
      'all: group staff',
      'staff: ann',
      'staff: bob',
    ]);
    expect(brief((await run({ staff: ['1', '2'], all: ['group:1', 'g-3'] })).statistics)).toMatchObject({
      'membership same': '4/0/0',
    });
    // The groups alone are looked at again: users are known by their links.
    const second = await run({ staff: ['2', '1'], all: ['1', 'group:2'] });
    expect(second.status).toBe('success');
    expect(await members(bench)).toEqual(['all: ann', 'staff: ann', 'staff: bob']);
    const bob = await bench.app.store.db
      .selectFrom('directory_user')
      .select('attributes')
      .where('username', '=', 'bob')
      .executeTakeFirstOrThrow();
    const ann = await bench.app.store.db
      .selectFrom('directory_user')
      .select('id')
      .where('username', '=', 'ann')
      .executeTakeFirstOrThrow();
    expect(bob.attributes['manager']).toEqual([ann.id]);
  });

  test('the owner of a group is a group by its bare id too, while no user has it', async () => {
    const bench = await makeWorkbench(await makeStore());
    const path = join(folder, `${crypto.randomUUID()}.csv`);
    await bench.connection('in', { type: 'file', path });
    const scopes = [{ source: '', target: '/' }];
    await bench.sync('in', { connection: 'in', direction: 'ingress', scopes, onMissing: 'delete' });
    const owners = async (...rows: string[]) => {
      const staff = ['kind,id,name,owner', 'group,g-1,staff,g-2', 'group,g-3,all,group:g-2'];
      await writeFile(path, [...staff, ...rows, ''].join('\n'));
      expect((await bench.run('in')).status).toBe('success');
      const { rows: found } = await sql<{ owner: string }>`
        select g.name || ': ' || coalesce(u.username, 'group ' || o.name, 'nobody') as owner
        from directory_group g
        left join directory_group o on o.id = g.attributes -> 'owner' ->> 0
        left join directory_user u on u.id = g.attributes -> 'owner' ->> 0
        where g.name in ('staff', 'all') order by g.name`.execute(bench.app.store.db);
      return found.map(({ owner }) => owner);
    };
    const bosses = 'group,g-2,bosses,';
    expect(await owners(bosses)).toEqual(['all: group bosses', 'staff: group bosses']);
    expect(await owners(bosses, 'user,g-2,ann,')).toEqual(['all: group bosses', 'staff: ann']);
    expect(await owners(bosses)).toEqual(['all: group bosses', 'staff: group bosses']);
    expect(await owners()).toEqual(['all: nobody', 'staff: nobody']);
  });
});
