import { constants } from 'node:os';

const heeded = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const satisfies NodeJS.Signals[];

/** A signal that asks for an end. */
export type Ending = (typeof heeded)[number];

/** What a shell reports of a process that a signal has ended. */
export function exitCodeOf(signal: Ending): number {
  return 128 + constants.signals[signal];
}

/** Resolves at the first signal that asks for an end; the second ends the process at once. */
export function terminated(): Promise<Ending> {
  return new Promise((resolve) => {
    let asked = false;
    const handle = (signal: Ending): void => {
      // Node forgets what it was started with, so the launcher tells: the terminal of `nohup` may go.
      if (signal === 'SIGHUP' && process.env.LOCKSTEP_NOHUP === '1') return;
      if (asked) process.exit(exitCodeOf(signal));
      asked = true;
      resolve(signal);
    };
    for (const signal of heeded) process.on(signal, () => handle(signal));
  });
}
