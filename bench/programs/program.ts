import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

export interface ProgramRun {
  readonly wallSeconds: number;
  /** User and system time of the program and of its children that have ended. */
  readonly cpuSeconds: number;
  /** Empty when it went elsewhere. */
  readonly output: string;
  readonly exitCode: number;
}

export interface ProgramOptions {
  /** A file for standard output, `/dev/null` among them; without it the output is kept. */
  readonly output?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the program. */
  readonly signal: AbortSignal;
}

// Node does not tell what a child cost; bash takes it from wait4(2), in milliseconds. Its own words go to descriptor 3.
const script = 'TIMEFORMAT="%R %U %S"; exec 4>&2 2>&3; time "$@" 2>&4';

/**
 * Runs a program to its end and measures it, its start included.
 * @throws Error when it was ended by a signal or could not be started
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramRun & { readonly errors: string }> {
  options.signal.throwIfAborted();
  const file = options.output === undefined ? undefined : await open(options.output, 'w');
  try {
    const child = spawn('bash', ['-c', script, 'bash', program, ...args], {
      stdio: ['ignore', file?.fd ?? 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
      detached: true, // a process group of its own, so that bash and the program can be ended together
    });
    const end = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    };
    options.signal.addEventListener('abort', end);
    const [output, errors, times, [exitCode]] = await Promise.all([
      child.stdout === null ? '' : text(child.stdout),
      text(child.stderr!),
      text(child.stdio[3] as NonNullable<typeof child.stdout>),
      once(child, 'close') as Promise<[number | null]>,
    ]).finally(() => options.signal.removeEventListener('abort', end));
    options.signal.throwIfAborted();
    if (exitCode === null) throw new Error(`${program} was ended by a signal`);
    const { wallSeconds, cpuSeconds } = parseTimes(times);
    return { wallSeconds, cpuSeconds, output, errors, exitCode };
  } finally {
    await file?.close();
  }
}

/** The same; a program that fails is an error. */
export async function runOrThrow(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramRun> {
  const run = await runProgram(program, args, options);
  if (run.exitCode !== 0)
    throw new Error(`${program} failed (${run.exitCode}): ${run.errors.trim().slice(-2000)}`);
  return run;
}

function parseTimes(line: string): { wallSeconds: number; cpuSeconds: number } {
  const [wall, user, system] = line.trim().split(/\s+/).slice(-3).map(Number);
  if (wall === undefined || user === undefined || system === undefined || Number.isNaN(wall + user + system))
    throw new Error(`bash did not tell the times: ${line}`);
  return { wallSeconds: wall, cpuSeconds: user + system };
}
