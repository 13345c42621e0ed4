import type { HttpClient } from '../../http-client/client.ts';
import { backoffSeconds, retryAfterSeconds } from '../../http-client/retry.ts';
import { reach } from '../../http-client/transport.ts';
import type { Wait } from '../../http-client/wait.ts';
import type { ErrorCode } from '../../kernel/errors.ts';
import type { Signer } from '../../sync/connector.ts';
import { readAnswer, readFailure, type Verdict } from './answer.ts';
import { renderRequest, type Event } from './event.ts';

/** An event that could not be delivered. */
export interface DeadLetter {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface DeliveryOptions {
  readonly client: HttpClient;
  /** Path and query of the address, below the client's base. */
  readonly path: string;
  readonly signer: Signer;
  readonly encryptKey: Uint8Array | undefined;
  readonly retries: number;
  readonly wait: Wait;
}

/** So many events in a row that nobody took, each after all its tries: what follows is not tried any more. */
const patience = 20;
/** A longer pause than this is not waited for. */
const longestPause = 60;

/** Tells an application of events, one by one. */
export class Delivery {
  readonly #options: DeliveryOptions;
  #lostInARow = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /**
   * Posts an event until it is taken or there are no more tries. @returns why it is not, or undefined.
   * @throws LockstepError ConnectionFailed where the application as a whole is out of reach; Cancelled.
   */
  async deliver(event: Event, signal: AbortSignal): Promise<DeadLetter | undefined> {
    if (this.#lostInARow >= patience) {
      const message = `not told: the application took none of the ${this.#lostInARow} events before this one`;
      return { code: 'TargetRejected', message };
    }
    const dead = await this.#insist(event, signal);
    this.#lostInARow = dead === undefined ? 0 : this.#lostInARow + 1;
    return dead;
  }

  async #insist(event: Event, signal: AbortSignal): Promise<DeadLetter | undefined> {
    const { retries, wait } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop -- tries follow each other
      const verdict = await this.#post(event, signal);
      if (verdict.taken) return undefined;
      const { again, code, reason } = verdict;
      if (!again || attempt > retries) {
        const tries = attempt === 1 ? 'one try' : `${attempt} tries`;
        return { code, message: `not delivered after ${tries}: ${reason}` };
      }
      const asked = retryAfterSeconds(verdict.retryAfter) ?? 0;
      // oxlint-disable-next-line no-await-in-loop -- tries follow each other
      await wait(Math.max(Math.min(asked, longestPause), backoffSeconds(attempt)), signal);
    }
  }

  async #post(event: Event, signal: AbortSignal): Promise<Verdict> {
    const { client, path, signer, encryptKey } = this.#options;
    const body = await renderRequest(event, signer, encryptKey);
    try {
      const contentType = 'application/json;charset=utf-8';
      const answer = await client.send({ method: 'POST', path, body, contentType, signal });
      return readAnswer(answer, event.id);
    } catch (error) {
      const verdict = readFailure(error, reach((error as Error).cause));
      if (verdict === undefined) throw error;
      return verdict;
    }
  }
}
