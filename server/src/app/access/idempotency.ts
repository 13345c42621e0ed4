import { timingSafeEqual } from 'node:crypto';
import {
  beginIdempotentRequest,
  dropIdempotentRequest,
  findIdempotentRequest,
  keepIdempotentAnswer,
} from '../../store/queries/idempotency.ts';
import type { Actor } from '../actor.ts';
import type { Application } from '../application.ts';

type Answer = Readonly<Record<string, unknown>>;

export interface IdempotentRequest {
  readonly operation: string;
  readonly token: string;
  readonly parametersHash: Uint8Array;
}

export type IdempotentOutcome =
  { readonly state: 'answered'; readonly answer: Answer } | { readonly state: 'atWork' | 'otherParameters' };

/** A request that has not been answered after this long is taken to have died with its process. */
const longestWork = 60_000;

/**
 * Does something once for each token of a tenant's operation: who comes again gets the first answer. What throws is not
 * kept.
 */
export async function runOnce(
  app: Application,
  { tenantId }: Actor,
  request: IdempotentRequest,
  work: () => Promise<Answer>,
): Promise<IdempotentOutcome> {
  const now = app.clock.now();
  const key = { tenantId, operation: request.operation, token: request.token };
  const staleBefore = new Date(now.getTime() - longestWork);
  const begun = await beginIdempotentRequest(app.store.db, {
    ...key,
    parametersHash: request.parametersHash,
    now,
    staleBefore,
  });
  if (!begun) {
    const earlier = await findIdempotentRequest(app.store.db, key);
    if (earlier === undefined) return { state: 'atWork' };
    if (!timingSafeEqual(earlier.parametersHash, request.parametersHash)) return { state: 'otherParameters' };
    return earlier.answer === null ? { state: 'atWork' } : { state: 'answered', answer: earlier.answer };
  }
  try {
    const answer = await work();
    await keepIdempotentAnswer(app.store.db, key, answer);
    return { state: 'answered', answer };
  } catch (error) {
    await dropIdempotentRequest(app.store.db, key);
    throw error;
  }
}
