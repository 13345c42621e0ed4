import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** Where a row stands in its list: what it is sorted by, then its serial. */
export type SliceKey = readonly [sortedBy: string | number, serial: number];

/** The rows behind `after`, or the last ones before `before`; null stands for the end of the list. */
export interface SlicePage {
  readonly limit: number;
  readonly after?: SliceKey | undefined;
  readonly before?: SliceKey | null | undefined;
}

/** A page of a list, and how much of the list lies on either side of it. */
export interface Slice<Row> {
  readonly rows: Row[];
  readonly first: SliceKey | undefined;
  readonly last: SliceKey | undefined;
  readonly total: number;
  readonly preceding: number;
  readonly following: number;
}

/** A list in an order of its own. */
export interface SlicedList {
  readonly columns: RawBuilder<unknown>;
  readonly from: RawBuilder<unknown>;
  readonly where: RawBuilder<unknown>;
  readonly sortedBy: RawBuilder<unknown>;
  readonly sortType: 'text' | 'bigint';
  readonly serial: RawBuilder<unknown>;
  readonly descending?: boolean | undefined;
}

interface KeyColumns {
  readonly sliceSortedBy: string | number;
  readonly sliceSerial: number;
}

function comparison(list: SlicedList, side: '<' | '>', key: SliceKey): RawBuilder<unknown> {
  const operator = list.descending === true ? { '<': '>', '>': '<' }[side] : side;
  const type = sql.raw(list.sortType === 'text' ? 'text collate "C"' : 'bigint');
  return sql`(${list.sortedBy}, ${list.serial}) ${sql.raw(operator)} (${key[0]}::${type}, ${key[1]}::bigint)`;
}

async function selectRows<Row>(
  executor: Executor,
  list: SlicedList,
  page: SlicePage,
): Promise<(Row & KeyColumns)[]> {
  const backwards = page.before !== undefined;
  const bounds = [list.where];
  if (page.after !== undefined) bounds.push(comparison(list, '>', page.after));
  if (page.before) bounds.push(comparison(list, '<', page.before));
  const direction = sql.raw((list.descending === true) === backwards ? 'asc' : 'desc');
  const { rows } = await sql<Row & KeyColumns>`
    select ${list.columns}, ${list.sortedBy} as "sliceSortedBy", ${list.serial} as "sliceSerial"
    from ${list.from} where ${sql.join(bounds, sql` and `)}
    order by ${list.sortedBy} ${direction}, ${list.serial} ${direction} limit ${page.limit}`.execute(
    executor,
  );
  return backwards ? rows.reverse() : rows;
}

/** Reads a page and counts the whole list around it, exactly. */
export async function selectSlice<Row extends object>(
  executor: Executor,
  list: SlicedList,
  page: SlicePage,
): Promise<Slice<Row>> {
  const found = await selectRows<Row>(executor, list, page);
  const keys = found.map(({ sliceSortedBy, sliceSerial }): SliceKey => [sliceSortedBy, sliceSerial]);
  const first = keys.at(0);
  const last = keys.at(-1);
  const beyond = (side: '<' | '>', key: SliceKey | undefined) =>
    key === undefined ? sql`false` : comparison(list, side, key);
  const { rows } = await sql<{ total: number; preceding: number; following: number }>`
    select count(*) as total, count(*) filter (where ${beyond('<', first)}) as preceding,
      count(*) filter (where ${beyond('>', last)}) as following
    from ${list.from} where ${list.where}`.execute(executor);
  const counts = rows[0] ?? { total: 0, preceding: 0, following: 0 };
  return {
    rows: found,
    first,
    last,
    ...counts,
  };
}
