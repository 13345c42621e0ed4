import type { FastifyRequest } from 'fastify';
import type { Actor, Surface as JobSurface } from '../../../app/actor.ts';
import { authenticateToken } from '../../../app/authentication.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { isStorableText } from '../../json-body.ts';
import type { SurfaceContext } from '../../surface.ts';

/** RFC 6750 section 2.1; the scheme's letter case does not count (RFC 9110 section 11.1). */
function bearerToken(header: string | undefined): string {
  return /^bearer +([\w.~+/-]+=*) *$/i.exec(header ?? '')?.[1] ?? '';
}

/** The tenant that Lockstep's own commands name, by id or name, as a URI component: names may have any letters. */
function tenantOf(request: FastifyRequest): string | undefined {
  const named = request.headers['lockstep-tenant'];
  if (typeof named !== 'string') return undefined;
  try {
    const tenant = decodeURIComponent(named);
    if (isStorableText(tenant)) return tenant;
  } catch {
    // Falls through to the refusal below.
  }
  throw new LockstepError('InvalidRequest', 'the tenant is no URI component', { field: 'lockstep-tenant' });
}

/**
 * The account that a request acts for. On a listener that trusts its callers a request without a credential acts as
 * the administrator; one that is given must be a valid token there too.
 * @throws LockstepError Unauthenticated.
 */
export async function authenticateRequest(context: SurfaceContext, request: FastifyRequest): Promise<Actor> {
  const { authorization } = request.headers;
  if (authorization === undefined && context.defaultActor !== undefined)
    return context.defaultActor(tenantOf(request));
  return authenticateToken(context.application, bearerToken(authorization));
}

/** Lockstep's own clients name themselves, so that a job shows where it was started. */
export function surfaceOf(request: FastifyRequest): JobSurface {
  const client = request.headers['lockstep-client'];
  return client === 'console' || client === 'cli' ? client : 'native';
}
