import type { FastifyReply, FastifyRequest } from 'fastify';
import { authenticatePush, type PushedConnection } from '../../../app/scim/authenticate.ts';
import type { Application } from '../../../app/application.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { Throttle } from '../../throttle.ts';

/** RFC 6750 section 2.1; the scheme's letter case does not count (RFC 9110 section 11.1). */
function bearerToken(header: string | undefined): string {
  return /^bearer +([\w.~+/-]+=*) *$/i.exec(header ?? '')?.[1] ?? '';
}

/** Wrong tokens that one address may show in a second; then it is turned away without a look at them. */
const wrongTokensPerSecond = 20;
/** How often the log says that a token ends soon, in milliseconds. */
const warnedEvery = 24 * 60 * 60 * 1000;
const mostWarned = 10_000;

/** Lets requests in: those with a token of the connection, as many a second as the connection takes. */
export class Gate {
  readonly #app: Application;
  readonly #wrong = new Throttle(wrongTokensPerSecond);
  readonly #requests = new Map<number, Throttle>();
  readonly #warned = new Map<string, number>();

  constructor(app: Application) {
    this.#app = app;
  }

  /** @throws LockstepError Unauthenticated, RateLimited. */
  async enter(request: FastifyRequest, reply: FastifyReply): Promise<PushedConnection> {
    const now = this.#app.clock.now().getTime();
    const { connection: name } = request.params as { connection: string };
    const connection = await this.#open(request, reply, name, now);
    this.#limit(reply, connection, now);
    this.#warn(request, reply, connection, now);
    return connection;
  }

  async #open(
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    now: number,
  ): Promise<PushedConnection> {
    try {
      return await authenticatePush(this.#app, name, bearerToken(request.headers.authorization));
    } catch (error) {
      const wrong = error instanceof LockstepError && error.code === 'Unauthenticated';
      if (wrong) turnAway(reply, this.#wrong.take(request.ip, now));
      throw error;
    }
  }

  #limit(reply: FastifyReply, { id, requestsPerSecond }: PushedConnection, now: number): void {
    const throttle = this.#requests.get(requestsPerSecond) ?? new Throttle(requestsPerSecond);
    this.#requests.set(requestsPerSecond, throttle);
    turnAway(reply, throttle.take(id, now));
  }

  /** Tells whoever looks that the token ends soon (RFC 9111 section 5.5 has the code of what lasts). */
  #warn(request: FastifyRequest, reply: FastifyReply, connection: PushedConnection, now: number): void {
    const { expiresSoon, tokenId, name } = connection;
    if (expiresSoon === undefined) return;
    const text = `token ${tokenId} ends at ${expiresSoon.toISOString()}`;
    void reply.header('warning', `299 lockstep "${text}"`);
    if (now - (this.#warned.get(tokenId) ?? -Infinity) < warnedEvery) return;
    if (this.#warned.size >= mostWarned) this.#warned.clear();
    this.#warned.set(tokenId, now);
    request.log.warn({ connection: name, token: tokenId }, `${text}: make a new one for the pushing side`);
  }
}

/** @throws LockstepError RateLimited unless `wait` is 0; `retry-after` says when to come again, in whole seconds. */
function turnAway(reply: FastifyReply, wait: number): void {
  if (wait === 0) return;
  void reply.header('retry-after', String(Math.ceil(wait / 1000)));
  throw new LockstepError('RateLimited', 'Too many requests.');
}
