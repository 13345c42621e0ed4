import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Application } from '../../../app/application.ts';
import { findClient, isClientSecret, type PresentedClient } from '../../../app/oauth/clients.ts';
import {
  accessTokenLife,
  issueClientTokens,
  redeemCode,
  redeemRefreshToken,
  type IssuedTokens,
} from '../../../app/oauth/tokens.ts';
import { OauthError } from './oauth-error.ts';
import { readScopes, type Parameters } from './parameters.ts';

interface ClientCredentials {
  readonly id: string;
  readonly secret: string | undefined;
}

/** RFC 6749 section 2.3.1: the two parts are form-encoded before they are joined. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    throw new OauthError('invalid_client', 'the Authorization header is not valid');
  }
}

function readCredentials(request: FastifyRequest, parameters: Parameters): ClientCredentials {
  const basic = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (basic === undefined) {
    return { id: parameters.find('client_id') ?? '', secret: parameters.find('client_secret') };
  }
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw new OauthError('invalid_client', 'the Authorization header is not valid');
  const id = decodePart(text.slice(0, colon));
  const named = parameters.find('client_id');
  if (parameters.find('client_secret') !== undefined || (named !== undefined && named !== id))
    throw new OauthError('invalid_request', 'the client is authenticated in two ways');
  return { id, secret: decodePart(text.slice(colon + 1)) };
}

function unknownClient(): OauthError {
  return new OauthError('invalid_client', 'client authentication failed');
}

async function authenticateClient(
  app: Application,
  { id, secret }: ClientCredentials,
): Promise<PresentedClient> {
  const client = id === '' || id.includes('\0') ? undefined : await findClient(app, id);
  const confidential = client !== undefined && client.secretHash !== null;
  const proven = confidential ? secret !== undefined && isClientSecret(client, secret) : secret === undefined;
  if (client === undefined || !proven) throw unknownClient();
  return client;
}

async function redeem(
  app: Application,
  client: PresentedClient,
  parameters: Parameters,
): Promise<IssuedTokens> {
  const tokens = await redeemCode(app, client, {
    code: parameters.get('code'),
    redirectUri: parameters.get('redirect_uri'),
    verifier: parameters.get('code_verifier'),
  });
  if (tokens === undefined) throw new OauthError('invalid_grant', 'the code is not valid');
  return tokens;
}

async function refresh(
  app: Application,
  client: PresentedClient,
  parameters: Parameters,
): Promise<IssuedTokens> {
  const scopes = readScopes(parameters, client);
  const tokens = await redeemRefreshToken(app, client, parameters.get('refresh_token'), scopes);
  if (tokens === 'scope') throw new OauthError('invalid_scope', 'more is asked for than was granted');
  if (tokens === undefined) throw new OauthError('invalid_grant', 'the refresh token is not valid');
  return tokens;
}

async function issueOwn(
  app: Application,
  client: PresentedClient,
  parameters: Parameters,
): Promise<IssuedTokens> {
  if (client.secretHash === null)
    throw new OauthError('unauthorized_client', 'a client without a secret has no access of its own');
  const tokens = await issueClientTokens(app, client, readScopes(parameters, client) ?? client.scopes);
  if (tokens === undefined) throw unknownClient();
  return tokens;
}

const grantTypes = {
  authorization_code: redeem,
  refresh_token: refresh,
  client_credentials: issueOwn,
} as const;

async function issue(
  app: Application,
  request: FastifyRequest,
  parameters: Parameters,
): Promise<IssuedTokens> {
  const type = parameters.get('grant_type');
  const client = await authenticateClient(app, readCredentials(request, parameters));
  if (!Object.hasOwn(grantTypes, type))
    throw new OauthError('unsupported_grant_type', 'grant_type is not one of those that are served');
  return grantTypes[type as keyof typeof grantTypes](app, client, parameters);
}

/** Answers as RFC 6749 section 5.2 says. */
export async function sendOauthError(
  request: FastifyRequest,
  reply: FastifyReply,
  error: OauthError,
): Promise<void> {
  const failedBasic = error.code === 'invalid_client' && request.headers.authorization !== undefined;
  if (failedBasic) void reply.header('www-authenticate', 'Basic realm="lockstep"');
  await reply
    .code(error.code === 'invalid_client' ? 401 : 400)
    .header('cache-control', 'no-store')
    .send({ error: error.code, error_description: error.message });
}

/** Hands out tokens (RFC 6749 sections 4.1.3, 4.4 and 6). */
export async function answerToken(
  app: Application,
  request: FastifyRequest,
  parameters: Parameters,
  reply: FastifyReply,
): Promise<void> {
  const { accessToken, refreshToken, scopes } = await issue(app, request, parameters);
  await reply
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .send({
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: accessTokenLife,
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      scope: scopes.join(' '),
    });
}
