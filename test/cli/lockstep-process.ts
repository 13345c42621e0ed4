import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

export const launcher = resolve(import.meta.dirname, '../../bin/lockstep');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `bin/lockstep`, with what it has written so far. */
export class LockstepProcess {
  readonly child: ChildProcess;
  readonly #end: Promise<Finished>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const { LOCKSTEP_DATA: _, LOCKSTEP_DATABASE_URL: __, ...inherited } = process.env;
    this.child = spawn(launcher, args, {
      env: { ...inherited, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#end = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  /** Resolves with the match as soon as the stream shows it; rejects when the process ends before. */
  async waitFor(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    const source = this.child[stream];
    for (;;) {
      const match = pattern.exec(stream === 'stdout' ? this.#stdout : this.#stderr);
      if (match !== null) return match;
      const ended = await Promise.race([
        this.#end,
        source === null ? this.#end : once(source, 'data').then(() => undefined),
      ]);
      if (ended !== undefined && pattern.exec(ended[stream]) === null) {
        throw new Error(
          `ended with ${ended.code} before ${pattern.source}:\n${ended.stdout}\n${ended.stderr}`,
        );
      }
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async finished(): Promise<Finished> {
    return this.#end;
  }
}

/** Runs `bin/lockstep` to its end. */
export async function lockstep(...args: string[]): Promise<Finished> {
  return new LockstepProcess(args).finished();
}
