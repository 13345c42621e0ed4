import type { Slice, SliceKey, SlicePage } from '../store/queries/slice.ts';

/** Where an item stands in its list; an API makes its tokens of it. */
export type ListKey = SliceKey;
/** What part of a list is asked for. */
export type ListPage = SlicePage;

/** A page of a list in both directions, with exact counts of what lies around it. */
export interface SliceView<Item> {
  readonly items: Item[];
  readonly first: ListKey | undefined;
  readonly last: ListKey | undefined;
  readonly total: number;
  readonly preceding: number;
  readonly following: number;
}

export function showSlice<Row, Item>(slice: Slice<Row>, show: (row: Row) => Item): SliceView<Item> {
  const { rows, ...rest } = slice;
  return { ...rest, items: rows.map(show) };
}
