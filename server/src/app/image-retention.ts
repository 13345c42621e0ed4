import { setTimeout as delay } from 'node:timers/promises';
import { forgetImagesOf, freeImageSpace, takeJobWithImages } from '../store/queries/images.ts';
import type { Application } from './application.ts';

const day = 24 * 60 * 60_000;

/** Milliseconds between two looks for images that are too old. */
const lookEvery = 60 * 60_000;

/**
 * Forgets the images of jobs that ended more than so many days ago, of all tenants. Outcomes and statistics stay. Such
 * a job cannot be taken back any more, and a plan that it holds not be approved.
 */
export async function forgetOldImages(
  { store, clock }: Pick<Application, 'store' | 'clock'>,
  days: number,
  signal?: AbortSignal,
): Promise<void> {
  const endedBefore = new Date(clock.now().getTime() - days * day);
  let forgotten = 0;
  for (;;) {
    const serial = await takeJobWithImages(store, endedBefore);
    if (serial === undefined) break;
    await forgetImagesOf(store, serial, signal);
    if (signal?.aborted === true) return;
    forgotten += 1;
  }
  if (forgotten > 0) await freeImageSpace(store);
}

/** Forgets old images now and every hour, until the signal. */
export async function keepForgettingImages(
  app: Pick<Application, 'store' | 'clock'>,
  days: number,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await forgetOldImages(app, days, signal).catch(onError);
    await delay(lookEvery, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
