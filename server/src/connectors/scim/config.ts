import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ScimConnection } from '@lockstep/contract/connection-configuration.ts';
import { HttpClient } from '../../http-client/client.ts';
import { OAuthToken } from '../../http-client/oauth-token.ts';
import type { HttpTls } from '../../http-client/transport.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ConnectorContext } from '../../sync/connector.ts';
import { ScimClient } from './client.ts';

const systemName = 'the SCIM service';

/** Tells how long the service asked for rest. */
export type OnThrottled = (seconds: number) => void;

/**
 * A client for the service, with its credentials. The caller disposes of it.
 * @throws LockstepError SecretNotFound
 */
export async function makeScimClient(
  settings: ScimConnection,
  context: ConnectorContext,
  onThrottled?: OnThrottled,
): Promise<ScimClient> {
  const tls = await tlsOf(settings, context);
  const { timeoutSeconds } = settings;
  const token = await makeToken(settings, context, tls);
  const http = new HttpClient({
    baseUrl: settings.url.replace(/\/+$/, ''),
    tls,
    timeoutSeconds,
    systemName,
    onThrottled,
    ...token.options,
  });
  return new ScimClient(http, async () => {
    await Promise.all([http[Symbol.asyncDispose](), token.dispose()]);
  });
}

interface TokenSource {
  readonly options: Pick<ConstructorParameters<typeof HttpClient>[0], 'authorize' | 'forgetAuthorization'>;
  dispose(): Promise<void>;
}

async function makeToken(
  settings: ScimConnection,
  context: ConnectorContext,
  tls: HttpTls,
): Promise<TokenSource> {
  const { oauth, timeoutSeconds } = settings;
  if (oauth === undefined) return fixedToken(await readSecret(context, 'token', settings.token));
  const secret = await readSecret(context, 'oauth.clientSecret', oauth.clientSecret);
  if (secret === undefined)
    throw new LockstepError('SecretNotFound', `no secret for the client ${oauth.clientId}`, {
      field: 'oauth.clientSecret',
      remedy: 'Give the connection oauth.clientSecret.',
    });
  const authorizationServer = 'the authorization server';
  const client = new HttpClient({
    baseUrl: new URL(oauth.tokenUrl).origin,
    tls,
    timeoutSeconds,
    systemName: authorizationServer,
  });
  const token = new OAuthToken({
    client,
    tokenUrl: oauth.tokenUrl,
    clientId: oauth.clientId,
    credential: { kind: 'secret', secret, method: oauth.method },
    scope: oauth.scope,
    systemName: authorizationServer,
  });
  return {
    options: {
      authorize: () => token.authorization(),
      forgetAuthorization: () => token.forget(),
    },
    dispose: () => client[Symbol.asyncDispose](),
  };
}

const nothing = (): Promise<void> => Promise.resolve();

/** Without a token requests go without credentials: some services are protected in other ways. */
function fixedToken(token: string | undefined): TokenSource {
  const dispose = nothing;
  if (token === undefined) return { options: {}, dispose };
  return { options: { authorize: () => Promise.resolve(`Bearer ${token}`) }, dispose };
}

async function tlsOf(settings: ScimConnection, context: ConnectorContext): Promise<HttpTls> {
  const { caFile, tls } = settings;
  const ca = caFile === undefined ? undefined : await readNamedFile(context, caFile, 'caFile');
  return { ca, verify: tls?.verify ?? true, fingerprints: tls?.fingerprints };
}

async function readSecret(
  context: ConnectorContext,
  field: string,
  given: string | { readonly file: string } | undefined,
): Promise<string | undefined> {
  const sealed = context.secret(field);
  if (sealed !== undefined || given === undefined) return sealed;
  if (typeof given === 'string') return given;
  const text = await readNamedFile(context, given.file, field);
  return text.toString().replace(/\r?\n$/, '');
}

async function readNamedFile(context: ConnectorContext, path: string, field: string): Promise<Buffer> {
  try {
    return await readFile(resolve(context.baseDirectory, path));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LockstepError('SecretNotFound', `${field}: cannot read ${path} (${code})`, { field, cause });
  }
}
