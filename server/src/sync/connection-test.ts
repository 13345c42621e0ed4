import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import { LockstepError } from '../kernel/errors.ts';
import type { TestStep } from './connector.ts';

/** One step of a connection's test: what it looks at, and what to do where it fails and the error says nothing better. */
export interface ProbeStep<Probe> {
  readonly step: string;
  readonly remedy: string;
  /** @returns what was seen */
  readonly run: (probe: Probe) => Promise<string>;
}

/**
 * Runs steps in their order, up to the first that fails.
 * @param open makes what they look at; where it fails the first step has failed
 */
export async function* runSteps<Probe>(
  steps: readonly ProbeStep<Probe>[],
  open: () => Probe | Promise<Probe>,
): AsyncGenerator<TestStep, void> {
  let probe: Probe | undefined;
  for (const { step, remedy, run } of steps) {
    try {
      probe ??= await open();
      yield { step, ok: true, detail: await run(probe) };
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const better = error instanceof LockstepError ? error.remedy : undefined;
      yield { step, ok: false, detail, remedy: better ?? remedy };
      return;
    }
  }
}

/** The addresses of a host. */
export async function resolveHost(host: string): Promise<string> {
  if (isIP(host) !== 0) return `${host} is an address`;
  const found = await lookup(host, { all: true });
  return `${host} is ${found.map(({ address }) => address).join(', ')}`;
}

/** A test of a port waits no longer than so many seconds, however long an operation may take. */
const longestWait = 30;

/** Whether something takes connections there; `name` is what a person calls it. */
export function openPort(
  target: { readonly host: string; readonly port: number } | { readonly path: string },
  name: string,
  timeoutSeconds: number,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(target);
  socket.setTimeout(Math.min(timeoutSeconds, longestWait) * 1000, () =>
    socket.destroy(new Error(`${name} does not answer`)),
  );
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.destroy();
    resolve(`${name} takes connections`);
  });
  return promise;
}

/** Where a URL of HTTP leads: an IPv6 address without its brackets, the scheme's port where it names none. */
export function placeOf({ hostname, port, protocol }: URL): { readonly host: string; readonly port: number } {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}
