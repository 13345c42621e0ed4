import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { EntraConnection } from '@lockstep/contract/connection-configuration.ts';
import { BucketPace } from '../../http-client/pace.ts';
import { HttpClient } from '../../http-client/client.ts';
import { LockstepError } from '../../kernel/errors.ts';
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

const steps: readonly {
  readonly step: string;
  readonly remedy: string;
  readonly run: (probe: Probe) => Promise<string>;
}[] = [
  {
    step: 'dns',
    remedy: 'Check cloud, graphUrl and authorityUrl, and the name servers of this machine.',
    run: async ({ urls }) => (await Promise.all(urls.map(resolveName))).join('; '),
  },
  {
    step: 'tcp',
    remedy: 'Check firewalls and proxies between this machine and Microsoft.',
    run: async ({ urls, settings }) =>
      (await Promise.all(urls.map((url) => openPort(url, settings.timeoutSeconds)))).join('; '),
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
export async function* testConnection(
  settings: EntraConnection,
  context: ConnectorContext,
): AsyncGenerator<TestStep, void> {
  for (const { step, remedy, run } of steps) {
    try {
      const { graphUrl, authorityUrl } = resolveAddresses(settings);
      const urls = [authorityUrl, graphUrl].map((url) => new URL(url));
      // oxlint-disable-next-line no-await-in-loop -- the first step that fails is the last
      yield { step, ok: true, detail: await run({ settings, context, urls }) };
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const better = error instanceof LockstepError ? error.remedy : undefined;
      yield { step, ok: false, detail, remedy: better ?? remedy };
      return;
    }
  }
}

function openGraph(settings: EntraConnection, context: ConnectorContext): Promise<GraphClient> {
  // Somebody waits for the verdict.
  return GraphClient.open(settings, context, { pace: new BucketPace(quotas), retries: 1 });
}

async function resolveName({ hostname }: URL): Promise<string> {
  if (isIP(hostname) !== 0) return `${hostname} is an address`;
  const found = await lookup(hostname, { all: true });
  return `${hostname} is ${found.map((entry) => entry.address).join(', ')}`;
}

function openPort(url: URL, timeoutSeconds: number): Promise<string> {
  const port = url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port });
    socket.setTimeout(Math.min(timeoutSeconds, 30) * 1000, () =>
      socket.destroy(new Error(`${url.hostname}:${port} does not answer`)),
    );
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve(`${url.hostname}:${port} takes connections`);
    });
  });
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
