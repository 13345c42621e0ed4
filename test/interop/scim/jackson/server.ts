import { createRequire } from 'node:module';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What this test uses of the package: its types are not installed where the rest of the tree is. */
interface Directory {
  readonly id: string;
  readonly scim: { readonly secret: string };
}
interface Answer {
  readonly status: number;
  readonly data?: unknown;
}
interface Jackson {
  readonly directorySyncController: {
    readonly directories: { create(options: object): Promise<{ readonly data: Directory | null }> };
    readonly requests: { handle(request: object): Promise<Answer> };
  };
}
const silent = (): void => undefined;

interface Package {
  readonly controllers: (options: object) => Promise<Jackson>;
}

export interface JacksonServer extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** Requests so far, as `METHOD /path`. */
  readonly requests: string[];
}

/** BoxyHQ's directory sync over HTTP, in memory. @param pageLimit resources of a page at most; its default is 50 */
export async function startJackson(pageLimit = 50): Promise<JacksonServer> {
  const { controllers } = createRequire(import.meta.url)('@boxyhq/saml-jackson') as Package;
  const { directorySyncController: sync } = await controllers({
    externalUrl: 'http://127.0.0.1',
    samlAudience: 'https://lockstep.example',
    samlPath: '/saml',
    scimPath: '/scim',
    db: { engine: 'mem', pageLimit },
    noAnalytics: true,
    logger: { info: silent, warn: silent, error: silent },
  });
  const { data: directory } = await sync.directories.create({
    name: 'test',
    tenant: 'tenant',
    product: 'product',
    type: 'generic-scim-v2',
  });
  if (directory === null) throw new Error('Jackson made no directory');
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(sync.requests.handle.bind(sync.requests), directory, request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/scim/v2`,
    token: directory.scim.secret,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  handle: (request: object) => Promise<Answer>,
  directory: Directory,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '', 'http://127.0.0.1');
  const [resourceType = '', resourceId] = url.pathname.replace('/scim/v2/', '').split('/');
  const number = (name: string): number | undefined =>
    url.searchParams.has(name) ? Number(url.searchParams.get(name)) : undefined;
  const { status, data } = await handle({
    method: request.method ?? 'GET',
    directoryId: directory.id,
    resourceType,
    resourceId: resourceId === undefined ? undefined : decodeURIComponent(resourceId),
    apiSecret: (request.headers.authorization ?? '').replace(/^Bearer /, ''),
    body: await readJson(request),
    query: {
      count: number('count'),
      startIndex: number('startIndex'),
      filter: url.searchParams.get('filter') ?? undefined,
    },
  });
  response.writeHead(status, { 'content-type': 'application/scim+json' });
  response.end(data === undefined ? undefined : JSON.stringify(data));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
}
