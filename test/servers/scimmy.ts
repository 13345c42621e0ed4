import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Resources, Schemas, Types } from 'scimmy';
import { SCIMMYRouters } from 'scimmy-routers';

/** What is used of express 5, which comes without types. */
interface ExpressRequest {
  readonly method: string;
  readonly path: string;
  header(name: string): string | undefined;
}
type Application = RequestListener & {
  use(...handlers: unknown[]): void;
};
const express = createRequire(import.meta.url)('express') as () => Application;

type Stored = Record<string, unknown> & { id: string };

export interface ScimmyServer extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly users: Map<string, Stored>;
  readonly groups: Map<string, Stored>;
  /** Requests so far, as `METHOD /path`. */
  readonly requests: string[];
  clear(): void;
  /** Does to values of users what such a service may do before it keeps them. */
  mangle: (user: Record<string, unknown>) => void;
}

interface Handled {
  readonly id?: string;
  readonly filter?: { match(list: readonly object[]): Stored[] };
}

function notFound(id: string): Error {
  return new Types.Error(404, undefined as unknown as string, `Resource ${id} not found`);
}

/** A store behind SCIMMY's handlers; names are unique without regard to case. */
function handlers(
  store: Map<string, Stored>,
  name: 'userName' | 'displayName',
  mangle: (given: Record<string, unknown>) => void,
) {
  return {
    ingress(resource: Handled, data: object): Stored {
      const given = JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
      if (resource.id !== undefined && !store.has(resource.id)) throw notFound(resource.id);
      mangle(given);
      const id = resource.id ?? randomUUID();
      const own = String(given[name]).toLowerCase();
      const isTaken = [...store.values()].some(
        (other) => other.id !== id && String(other[name]).toLowerCase() === own,
      );
      if (isTaken) throw new Types.Error(409, 'uniqueness', `${name} is taken`);
      const stored = { ...given, id };
      store.set(id, stored);
      return stored;
    },
    egress(resource: Handled): Stored | Stored[] {
      if (resource.id === undefined) {
        const all = [...store.values()];
        return resource.filter === undefined ? all : resource.filter.match(all);
      }
      const found = store.get(resource.id);
      if (found === undefined) throw notFound(resource.id);
      return found;
    },
    degress(resource: Handled): void {
      if (!store.delete(resource.id ?? '')) throw notFound(resource.id ?? '');
    },
  };
}

type Handler = (handler: unknown) => unknown;

function declare(type: unknown, of: ReturnType<typeof handlers>): void {
  Resources.declare(type as typeof Resources.User);
  const resource = type as Readonly<Record<'ingress' | 'egress' | 'degress', Handler>>;
  resource.ingress(of.ingress);
  resource.egress(of.egress);
  resource.degress(of.degress);
}

/**
 * scimmy-routers on express, in this process: it serves its schemas, takes PATCH, has no Bulk, and gives pages of 20
 * whatever is asked for. SCIMMY keeps its resources in globals, so one at a time.
 */
export async function startScimmy(): Promise<ScimmyServer> {
  const users = new Map<string, Stored>();
  const groups = new Map<string, Stored>();
  const requests: string[] = [];
  Resources.User.extend(Schemas.EnterpriseUser, false);
  declare(
    Resources.User,
    handlers(users, 'userName', (user) => made.mangle(user)),
  );
  declare(
    Resources.Group,
    handlers(groups, 'displayName', () => undefined),
  );
  const token = randomUUID();
  const app = express();
  app.use((request: ExpressRequest, _: unknown, next: () => void) => {
    requests.push(`${request.method} ${request.path}`);
    next();
  });
  const handler = (request: ExpressRequest): string => {
    if (request.header('authorization') !== `Bearer ${token}`) throw new Error('the token is wrong');
    return 'lockstep';
  };
  app.use('/scim', new SCIMMYRouters({ type: 'bearer', handler }));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const made: ScimmyServer = {
    url: `http://127.0.0.1:${port}/scim`,
    token,
    users,
    groups,
    requests,
    clear() {
      users.clear();
      groups.clear();
      requests.length = 0;
      made.mangle = () => undefined;
    },
    mangle: () => undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return made;
}
