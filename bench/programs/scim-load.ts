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

  /** Makes `count` calls, several at a time. @returns calls a second, and their answers */
  async run(
    count: number,
    callOf: (at: number) => ScimCall,
  ): Promise<{ perSecond: number; answers: ScimAnswer[] }> {
    const answers: ScimAnswer[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let at = next++; at < count; at = next++) answers[at] = await this.call(callOf(at));
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: concurrency }, worker));
    return { perSecond: (count * 1000) / (performance.now() - started), answers };
  }
}
