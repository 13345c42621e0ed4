import { setTimeout as delay } from 'node:timers/promises';
import { tidy } from '../store/housekeeping.ts';
import { forgetImagesOf, takeJobWithImages } from '../store/queries/images.ts';
import { forgetJob, forgetLog, takeOldJob } from '../store/queries/old-jobs.ts';
import type { Store } from '../store/store.ts';
import type { Application } from './application.ts';

const day = 24 * 60 * 60_000;

/** Milliseconds between two looks for what is too old. */
const lookEvery = 60 * 60_000;

/** For how many days what ended jobs leave behind is kept; for ever where nothing is given. */
export interface Retention {
  /** Before and after images. */
  readonly imageDays?: number | undefined;
  /** Whole jobs: outcomes, statistics and messages. */
  readonly jobDays?: number | undefined;
}

type Parts = Pick<Application, 'store' | 'clock'>;

const daysAgo = ({ clock }: Parts, days: number): Date => new Date(clock.now().getTime() - days * day);

/** How something of a job is forgotten: `take` finds one that ended before a moment, and marks it. */
interface Forgetting {
  take(store: Store, endedBefore: Date): Promise<number | undefined>;
  forget(store: Store, jobSerial: number, signal?: AbortSignal): Promise<void>;
}

/** Forgets something of one old job after the other until none is left, or the signal. */
async function forgetOneByOne(
  store: Store,
  endedBefore: Date,
  { take, forget }: Forgetting,
  signal?: AbortSignal,
): Promise<void> {
  let forgotten = 0;
  for (;;) {
    const serial = await take(store, endedBefore);
    if (serial === undefined) break;
    await forget(store, serial, signal);
    if (signal?.aborted === true) return;
    forgotten += 1;
  }
  if (forgotten > 0) await tidy(store);
}

/**
 * Forgets the images of jobs that ended more than so many days ago, of all tenants. Outcomes and statistics stay. Such
 * a job cannot be taken back any more, and a plan that it holds not be approved.
 */
export async function forgetOldImages(parts: Parts, days: number, signal?: AbortSignal): Promise<void> {
  const images = { take: takeJobWithImages, forget: forgetImagesOf };
  await forgetOneByOne(parts.store, daysAgo(parts, days), images, signal);
}

/**
 * Forgets jobs that ended more than so many days ago, of all tenants, with all that is known of them. The last job of
 * a sync stays, however old it is.
 */
export async function forgetOldJobs(parts: Parts, days: number, signal?: AbortSignal): Promise<void> {
  const endedBefore = daysAgo(parts, days);
  await forgetOneByOne(parts.store, endedBefore, { take: takeOldJob, forget: forgetJob }, signal);
  await forgetLog(parts.store, endedBefore, signal);
}

/** Forgets what is too old now and every hour, until the signal. */
export async function keepForgetting(
  parts: Parts,
  { imageDays, jobDays }: Retention,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (jobDays !== undefined) await forgetOldJobs(parts, jobDays, signal).catch(onError);
    if (imageDays !== undefined && !signal.aborted)
      await forgetOldImages(parts, imageDays, signal).catch(onError);
    await delay(lookEvery, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
