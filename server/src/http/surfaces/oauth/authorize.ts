import type { FastifyReply } from 'fastify';
import { authenticateToken } from '../../../app/authentication.ts';
import type { Application } from '../../../app/application.ts';
import type { Actor } from '../../../app/actor.ts';
import { findClient, type PresentedClient } from '../../../app/oauth/clients.ts';
import { issueCode } from '../../../app/oauth/tokens.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { OauthError } from './oauth-error.ts';
import { renderConsent, renderRefusal } from './pages.ts';
import { readScopes, type Parameters } from './parameters.ts';

/** A client and an address of its own to send the browser to: from here on errors go there. */
interface Return {
  readonly client: PresentedClient;
  readonly redirectUri: string;
  readonly state: string | undefined;
}

interface AuthorizationRequest {
  readonly challenge: string;
  readonly scopes: readonly string[];
}

/** Parameters that the page brings back. */
const kept = [
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
] as const;

/** RFC 6749 section 4.1.2.1: without a known client and address nobody is sent anywhere. */
async function readReturn(app: Application, parameters: Parameters): Promise<Return> {
  const client = await findClient(app, parameters.get('client_id'));
  if (client === undefined) throw new OauthError('invalid_request', 'client_id is not known');
  const redirectUri = parameters.get('redirect_uri');
  if (!client.redirectUris.includes(redirectUri))
    throw new OauthError('invalid_request', 'redirect_uri is not one of the client');
  return { client, redirectUri, state: parameters.find('state') };
}

function readRequest(parameters: Parameters, client: PresentedClient): AuthorizationRequest {
  if (parameters.get('response_type') !== 'code')
    throw new OauthError('unsupported_response_type', 'response_type must be code');
  const challenge = parameters.get('code_challenge');
  if (parameters.find('code_challenge_method') !== 'S256')
    throw new OauthError('invalid_request', 'code_challenge_method must be S256');
  // A SHA-256 in base64url (RFC 7636 section 4.2).
  if (!/^[\w-]{43}$/.test(challenge)) throw new OauthError('invalid_request', 'code_challenge is not valid');
  return { challenge, scopes: readScopes(parameters, client) ?? client.scopes };
}

function returnAddress(to: Return, answer: Readonly<Record<string, string>>): string {
  const url = new URL(to.redirectUri);
  for (const [name, value] of Object.entries(answer)) url.searchParams.append(name, value);
  if (to.state !== undefined) url.searchParams.append('state', to.state);
  return url.toString();
}

/** The page says nothing to other origins, is in nobody's frame, and its form may lead to the client alone. */
async function sendPage(reply: FastifyReply, status: number, page: string, origin: string): Promise<void> {
  await reply
    .code(status)
    .header(
      'content-security-policy',
      `default-src 'none'; style-src 'unsafe-inline'; form-action 'self'${origin}; frame-ancestors 'none'; base-uri 'none'`,
    )
    .header('referrer-policy', 'no-referrer')
    .header('x-frame-options', 'DENY')
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(page);
}

async function sendConsent(
  reply: FastifyReply,
  to: Return,
  request: AuthorizationRequest,
  parameters: Parameters,
  problem?: string,
): Promise<void> {
  const values = kept.flatMap((name): [string, string][] => {
    const value = parameters.find(name);
    return value === undefined ? [] : [[name, value]];
  });
  const page = renderConsent({
    clientName: to.client.name,
    scopes: request.scopes,
    request: Object.fromEntries(values),
    ...(problem === undefined ? {} : { problem }),
  });
  await sendPage(reply, problem === undefined ? 200 : 401, page, ` ${new URL(to.redirectUri).origin}`);
}

async function sendBack(
  reply: FastifyReply,
  to: Return,
  answer: Readonly<Record<string, string>>,
): Promise<void> {
  await reply
    .code(303)
    .header('location', returnAddress(to, answer))
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-store')
    .send();
}

/** Errors that the client may be told go to its address, others to the person. */
async function withReturn(
  app: Application,
  parameters: Parameters,
  reply: FastifyReply,
  work: (to: Return) => Promise<void>,
): Promise<void> {
  let to: Return | undefined;
  try {
    to = await readReturn(app, parameters);
    await work(to);
  } catch (error) {
    if (!(error instanceof OauthError)) throw error;
    if (to === undefined) await sendPage(reply, 400, renderRefusal(error.message), '');
    else await sendBack(reply, to, { error: error.code, error_description: error.message });
  }
}

/** Shows who asks for what (RFC 6749 section 4.1.1). */
export async function showAuthorization(
  app: Application,
  parameters: Parameters,
  reply: FastifyReply,
): Promise<void> {
  await withReturn(app, parameters, reply, async (to) =>
    sendConsent(reply, to, readRequest(parameters, to.client), parameters),
  );
}

async function findPerson(app: Application, token: string | undefined): Promise<Actor | undefined> {
  try {
    return await authenticateToken(app, token?.trim() ?? '');
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'Unauthenticated') return undefined;
    throw error;
  }
}

/** Takes the person's answer and sends the browser back with a code (RFC 6749 section 4.1.2). */
export async function decideAuthorization(
  app: Application,
  parameters: Parameters,
  reply: FastifyReply,
): Promise<void> {
  await withReturn(app, parameters, reply, async (to) => {
    const request = readRequest(parameters, to.client);
    if (parameters.find('decision') !== 'allow') throw new OauthError('access_denied', 'access was denied');
    const person = await findPerson(app, parameters.find('api_token'));
    // A client of one organization gets nothing of another one.
    if (person === undefined || person.tenantId !== to.client.tenantId)
      return sendConsent(reply, to, request, parameters, 'This is no valid API token.');
    const code = await issueCode(app, person, to.client, { ...request, redirectUri: to.redirectUri });
    if (code === undefined) throw new OauthError('access_denied', 'the client or the account was deleted');
    return sendBack(reply, to, { code });
  });
}
