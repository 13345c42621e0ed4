import type { JobPhase, Progress } from '@lockstep/contract/job.ts';
import { printable } from './table.ts';

/** Where progress goes: standard error, or a recorder in tests. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface LiveProgress extends Progress {
  /** Objects or changes per second. */
  readonly rate: number;
  readonly remainingSeconds: number | null;
}

const phaseWords: Readonly<Record<JobPhase, string>> = {
  read: 'reading',
  plan: 'planning',
  apply: 'applying',
  record: 'recording',
  over: 'done',
};

/** Plain output shows a running phase at most this often. */
const plainIntervalMilliseconds = 5000;

export function renderDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function renderBar(done: number, total: number, width: number): string {
  const filled = total === 0 ? 0 : Math.round((Math.min(done, total) / total) * width);
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`;
}

const countFormat = new Intl.NumberFormat('en-US');

/** `12,345` */
export function renderCount(count: number): string {
  return countFormat.format(count);
}

/** What is known of the phase: nothing is said of objects before the first one came. */
function renderCounts({ phase, read, applied, total }: Progress): string {
  if (phase === 'read') return read > 0 ? ` ${renderCount(read)}` : '';
  if (phase === 'plan') {
    const found = total > 0 ? `, ${renderCount(total)} changes so far` : '';
    return `, ${renderCount(read)} read${found}`;
  }
  return phase === 'apply' && total > 0 ? ` ${renderCount(applied)} of ${renderCount(total)}` : '';
}

/** `corp-in: applying 1,200 of 4,000 (310/s, 9 s left)`; reading and planning have no total. */
export function renderProgress(sync: string, progress: LiveProgress): string {
  const notes = [
    ...(progress.rate > 0 ? [`${renderCount(Math.round(progress.rate))}/s`] : []),
    ...(progress.phase === 'apply' && progress.remainingSeconds !== null
      ? [`${renderDuration(progress.remainingSeconds)} left`]
      : []),
  ];
  const rest = notes.length > 0 ? ` (${notes.join(', ')})` : '';
  return `${printable(sync)}: ${phaseWords[progress.phase]}${renderCounts(progress)}${rest}`;
}

/** A live line on a terminal, plain lines elsewhere. */
export class ProgressReporter {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  /** Whether a line can be written over. */
  readonly #canRewrite: boolean;
  #shown: { phase: JobPhase; at: number } | undefined;
  #live = false;

  /** @param terminal its type as the environment names it (terminfo) */
  constructor(stream: ProgressStream, now: () => number = Date.now, terminal = process.env.TERM) {
    this.#stream = stream;
    this.#now = now;
    this.#canRewrite = stream.isTTY === true && terminal !== 'dumb';
  }

  update(sync: string, progress: LiveProgress): void {
    if (progress.phase === 'over') return;
    const text = renderProgress(sync, progress);
    if (this.#canRewrite) {
      const bar = progress.phase === 'apply' ? `${renderBar(progress.applied, progress.total, 20)} ` : '';
      // A terminal that does not know its size says 0.
      const columns = this.#stream.columns === 0 ? 80 : (this.#stream.columns ?? 80);
      this.#stream.write(`\r\u001b[K${(bar + text).slice(0, columns - 1)}`);
      this.#live = true;
      return;
    }
    const now = this.#now();
    const due =
      this.#shown === undefined ||
      this.#shown.phase !== progress.phase ||
      now - this.#shown.at >= plainIntervalMilliseconds;
    if (!due) return;
    this.#shown = { phase: progress.phase, at: now };
    this.#stream.write(`${text}\n`);
  }

  /** A line that stays. */
  line(text: string): void {
    this.clear();
    this.#stream.write(`${printable(text)}\n`);
    this.#shown = undefined;
  }

  /** Takes the live line away. */
  clear(): void {
    if (this.#live) this.#stream.write('\r\u001b[K');
    this.#live = false;
  }
}
