import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program of this folder in a process of its own. */
export interface Child {
  readonly pid: number;
  /** Its next line on stdout; rejects when it ends without one. */
  line(): Promise<string>;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts a program of this folder under the Node that runs the tests. */
export function startChild(program: string, args: readonly string[]): Child {
  const path = new URL(program, import.meta.url).pathname;
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    async line() {
      const { done, value } = await lines.next();
      if (done === true) throw new Error(`${program} ended without a line`);
      return value;
    },
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    },
  };
}
