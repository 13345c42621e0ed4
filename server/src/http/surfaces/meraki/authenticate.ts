import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../../app/actor.ts';
import { authenticateToken } from '../../../app/authentication.ts';
import { findBearer } from '../../../app/oauth/tokens.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { SurfaceContext } from '../../surface.ts';

/** Whom a request acts for, and what its token is good for; an API key is good for all that its account may do. */
export interface Credential {
  readonly actor: Actor;
  readonly scopes: readonly string[] | undefined;
}

/** Either header will do: the first is that of version 1, the second what libraries send. */
function presentedKey(request: FastifyRequest): string {
  const bearer = /^bearer +([\w.~+/-]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const key = request.headers['x-cisco-meraki-api-key'];
  return bearer ?? (typeof key === 'string' ? key.trim() : '');
}

/**
 * Reads the API key or OAuth token of a request. On a listener that trusts its callers one without any acts as the
 * administrator.
 * @throws LockstepError Unauthenticated.
 */
export async function authenticateCall(
  context: SurfaceContext,
  request: FastifyRequest,
): Promise<Credential> {
  const key = presentedKey(request);
  const { application } = context;
  if (key === '') {
    if (context.defaultActor !== undefined) return { actor: await context.defaultActor(), scopes: undefined };
    throw new LockstepError('Unauthenticated', 'Missing API key');
  }
  const bearer = await findBearer(application, key);
  if (bearer !== undefined) return bearer;
  try {
    return { actor: await authenticateToken(application, key), scopes: undefined };
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'Unauthenticated')
      throw new LockstepError('Unauthenticated', 'Incorrect API key', { cause: error });
    throw error;
  }
}
