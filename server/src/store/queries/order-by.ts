import { sql, type RawBuilder } from 'kysely';

/** Columns to sort by, the first one first. */
export type Order<Column extends string> = readonly {
  readonly column: Column;
  readonly descending: boolean;
}[];

/** @param last decides between rows that are equal in all of the columns */
export function orderBy<Column extends string>(
  columns: Readonly<Record<Column, RawBuilder<unknown>>>,
  order: Order<Column>,
  last: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const terms = order.map(({ column, descending }) =>
    descending ? sql`${columns[column]} desc nulls last` : sql`${columns[column]} nulls first`,
  );
  return sql.join([...terms, last]);
}
