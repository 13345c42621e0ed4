import type { LdapConnection } from '@lockstep/contract/connection-configuration.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { openPort, resolveHost, runSteps, type ProbeStep } from '../../sync/connection-test.ts';
import type { ConnectorContext, TestStep } from '../../sync/connector.ts';
import { clientOptions, readOne } from './client.ts';
import { resolveShape, type LdapShape } from './config.ts';
import { resultCodeOf } from './errors.ts';
import { parseLdapUrl, renderAddress, type LdapAddress } from './protocol/client/address.ts';
import {
  connectLdap,
  simpleBindRemedy,
  type LdapClient,
  type LdapClientOptions,
} from './protocol/client/client.ts';
import { resultCodes } from './protocol/messages/result.ts';
import { searchFilter } from './request.ts';

interface Probe {
  readonly settings: LdapConnection;
  readonly context: ConnectorContext;
  readonly address: LdapAddress;
}

const steps: readonly ProbeStep<Probe>[] = [
  {
    step: 'dns',
    remedy: 'Check the host name in url, and the name servers of this machine.',
    run: ({ address }) => resolveName(address),
  },
  {
    step: 'tcp',
    remedy: 'Check that the server runs, its port, and firewalls in between.',
    run: ({ address, settings }) => openAddress(address, settings.timeoutSeconds),
  },
  {
    step: 'tls',
    remedy: 'Look into the server, or into what stands between it and Lockstep.',
    run: secure,
  },
  {
    step: 'bind',
    remedy: simpleBindRemedy,
    run: bind,
  },
  {
    step: 'read',
    remedy: 'Check baseDn, and that the bind DN may read beneath it.',
    run: read,
  },
];

/** Tests a connection step by step, up to the first that fails. */
export function testConnection(
  settings: LdapConnection,
  context: ConnectorContext,
): AsyncGenerator<TestStep, void> {
  return runSteps(steps, () => ({ settings, context, address: parseLdapUrl(settings.url).address }));
}

async function resolveName(address: LdapAddress): Promise<string> {
  if (address.scheme === 'ldapi') return `${address.path} is a socket of this machine`;
  return resolveHost(address.host);
}

function openAddress(address: LdapAddress, timeoutSeconds: number): Promise<string> {
  const target =
    address.scheme === 'ldapi' ? { path: address.path } : { host: address.host, port: address.port };
  return openPort(target, renderAddress(address), timeoutSeconds);
}

async function secure({ settings, context, address }: Probe): Promise<string> {
  if (address.scheme === 'ldap' && !settings.startTls) {
    return 'not used: what is read and written, the password too, travels unprotected';
  }
  if (address.scheme === 'ldapi') return 'not needed on a socket of this machine';
  const { bind: _, ...anonymous } = await clientOptions(settings, context);
  await using client = await connectLdap(anonymous);
  const how = address.scheme === 'ldaps' ? 'LDAPS' : 'StartTLS';
  const checked =
    settings.tls?.verify === false ? 'its certificate is not verified' : 'its certificate is trusted';
  return `${how} with ${client.name}; ${checked}`;
}

async function bind({ settings, context }: Probe): Promise<string> {
  const options: LdapClientOptions = await clientOptions(settings, context);
  await using client = await connectLdap(options);
  if (options.bind === undefined) return 'anonymous';
  const who = await client.whoAmI().catch(() => '');
  return `bound as ${who === '' ? (settings.bindDn ?? 'the identity of the connection') : who}`;
}

async function read({ settings, context }: Probe): Promise<string> {
  await using client = await connectLdap(await clientOptions(settings, context));
  const { baseDn } = settings;
  if (baseDn !== '' && (await readOne(client, { base: baseDn, attributes: ['1.1'] })) === undefined) {
    throw new LockstepError('NotFound', `"${baseDn}" does not exist, or may not be read`);
  }
  const shape = resolveShape(settings);
  const { seen, withId } = await sample(client, shape, baseDn);
  if (seen === 0) return `"${baseDn}" is there; no user, group or organizational unit is seen beneath it`;
  const id = shape.externalIdAttribute;
  const ids =
    withId > 0
      ? `they have ${id}`
      : `they have no ${id}, so entries are told apart by DN and a rename shows as a new entry`;
  return `"${baseDn}" is there, with entries beneath it; ${ids}`;
}

const sampleSize = 10;

async function sample(
  client: LdapClient,
  shape: LdapShape,
  base: string,
): Promise<{ seen: number; withId: number }> {
  const search = client.search({
    base,
    scope: 'sub',
    filter: searchFilter(shape, undefined),
    attributes: [shape.externalIdAttribute],
    sizeLimit: sampleSize,
  });
  search.done.catch(() => undefined);
  let seen = 0;
  let withId = 0;
  try {
    for await (const item of search) {
      if (item.type !== 'entry') continue;
      seen += 1;
      if (item.entry.peekBytes(shape.externalIdAttribute) !== undefined) withId += 1;
    }
  } catch (error) {
    // More than were asked for are there.
    if (resultCodeOf(error) !== resultCodes.sizeLimitExceeded) throw error;
  }
  return { seen, withId };
}
