import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

// Loaded before Lockstep by `node --import`. When the process ends it writes down what it cost.

export interface ProcessUsage {
  readonly peakBytes: number;
  /** All threads, from the start of the process. */
  readonly cpuSeconds: number;
}

/** The largest resident set so far. getrusage(2) would also count what the process was forked from. */
function peakResidentBytes(): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

const path = process.env['LOCKSTEP_BENCH_USAGE'];
if (isMainThread && path !== undefined) {
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    const usage: ProcessUsage = { peakBytes: peakResidentBytes(), cpuSeconds: (user + system) / 1e6 };
    writeFileSync(path, JSON.stringify(usage));
  });
}
