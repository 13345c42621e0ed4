import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { StoreArguments } from './lockstep.ts';
import { runOrThrow } from './program.ts';

const command = join(import.meta.dirname, '../../bin/lockstep');
const peer = join(import.meta.dirname, 'serve-scim-peer.ts');

/** A SCIM server in a process of its own. */
export interface ScimServer extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** A group may be made with all its members in one request, whatever their number. */
  readonly takesLargeRequests: boolean;
}

interface Started extends AsyncDisposable {
  readonly line: RegExpExecArray;
}

/** Starts a program and waits for a line of its output. @throws Error when it ends before. */
async function start(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  wanted: RegExp,
): Promise<Started> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    await closed;
  };
  for await (const text of createInterface({ input: child.stdout })) {
    const line = wanted.exec(text);
    if (line === null) continue;
    child.stdout.resume();
    return { line, [Symbol.asyncDispose]: end };
  }
  throw new Error(`${program} ${args.join(' ')} ended with ${child.exitCode}`);
}

/** Jackson's directory sync or scimmy-routers, both in memory. */
export async function startPeer(name: 'jackson' | 'scimmy'): Promise<ScimServer> {
  const started = await start(process.execPath, [peer, name], {}, /^\{.*\}$/);
  const { url, token } = JSON.parse(started.line[0]) as { url: string; token: string };
  const takesLargeRequests = name === 'scimmy';
  return {
    url,
    token,
    takesLargeRequests,
    [Symbol.asyncDispose]: async () => started[Symbol.asyncDispose](),
  };
}

/** `bin/lockstep serve` with a connection to push into, which no sync reads: requests alone are measured. */
export async function startLockstepScim(
  store: StoreArguments,
  directory: string,
  signal: AbortSignal,
): Promise<ScimServer> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'lockstep.yaml');
  const connections = { push: { type: 'scim_server', requestsPerSecond: 1_000_000 } };
  await writeFile(file, JSON.stringify({ connections }));
  const environment = { LOCKSTEP_KEY: randomBytes(32).toString('base64') };
  // With a database the socket and the credentials go into a directory all the same.
  const place = store[0] === '--data' ? store : [...store, '--data', directory];
  const started = await start(
    command,
    ['serve', '-f', file, '--listen', '127.0.0.1:0', ...place],
    environment,
    /^listening on (http:\S+)$/,
  );
  const { output } = await runOrThrow(command, ['connections', 'token', 'push', ...place], {
    environment,
    signal,
  });
  return {
    url: `${started.line[1]}/scim/v2/push`,
    token: output.trim(),
    takesLargeRequests: false,
    [Symbol.asyncDispose]: async () => started[Symbol.asyncDispose](),
  };
}
