import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import type { CompiledQuery, QueryResult } from 'kysely';
import { expect, test } from 'vitest';
import { LockstepError } from '../../kernel/errors.ts';
import type { ScimWrite } from '../../store/queries/scim-writes.ts';
import type { Database } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import { writeTogether } from './write-together.ts';

type Answer = (query: CompiledQuery) => readonly unknown[];

/** A store whose statements are answered by a function. */
function storeOf(answer: Answer): Store {
  class Driver extends DummyDriver {
    override acquireConnection() {
      return Promise.resolve({
        // oxlint-disable-next-line require-await -- what it throws is a rejection
        executeQuery: async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => ({
          rows: answer(query) as Row[],
        }),
        // oxlint-disable-next-line no-empty-function -- nothing streams here
        async *streamQuery() {},
      });
    }
  }
  const db = new Kysely<Database>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new Driver(),
      createIntrospector: (of) => new PostgresIntrospector(of),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
  return { db } as Partial<Store> as Store;
}

const write = (id: string): ScimWrite => ({
  kind: 'user',
  id,
  expectedRevision: 0,
  changes: 1,
  content: { attributes: { userName: id }, folded: { userName: id } },
  members: { added: [], removed: [] },
  at: new Date(0),
});
const ids = ['a', 'b', 'c', 'd'];
const idsIn = ({ parameters }: CompiledQuery) =>
  ids.filter((id) => JSON.stringify(parameters).includes(`"${id}"`));
const isAnalyze = ({ sql }: CompiledQuery) => sql.includes('analyze');

test('what was written is told, whatever becomes of the statistics', async () => {
  const store = storeOf((query) => {
    if (isAnalyze(query)) throw new Error('canceling statement due to lock timeout');
    return idsIn(query).map((id) => ({ sequence: 10, id, revision: 1, modifiedAt: new Date(0) }));
  });
  const written = await Promise.all(ids.map((id) => writeTogether(store, 1, write(id))));
  expect(written.map((each) => each?.id)).toEqual(ids);
});

test('a database that is gone is not asked once for each of those who wait', async () => {
  let asked = 0;
  const store = storeOf((query) => {
    asked += 1;
    if (idsIn(query).length > 1) throw new Error('terminating connection');
    throw new LockstepError('StoreUnavailable', 'gone');
  });
  const answers = await Promise.allSettled(ids.map((id) => writeTogether(store, 1, write(id))));
  expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 'rejected'));
  // The first alone, the others together, and one of these by itself.
  expect(asked).toBe(3);
});

test('the copy is analyzed whenever it has had ten times as many changes, or members', async () => {
  let analyzed = 0;
  /** How often it was analyzed before each change. */
  const before: number[] = [];
  const store = storeOf((query) => {
    if (isAnalyze(query)) {
      analyzed += 1;
      return [];
    }
    before.push(analyzed);
    return [{ sequence: before.length, id: 'a', revision: 1, modifiedAt: new Date(0) }];
  });
  for (let change = 1; change <= 101; change += 1) await writeTogether(store, 1, write('a'));
  expect([1, 2, 10, 11, 100, 101].map((change) => before[change - 1])).toEqual([0, 1, 1, 2, 2, 3]);
  for (const count of [1, 1000, 1000, 0]) {
    const added = Array.from({ length: count }, (_, at) => `m${at}`);
    await writeTogether(store, 1, { ...write('a'), members: { added, removed: [] } });
  }
  expect(before.slice(101)).toEqual([3, 4, 5, 5]);
});

test('changes of one record that follow each other are one write, and each has its version', async () => {
  const asked: CompiledQuery[] = [];
  const store = storeOf((query) => {
    if (isAnalyze(query)) return [];
    asked.push(query);
    return idsIn(query).map((id) => ({ sequence: 10, id, revision: 9, modifiedAt: new Date(0) }));
  });
  const change = (id: string, expectedRevision: number, added: string[] = [], removed: string[] = []) =>
    writeTogether(store, 1, { ...write(id), kind: 'group', expectedRevision, members: { added, removed } });
  const written = await Promise.all([
    change('b', 1),
    change('a', 4, ['m1', 'm2']),
    change('a', 5, ['m3'], ['m1', 'm4']),
    change('a', 6, ['m4']),
    // Made for what was there before the others: it comes by itself, and fails there.
    change('a', 4, ['m5']),
    change('c', 1),
  ]);
  expect(written.map((each) => each?.revision)).toEqual([2, 5, 6, 7, 5, 2]);
  expect(asked.map(idsIn)).toEqual([['b'], ['a'], ['a', 'c']]);
  expect(asked[1]?.parameters).toEqual(
    expect.arrayContaining([[4], [3], ['m2', 'm3', 'm4'], ['m1']]) as unknown[],
  );
});
