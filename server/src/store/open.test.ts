import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../test/servers/stores.ts';
import { newId } from '../kernel/ids.ts';
import type { Database } from './schema.ts';
import type { Store } from './store.ts';

async function addTenant(db: Kysely<Database>, name: string): Promise<void> {
  await db
    .insertInto('tenant')
    .values({ id: newId('tenant'), name })
    .execute();
}

async function tenantNames(store: Store): Promise<string[]> {
  const rows = await store.db.selectFrom('tenant').select('name').orderBy('serial').execute();
  return rows.map(({ name }) => name);
}

describeOnBothStores('store', (makeStore) => {
  test('opens again with what was committed', async () => {
    const location = await makeStore.location();
    const first = await makeStore.open(location);
    await addTenant(first.db, 'acme');
    await first.close();
    const second = await makeStore.open(location);
    expect(await tenantNames(second)).toEqual(['acme']);
  });

  test('a transaction that throws leaves nothing', async () => {
    const store = await makeStore();
    await expect(
      store.transaction(async (trx) => {
        await addTenant(trx, 'acme');
        throw new RangeError('no');
      }),
    ).rejects.toThrow(RangeError);
    expect(await tenantNames(store)).toEqual([]);
  });

  test('twenty concurrent transactions, every fourth rolled back, give the right count', async () => {
    const store = await makeStore();
    await addTenant(store.db, 'count');
    await sql`create table counter (value bigint not null)`.execute(store.db);
    await sql`insert into counter values (0)`.execute(store.db);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        store.transaction(async (trx) => {
          await sql`update counter set value = value + 1`.execute(trx);
          if (index % 4 === 0) throw new RangeError('rolled back');
        }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(5);
    const { rows } = await sql<{ value: number }>`select value from counter`.execute(store.db);
    expect(rows).toEqual([{ value: 15 }]);
  });

  test('a query on db inside a transaction is refused by name and does not hang', async () => {
    const store = await makeStore();
    const inside = store.transaction(async (trx) => {
      await addTenant(trx, 'acme');
      await store.db.selectFrom('tenant').selectAll().execute();
    });
    await expect(inside).rejects.toMatchObject({
      code: 'Internal',
      message: expect.stringContaining('transaction'),
    });
    await expect(store.transaction(() => store.transaction(async () => undefined))).rejects.toMatchObject({
      code: 'Internal',
    });
    await expect(store.transaction(() => store.session.execute('select 1'))).rejects.toMatchObject({
      code: 'Internal',
    });
    expect(await tenantNames(store)).toEqual([]);
  });

  test('both engines give the same JavaScript types', async () => {
    const store = await makeStore();
    const { rows } = await sql`
      select 5::bigint as big, 7::int as small, 1.5::float8 as real, 12.50::numeric as exact, '\\x00ff'::bytea as bytes,
        '{"a": [1, null]}'::jsonb as json, '2024-02-29T12:34:56.789Z'::timestamptz as moment, true as yes,
        array['a', null, 'b,"c']::text[] as texts, array[1, null, 3]::bigint[] as bigs, null::text as nothing`.execute(
      store.db,
    );
    expect(rows).toEqual([
      {
        big: 5,
        small: 7,
        real: 1.5,
        exact: '12.50',
        bytes: Buffer.from([0, 255]),
        json: { a: [1, null] },
        moment: new Date('2024-02-29T12:34:56.789Z'),
        yes: true,
        texts: ['a', null, 'b,"c'],
        bigs: [1, null, 3],
        nothing: null,
      },
    ]);
    expect(Buffer.isBuffer((rows[0] as { bytes: unknown }).bytes)).toBe(true);
  });

  test('errors carry their SQLSTATE and constraint', async () => {
    const store = await makeStore();
    await addTenant(store.db, 'acme');
    await expect(addTenant(store.db, 'acme')).rejects.toMatchObject({
      code: '23505',
      constraint: 'tenant_name_key',
    });
    await expect(sql`select * from nowhere`.execute(store.db)).rejects.toMatchObject({ code: '42P01' });
    expect(await tenantNames(store)).toEqual(['acme']);
  });

  test('raw statements come back in one list, and a failed script leaves no transaction behind', async () => {
    const store = await makeStore();
    expect((await store.session.execute('begin; select 1 as one; select 2 as two; commit')).rows).toEqual([
      { one: 1 },
      { two: 2 },
    ]);
    await expect(store.session.execute('begin; select 1/0; commit')).rejects.toMatchObject({ code: '22012' });
    expect((await store.session.execute('select $1::int as one', [1])).rows).toEqual([{ one: 1 }]);
  });

  test('large answers arrive whole', async () => {
    const store = await makeStore();
    const { rows } = await sql<{
      text: string;
    }>`select repeat('ä', 300000) as text from generate_series(1, 5)`.execute(store.db);
    expect(rows.map(({ text }) => text === 'ä'.repeat(300_000))).toEqual([true, true, true, true, true]);
  });
});
