import { randomUUID } from 'node:crypto';
import type { EventCallbackConnection } from '@lockstep/contract/connection-configuration.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { openPort, placeOf, resolveHost, runSteps, type ProbeStep } from '../../sync/connection-test.ts';
import type { ConnectorContext, TestStep } from '../../sync/connector.ts';
import { openDelivery, type OpenedDelivery } from './config.ts';
import { eventId } from './event.ts';
import { testEvent } from './event-types.ts';

interface Probe {
  readonly settings: EventCallbackConnection;
  readonly context: ConnectorContext;
  readonly url: URL;
  readonly opened: OpenedDelivery;
  readonly signal: AbortSignal;
}

const steps: readonly ProbeStep<Probe>[] = [
  {
    step: 'dns',
    remedy: 'Check the host name in url, and the name servers of this machine.',
    run: ({ url }) => resolveHost(placeOf(url).host),
  },
  {
    step: 'tcp',
    remedy: 'Check that the application runs, its port, and firewalls in between.',
    run: ({ url, settings }) => openPort(placeOf(url), url.host, settings.timeoutSeconds),
  },
  { step: 'tls', remedy: 'Give the certificate authority as caFile.', run: secure },
  {
    step: 'event',
    remedy: "Check url, and that the application verifies signatures by this tenant's published keys.",
    run: sendTestEvent,
  },
];

/** Tests a connection step by step, up to the first that fails; the last one is an event that changes nothing. */
export async function* testEventCallback(
  settings: EventCallbackConnection,
  context: ConnectorContext,
): AsyncGenerator<TestStep, void> {
  const ending = new AbortController();
  let opened: OpenedDelivery | undefined;
  try {
    yield* runSteps(steps, async (): Promise<Probe> => {
      opened = await openDelivery(settings, context, { retries: 0 });
      return { settings, context, url: new URL(settings.url), opened, signal: ending.signal };
    });
  } finally {
    ending.abort();
    await opened?.[Symbol.asyncDispose]();
  }
}

/** Any answer will do here: what it says is for the next step. */
async function secure({ settings, url, opened, signal }: Probe): Promise<string> {
  if (url.protocol === 'http:') return 'not used: whoever is on the way can read what is not encrypted';
  try {
    await opened.client.send({ method: 'HEAD', path: url.pathname, signal });
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === 'ConnectionFailed') throw error;
  }
  return settings.tls?.verify === false ? 'its certificate is not verified' : 'its certificate is trusted';
}

async function sendTestEvent({ opened, context, signal }: Probe): Promise<string> {
  const event = {
    id: eventId(randomUUID()),
    type: testEvent,
    objectId: context.signer?.connectionId ?? '',
    data: {},
  };
  const dead = await opened.delivery.deliver(event, signal);
  if (dead !== undefined) throw new LockstepError(dead.code, dead.message);
  return 'the application took a test event';
}
