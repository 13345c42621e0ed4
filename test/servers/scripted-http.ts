import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the script sees it. */
export interface SeenRequest {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined when there is none. */
  readonly body: unknown;
}

/** What the script answers. `cutOff` closes the connection in the middle of the text. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; `text` instead is sent as it is. */
  readonly json?: unknown;
  readonly text?: string;
  readonly cutOff?: boolean;
}

export type Script = (request: SeenRequest) => ScriptedAnswer | undefined;

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: SeenRequest[];
}

/** An HTTP server that answers as a function says, 404 where it says nothing. */
export async function startScripted(script: Script): Promise<ScriptedServer> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://127.0.0.1');
      const text = Buffer.concat(chunks).toString();
      const seen: SeenRequest = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
      requests.push(seen);
      const answer = answerOf(script, seen);
      const payload = answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json));
      response.writeHead(answer.status ?? 200, {
        'content-type': 'application/scim+json',
        ...answer.headers,
        ...(answer.cutOff === true ? { 'content-length': String(Buffer.byteLength(payload)) } : {}),
      });
      if (answer.cutOff === true)
        response.write(payload.slice(0, payload.length / 2), () => request.socket.destroy());
      else response.end(payload);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A script that fails answers 500 with its reason, so that the test fails where it asks and not elsewhere. */
function answerOf(script: Script, request: SeenRequest): ScriptedAnswer {
  try {
    return script(request) ?? { status: 404, json: { detail: 'nothing is here' } };
  } catch (error) {
    return { status: 500, json: { detail: `the script failed: ${String(error)}` } };
  }
}
