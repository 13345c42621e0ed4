import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import { checkSchedule, nextRun } from '../jobs/schedule.ts';
import type { Application } from './application.ts';

/**
 * When a sync that is saved now runs next; null without a schedule.
 * @throws LockstepError InvalidSchedule.
 */
export function firstRunAt(
  app: Pick<Application, 'clock'>,
  syncId: string,
  configuration: SyncConfiguration,
): Date | null {
  if (configuration.schedule === undefined) return null;
  checkSchedule(configuration.schedule);
  return configuration.enabled ? nextRun(configuration.schedule, app.clock.now(), syncId) : null;
}
