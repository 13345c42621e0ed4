import { readFileSync } from 'node:fs';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../test/servers/stores.ts';

/** What the types of schema.ts say, read from their source. */
function declaredColumns(): Map<string, string> {
  const source = readFileSync(new URL('./schema.ts', import.meta.url), 'utf8');
  const interfaces = new Map(
    [...source.matchAll(/interface (\w+) \{([^}]*)\}/g)].map(([, name, body]) => [name ?? '', body ?? '']),
  );
  const columns = new Map<string, string>();
  for (const [, table, type] of (interfaces.get('Database') ?? '').matchAll(/(\w+): (\w+);/g)) {
    for (const [, column, declared] of (interfaces.get(type ?? '') ?? '').matchAll(/^ {2}(\w+): (.*);$/gm)) {
      columns.set(`${table}.${column}`, declared ?? '');
    }
  }
  return columns;
}

const javaScriptTypes: Readonly<Record<string, RegExp>> = {
  bigint: /number|Serial/,
  integer: /number/,
  'double precision': /number/,
  text: /string|'/,
  uuid: /string/,
  boolean: /boolean/,
  bytea: /Uint8Array/,
  jsonb: /Json|ColumnType</,
  'timestamp with time zone': /CreatedAt|MomentOrNull/,
};

interface Column {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
}

describeOnBothStores('schema.ts', (makeStore) => {
  test('says of every column what the database says', async () => {
    const store = await makeStore();
    const { rows } = await sql<Column>`
      select table_name || '.' || column_name as name, data_type as type, is_nullable = 'YES' and is_generated = 'NEVER' as nullable
      from information_schema.columns
      where table_schema = current_schema() and table_name <> 'lockstep_migration'`.execute(store.db);
    const declared = declaredColumns();
    expect(rows.map(({ name }) => name).toSorted()).toEqual([...declared.keys()].toSorted());
    for (const { name, type, nullable } of rows) {
      const text = declared.get(name) ?? '';
      expect(text, `${name} is ${type}`).toMatch(
        javaScriptTypes[type] ?? /a type that schema.test.ts does not know/,
      );
      expect(/OrNull|Optional/.test(text), `${name} may be null: ${nullable}`).toBe(nullable);
    }
  });
});
