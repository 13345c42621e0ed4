import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { EventCallbackConnection } from '@lockstep/contract/connection-configuration.ts';
import { HttpClient } from '../../http-client/client.ts';
import { waitSeconds, type Wait } from '../../http-client/wait.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ConnectorContext } from '../../sync/connector.ts';
import { Delivery } from './delivery.ts';
import { parseEncryptKey } from './event.ts';

/** A delivery and the client that it uses. */
export interface OpenedDelivery extends AsyncDisposable {
  readonly client: HttpClient;
  readonly delivery: Delivery;
}

/** Reads what the connection needs and opens no connection yet. @throws LockstepError SecretNotFound, InvalidConfiguration */
export async function openDelivery(
  settings: EventCallbackConnection,
  context: ConnectorContext,
  { retries = settings.retries, wait = waitSeconds }: { retries?: number; wait?: Wait } = {},
): Promise<OpenedDelivery> {
  const { signer } = context;
  if (signer === undefined) throw new LockstepError('NotFound', 'the connection is not saved yet');
  const { caFile, tls, timeoutSeconds } = settings;
  const url = new URL(settings.url);
  const encryptKey = await readEncryptKey(settings, context);
  const ca = caFile === undefined ? undefined : await readNamedFile(context, caFile, 'caFile');
  const client = new HttpClient({
    baseUrl: url.origin,
    tls: { ca, verify: tls?.verify ?? true, fingerprints: tls?.fingerprints },
    timeoutSeconds,
    systemName: 'the application',
    maxResponseBytes: 1024 * 1024,
    // The delivery tries again itself: each try is signed anew, and the answer's body counts too.
    retries: 0,
  });
  const delivery = new Delivery({
    client,
    path: url.pathname + url.search,
    signer,
    encryptKey,
    retries,
    wait,
  });
  return { client, delivery, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

async function readEncryptKey(
  { encryptKey, encrypt }: EventCallbackConnection,
  context: ConnectorContext,
): Promise<Uint8Array | undefined> {
  if (encrypt === false) return undefined;
  const sealed = context.secret('encryptKey');
  if (sealed !== undefined) return parseEncryptKey(sealed);
  if (encryptKey === undefined && encrypt === true)
    throw new LockstepError('SecretNotFound', 'events shall be encrypted, and there is no encryptKey', {
      field: 'encryptKey',
      remedy: 'Make one with: openssl rand -hex 32',
    });
  if (encryptKey === undefined) return undefined;
  if (typeof encryptKey === 'string') return parseEncryptKey(encryptKey);
  const text = await readNamedFile(context, encryptKey.file, 'encryptKey');
  return parseEncryptKey(text.toString().trim());
}

async function readNamedFile(context: ConnectorContext, path: string, field: string): Promise<Buffer> {
  try {
    return await readFile(resolve(context.baseDirectory, path));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LockstepError('SecretNotFound', `${field}: cannot read ${path} (${code})`, { field, cause });
  }
}
