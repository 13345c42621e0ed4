import type { ScimConnection } from '@lockstep/contract/connection-configuration.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { isJsonObject, readAttribute } from '../../scim/resource.ts';
import { openPort, placeOf, resolveHost, runSteps, type ProbeStep } from '../../sync/connection-test.ts';
import type { ConnectorContext, TestStep } from '../../sync/connector.ts';
import type { ScimClient } from './client.ts';
import { makeScimClient } from './config.ts';
import { discover, type ServiceDescription } from './discovery.ts';
import { answerError } from './errors.ts';
import { profileOf } from './profiles.ts';
import { waysOf } from './writing.ts';

interface Probe {
  readonly settings: ScimConnection;
  readonly url: URL;
  readonly client: ScimClient;
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
    remedy: 'Check that the service runs, its port, and firewalls in between.',
    run: ({ url, settings }) => openPort(placeOf(url), url.host, settings.timeoutSeconds),
  },
  {
    step: 'tls',
    remedy: 'Give the certificate authority as caFile.',
    run: secure,
  },
  {
    step: 'authorization',
    remedy: 'Check token or oauth of the connection; tokens expire.',
    run: authorize,
  },
  {
    step: 'read',
    remedy: 'Check url, and that the credentials may read users and groups.',
    run: read,
  },
];

/** Tests a connection step by step, up to the first that fails. */
export async function* testScimConnection(
  settings: ScimConnection,
  context: ConnectorContext,
): AsyncGenerator<TestStep, void> {
  const ending = new AbortController();
  let client: ScimClient | undefined;
  try {
    yield* runSteps(steps, async (): Promise<Probe> => {
      client = await makeScimClient(settings, context);
      return { settings, url: new URL(settings.url), client, signal: ending.signal };
    });
  } finally {
    ending.abort();
    await client?.[Symbol.asyncDispose]();
  }
}

/** Any answer will do here: what it says is for the next step. */
async function secure({ settings, url, client, signal }: Probe): Promise<string> {
  if (url.protocol === 'http:')
    return 'not used: what is read and written, the token too, travels unprotected';
  await reachable(client, signal);
  return settings.tls?.verify === false ? 'its certificate is not verified' : 'its certificate is trusted';
}

async function reachable(client: ScimClient, signal: AbortSignal): Promise<void> {
  try {
    await client.send({ method: 'GET', path: '/ServiceProviderConfig', signal });
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === 'ConnectionFailed') throw error;
  }
}

async function authorize({ settings, client, signal }: Probe): Promise<string> {
  const service = await discover(client, signal);
  const { status, body } = await client.send({
    method: 'GET',
    path: service.endpoints.user,
    query: { startIndex: 1, count: 1 },
    signal,
  });
  if (status === 403) throw answerError({ status, body });
  const how =
    settings.oauth === undefined ? 'the token' : `a token of ${new URL(settings.oauth.tokenUrl).host}`;
  return `the service takes ${how}; ${describe(service, settings)}`;
}

function describe(service: ServiceDescription, settings: ScimConnection): string {
  const profile = profileOf(settings);
  const ways = waysOf(service, profile);
  const facts = [
    `profile ${profile.name}`,
    `changes by ${ways.user.toUpperCase()}`,
    ways.bulk ? 'Bulk' : undefined,
    service.etag ? 'entity tags' : undefined,
    service.cursor ? 'pages by cursor' : undefined,
    service.shapes.user === undefined ? 'its schemas are not told' : undefined,
  ];
  return facts.filter((fact) => fact !== undefined).join(', ');
}

async function read({ settings, client, signal }: Probe): Promise<string> {
  const service = await discover(client, signal);
  const hasGroups = settings.groups && profileOf(settings).groups && !service.withoutGroups;
  const paths = [service.endpoints.user, ...(hasGroups ? [service.endpoints.group] : [])];
  const seen = await Promise.all(paths.map((path) => total(client, path, signal)));
  return paths.map((path, index) => `${path}: ${seen[index]}`).join(', ');
}

async function total(client: ScimClient, path: string, signal: AbortSignal): Promise<string> {
  const { status, body } = await client.send({
    method: 'GET',
    path,
    query: { startIndex: 1, count: 1 },
    signal,
  });
  if (status !== 200) throw answerError({ status, body });
  const count = isJsonObject(body) ? readAttribute(body, 'totalResults') : undefined;
  if (typeof count !== 'number' && typeof count !== 'string')
    throw new LockstepError('ProtocolError', `${path} gives no list of resources`);
  return `${count} resources`;
}
