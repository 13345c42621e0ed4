import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { Config, Resources, Types } from 'scimmy';
import { SCIMMYRouters } from 'scimmy-routers';
import { startJackson } from '../../test/interop/scim/jackson/server.ts';

/** A server to measure beside, in a process of its own: `node serve-scim-peer.ts jackson|scimmy` prints where it is. */
interface Peer {
  readonly url: string;
  readonly token: string;
}

/** Whole lists are read in one page. */
const mostOnPage = 100_000;

type Stored = Record<string, unknown> & { readonly id: string };
interface Handled {
  readonly id?: string;
  readonly filter?: readonly Readonly<Record<string, unknown>>[] & {
    match(list: readonly object[]): Stored[];
  };
}

/** Resources in memory, found by id and by name, so that it is not the store that is measured. */
class Shelf {
  readonly #byId = new Map<string, Stored>();
  readonly #idOf = new Map<string, string>();
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  put(resource: Handled, data: object): Stored {
    const id = resource.id ?? randomUUID();
    const stored: Stored = { ...(JSON.parse(JSON.stringify(data)) as object), id };
    const name = String(stored[this.#name]).toLowerCase();
    if ((this.#idOf.get(name) ?? id) !== id) throw new Types.Error(409, 'uniqueness', `${name} is taken`);
    this.#byId.set(id, stored);
    this.#idOf.set(name, id);
    return stored;
  }

  get(resource: Handled): Stored | Stored[] {
    const { id, filter } = resource;
    if (id !== undefined) {
      const found = this.#byId.get(id);
      if (found === undefined) throw new Types.Error(404, undefined as unknown as string, 'not found');
      return found;
    }
    const wanted = filter?.[0]?.[this.#name];
    const named = Array.isArray(wanted)
      ? this.#byId.get(this.#idOf.get(String(wanted[1]).toLowerCase()) ?? '')
      : undefined;
    const candidates = named === undefined ? [...this.#byId.values()] : [named];
    return filter === undefined ? candidates : filter.match(candidates);
  }
}

function declare(type: unknown, shelf: Shelf): void {
  Resources.declare(type as typeof Resources.User);
  const resource = type as Readonly<Record<'ingress' | 'egress', (handler: unknown) => unknown>>;
  resource.ingress((one: Handled, data: object) => shelf.put(one, data));
  resource.egress((one: Handled) => shelf.get(one));
}

async function startScimmy(): Promise<Peer> {
  declare(Resources.User, new Shelf('userName'));
  declare(Resources.Group, new Shelf('displayName'));
  const express = createRequire(import.meta.url)('express') as () => RequestListener & {
    use(...handlers: unknown[]): void;
  };
  // The limit of every request, and not of Bulk alone.
  Config.set({ bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 32 * 1024 * 1024 } });
  const token = randomUUID();
  const app = express();
  app.use('/scim', new SCIMMYRouters({ type: 'bearer', handler: () => 'bench' }));
  const server = createServer(app);
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/scim`, token };
}

const { url, token } = process.argv[2] === 'jackson' ? await startJackson(mostOnPage) : await startScimmy();
process.stdout.write(`${JSON.stringify({ url, token })}\n`);
