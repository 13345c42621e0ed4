import { LockstepError } from '../kernel/errors.ts';

/** Waits this many seconds, or throws once the signal fires. */
export type Wait = (seconds: number, signal: AbortSignal) => Promise<void>;

/** What a fired signal means: its own reason where that says more than "aborted". */
export function cancelled(signal: AbortSignal): LockstepError {
  if (signal.reason instanceof LockstepError) return signal.reason;
  return new LockstepError('Cancelled', 'cancelled', { cause: signal.reason });
}

/** @throws LockstepError Cancelled, or the signal's own. */
export const waitSeconds: Wait = (seconds, signal) => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal.aborted) return Promise.reject(cancelled(signal));
  const timer = setTimeout(resolve, Math.max(0, seconds) * 1000);
  const aborted = (): void => reject(cancelled(signal));
  signal.addEventListener('abort', aborted, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
  });
};

/** The result of `work`, or a throw as soon as the signal fires; the work itself goes on for others that wait for it. */
export async function orCancelled<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  if (signal.aborted) {
    work.catch(() => undefined);
    throw cancelled(signal);
  }
  const { promise, reject } = Promise.withResolvers<never>();
  const aborted = (): void => reject(cancelled(signal));
  signal.addEventListener('abort', aborted, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
