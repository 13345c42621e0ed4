import type { ScimServer } from './scim-server.ts';

/** Requests under way at once, as several workers of a provisioning service have. */
const concurrency = 8;

export interface ScimCall {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: unknown;
}

/** What is looked at of an answer; none is empty. */
export interface ScimAnswer {
  readonly id?: string;
  readonly Resources?: readonly unknown[];
}

/** A client of one server. */
export class ScimLoad {
  readonly #server: ScimServer;

  constructor(server: ScimServer) {
    this.#server = server;
  }

  /** @throws Error for an answer that is no success */
  async call({ method, path, body }: ScimCall): Promise<ScimAnswer> {
    const { url, token } = this.#server;
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as ScimAnswer;
  }

  /**
   * Makes calls, several at a time.
   * @param count how many, unless the time is over before
   * @param seconds after which no other call begins
   * @returns calls a second, and their answers
   */
  async run(
    count: number,
    callOf: (at: number) => ScimCall,
    seconds = Infinity,
  ): Promise<{ perSecond: number; answers: ScimAnswer[] }> {
    const answers: ScimAnswer[] = [];
    const started = performance.now();
    const passed = () => (performance.now() - started) / 1000;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count && passed() < seconds) {
        const at = next++;
        answers[at] = await this.call(callOf(at));
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    return { perSecond: next / passed(), answers };
  }
}
