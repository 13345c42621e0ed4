import {
  operations,
  type Counts,
  type Kind,
  type Operation,
  type Statistics,
} from '@lockstep/contract/vocabulary.ts';
import { renderTable, type Column } from './table.ts';

/** The order in which statistics are shown. */
const shownKinds: readonly Kind[] = ['user', 'organizationalUnit', 'group', 'membership'];

const kindTitles: Readonly<Record<Kind, string>> = {
  user: 'users',
  organizationalUnit: 'organizational units',
  group: 'groups',
  membership: 'memberships',
};

const nothing: Counts = { total: 0, success: 0, failed: 0, skipped: 0 };

/** `12`, or `12 (1 failed, 2 skipped)`; a dot for nothing. */
function renderCounts(counts: Counts | undefined): string {
  if (counts === undefined || counts.total === 0) return '.';
  const rest = [
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
  ];
  return rest.length === 0 ? String(counts.total) : `${counts.total} (${rest.join(', ')})`;
}

/** Statistics with all four kinds and seven operations, always in the same order. */
export function orderStatistics(statistics: Statistics): Statistics {
  const ofKind = (kind: Kind) =>
    Object.fromEntries(operations.map((operation) => [operation, statistics[kind]?.[operation] ?? nothing]));
  return Object.fromEntries(shownKinds.map((kind) => [kind, ofKind(kind)])) as Statistics;
}

export interface StatisticsRow {
  readonly sync: string;
  readonly status: string;
  readonly statistics: Statistics;
}

interface Line {
  readonly row: StatisticsRow;
  readonly kind: Kind;
  readonly first: boolean;
}

function operationColumn(operation: Operation): Column<Line> {
  return {
    title: operation.toUpperCase(),
    value: ({ row, kind }) => renderCounts(row.statistics[kind]?.[operation]),
    align: 'right',
  };
}

/**
 * A table with a line for each kind of each row; operations in which all rows are zero are left out. Where all are, there
 * is a line for each row.
 */
export function renderStatistics(rows: readonly StatisticsRow[]): string {
  const used = operations.filter((operation) =>
    rows.some((row) => shownKinds.some((kind) => (row.statistics[kind]?.[operation]?.total ?? 0) > 0)),
  );
  const lines: Line[] = rows.flatMap((row) =>
    (used.length === 0 ? shownKinds.slice(0, 1) : shownKinds).map((kind, index) => ({
      row,
      kind,
      first: index === 0,
    })),
  );
  return renderTable(
    [
      { title: 'SYNC', value: ({ row, first }) => (first ? row.sync : '') },
      { title: 'STATUS', value: ({ row, first }) => (first ? row.status : '') },
      used.length === 0
        ? { title: 'OBJECTS', value: () => 'none' }
        : { title: 'KIND', value: ({ kind }) => kindTitles[kind] },
      ...used.map(operationColumn),
    ],
    lines,
  );
}
