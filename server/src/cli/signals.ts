/** What a shell reports of a process that a signal has ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return signal === 'SIGINT' ? 130 : 143;
}

/** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
export function terminated(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const handle = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(exitCodeOf(signal));
      asked = true;
      resolve(signal);
    };
    process.on('SIGINT', handle);
    process.on('SIGTERM', handle);
  });
}
