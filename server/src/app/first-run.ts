import { isDeepStrictEqual } from 'node:util';
import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import { checkSchedule, nextRun } from '../jobs/schedule.ts';
import type { SyncRow } from '../store/queries/syncs.ts';
import type { Application } from './application.ts';

/** The run of a sync that is due already, or waits for the end of another job: to save the sync does not take it away. */
function runAhead(existing: SyncRow | undefined, { schedule }: SyncConfiguration): Date | null {
  const sameTimes = existing?.enabled === true && isDeepStrictEqual(existing.settings.schedule, schedule);
  return sameTimes ? existing.nextRunAt : null;
}

/**
 * When a sync that is saved now runs next; null without a schedule.
 * @throws LockstepError InvalidSchedule.
 */
export function firstRunAt(
  app: Pick<Application, 'clock'>,
  syncId: string,
  configuration: SyncConfiguration,
  existing: SyncRow | undefined,
): Date | null {
  if (configuration.schedule === undefined) return null;
  checkSchedule(configuration.schedule);
  if (!configuration.enabled) return null;
  const next = nextRun(configuration.schedule, app.clock.now(), syncId);
  const ahead = runAhead(existing, configuration);
  return ahead !== null && (next === null || ahead < next) ? ahead : next;
}
