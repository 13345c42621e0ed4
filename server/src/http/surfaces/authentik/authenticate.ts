import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../../app/actor.ts';
import { authenticateToken } from '../../../app/authentication.ts';
import type { SurfaceContext } from '../../surface.ts';
import { unauthenticated } from './errors.ts';

/** The credential of a header; undefined when there is none. The scheme's letter case does not count. */
function bearerToken(header: string): string | undefined {
  const space = header.indexOf(' ');
  if (space < 0) return undefined;
  if (header.slice(0, space).toLowerCase() !== 'bearer')
    throw unauthenticated('Unsupported authentication type');
  const token = header.slice(space + 1).trim();
  if (token === '') throw unauthenticated('Malformed header');
  return token;
}

/**
 * The account that a request acts for; on a listener that trusts its callers one without a token acts as the
 * administrator.
 * @throws AuthentikError 403; LockstepError Unauthenticated.
 */
export async function authenticateRequest(context: SurfaceContext, request: FastifyRequest): Promise<Actor> {
  const token = bearerToken(request.headers.authorization ?? '');
  if (token !== undefined) return authenticateToken(context.application, token);
  if (context.defaultActor !== undefined) return context.defaultActor();
  throw unauthenticated('Authentication credentials were not provided.');
}
