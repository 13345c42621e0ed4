import type { JsonObject } from './json.ts';
import type { GraphSimulator } from './simulator.ts';

/** An answer as a test looks at it. */
export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonObject;
  /** `value` of a list. */
  readonly value: readonly JsonObject[];
  /** `error.code` and `error.message` of an error. */
  readonly code: string | undefined;
  readonly message: string | undefined;
}

interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
}

/**
 * Sends one request with a token of the simulator's own application; the process must trust the simulator.
 * `path` is below `/v1.0`, or a link as the simulator gave it.
 */
export async function ask(
  simulator: GraphSimulator,
  method: string,
  path: string,
  body?: unknown,
  options: AskOptions = {},
): Promise<Asked> {
  const url = path.startsWith('https:') ? path : `${simulator.graphUrl}/v1.0${path}`;
  const token = options.token ?? simulator.authority.issue({ clientId: simulator.clientId });
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...options.headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = (text.startsWith('{') ? JSON.parse(text) : {}) as JsonObject;
  const error = json['error'] as { code: string; message: string } | undefined;
  return {
    status: response.status,
    headers: response.headers,
    body: json,
    value: (json['value'] ?? []) as JsonObject[],
    code: error?.code,
    message: error?.message,
  };
}

/** Everything of a list or of one delta round, page by page, and the delta link. */
export async function askAll(
  simulator: GraphSimulator,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ pages: readonly (readonly JsonObject[])[]; objects: readonly JsonObject[]; deltaLink: string }> {
  const pages: (readonly JsonObject[])[] = [];
  let link: string | undefined = path;
  let deltaLink = '';
  while (link !== undefined) {
    const { status, body, value, message } = await ask(simulator, 'GET', link, undefined, { headers });
    if (status !== 200) throw new Error(`${status} for ${link}: ${message}`);
    const next = body['@odata.nextLink'] as string | undefined;
    const delta = body['@odata.deltaLink'] as string | undefined;
    if (next !== undefined && delta !== undefined) throw new Error('a page has both links');
    pages.push(value);
    link = next;
    deltaLink = delta ?? '';
  }
  return { pages, objects: pages.flat(), deltaLink };
}
