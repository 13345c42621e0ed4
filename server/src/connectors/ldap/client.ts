import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { LdapConnection } from '@lockstep/contract/connection-configuration.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ConnectorContext } from '../../sync/connector.ts';
import { resultCodeOf } from './errors.ts';
import { connectLdap, type LdapClient, type LdapClientOptions } from './protocol/client/client.ts';
import type { Filter } from './protocol/filter/filter.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import { resultCodes } from './protocol/messages/result.ts';
import type { SocketError } from './protocol/client/transport.ts';

/** Opens a connection of its own for each use: a search that waits for its reader blocks all else on its connection. */
export type Connect = (signal?: AbortSignal) => Promise<LdapClient>;

export function makeConnect(settings: LdapConnection, context: ConnectorContext): Connect {
  return async (signal) =>
    connectLdap({ ...(await clientOptions(settings, context)), ...(signal && { signal }) });
}

/**
 * How to reach the server and who to be there.
 * @throws LockstepError SecretNotFound, InvalidConfiguration
 */
export async function clientOptions(
  settings: LdapConnection,
  context: ConnectorContext,
): Promise<LdapClientOptions> {
  const bind = await bindOptions(settings, context);
  const tls = await tlsOptions(settings, context);
  return {
    url: settings.url,
    startTls: settings.startTls,
    timeoutMs: settings.timeoutSeconds * 1000,
    connectTimeoutMs: Math.min(settings.timeoutSeconds, 30) * 1000,
    maxMessageBytes: settings.maxMessageBytes,
    maxEntries: settings.maxEntries,
    ...(tls && { tls }),
    ...(bind && { bind }),
  };
}

async function bindOptions(
  settings: LdapConnection,
  context: ConnectorContext,
): Promise<LdapClientOptions['bind']> {
  if (settings.sasl === 'external') return { method: 'external' };
  if (settings.bindDn === undefined || settings.bindDn === '') return undefined;
  const password = await readPassword(settings, context);
  // RFC 4513 section 5.1.2: a name without a password would bind as nobody and seem to succeed.
  if (password !== undefined && password !== '') return { method: 'simple', dn: settings.bindDn, password };
  throw new LockstepError('SecretNotFound', `no password for ${settings.bindDn}`, {
    field: 'password',
    remedy: 'Give the connection a password, or leave out bindDn to connect anonymously.',
  });
}

async function readPassword(
  settings: LdapConnection,
  context: ConnectorContext,
): Promise<string | undefined> {
  const sealed = context.secret('password');
  if (sealed !== undefined || settings.password === undefined) return sealed;
  if (typeof settings.password === 'string') return settings.password;
  const text = await readNamedFile(context, settings.password.file, 'password');
  return text.toString().replace(/\r?\n$/, '');
}

async function tlsOptions(
  settings: LdapConnection,
  context: ConnectorContext,
): Promise<LdapClientOptions['tls']> {
  const { tls } = settings;
  if (tls === undefined) return undefined;
  const [ca, cert, key] = await Promise.all(
    (['caFile', 'certFile', 'keyFile'] as const).map(async (field) => {
      const path = tls[field];
      return path === undefined ? undefined : await readNamedFile(context, path, `tls.${field}`);
    }),
  );
  if (ca && !holdsCertificate(ca)) {
    throw new LockstepError('InvalidConfiguration', `tls.caFile: ${tls.caFile} holds no certificate in PEM`, {
      field: 'tls.caFile',
      remedy:
        'Name a file with the certificates of the authorities to trust, each from BEGIN to END CERTIFICATE.',
    });
  }
  assertPair(cert, key);
  return {
    verify: tls.verify,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(tls.serverName !== undefined && { serverName: tls.serverName }),
    ...(tls.fingerprints !== undefined && { checkFingerprints: tls.fingerprints }),
  };
}

/** OpenSSL takes a file that it can make nothing of for one without authorities, and then trusts nobody. */
function holdsCertificate(pem: Buffer): boolean {
  try {
    return pem.includes('-----BEGIN ') && new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** Looked at before there is a socket, which nobody would close when the handshake cannot even begin. */
function assertPair(cert: Buffer | undefined, key: Buffer | undefined): void {
  if ((cert === undefined) !== (key === undefined)) {
    const field = cert === undefined ? 'tls.certFile' : 'tls.keyFile';
    throw new LockstepError('InvalidConfiguration', `${field} is missing: certificate and key go together`, {
      field,
      remedy: 'Name both; they may stand in one file.',
    });
  }
  try {
    createSecureContext({ ...(cert && { cert }), ...(key && { key }) });
  } catch (cause) {
    const { message, reason = message } = cause as SocketError;
    throw new LockstepError(
      'InvalidConfiguration',
      `tls.certFile and tls.keyFile cannot be used: ${reason}`,
      {
        field: 'tls.keyFile',
        remedy:
          'Name a certificate and the key that belongs to it, both in PEM, the key without a passphrase.',
        cause,
      },
    );
  }
}

async function readNamedFile(context: ConnectorContext, path: string, field: string): Promise<Buffer> {
  try {
    return await readFile(resolve(context.baseDirectory, path));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LockstepError('SecretNotFound', `${field}: cannot read ${path} (${code})`, {
      field,
      remedy:
        'Check that the file is there, seen from where the configuration lies, and that Lockstep may read it.',
      cause,
    });
  }
}

interface OneEntry {
  readonly base: string;
  readonly attributes: readonly string[];
  readonly filter?: Filter | string;
  readonly signal?: AbortSignal;
}

/** The entry at a DN, or undefined when there is none, or none that fits the filter. */
export async function readOne(client: LdapClient, request: OneEntry): Promise<RawSearchEntry | undefined> {
  const { base, attributes, filter = '(objectClass=*)', signal } = request;
  const [entry] = await readAll(client, {
    base,
    scope: 'base',
    attributes,
    filter,
    ...(signal && { signal }),
  });
  return entry;
}

/** All entries of a small search; none when its base does not exist. */
export async function readAll(
  client: LdapClient,
  request: Parameters<LdapClient['search']>[0],
): Promise<RawSearchEntry[]> {
  const entries: RawSearchEntry[] = [];
  for await (const entry of entriesOf(client, request)) entries.push(entry);
  return entries;
}

/** The entries of a search as they come; none when its base does not exist. */
export async function* entriesOf(
  client: LdapClient,
  request: Parameters<LdapClient['search']>[0],
): AsyncGenerator<RawSearchEntry, void, undefined> {
  try {
    for await (const item of client.search(request)) if (item.type === 'entry') yield item.entry;
  } catch (error) {
    if (resultCodeOf(error) !== resultCodes.noSuchObject) throw error;
  }
}
