import * as fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../test/servers/stores.ts';
import type { Store } from './store.ts';

const columns = ['id', 'note', 'attributes', 'bytes', 'at', 'yes', 'names', 'amount'];

/** Bytes come back as a Buffer, and minus zero as zero. */
function asRead(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  return typeof value === 'number' ? value + 0 : value;
}

async function* manyRows() {
  for (let id = 0; id < 40_000; id += 1) yield [id, `a note that fills several chunks ${id}`];
}

function* breakingRows() {
  for (let id = 0; id < 20_000; id += 1) yield [id, 'x'.repeat(60)];
  throw new RangeError('the source broke');
}

async function makeTable(store: Store): Promise<void> {
  await sql`create table item (id bigint primary key, note text, attributes jsonb, bytes bytea, at timestamptz,
    yes boolean, names text[], amount double precision)`.execute(store.db);
}

async function countItems(store: Store): Promise<number | undefined> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from item`.execute(store.db);
  return rows[0]?.count;
}

/** PostgreSQL holds every character but NUL. */
const text = fc.string({ unit: 'binary', maxLength: 20 }).map((value) => value.replaceAll('\0', ''));
const json = fc.oneof(
  fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text))),
  fc.array(text),
);
const row = fc.tuple(
  fc.option(text),
  fc.option(json),
  fc.option(fc.uint8Array({ maxLength: 30 })),
  fc.option(
    fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T00:00:00Z'),
      noInvalidDate: true,
    }),
  ),
  fc.option(fc.boolean()),
  fc.option(fc.array(fc.option(text), { maxLength: 4 })),
  fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
);

describeOnBothStores('copyInto', (makeStore) => {
  test('whatever is copied in comes out the same', async () => {
    const store = await makeStore();
    await makeTable(store);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 30 }), async (rows) => {
        await sql`truncate item`.execute(store.db);
        const numbered = rows.map((values, index) => [index, ...values]);
        expect(await store.copyInto(store.db, 'item', columns, numbered)).toBe(rows.length);
        const { rows: found } = await sql<Record<string, unknown>>`select * from item order by id`.execute(
          store.db,
        );
        const values = found.map((item) => columns.map((column) => item[column]));
        expect(values).toEqual(numbered.map((given) => given.map(asRead)));
      }),
      { numRuns: 25 },
    );
  });

  test('many rows from an async iterable, in a transaction with other statements', async () => {
    const store = await makeStore();
    await makeTable(store);
    await store.transaction(async (trx) => {
      expect(await store.copyInto(trx, 'item', ['id', 'note'], manyRows())).toBe(40_000);
      await sql`delete from item where id % 2 = 0`.execute(trx);
    });
    expect(await countItems(store)).toBe(20_000);
    expect(await store.copyInto(store.db, 'item', ['id'], [])).toBe(0);
  });

  test('a rolled back transaction leaves none of its rows, also of those in earlier chunks', async () => {
    const store = await makeStore();
    await makeTable(store);
    const rows = Array.from({ length: 20_000 }, (_, id) => [id, 'x'.repeat(60)]);
    await expect(
      store.transaction(async (trx) => {
        await store.copyInto(trx, 'item', ['id', 'note'], rows);
        throw new RangeError('no');
      }),
    ).rejects.toThrow(RangeError);
    expect(await countItems(store)).toBe(0);
  });

  test('a duplicate in the last chunk: SQLSTATE, no row, and a store that goes on', async () => {
    const store = await makeStore();
    await makeTable(store);
    const rows = Array.from({ length: 20_000 }, (_, id) => [id === 19_999 ? 0 : id, 'x'.repeat(60)]);
    await expect(store.copyInto(store.db, 'item', ['id', 'note'], rows)).rejects.toMatchObject({
      code: '23505',
    });
    expect(await countItems(store)).toBe(0);
    expect(await store.copyInto(store.db, 'item', ['id'], [[1]])).toBe(1);
  });

  test('an error of the rows themselves reaches the caller, leaves no row, and the store goes on', async () => {
    const store = await makeStore();
    await makeTable(store);
    await expect(store.copyInto(store.db, 'item', ['id', 'note'], breakingRows())).rejects.toThrow(
      'the source broke',
    );
    await expect(store.copyInto(store.db, 'item', ['id', 'note'], [[1]])).rejects.toThrow(
      /1 values for 2 columns/,
    );
    expect(await countItems(store)).toBe(0);
  });

  test('an unknown table or column is refused by name', async () => {
    const store = await makeStore();
    await expect(store.copyInto(store.db, 'nowhere', ['id'], [[1]])).rejects.toMatchObject({
      code: 'Internal',
    });
    await makeTable(store);
    await expect(store.copyInto(store.db, 'item', ['nothing'], [[1]])).rejects.toMatchObject({
      code: 'Internal',
    });
  });

  test('temporary tables can be copied into', async () => {
    const store = await makeStore();
    await store.transaction(async (trx) => {
      await sql`create temporary table staged (key text, fingerprint uuid) on commit drop`.execute(trx);
      const rows = [['a', '00112233-4455-6677-8899-aabbccddeeff']];
      expect(await store.copyInto(trx, 'staged', ['key', 'fingerprint'], rows)).toBe(1);
    });
  });
});
