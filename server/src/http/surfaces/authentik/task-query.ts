import type { JobListFilter } from '../../../app/jobs.ts';
import type { JobStatus } from '@lockstep/contract/vocabulary.ts';
import type { Query } from './operation.ts';
import { filterText, isFound } from './pages.ts';
import type { TaskDirectory, TaskNames } from './task-names.ts';
import { shownModes } from './task-view.ts';

/** Which tasks a query asks for, as a filter on jobs; undefined when it can find none. */
export function jobFilterOf(
  query: Query,
  directory: TaskDirectory,
  /** Members of a task that may be filtered by, by the parameter's name. */
  members: Readonly<Record<string, keyof TaskNames>>,
  statuses: readonly JobStatus[],
): JobListFilter | undefined {
  if (statuses.length === 0) return undefined;
  const base = { modes: shownModes, status: statuses };
  const wanted = Object.entries(members).flatMap(([name, member]) => {
    const value = filterText(query, name);
    return value === undefined ? [] : [{ member, value }];
  });
  if (wanted.length === 0 && filterText(query, 'search') === undefined) return base;
  const found = directory.syncs.filter(
    ({ names }) =>
      wanted.every(({ member, value }) => names[member] === value) &&
      isFound(query, [names.name, names.uid, names.description, names.actor]),
  );
  if (found.length === 0) return undefined;
  const directions = new Set(found.map(({ named }) => named.sync.direction));
  const [direction] = directions;
  return {
    ...base,
    connectionIds: [...new Set(found.map(({ named }) => named.sync.connectionId))],
    ...(directions.size === 1 && direction && { direction }),
  };
}

/** Statuses of jobs that are shown as one of the values given; all when none is. */
export function statusesShownAs(
  shown: Readonly<Record<JobStatus, string>>,
  among: readonly JobStatus[],
  values: readonly string[],
): JobStatus[] {
  const wanted = values.filter((value) => value !== '');
  return among.filter((status) => wanted.length === 0 || wanted.includes(shown[status]));
}
