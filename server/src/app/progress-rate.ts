import type { Progress } from '@lockstep/contract/job.ts';
import type { Clock } from '../kernel/clock.ts';

/** Speed is measured over this many milliseconds. */
const window = 5000;

/** What its phase is counted in: objects read, changes found, changes carried out. */
function doneOf({ phase, read, applied, total }: Progress): number {
  if (phase === 'read') return read;
  return phase === 'plan' ? total : applied;
}

/** How fast a job goes, from what it had done at the last few looks. */
export class ProgressRate {
  readonly #clock: Clock;
  #phase: Progress['phase'] | undefined;
  #samples: { at: number; done: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Objects read, changes found or changes carried out per second; remaining seconds once the plan is known.
   * @param endsNotBefore what a quota of the connected system lets the job end after: the first changes go fast
   */
  measure(progress: Progress, endsNotBefore: Date | null): { rate: number; remainingSeconds: number | null } {
    if (progress.phase !== this.#phase) this.#samples = [];
    this.#phase = progress.phase;
    const at = this.#clock.now().getTime();
    const done = doneOf(progress);
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && (this.#samples[0]?.at ?? at) < at - window) this.#samples.shift();
    const first = this.#samples[0] ?? { at, done };
    const rate = at > first.at ? ((done - first.done) * 1000) / (at - first.at) : 0;
    return { rate, remainingSeconds: remainingOf(progress, rate, endsNotBefore, at) };
  }
}

function remainingOf(
  { phase, total, applied }: Progress,
  rate: number,
  endsNotBefore: Date | null,
  at: number,
): number | null {
  if (phase !== 'apply') return null;
  const byQuota = endsNotBefore === null ? 0 : (endsNotBefore.getTime() - at) / 1000;
  if (rate > 0) return Math.max(0, byQuota, (total - applied) / rate);
  return byQuota > 0 ? byQuota : null;
}
