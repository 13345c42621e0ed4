import type { EntraConnection } from '@lockstep/contract/connection-configuration.ts';
import { BucketPace } from '../../http-client/pace.ts';
import { HttpClient } from '../../http-client/client.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { openPort, placeOf, resolveHost, runSteps, type ProbeStep } from '../../sync/connection-test.ts';
import type { ConnectorContext, TestStep } from '../../sync/connector.ts';
import { readAuthorities, resolveAddresses } from './config.ts';
import { GraphClient } from './graph-client.ts';
import { quotas } from './pace.ts';

interface Probe {
  readonly settings: EntraConnection;
  readonly context: ConnectorContext;
  /** Where tokens are given, and where Graph is. */
  readonly urls: readonly URL[];
}

const signalFor = ({ timeoutSeconds }: EntraConnection): AbortSignal =>
  AbortSignal.timeout(timeoutSeconds * 2000);

const steps: readonly ProbeStep<Probe>[] = [
  {
    step: 'dns',
    remedy: 'Check cloud, graphUrl and authorityUrl, and the name servers of this machine.',
    run: async ({ urls }) =>
      (await Promise.all(urls.map(async (url) => resolveHost(placeOf(url).host)))).join('; '),
  },
  {
    step: 'tcp',
    remedy: 'Check firewalls and proxies between this machine and Microsoft.',
    run: async ({ urls, settings }) =>
      (
        await Promise.all(
          urls.map(async (url) => {
            const place = placeOf(url);
            return openPort(place, `${place.host}:${place.port}`, settings.timeoutSeconds);
          }),
        )
      ).join('; '),
  },
  {
    step: 'tls',
    remedy: 'Give the certificate authority of an inspecting proxy as caFile.',
    run: secure,
  },
  {
    step: 'token',
    remedy: 'Check tenantId, clientId and the credential.',
    run: async ({ settings, context }) => {
      await using graph = await openGraph(settings, context);
      await graph.signIn();
      return `signed in as application ${settings.clientId} of ${settings.tenantId}`;
    },
  },
  {
    step: 'read',
    remedy: 'Grant User.Read.All, Group.Read.All and Domain.Read.All as application permissions.',
    run: read,
  },
];

/** Tests a connection step by step, up to the first that fails. */
export function testConnection(
  settings: EntraConnection,
  context: ConnectorContext,
): AsyncGenerator<TestStep, void> {
  return runSteps(steps, () => {
    const { graphUrl, authorityUrl } = resolveAddresses(settings);
    return { settings, context, urls: [authorityUrl, graphUrl].map((url) => new URL(url)) };
  });
}

function openGraph(settings: EntraConnection, context: ConnectorContext): Promise<GraphClient> {
  // Somebody waits for the verdict.
  return GraphClient.open(settings, context, { pace: new BucketPace(quotas), retries: 1 });
}

async function secure({ settings, context, urls }: Probe): Promise<string> {
  if (urls.some(({ protocol }) => protocol === 'http:'))
    return 'not used: what is read and written, the token too, travels unprotected';
  const ca = await readAuthorities(settings, context);
  for (const url of urls) {
    const systemName = url.hostname;
    await using client = new HttpClient({ baseUrl: url.origin, systemName, tls: { ca }, retries: 0 });
    try {
      // oxlint-disable-next-line no-await-in-loop -- the first that fails is the last
      await client.send({ method: 'HEAD', path: '/', signal: signalFor(settings) });
    } catch (error) {
      // Whatever it answers, the certificate has passed.
      if (!(error instanceof LockstepError) || error.code === 'ConnectionFailed') throw error;
    }
  }
  return 'the certificates are trusted';
}

async function read({ settings, context }: Probe): Promise<string> {
  await using graph = await openGraph(settings, context);
  const signal = signalFor(settings);
  const page = async (path: string, what: string): Promise<number> => {
    const { value } = await graph.get(path, what, signal);
    return Array.isArray(value) ? value.length : 0;
  };
  const users = await page('/users?$select=id&$top=1', 'reading users');
  const groups = await page('/groups?$select=id&$top=1', 'reading groups');
  const domains = await page('/domains', 'reading the domains of the tenant');
  return `${users === 0 ? 'no user' : 'users'} and ${groups === 0 ? 'no group' : 'groups'} are seen; domains: ${domains}`;
}
